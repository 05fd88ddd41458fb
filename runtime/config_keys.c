/* The one table of keys, and what is made of it for people: the sample file and docs/configuration.md. */
#include <glib.h>
#include <inttypes.h>
#include <stddef.h>

#include "config.h"
#include "help.h"

#define AT(member) offsetof(struct config, member)

#define TOPIC_KEY(key, place)                                                                                                              \
    {                                                                                                                                      \
        .name = "topics." key, .offset = offsetof(struct config, topics.names) + (place) * sizeof(char *), .sample = key,                  \
        .help = "The whole name of this topic, where it is not the prefix and `" key "`."                                                  \
    }

#define REKEY_KEY(key, kind)                                                                                                               \
    {                                                                                                                                      \
        .name = "rekey." key, .offset = offsetof(struct config, rekey) + (kind) * sizeof(char *), .sample = "team." key,                   \
        .help = "A topic that is not keyed by tenant, whose records `ringback rekey` writes into the topic " key ". `ringback run` then "  \
                "asks it for its end, and waits for rekey. Nobody else may write into " key "."                                            \
    }

#define MS_OF_MINUTE 60000LL
#define MS_OF_DAY (24 * 60 * MS_OF_MINUTE)

const struct config_key config_keys[] = {
    {.name = "brokers",
     .offset = AT(brokers),
     .sample = "localhost:9092",
     .required = true,
     .help = "Where the Kafka cluster is: HOST:PORT, several with commas between."},
    {.name = "application",
     .offset = AT(application),
     .initial = "ringback",
     .help = "Names the consumer group, and with a partition's number behind it (ringback.0) its transactional ids. Two services on one "
             "cluster need two names and topics of their own (topics.prefix): under two names on the same topics neither fences the other, "
             "and both write all of it."},
    {.name = "partitions",
     .kind = CONFIG_NUMBER,
     .offset = AT(partitions),
     .least = 1,
     .most = 1000,
     .sample = "4",
     .required = true,
     .help = "How many partitions the journal, the sources (but network) and the outputs have. Fixed for a journal's life."},
    {.name = "workers",
     .kind = CONFIG_NUMBER,
     .offset = AT(workers),
     .least = 1,
     .most = 256,
     .initial = "2",
     .help = "Threads that fold. One partition is folded by one thread at a time; more threads than cores are of no use."},
    {.name = "standby",
     .kind = CONFIG_CHOICE,
     .offset = AT(standby),
     .choices = "all|none",
     .initial = "all",
     .help = "Whether an instance also follows the partitions that it does not write, so that it takes over within seconds; none saves the "
             "work and the disk, and a take-over reads the journal since its last snapshot."},
    {.name = "seal_every",
     .kind = CONFIG_DURATION,
     .offset = AT(seal_every_ms),
     .least = 1000,
     .most = 60000,
     .initial = "60s",
     .help = "A partition without input is sealed so often, and whenever a deadline falls due."},
    {.name = "topics.prefix",
     .offset = AT(topics.prefix),
     .sample = "ringback.",
     .help = "Stands before the name of every topic that is not named below."},
    {.name = "topics.replication",
     .kind = CONFIG_NUMBER,
     .offset = AT(topics.replication),
     .least = 1,
     .most = 15,
     .initial = "3",
     .help = "Replicas of a topic, for `ringback topics create`. 1 where there is one broker only."},
    {.name = "topics.min_insync_replicas",
     .kind = CONFIG_NUMBER,
     .offset = AT(topics.min_insync),
     .least = 1,
     .most = 15,
     .initial = "2",
     .help = "Replicas that must have a record before it counts, for `ringback topics`. At most topics.replication; one less lets a broker "
             "be restarted."},
    TOPIC_KEY("calls", KAFKA_TOPIC_CALLS),
    TOPIC_KEY("jobs", KAFKA_TOPIC_JOBS),
    TOPIC_KEY("commands", KAFKA_TOPIC_COMMANDS),
    TOPIC_KEY("directory", KAFKA_TOPIC_DIRECTORY),
    TOPIC_KEY("network", KAFKA_TOPIC_NETWORK),
    TOPIC_KEY("journal", KAFKA_TOPIC_JOURNAL),
    TOPIC_KEY("rejected", TOPIC_REJECTED),
    TOPIC_KEY("calls-classified", TOPIC_CALLS_CLASSIFIED),
    TOPIC_KEY("followups", TOPIC_FOLLOWUPS),
    TOPIC_KEY("followup-events", TOPIC_FOLLOWUP_EVENTS),
    TOPIC_KEY("notices", TOPIC_NOTICES),
    TOPIC_KEY("command-results", TOPIC_COMMAND_RESULTS),
    REKEY_KEY("calls", SOURCE_CALLS),
    REKEY_KEY("jobs", SOURCE_JOBS),
    REKEY_KEY("commands", SOURCE_COMMANDS),
    REKEY_KEY("directory", SOURCE_DIRECTORY),
    {.name = "commit.live_ms",
     .kind = CONFIG_NUMBER,
     .offset = AT(commit.live_ms),
     .least = 1,
     .most = 5000,
     .initial = "40",
     .help = "So long, in ms, are records gathered before they are committed, half of it at the broker. Less is sooner visible, more is less work."},
    {.name = "commit.records",
     .kind = CONFIG_NUMBER,
     .offset = AT(commit.records),
     .least = 1,
     .most = 50000,
     .initial = "50000",
     .help = "A transaction that is behind is committed with so many records at the latest."},
    {.name = "state.dir",
     .offset = AT(state.dir),
     .sample = "/var/lib/ringback/state",
     .required = true,
     .help = "Directory of the state, a directory a partition in it. On a local disk, never on a network file system, and of this instance "
             "alone. What is lost of it is built again from the journal."},
    {.name = "snapshot.dir",
     .offset = AT(snapshot.dir),
     .sample = "/var/lib/ringback/snapshots",
     .help = "Directory of the snapshots, which shorten a rebuild. On a local disk, never on a network file system; instances on the same "
             "machine may share it. Without it none are taken."},
    {.name = "snapshot.every",
     .kind = CONFIG_DURATION,
     .offset = AT(snapshot.every_ms),
     .least = MS_OF_MINUTE,
     .most = 30 * MS_OF_DAY,
     .initial = "6h",
     .help = "How often a snapshot of each partition is taken."},
    {.name = "snapshot.keep",
     .kind = CONFIG_NUMBER,
     .offset = AT(snapshot.keep),
     .least = 1,
     .most = 100,
     .initial = "2",
     .help = "How many snapshots of a partition are kept."},
    {.name = "registry.url",
     .offset = AT(registry.url),
     .sample = "http://localhost:8081",
     .help =
         "The schema registry: http or https, up to what stands before /subjects (of Apicurio: http://HOST:8080/apis/ccompat/v7). Values "
         "are then framed with its ids; without it they are Avro single objects."},
    {.name = "registry.user",
     .offset = AT(registry.user),
     .sample = "ringback",
     .help = "For HTTP basic authentication, with registry.password."},
    {.name = "registry.password",
     .offset = AT(registry.password),
     .sample = "${file:/run/secrets/registry-password}",
     .secret = true,
     .help = "The password that goes with registry.user."},
    {.name = "registry.token",
     .offset = AT(registry.token),
     .sample = "${REGISTRY_TOKEN}",
     .secret = true,
     .help = "A bearer token, instead of user and password."},
    {.name = "registry.ca_file",
     .offset = AT(registry.ca_file),
     .sample = "/etc/ssl/certs/registry-ca.pem",
     .help = "Certificates that the registry's must be signed by, where they are not the system's."},
    {.name = "registry.timeout",
     .kind = CONFIG_DURATION,
     .offset = AT(registry.timeout_ms),
     .least = 100,
     .most = 60000,
     .initial = "3s",
     .help = "How long one request to the registry may take."},
    {.name = "http.bind",
     .offset = AT(http.bind),
     .initial = "127.0.0.1",
     .help =
         "Address on which /metrics, /livez and /readyz are served. They ask for no password: put what does before them where it is not "
         "loopback."},
    {.name = "http.port",
     .kind = CONFIG_NUMBER,
     .offset = AT(http.port),
     .least = 0,
     .most = 65535,
     .initial = "9464",
     .help = "Its port; 0 serves nothing."},
    {.name = "log.level",
     .kind = CONFIG_CHOICE,
     .offset = AT(log.level),
     .choices = "error|warning|info|debug",
     .initial = "info",
     .help = "Lines of the log up to this level are written, as JSON to standard error."},
    {.name = "kafka",
     .kind = CONFIG_PROPERTIES,
     .offset = AT(kafka),
     .sample = "security.protocol: SASL_SSL\nsasl.mechanism: SCRAM-SHA-512\nsasl.username: ringback\nsasl.password: "
               "${file:/run/secrets/kafka-password}\nssl.ca.location: /etc/ssl/certs/kafka-ca.pem",
     .help = "Any property of librdkafka, by its name, for every connection to Kafka: TLS, SASL, timeouts, buffers. Those on which exactly "
             "once depends are set by Ringback and refused here."},
};
const size_t config_key_count = sizeof config_keys / sizeof *config_keys;

