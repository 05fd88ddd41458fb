package ringback.peers.tools;

import java.io.BufferedOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.avro.Schema;
import org.apache.avro.SchemaParser;
import org.apache.avro.file.DataFileReader;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.io.DecoderFactory;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import ringback.peers.Options;

/** Prints the rows of a topic, or of a file of `ringback fold`: tenant, row, tab, status, outcome, changed_at, opened_at, attempt. */
public final class Rows {
    private static final List<String> FIELDS =
            List.of("tenant", "follow_up", "tab", "status", "outcome", "changed_at", "opened_at", "attempt");

    private Rows() {}

    public static void main(String[] words) throws IOException {
        Options options = new Options(words, "bootstrap", "topic", "schemas", "name", "file");
        try (PrintStream out = new PrintStream(new BufferedOutputStream(System.out), false, StandardCharsets.UTF_8)) {
            if (options.text("file").isEmpty())
                ofTopic(options, out);
            else
                ofFile(options, out);
        }
    }

    private static void print(GenericRecord row, PrintStream out) {
        for (String field : FIELDS) out.print(row.get(field) + "\t");
        out.println();
    }

    private static void ofFile(Options options, PrintStream out) throws IOException {
        try (DataFileReader<GenericRecord> reader =
                new DataFileReader<>(new File(options.text("file")), new GenericDatumReader<GenericRecord>())) {
            while (reader.hasNext()) print(reader.next(), out);
        }
    }

    static KafkaConsumer<byte[], byte[]> consumer(String bootstrap) {
        Map<String, Object> config = Map.of("bootstrap.servers", bootstrap, "isolation.level", "read_committed", "fetch.max.wait.ms", 5);
        return new KafkaConsumer<>(config, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    static List<TopicPartition> assignAll(KafkaConsumer<byte[], byte[]> consumer, String topic) {
        List<TopicPartition> places =
                consumer.partitionsFor(topic).stream().map(place -> new TopicPartition(topic, place.partition())).toList();
        consumer.assign(places);
        consumer.seekToBeginning(places);
        return places;
    }

    /** The schema of that full name among the .avsc files below a directory, which may name each other; those of before repeat today's names. */
    private static Schema schema(Path directory, String name) throws IOException {
        SchemaParser parser = new SchemaParser();
        try (Stream<Path> files = Files.walk(directory)) {
            for (Path file : files.filter(Rows::isOfToday).toList()) parser.parse(file);
        }
        return parser.getParsedNamedSchemas().stream().filter(schema -> schema.getFullName().equals(name)).findFirst().orElseThrow();
    }

    private static boolean isOfToday(Path path) {
        return path.toString().endsWith(".avsc") && !path.getParent().endsWith("older");
    }

    private static void ofTopic(Options options, PrintStream out) throws IOException {
        GenericDatumReader<GenericRecord> reader = new GenericDatumReader<>(schema(Path.of(options.text("schemas")), options.text("name")));
        try (KafkaConsumer<byte[], byte[]> consumer = consumer(options.text("bootstrap"))) {
            List<TopicPartition> places = assignAll(consumer, options.text("topic"));
            Map<TopicPartition, Long> ends = consumer.endOffsets(places);
            while (places.stream().anyMatch(place -> consumer.position(place) < ends.get(place))) {
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(200))) {
                    byte[] value = record.value(); // framed as a single object: 10 bytes
                    print(reader.read(null, DecoderFactory.get().binaryDecoder(value, 10, value.length - 10, null)), out);
                }
            }
        }
    }
}
