/* The configuration: what is taken, what is refused and in which words, secrets, and that the pages are made from the table
 * (runtime/config.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../runtime/config.h"
#include "../../runtime/options.h"

#include <cmocka.h> /* last: it has a macro fail() */

#define LEAST "brokers: b1:9092\npartitions: 3\nstate: {dir: /s}\n"

static struct config *accepted(const char *yaml) {
    struct failure failure = {0};
    struct config *config;
    if (config_parse(&config, yaml, strlen(yaml), "f.yaml", &failure) < 0) fail_msg("refused: %s", failure.text);
    return config;
}

static void refused(const char *yaml, const char *why) {
    struct failure failure = {0};
    struct config *config;
    assert_int_equal(config_parse(&config, yaml, strlen(yaml), "f.yaml", &failure), -1);
    assert_int_equal(failure.code, EXIT_CONFIGURATION);
    assert_string_equal(failure.text, why);
}

/* What a function prints; the caller frees. */
static char *printed(void (*print)(FILE *out)) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    print(out);
    fclose(out);
    return text;
}

static char *printed_config(const struct config *config) {
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    config_print(out, config);
    fclose(out);
    return text;
}

static void test_least(void **state) {
    (void)state;
    struct config *config = accepted(LEAST);
    assert_string_equal(config->brokers, "b1:9092");
    assert_string_equal(config->application, "ringback");
    assert_int_equal(config->partitions, 3);
    assert_int_equal(config->workers, 2);
    assert_int_equal(config->standby, STANDBY_ALL);
    assert_int_equal(config->seal_every_ms, 60000);
    assert_int_equal(config->commit.live_ms, 40);
    assert_int_equal(config->commit.records, 50000);
    assert_string_equal(config->topics.names[TOPIC_FOLLOWUP_EVENTS], "followup-events");
    assert_string_equal(config->topics.names[KAFKA_TOPIC_NETWORK], "network");
    assert_string_equal(config->http.bind, "127.0.0.1");
    assert_null(config->registry.url);
    assert_null(config->snapshot.dir);
    assert_int_equal(config->snapshot.every_ms, 6 * 3600000);
    assert_int_equal(config->log.level, LEVEL_INFO);
    assert_int_equal(config->kafka_count, 0);
    config_free(config);
}

static void test_values(void **state) {
    (void)state;
    struct config *config = accepted("brokers: 'a:1, b:2'\npartitions: 12\nstandby: none\nseal_every: 1m\nstate: {dir: /s}\n"
                                     "topics: {prefix: rb., journal: other}\nhttp: {port: 0}\nlog: {level: debug}\n"
                                     "kafka:\n  client.id: x\n  socket.timeout.ms: 4000\n");
    assert_int_equal(config->standby, STANDBY_NONE);
    assert_string_equal(config->topics.names[KAFKA_TOPIC_JOURNAL], "other");
    assert_string_equal(config->topics.names[KAFKA_TOPIC_CALLS], "rb.calls");
    assert_int_equal(config->http.port, 0);
    assert_int_equal(config->log.level, LEVEL_DEBUG);
    assert_int_equal(config->kafka_count, 2);
    assert_string_equal(config->kafka[1].name, "socket.timeout.ms");
    assert_string_equal(config->kafka[1].value, "4000");
    assert_int_equal(config->kafka[1].line, 11);
    config_free(config);
}

static void test_unknown_keys(void **state) {
    (void)state;
    refused(LEAST "partitons: 4\n", "f.yaml, line 4: unknown key partitons. Did you mean partitions?");
    refused(LEAST "commit:\n  live_sm: 4\n", "f.yaml, line 5: unknown key commit.live_sm. Did you mean commit.live_ms?");
    refused(LEAST "url: x\n", "f.yaml, line 4: unknown key url. Did you mean the key url in the section registry?");
    refused(LEAST "http: {colour: red}\n", "f.yaml, line 4: unknown key http.colour. There are: bind, port.");
    refused(LEAST "brokers: c:1\n", "f.yaml, line 4: brokers is given twice: keep one.");
    refused(LEAST "kafka: {client.id: a, client.id: b}\n", "f.yaml, line 4: client.id is given twice: keep one.");
}

