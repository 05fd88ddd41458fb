package ringback.peers.tools;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.apache.avro.generic.GenericRecord;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import ringback.peers.Options;

/**
 * Latency. Sends the events of a file at a steady rate, each as if it happened when it is sent, and measures how long after the end of a
 * call its abandoned row can be read by one who reads what is committed. What the file says before the first call is sent beforehand.
 * Calls that end in the first `warm` seconds do not count. Prints count, p50, p99 and max, ms.
 */
public final class Pace {
    private static final long SECOND = 1_000_000_000;

    /** Key of the row that a call may open: nanoTime when the call's end was sent. */
    private final Map<String, Long> ended = new ConcurrentHashMap<>();
    private final AtomicInteger count = new AtomicInteger();
    private final double[] latencies = new double[1 << 20];
    private final KafkaProducer<byte[], byte[]> producer;
    private final Options options;
    private volatile boolean over;
    private long began, sent, measuresFrom;

    private Pace(Options options) {
        this.options = options;
        producer = Load.producer(options.text("bootstrap"), 0);
    }

    /** Thrown to end the reading of the file. */
    private static final class Enough extends RuntimeException {}

    private void send(Load.Loaded loaded) {
        boolean ofPeers = options.text("sources").isEmpty();
        GenericRecord body = (GenericRecord) loaded.event().get("body");
        String kind = body.getSchema().getName();
        if (ofPeers && loaded.topic().equals("network")) return;
        if (began == 0 && loaded.topic().equals("calls")) began = System.nanoTime() + SECOND; // the others have a second to be taken in
        if (began != 0) await();
        loaded.event().put("occurred_at", System.currentTimeMillis());
        if (measuresFrom != 0 && System.nanoTime() > measuresFrom && kind.equals("CallEnded"))
            ended.putIfAbsent(loaded.tenant() + "/ab-" + body.get("call_id"), System.nanoTime());
        byte[] key = loaded.tenant().getBytes(StandardCharsets.UTF_8);
        String topic = ofPeers ? options.text("events") : options.text("sources") + loaded.topic();
        producer.send(new ProducerRecord<>(topic, loaded.partition(), key, loaded.encode()));
    }

    /** Until the next event is to be sent. */
    private void await() {
        long due = began + sent++ * SECOND / options.number("rate");
        for (long left = due - System.nanoTime(); left > 0; left = due - System.nanoTime()) LockSupport.parkNanos(left);
        if (measuresFrom == 0) measuresFrom = began + options.number("warm") * SECOND;
        if (due > measuresFrom + options.number("seconds") * SECOND) throw new Enough();
    }

    private void listen() {
        try (KafkaConsumer<byte[], byte[]> consumer = Rows.consumer(options.text("bootstrap"))) {
            Rows.assignAll(consumer, options.text("rows"));
            while (!over) {
                for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(100))) {
                    Long from = ended.remove(new String(record.key(), StandardCharsets.UTF_8));
                    if (from != null) latencies[count.getAndIncrement()] = (System.nanoTime() - from) / 1e6;
                }
            }
        }
    }

    public static void main(String[] words) throws IOException, InterruptedException {
        Options options = new Options(words, "bootstrap", "file", "events", "sources", "partitions", "rows", "rate", "warm", "seconds");
        Pace pace = new Pace(options);
        Thread listener = new Thread(pace::listen);
        listener.start();
        try {
            Load.read(options.text("file"), options.number("partitions"), pace::send);
            throw new IOException("the file ended before its time");
        } catch (Enough enough) {
            pace.producer.flush();
        }
        Thread.sleep(5000); // for what is still under way
        pace.over = true;
        listener.join();
        pace.producer.close();
        int count = pace.count.get();
        if (count < 100) throw new IOException("only " + count + " rows came out");
        double[] all = Arrays.copyOf(pace.latencies, count);
        Arrays.sort(all);
        String json = "{\"rows\": %d, \"p50_ms\": %.1f, \"p99_ms\": %.1f, \"max_ms\": %.1f}%n";
        System.out.printf(json, count, all[count / 2], all[count * 99 / 100], all[count - 1]);
    }
}
