package ringback.peers.tools;

import java.util.HashMap;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import ringback.peers.Options;

/**
 * Watches what a consumer group has committed: prints "ms since 1970, records" at each change, and ends when it has committed all that its
 * topics hold: with 1 when it has not within so many seconds.
 */
public final class Until {
    private static final int LOOK_MS = 50;

    private Until() {}

    public static void main(String[] words) throws Exception {
        Options options = new Options(words, "bootstrap", "group", "topics", "seconds");
        Properties config = new Properties();
        config.put("bootstrap.servers", options.text("bootstrap"));
        try (Admin admin = Admin.create(config)) {
            Map<TopicPartition, OffsetSpec> ends = new HashMap<>();
            var topics = admin.describeTopics(java.util.List.of(options.text("topics").split(","))).allTopicNames().get();
            topics.forEach((name, topic) ->
                    topic.partitions().forEach(place -> ends.put(new TopicPartition(name, place.partition()), OffsetSpec.latest())));
            long all = admin.listOffsets(ends).all().get().values().stream().mapToLong(end -> end.offset()).sum(), before = -1;
            long deadline = System.currentTimeMillis() + 1000L * options.number("seconds");
            while (before < all) {
                long now = System.currentTimeMillis(), committed = committed(admin, options.text("group"), ends);
                if (committed != before) System.out.println(now + "\t" + committed);
                before = committed;
                if (now > deadline) System.exit(1);
                Thread.sleep(LOOK_MS);
            }
        }
    }

    private static long committed(Admin admin, String group, Map<TopicPartition, ?> places) throws Exception {
        long sum = 0;
        try {
            Map<TopicPartition, OffsetAndMetadata> offsets = admin.listConsumerGroupOffsets(group).partitionsToOffsetAndMetadata().get();
            for (TopicPartition place : places.keySet()) sum += offsets.get(place) == null ? 0 : offsets.get(place).offset();
        } catch (java.util.concurrent.ExecutionException none) { // there is no such group yet
            return 0;
        }
        return sum;
    }
}