static void test_values_refused(void **state) {
    (void)state;
    refused("partitions: 3\nstate: {dir: /s}\n", "f.yaml: the key brokers is missing. Where the Kafka cluster is: HOST:PORT, several with "
                                                 "commas between. For example: localhost:9092.");
    refused("", "f.yaml: the file is empty. `ringback check-config --sample` prints one to begin with.");
    refused("- a\n", "f.yaml, line 1: the file must be a map, lines of \"key: value\".");
    refused("brokers: b:1\npartitions: 0\n", "f.yaml, line 2: partitions must be a whole number from 1 to 1000, not \"0\".");
    refused("brokers: b:1\npartitions: 4x\n", "f.yaml, line 2: partitions must be a whole number from 1 to 1000, not \"4x\".");
    refused("brokers: b:1\npartitions: 99999999999999999999\n",
            "f.yaml, line 2: partitions must be a whole number from 1 to 1000, not \"99999999999999999999\".");
    refused("brokers: b:1\npartitions: [4]\n", "f.yaml, line 2: partitions must be one value, not a list or a map.");
    refused("brokers:\n", "f.yaml, line 1: brokers has no value: give it one, or take the key out.");
    refused(LEAST "commit: 5\n", "f.yaml, line 4: commit must be a map, lines of \"key: value\".");
    refused(LEAST "seal_every: 2h\n", "f.yaml, line 4: seal_every must be a duration from 1s to 1m, such as 45s or 1h30m, not \"2h\".");
    refused(LEAST "standby: al\n", "f.yaml, line 4: standby must be one of all, none, not \"al\". Did you mean all?");
    refused("brokers: b1\npartitions: 3\nstate: {dir: /s}\n", "f.yaml, line 1: brokers: \"b1\" must be HOST:PORT, such as localhost:9092.");
    refused("brokers: http://b1:9\npartitions: 3\nstate: {dir: /s}\n",
            "f.yaml, line 1: brokers: \"http://b1:9\" must be HOST:PORT, without what stands before //.");
    refused(LEAST "topics: {calls: x, jobs: x}\n",
            "f.yaml, line 4: topics.jobs and topics.calls are both \"x\": every topic needs a name of its own.");
    refused(LEAST "topics: {calls: a b}\n",
            "f.yaml, line 4: the topic name \"a b\" must be 1 to 249 letters, digits, dots, underscores and hyphens.");
    refused(LEAST "topics: {replication: 1}\n", "f.yaml: topics.min_insync_replicas is 2, more than topics.replication, 1.");
    refused(LEAST "application: a/b\n", "f.yaml, line 4: application must be 1 to 200 letters, digits, dots, underscores and hyphens.");
    refused(LEAST "registry: {url: ftp://x}\n", "f.yaml, line 4: registry.url must begin with http:// or https://.");
    refused(LEAST "registry: {url: 'http://u:p@x'}\n",
            "f.yaml, line 4: registry.url must hold no user or password: give registry.user and registry.password.");
    refused(LEAST "registry: {user: me}\n", "f.yaml, line 4: registry.user is given, but no registry.url.");
    refused(LEAST "registry: {url: http://x, user: me}\n",
            "f.yaml, line 4: registry.user and registry.password go together: give both or none.");
    refused(LEAST "kafka: {group.id: x}\n", "f.yaml, line 4: kafka.group.id is set by Ringback from `application`: take it out.");
    refused(LEAST "kafka: {enable.idempotence: 'false'}\n", "f.yaml, line 4: kafka.enable.idempotence is set by Ringback: take it out.");
    refused(LEAST "kafka: {allow.auto.create.topics: 'true'}\n",
            "f.yaml, line 4: kafka.allow.auto.create.topics is set by Ringback: take it out.");
}

static void test_not_yaml(void **state) {
    (void)state;
    struct failure failure = {0};
    struct config *config;
    const char *const bad[] = {"a: [1\n", "\tx: 1\n", "a: *b\n", "a: \"x\n", "%YAML 9\n"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        failure = (struct failure){0};
        assert_int_equal(config_parse(&config, bad[i], strlen(bad[i]), "f.yaml", &failure), -1);
        assert_int_equal(failure.code, EXIT_CONFIGURATION);
        assert_non_null(strstr(failure.text, "this is not YAML"));
    }
    /* Aliases are taken as what they stand for; nothing is multiplied by them. */
    config = accepted("brokers: &b b1:9092\npartitions: 3\nstate: {dir: &d /s}\nsnapshot: {dir: *d}\n");
    assert_string_equal(config->snapshot.dir, "/s");
    config_free(config);
}