/* ---- the sample file */

#define SAMPLE_WIDTH 110

static const char *last_word(const char *name) {
    const char *dot = strrchr(name, '.');
    return dot ? dot + 1 : name;
}

static size_t section_length(const char *name) {
    const char *dot = strchr(name, '.');
    return dot ? (size_t)(dot - name) : 0;
}

static bool same_section(const struct config_key *a, const struct config_key *b) {
    size_t length = section_length(a->name);
    return length == section_length(b->name) && strncmp(a->name, b->name, length) == 0;
}

/* Whether the sample gives the key a value; others are shown behind a #. */
static bool is_active(const struct config_key *key) { return key->initial || key->required; }

static bool section_is_active(const struct config_key *first) {
    for (const struct config_key *key = first; key < config_keys + config_key_count && same_section(key, first); key++)
        if (is_active(key)) return true;
    return false;
}

void config_duration_text(int64_t ms, char text[32]) {
    static const struct {
        const char *unit;
        int64_t ms;
    } units[] = {{"d", MS_OF_DAY}, {"h", 60 * MS_OF_MINUTE}, {"m", MS_OF_MINUTE}, {"s", 1000}, {"ms", 1}};
    size_t i = 0;
    while (ms % units[i].ms) i++;
    snprintf(text, 32, "%" PRId64 "%s", ms / units[i].ms, units[i].unit);
}

