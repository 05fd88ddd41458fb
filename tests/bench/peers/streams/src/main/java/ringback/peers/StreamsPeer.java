package ringback.peers;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.Properties;
import java.util.function.BiConsumer;
import java.util.function.Function;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.Serde;
import org.apache.kafka.common.serialization.Serdes;
import org.apache.kafka.streams.KafkaStreams;
import org.apache.kafka.streams.StreamsConfig;
import org.apache.kafka.streams.Topology;
import org.apache.kafka.streams.errors.StreamsUncaughtExceptionHandler.StreamThreadExceptionResponse;
import org.apache.kafka.streams.state.KeyValueBytesStoreSupplier;
import org.apache.kafka.streams.state.RocksDBConfigSetter;
import org.apache.kafka.streams.state.StoreBuilder;
import org.apache.kafka.streams.state.Stores;
import org.rocksdb.BlockBasedTableConfig;
import org.rocksdb.BloomFilter;
import org.rocksdb.LRUCache;
import org.rocksdb.RocksDB;

/** The rules on Kafka Streams: one processor, all stores co-partitioned with the events, which are keyed by tenant. */
public final class StreamsPeer {
    static final String SUBJECTS = "subjects", PARTIES = "parties", TIMERS = "timers", IDS = "ids";

    private static final long MIB = 1 << 20;
    private static final int COMMIT_MS = 100;

    private StreamsPeer() {}

    public static void main(String[] words) throws IOException {
        Options options = new Options(
                words, "bootstrap", "application", "events", "rows", "threads", "state", "settings", "avro", "caching", "ids");
        KafkaStreams streams = new KafkaStreams(topology(options), config(options));
        streams.setUncaughtExceptionHandler(why -> {
            why.printStackTrace();
            return StreamThreadExceptionResponse.SHUTDOWN_CLIENT;
        });
        streams.setStateListener((now, before) -> {
            if (now == KafkaStreams.State.ERROR) Runtime.getRuntime().halt(1);
        });
        Runtime.getRuntime().addShutdownHook(new Thread(streams::close));
        streams.start();
    }

    private static Topology topology(Options options) throws IOException {
        Settings settings = Settings.read(Path.of(options.text("settings")));
        boolean caching = options.is("caching", "on", "off"), generated = options.is("avro", "generated", "generic");
        String ids = options.text("ids"); // record: in the subjects; memory, lookup: in a store of their own
        Topology topology = new Topology();
        topology.addSource("events", new ByteArrayDeserializer(), new ByteArrayDeserializer(), options.text("events"));
        topology.addProcessor("rules", () -> new Rules(settings, generated, !ids.equals("record")), "events");
        topology.addSink("rows", options.text("rows"), new ByteArraySerializer(), new ByteArraySerializer(), "rules");
        store(topology, Stores.persistentKeyValueStore(SUBJECTS), caching, Serdes.String(), serde(Subject::read, Subject::write));
        store(topology, Stores.persistentKeyValueStore(PARTIES), caching, Serdes.String(), serde(Party::read, Party::write));
        store(topology, Stores.inMemoryKeyValueStore(TIMERS), caching, Serdes.String(), Serdes.ByteArray());
        if (ids.equals("memory")) store(topology, Stores.inMemoryKeyValueStore(IDS), caching, Serdes.ByteArray(), Serdes.ByteArray());
        if (ids.equals("lookup")) store(topology, Stores.persistentKeyValueStore(IDS), caching, Serdes.ByteArray(), Serdes.ByteArray());
        return topology;
    }

    private static <K, V> void store(
            Topology topology, KeyValueBytesStoreSupplier supplier, boolean caching, Serde<K> keys, Serde<V> values) {
        var builder = Stores.keyValueStoreBuilder(supplier, keys, values);
        StoreBuilder<?> built = caching ? builder.withCachingEnabled() : builder.withCachingDisabled();
        topology.addStateStore(built, "rules");
    }

    private static <V> Serde<V> serde(Function<Bytes, V> read, BiConsumer<V, Bytes> write) {
        ThreadLocal<Bytes> room = ThreadLocal.withInitial(() -> new Bytes(1024));
        return Serdes.serdeFrom(
                (topic, value) -> {
                    if (value == null) return null;
                    Bytes bytes = room.get().clear();
                    write.accept(value, bytes);
                    return bytes.copy();
                },
                (topic, bytes) -> bytes == null ? null : read.apply(new Bytes(bytes)));
    }

    private static Properties config(Options options) {
        Properties config = new Properties();
        config.put(StreamsConfig.BOOTSTRAP_SERVERS_CONFIG, options.text("bootstrap"));
        config.put(StreamsConfig.APPLICATION_ID_CONFIG, options.text("application"));
        config.put(StreamsConfig.STATE_DIR_CONFIG, options.text("state"));
        config.put(StreamsConfig.NUM_STREAM_THREADS_CONFIG, options.number("threads"));
        config.put(StreamsConfig.PROCESSING_GUARANTEE_CONFIG, StreamsConfig.EXACTLY_ONCE_V2);
        config.put(StreamsConfig.COMMIT_INTERVAL_MS_CONFIG, COMMIT_MS);
        config.put(StreamsConfig.STATESTORE_CACHE_MAX_BYTES_CONFIG, options.text("caching").equals("on") ? 256 * MIB : 0);
        config.put(StreamsConfig.BUFFERED_RECORDS_PER_PARTITION_CONFIG, 20_000);
        config.put(StreamsConfig.ROCKSDB_CONFIG_SETTER_CLASS_CONFIG, Rocks.class);
        config.put(StreamsConfig.REPLICATION_FACTOR_CONFIG, 1);
        config.put(StreamsConfig.mainConsumerPrefix(ConsumerConfig.AUTO_OFFSET_RESET_CONFIG), "earliest");
        config.put(StreamsConfig.mainConsumerPrefix(ConsumerConfig.GROUP_INSTANCE_ID_CONFIG), "peer"); // comes back without a rebalance
        config.put(StreamsConfig.mainConsumerPrefix(ConsumerConfig.MAX_POLL_RECORDS_CONFIG), 10_000);
        config.put(StreamsConfig.consumerPrefix(ConsumerConfig.SESSION_TIMEOUT_MS_CONFIG), 6_000);
        config.put(StreamsConfig.consumerPrefix(ConsumerConfig.HEARTBEAT_INTERVAL_MS_CONFIG), 1_000);
        config.put(StreamsConfig.producerPrefix(ProducerConfig.BATCH_SIZE_CONFIG), 256 * 1024);
        config.put(StreamsConfig.producerPrefix(ProducerConfig.LINGER_MS_CONFIG), 20);
        config.put("enable.metrics.push", false);
        return config;
    }

    /** Larger buffers, one block cache, and Bloom filters: every new call is looked up once in vain. */
    public static final class Rocks implements RocksDBConfigSetter {
        static {
            RocksDB.loadLibrary();
        }

        private static final LRUCache CACHE = new LRUCache(256 * MIB);
        private static final BloomFilter FILTER = new BloomFilter(10);

        @Override
        public void setConfig(String store, org.rocksdb.Options options, Map<String, Object> configs) {
            BlockBasedTableConfig table = (BlockBasedTableConfig) options.tableFormatConfig();
            table.setBlockCache(CACHE);
            table.setFilterPolicy(FILTER);
            options.setTableFormatConfig(table);
            options.setWriteBufferSize(32 * MIB);
            options.setMaxWriteBufferNumber(3);
        }

        @Override
        public void close(String store, org.rocksdb.Options options) {}
    }
}