static void test_environment_and_files(void **state) {
    (void)state;
    char path[] = "/tmp/ringback-test-config-XXXXXX", yaml[400];
    int file = mkstemp(path);
    assert_int_equal(write(file, "from a file\n", 12), 12);
    close(file);
    setenv("RINGBACK_TEST_NAME", "b7", 1);
    setenv("RINGBACK_TEST_FILE", path, 1);
    snprintf(yaml, sizeof yaml,
             "brokers: ${RINGBACK_TEST_NAME}:92\npartitions: 3\nstate: {dir: \"${file:%s}\"}\n"
             "kafka: {client.id: '$${x} ${file:${RINGBACK_TEST_FILE}}'}\n",
             path);
    struct config *config = accepted(yaml);
    assert_string_equal(config->brokers, "b7:92");
    assert_string_equal(config->state.dir, "from a file");
    assert_string_equal(config->kafka[0].value, "${x} from a file");
    config_free(config);
    truncate(path, 0);
    snprintf(yaml, sizeof yaml, "f.yaml, line 1: brokers: %s is empty: put the value into it.", path);
    refused("brokers: ${file:${RINGBACK_TEST_FILE}}\n", yaml);
    unlink(path);
    refused("brokers: ${RINGBACK_TEST_ABSENT}\n",
            "f.yaml, line 1: brokers: the environment variable RINGBACK_TEST_ABSENT is not set: set it, or "
            "write the value another way.");
    refused("brokers: ${file:/no/such}\n", "f.yaml, line 1: brokers: cannot open /no/such: No such file or directory.");
    refused("brokers: ${A\n", "f.yaml, line 1: brokers: a ${ has no }; a plain ${ is written $${.");
    refused("brokers: ${a b}\n",
            "f.yaml, line 1: brokers: ${a b} is no name of an environment variable; a file is ${file:/path}, a plain ${ is "
            "written $${.");
}

/* A secret must come from elsewhere, and is never seen again but by who needs it. */
static void test_secrets(void **state) {
    (void)state;
    refused(LEAST "kafka: {sasl.password: hunter2}\n",
            "f.yaml, line 4: kafka.sasl.password is a secret and must not stand here: write ${NAME} for a variable of the environment, or "
            "${file:/path} for a file.");
    static const char *const secrets[] = {"ssl.key.pem", "sasl.oauthbearer.client.secret", "sasl.oauthbearer.assertion.private.key.pem",
                                          "sasl.oauthbearer.assertion.private.key.passphrase", "sasl.oauthbearer.config"};
    for (size_t n = 0; n < sizeof secrets / sizeof *secrets; n++) {
        char yaml[300], why[300];
        snprintf(yaml, sizeof yaml, LEAST "kafka: {%s: hunter2}\n", secrets[n]);
        snprintf(why, sizeof why,
                 "f.yaml, line 4: kafka.%s is a secret and must not stand here: write ${NAME} for a variable of the environment, or "
                 "${file:/path} for a file.",
                 secrets[n]);
        refused(yaml, why);
    }
    refused(LEAST "registry: {url: http://x, token: hunter2}\n",
            "f.yaml, line 4: registry.token is a secret and must not stand here: write ${NAME} for a variable of the environment, or "
            "${file:/path} for a file.");
    setenv("RINGBACK_TEST_SECRET", "hunter2", 1);
    struct config *config = accepted(LEAST "registry: {url: http://x, token: '${RINGBACK_TEST_SECRET}'}\n"
                                           "kafka: {sasl.password: '${RINGBACK_TEST_SECRET}', x.y: 'a ${RINGBACK_TEST_SECRET}'}\n");
    assert_string_equal(config->registry.token, "hunter2");
    assert_string_equal(config->kafka[0].value, "hunter2");
    char *text = printed_config(config);
    assert_null(strstr(text, "hunter2"));
    assert_non_null(strstr(text, "  token: \"${RINGBACK_TEST_SECRET}\"\n"));
    assert_non_null(strstr(text, "  sasl.password: \"${RINGBACK_TEST_SECRET}\"\n"));
    assert_non_null(strstr(text, "  x.y: \"a ${RINGBACK_TEST_SECRET}\"\n"));
    free(text);
    config_free(config);
    setenv("RINGBACK_TEST_SECRET", "hunter2: [", 1); /* is a value, not more YAML */
    config = accepted(LEAST "kafka: {sasl.password: '${RINGBACK_TEST_SECRET}'}\n");
    assert_string_equal(config->kafka[0].value, "hunter2: [");
    config_free(config);
}