/* "a to b" and the like; the caller frees. */
static char *values_of(const struct config_key *key) {
    if (key->kind == CONFIG_NUMBER) return g_strdup_printf("%" PRId64 " to %" PRId64, key->least, key->most);
    if (key->kind == CONFIG_DURATION) {
        char least[32], most[32];
        config_duration_text(key->least, least);
        config_duration_text(key->most, most);
        return g_strdup_printf("%s to %s", least, most);
    }
    if (key->kind == CONFIG_PROPERTIES) return g_strdup("properties");
    if (key->kind == CONFIG_TEXT) return g_strdup(key->secret ? "secret" : "text");
    g_auto(GStrv) choices = g_strsplit(key->choices, "|", 0);
    return g_strjoinv(", ", choices);
}

static bool is_topic_name(const struct config_key *key) {
    return key->offset >= AT(topics.names) && key->offset < AT(topics.names) + sizeof(((struct config *)0)->topics.names);
}

static void sample_comment(FILE *out, const char *indent, const struct config_key *key) {
    g_autofree char *values = values_of(key);
    g_autofree char *text =
        key->kind == CONFIG_TEXT || key->kind == CONFIG_PROPERTIES ? g_strdup(key->help) : g_strdup_printf("%s (%s)", key->help, values);
    char *wrapped = NULL;
    size_t size;
    FILE *memory = open_memstream(&wrapped, &size);
    help_wrap(memory, text, 0, 0, SAMPLE_WIDTH);
    fclose(memory);
    g_auto(GStrv) lines = g_strsplit(g_strchomp(wrapped), "\n", 0);
    for (char **line = lines; *line; line++) fprintf(out, "%s# %s\n", indent, *line);
    free(wrapped);
}

