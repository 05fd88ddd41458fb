package ringback.peers;

import java.io.IOException;
import java.io.Serializable;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What the tenants have set: given to the peers at their start, as a file, where ringback learns it from events. */
public final class Settings implements Serializable {
    private static final long DAY_MS = 86_400_000;

    /** Of one tenant: shorter calls open no second chance row; negative: the tenant wants none. */
    private final Map<String, Long> leastMs = new HashMap<>();

    /** A line a tenant: its id, a tab, the seconds. Tenants that are not listed have no second chance rows. */
    public static Settings read(Path file) throws IOException {
        Settings settings = new Settings();
        List<String> lines = Files.readAllLines(file);
        for (String line : lines) {
            String[] parts = line.split("\t");
            settings.leastMs.put(parts[0], 1000 * Long.parseLong(parts[1]));
        }
        return settings;
    }

    public boolean wantsSecondChance(String tenant, long callMs) {
        Long least = leastMs.get(tenant);
        return least != null && callMs >= least;
    }

    /** Of all tenants, as ringback has them where nobody set them. */
    public long afterCallWorkMs() {
        return 600_000;
    }

    public long coldMs() {
        return 3 * DAY_MS;
    }
}
