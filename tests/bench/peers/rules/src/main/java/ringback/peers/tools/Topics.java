package ringback.peers.tools;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import ringback.peers.Options;

/** Creates topics (NAME:PARTITIONS, with commas between), or deletes all whose names begin with a prefix. */
public final class Topics {
    private Topics() {}

    public static void main(String[] words) throws Exception {
        Options options = new Options(words, "bootstrap", "create", "delete");
        Properties config = new Properties();
        config.put("bootstrap.servers", options.text("bootstrap"));
        try (Admin admin = Admin.create(config)) {
            if (!options.text("delete").isEmpty()) {
                Set<String> names = admin.listTopics().names().get();
                names.removeIf(name -> !name.startsWith(options.text("delete")));
                admin.deleteTopics(names).all().get();
            }
            List<NewTopic> topics = new ArrayList<>();
            for (String topic : options.text("create").split(",")) {
                String[] parts = topic.split(":");
                if (parts.length == 2)
                    topics.add(new NewTopic(parts[0], Integer.parseInt(parts[1]), (short) 1).configs(Map.of("retention.ms", "-1")));
            }
            admin.createTopics(topics).all().get();
        }
    }
}