/* What is printed is read again as the same. */
static void test_printed_again(void **state) {
    (void)state;
    struct config *config =
        accepted(LEAST "standby: none\nhttp: {bind: '::1'}\nsnapshot: {every: 90m}\nkafka: {client.id: \"a $${b} \\\"\\x01\\\\ \\xe9\"}\n");
    char *once = printed_config(config), *twice;
    config_free(config);
    config = accepted(once);
    twice = printed_config(config);
    assert_string_equal(once, twice);
    assert_string_equal(config->kafka[0].value, "a ${b} \"\x01\\ \xc3\xa9");
    config_free(config);
    free(once);
    free(twice);
}

static char *file_text(const char *name) {
    char path[500];
    snprintf(path, sizeof path, "%s/%s", RINGBACK_ROOT, name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    static char text[256 * 1024];
    text[fread(text, 1, sizeof text - 1, file)] = 0;
    fclose(file);
    return text;
}

/* deploy/ringback.yaml and docs/configuration.md are what the table makes of itself. Drift: make them again, as the files say. */
static void test_pages(void **state) {
    (void)state;
    char *sample = printed(config_sample), *page = printed(config_page);
    assert_string_equal(file_text("deploy/ringback.yaml"), sample);
    assert_string_equal(file_text("docs/configuration.md"), page);
    free(page);
    struct config *config = accepted(sample);
    assert_string_equal(config->brokers, "localhost:9092");
    config_free(config);
    free(sample);
}

/* The sample shows every key, and each value that it gives where there is none is taken. */
static void test_sample_in_full(void **state) {
    (void)state;
    char *sample = printed(config_sample), *full = strdup(sample);
    size_t to = 0;
    for (const char *line = sample; *line;) {
        const char *end = strchr(line, '\n') + 1;
        const char *from = *line == '#' && line[1] != ' ' ? line + 1 : *line == '#' && strncmp(line, "#  ", 3) == 0 ? line + 1 : line;
        memcpy(full + to, from, (size_t)(end - from));
        to += (size_t)(end - from);
        line = end;
    }
    full[to] = 0;
    char *place = strstr(full, "  token: "); /* not beside a user */
    assert_non_null(place);
    *place = '#';
    for (place = full; (place = strstr(place, "${file:/run/secrets/")) != NULL;) memcpy(place, "${RINGBACK_SECRET}} ", 20);
    setenv("RINGBACK_SECRET", "x", 1);
    for (size_t i = 0; i < config_key_count; i++) {
        const char *dot = strrchr(config_keys[i].name, '.');
        char line[100];
        snprintf(line, sizeof line, "%s:", dot ? dot + 1 : config_keys[i].name);
        assert_non_null(strstr(full, line));
    }
    struct config *config = accepted(full);
    assert_int_equal(config->kafka_count, 5);
    assert_string_equal(config->topics.names[KAFKA_TOPIC_CALLS], "calls");
    config_free(config);
    free(sample);
    free(full);
}

static void test_durations(void **state) {
    (void)state;
    const int64_t each[] = {1, 999, 1000, 1500, 60000, 61000, 90 * 60000, 3600000, 86400000, 30 * 86400000LL};
    for (size_t i = 0; i < sizeof each / sizeof *each; i++) {
        char text[32];
        long long ms;
        config_duration_text(each[i], text);
        assert_true(duration_parse(text, &ms));
        assert_int_equal(ms, each[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_least),          cmocka_unit_test(test_values),        cmocka_unit_test(test_unknown_keys),
        cmocka_unit_test(test_values_refused), cmocka_unit_test(test_not_yaml),      cmocka_unit_test(test_environment_and_files),
        cmocka_unit_test(test_secrets),        cmocka_unit_test(test_printed_again), cmocka_unit_test(test_pages),
        cmocka_unit_test(test_sample_in_full), cmocka_unit_test(test_durations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
