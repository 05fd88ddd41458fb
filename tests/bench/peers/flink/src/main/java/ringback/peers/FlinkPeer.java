package ringback.peers;

import static org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Optional;
import java.util.stream.Stream;
import org.apache.flink.api.common.eventtime.WatermarkStrategy;
import org.apache.flink.api.common.serialization.SerializationSchema;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple2;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.connector.base.DeliveryGuarantee;
import org.apache.flink.connector.kafka.sink.KafkaRecordSerializationSchema;
import org.apache.flink.connector.kafka.sink.KafkaSink;
import org.apache.flink.connector.kafka.sink.TransactionNamingStrategy;
import org.apache.flink.connector.kafka.source.KafkaSource;
import org.apache.flink.connector.kafka.source.enumerator.initializer.OffsetsInitializer;
import org.apache.flink.connector.kafka.source.reader.deserializer.KafkaRecordDeserializationSchema;
import org.apache.flink.streaming.api.environment.StreamExecutionEnvironment;
import org.apache.flink.util.Collector;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/** The rules on Flink, in one process: calls keyed by call, rows keyed by caller, state on the heap. */
public final class FlinkPeer {
    private FlinkPeer() {}

    public static void main(String[] words) throws Exception {
        Options options = new Options(
                words, "bootstrap", "application", "events", "rows", "threads", "state", "settings", "avro", "checkpoint_ms", "watermark_ms");
        boolean generated = options.is("avro", "generated", "generic");
        Settings settings = Settings.read(Path.of(options.text("settings")));
        WatermarkStrategy<Input> inOrder =
                WatermarkStrategy.<Input>forMonotonousTimestamps().withTimestampAssigner((input, before) -> input.at);
        TypeInformation<Tuple2<byte[], byte[]>> keyAndValue = Types.TUPLE(BYTE_PRIMITIVE_ARRAY_TYPE_INFO, BYTE_PRIMITIVE_ARRAY_TYPE_INFO);
        StreamExecutionEnvironment environment =
                StreamExecutionEnvironment.createLocalEnvironment(options.number("threads"), config(options));
        KafkaSource<Input> source =
                KafkaSource.<Input>builder()
                        .setBootstrapServers(options.text("bootstrap"))
                        .setGroupId(options.text("application"))
                        .setTopics(options.text("events"))
                        .setStartingOffsets(OffsetsInitializer.earliest())
                        .setProperty("max.poll.records", "10000")
                        .setDeserializer(new Deserializer(generated))
                        .build();
        KafkaSink<Tuple2<byte[], byte[]>> sink =
                KafkaSink.<Tuple2<byte[], byte[]>>builder()
                        .setBootstrapServers(options.text("bootstrap"))
                        .setDeliveryGuarantee(DeliveryGuarantee.EXACTLY_ONCE)
                        .setTransactionalIdPrefix(options.text("application"))
                        .setTransactionNamingStrategy(TransactionNamingStrategy.POOLING)
                        .setProperty("transaction.timeout.ms", "600000")
                        .setProperty("batch.size", "262144")
                        .setRecordSerializer(
                                KafkaRecordSerializationSchema.<Tuple2<byte[], byte[]>>builder()
                                        .setTopic(options.text("rows"))
                                        .setKeySerializationSchema(new KeyOf())
                                        .setValueSerializationSchema(new ValueOf())
                                        .build())
                        .build();
        environment
                .fromSource(source, inOrder, "events")
                .keyBy(input -> input.subject)
                .process(new SubjectFunction(settings))
                .returns(Codec.typeOfNews())
                .keyBy(news -> news.party)
                .process(new PartyFunction())
                .returns(keyAndValue)
                .sinkTo(sink);
        environment.execute();
    }

    private static Configuration config(Options options) throws IOException {
        Path state = Path.of(options.text("state")).toAbsolutePath();
        Configuration config = new Configuration();
        config.setString("taskmanager.numberOfTaskSlots", options.text("threads"));
        config.setString("taskmanager.memory.managed.size", "1m");
        config.setString("pipeline.object-reuse", "true");
        config.setString("pipeline.auto-watermark-interval", options.text("watermark_ms") + " ms");
        config.setString("execution.buffer-timeout.interval", "5 ms");
        config.setString("state.backend.type", "hashmap");
        config.setString("execution.checkpointing.mode", "EXACTLY_ONCE");
        config.setString("execution.checkpointing.interval", options.text("checkpoint_ms") + " ms");
        config.setString("execution.checkpointing.storage", "filesystem");
        config.setString("execution.checkpointing.dir", state.toUri().toString());
        config.setString("execution.checkpointing.externalized-checkpoint-retention", "RETAIN_ON_CANCELLATION");
        config.setString("restart-strategy.type", "none");
        Optional<Path> newest = newestCheckpoint(state);
        if (newest.isPresent()) config.setString("execution.state-recovery.path", newest.get().toUri().toString());
        return config;
    }

    /** The checkpoint to go on from: a directory is complete when its metadata is there. */
    private static Optional<Path> newestCheckpoint(Path state) throws IOException {
        if (!Files.isDirectory(state)) return Optional.empty();
        try (Stream<Path> files = Files.walk(state, 3)) {
            Comparator<Path> byAge = Comparator.comparingLong(file -> file.toFile().lastModified());
            return files.filter(file -> file.endsWith("_metadata")).max(byAge).map(Path::getParent);
        }
    }

    /** Classes, for lambdas do not show Flink their types. */
    private static final class KeyOf implements SerializationSchema<Tuple2<byte[], byte[]>> {
        @Override
        public byte[] serialize(Tuple2<byte[], byte[]> row) {
            return row.f0;
        }
    }

    private static final class ValueOf implements SerializationSchema<Tuple2<byte[], byte[]>> {
        @Override
        public byte[] serialize(Tuple2<byte[], byte[]> row) {
            return row.f1;
        }
    }

    private static final class Deserializer implements KafkaRecordDeserializationSchema<Input> {
        private final boolean generated;
        private transient EventReader reader;

        Deserializer(boolean generated) {
            this.generated = generated;
        }

        @Override
        public void deserialize(ConsumerRecord<byte[], byte[]> record, Collector<Input> out) {
            if (reader == null) reader = new EventReader(generated);
            Input input = reader.read(record.value());
            if (input != null) out.collect(input);
        }

        @Override
        public TypeInformation<Input> getProducedType() {
            return Codec.typeOfInput();
        }
    }
}
