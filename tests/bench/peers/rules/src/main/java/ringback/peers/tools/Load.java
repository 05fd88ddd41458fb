package ringback.peers.tools;

import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.PrintStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.apache.avro.file.DataFileReader;
import org.apache.avro.file.DataFileWriter;
import org.apache.avro.generic.GenericDatumReader;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.generic.GenericRecord;
import org.apache.avro.generic.IndexedRecord;
import org.apache.avro.io.BinaryEncoder;
import org.apache.avro.io.EncoderFactory;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.utils.Utils;
import ringback.Event;
import ringback.peers.EventReader;
import ringback.peers.Options;

/**
 * Writes a file of `ringback generate` to topics, partitioned by tenant: for the peers into one topic, for ringback into those of its
 * sources. Commands on rows are left out, which the peers do not know: `kept` is the file without them. What tenants have set goes into a
 * file for the peers.
 */
public final class Load {
    static final Set<String> ROW_COMMANDS = Set.of("SetStatus", "AddNote", "Assign", "StartCallback", "Dismiss", "Reopen");
    private static final byte[] FRAMING = EventReader.framing(Event.getClassSchema());
    private static final Set<String> JOBS = Set.of("JobBooked", "JobRescheduled", "JobCompleted", "JobCancelled");
    private static final Set<String> DIRECTORY = Set.of(
            "RoleChanged", "RolesAssigned", "TenantChanged", "NumberChanged", "QueueChanged", "AgentChanged", "CustomerChanged");

    private Load() {}

    /** One event, and where it belongs. */
    record Loaded(String topic, String tenant, int partition, GenericRecord event) {
        /** As a single object. */
        byte[] encode() {
            try {
                ByteArrayOutputStream out = new ByteArrayOutputStream(256);
                out.writeBytes(FRAMING);
                BinaryEncoder encoder = EncoderFactory.get().directBinaryEncoder(out, null);
                new GenericDatumWriter<GenericRecord>(event.getSchema()).write(event, encoder);
                return out.toByteArray();
            } catch (IOException why) {
                throw new UncheckedIOException(why);
            }
        }
    }

    interface Taker {
        void take(Loaded event) throws IOException;
    }

    /** Which of ringback's sources holds such an event. */
    static String source(String tenant, String body) {
        if (tenant.equals("*")) return "network";
        if (JOBS.contains(body)) return "jobs";
        if (DIRECTORY.contains(body)) return "directory";
        return body.equals("ChangeSettings") ? "commands" : "calls";
    }

    /** Every event of the file but commands on rows, in its order. */
    static void read(String file, int partitions, Taker taker) throws IOException {
        try (DataFileReader<GenericRecord> reader = new DataFileReader<>(new File(file), new GenericDatumReader<GenericRecord>())) {
            while (reader.hasNext()) {
                GenericRecord event = reader.next();
                String tenant = event.get("tenant").toString(), body = ((GenericRecord) event.get("body")).getSchema().getName();
                if (ROW_COMMANDS.contains(body)) continue;
                String source = source(tenant, body);
                int hash = Utils.toPositive(Utils.murmur2(tenant.getBytes(StandardCharsets.UTF_8)));
                taker.take(new Loaded(source, tenant, source.equals("network") ? 0 : hash % partitions, event));
            }
        }
    }

    static KafkaProducer<byte[], byte[]> producer(String bootstrap, int lingerMs) {
        Map<String, Object> config = Map.of("bootstrap.servers", bootstrap, "batch.size", 256 * 1024, "linger.ms", lingerMs);
        return new KafkaProducer<>(config, new ByteArraySerializer(), new ByteArraySerializer());
    }

    public static void main(String[] words) throws IOException {
        Options options = new Options(words, "bootstrap", "file", "events", "sources", "partitions", "settings", "kept");
        String events = options.text("events"), sources = options.text("sources");
        Map<String, Long> settings = new TreeMap<>();
        long[] counts = {0, 0, 0};
        try (DataFileWriter<GenericRecord> kept = new DataFileWriter<>(new GenericDatumWriter<GenericRecord>());
                var producer = producer(options.text("bootstrap"), 20)) {
            kept.create(Event.getClassSchema(), Path.of(options.text("kept")).toFile());
            read(options.text("file"), options.number("partitions"), loaded -> {
                byte[] key = loaded.tenant.getBytes(StandardCharsets.UTF_8);
                byte[] value = loaded.encode();
                producer.send(new ProducerRecord<>(sources + loaded.topic, loaded.partition, key, value));
                if (!loaded.topic.equals("network")) producer.send(new ProducerRecord<>(events, loaded.partition, key, value));
                kept.append(loaded.event);
                learn(loaded, settings);
                counts[loaded.topic.equals("network") ? 1 : 0]++;
                counts[2] = (Long) loaded.event.get("occurred_at");
            });
        }
        try (PrintStream out = new PrintStream(Path.of(options.text("settings")).toFile(), StandardCharsets.UTF_8)) {
            settings.forEach((tenant, seconds) -> out.println(tenant + "\t" + seconds));
        }
        System.out.printf("{\"events\": %d, \"network\": %d, \"last_at\": %d}%n", counts[0], counts[1], counts[2]);
    }

    /** Second chance rows and their shortest call, as tenants set them. */
    private static void learn(Loaded loaded, Map<String, Long> settings) {
        IndexedRecord body = (IndexedRecord) loaded.event.get("body");
        if (!body.getSchema().getName().equals("ChangeSettings") || loaded.topic.equals("network")) return;
        Map<String, String> changes = new HashMap<>();
        for (Object item : (List<?>) body.get(1)) {
            IndexedRecord change = (IndexedRecord) item;
            changes.put(change.get(0).toString(), change.get(1).toString());
        }
        boolean enabled = "on".equals(changes.remove("second_chance.enabled"));
        String least = changes.remove("second_chance.min_call_seconds");
        if (!enabled || least == null || !changes.isEmpty()) throw new IllegalStateException("not known to the peers: " + body);
        settings.put(loaded.tenant, Long.parseLong(least));
    }
}