static void sample_key(FILE *out, const struct config_key *key) {
    const char *indent = section_length(key->name) ? "  " : "";
    if (!is_topic_name(key))
        sample_comment(out, indent, key);
    else if (!is_topic_name(key - 1))
        fputs("  # The whole name of a topic, where it is not the prefix and the name that it has here.\n", out);
    if (key->kind == CONFIG_PROPERTIES) {
        g_auto(GStrv) lines = g_strsplit(key->sample, "\n", 0);
        fprintf(out, "#%s:\n", key->name);
        for (char **line = lines; *line; line++) fprintf(out, "#  %s\n", *line);
        return;
    }
    fprintf(out, "%s%s%s: %s\n", is_active(key) ? "" : "#", indent, last_word(key->name), key->initial ? key->initial : key->sample);
}

void config_sample(FILE *out) {
    fputs("# Configuration of `ringback run` and its companions: made by `ringback check-config --sample`, every key with the value that\n"
          "# holds where it is not given, or behind a # where there is none. docs/configuration.md says the same as a table.\n"
          "# A value may be ${NAME} from the environment or ${file:/path} from a file. A secret must be one of them.\n",
          out);
    for (size_t i = 0; i < config_key_count; i++) {
        const struct config_key *key = &config_keys[i];
        size_t section = section_length(key->name);
        bool begins = i == 0 || !same_section(key, key - 1);
        if (i == 0 || !is_topic_name(key) || !is_topic_name(key - 1)) fputc('\n', out);
        if (section && begins) fprintf(out, "%s%.*s:\n", section_is_active(key) ? "" : "#", (int)section, key->name);
        sample_key(out, key);
    }
}

/* ---- docs/configuration.md */

static void page_row(FILE *out, const struct config_key *key) {
    g_autofree char *values = values_of(key);
    const char *initial = key->initial ? key->initial : key->required ? "required" : "";
    fprintf(out, "| `%s` | %s | %s%s%s | %s |\n", key->name, values, key->initial ? "`" : "", initial, key->initial ? "`" : "", key->help);
}

void config_page(FILE *out) {
    fputs("# Configuration\n\n"
          "`ringback run`, `topics`, `schemas register` and the other commands that talk to Kafka read one YAML file: `-c FILE`, else\n"
          "`" CONFIG_FILE
          "` in the current directory. `ringback check-config` says what is wrong with it, by line and key, and with `--connect`\n"
          "whether brokers and registry can be reached and every right is there; `--sample` prints a file to begin with, which is\n"
          "`deploy/ringback.yaml`; `--print` what holds, secrets left out. This page is made from the program's own table\n"
          "(`ringback check-config --page configuration`).\n\n"
          "## Values from elsewhere\n\n"
          "`${NAME}` stands for a variable of the environment, `${file:/path}` for what is in a file, without the newline at its end;\n"
          "`$${` is a `${` as it stands. They may be a part of a value, and a file's path may name a variable:\n"
          "`${file:${CREDENTIALS_DIRECTORY}/kafka-password}`. What is missing or empty is an error.\n\n"
          "A secret must come so: written out in the file it is refused. Secrets are `registry.password`, `registry.token` and each "
          "property\n"
          "under `kafka` whose name has `password`, `passphrase`, `secret` or `key.pem` in it, and `sasl.oauthbearer.config`. No secret is "
          "ever\n"
          "printed, logged, or taken from the command line; nor is whatever else a property has from elsewhere.\n\n"
          "Durations are written as `500ms`, `45s`, `90m`, `6h`, `3d` or `1h30m`.\n\n"
          "## Keys\n\n"
          "A dot stands for a level: `commit.live_ms` is `live_ms` under `commit`. An unknown key is an error.\n\n"
          "| key | value | where not given | what it is |\n| --- | --- | --- | --- |\n",
          out);
    for (size_t i = 0; i < config_key_count; i++) page_row(out, &config_keys[i]);
    fputs("\n## Properties that Ringback sets\n\nRefused under `kafka`: ", out);
    for (size_t i = 0; i < config_reserved_count; i++) fprintf(out, "%s`%s`", i ? ", " : "", config_reserved[i]);
    fputs(".\n", out);
}
