/* What of Kafka needs no broker: which partition a key belongs to, what may follow what in a partition's life, settings that librdkafka refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "../../runtime/kafka.h"
#include "../../runtime/kafka_states.h"

#include <cmocka.h> /* defines fail() */

/* Hashes as Java's clients have them (Utils.murmur2), from the tests of Apache Kafka and of librdkafka. */
static void test_partition_of_a_key(void **state) {
    static const struct {
        const char *key;
        uint32_t hash;
    } known[] = {
        {"kafka", 0xd067cf64},
        {"giberish123456789", 0x8f552b0c},
        {"1234", 0x9fc97b14},
        {"234", 0xe7c009ca},
        {"34", 0x873930da},
        {"4", 0x5a4b5ca1},
        {"PreAmbleWillBeRemoved,ThePrePartThatIs", 0x78424f1c},
        {"", 0x106e08d9},
    };
    (void)state;
    for (size_t n = 0; n < sizeof known / sizeof *known; n++)
        for (int32_t partitions = 1; partitions < 1000; partitions = 3 * partitions + 1)
            assert_int_equal(kafka_partition_of(str_of(known[n].key), partitions), (known[n].hash & 0x7fffffff) % (uint32_t)partitions);
}

static void test_life_of_a_partition(void **state) {
    (void)state;
    enum partition_state at = PARTITION_READING;
    static const struct {
        enum partition_event event;
        enum partition_state to;
    } life[] = {
        {EVENT_NOTHING, PARTITION_READING}, {EVENT_GIVEN, PARTITION_TAKING},  {EVENT_FAILED, PARTITION_WAITING},
        {EVENT_WAITED, PARTITION_READING},  {EVENT_GIVEN, PARTITION_TAKING},  {EVENT_READY, PARTITION_WRITING},
        {EVENT_RENEW, PARTITION_TAKING},    {EVENT_READY, PARTITION_WRITING}, {EVENT_FENCED, PARTITION_LOST},
        {EVENT_TAKEN, PARTITION_READING},   {EVENT_GIVEN, PARTITION_TAKING},  {EVENT_TAKEN, PARTITION_READING},
        {EVENT_STOPPED, PARTITION_ENDED},
    };
    for (size_t n = 0; n < sizeof life / sizeof *life; n++) {
        at = partition_next(at, life[n].event);
        assert_int_equal(at, life[n].to);
    }
}

static void settings_fail(const char *properties, const char *wanted, const char *unwanted) {
    char yaml[400];
    struct config *config;
    struct failure failure = {0};
    snprintf(yaml, sizeof yaml, "brokers: b:1\npartitions: 1\nstate: {dir: /s}\nkafka: {%s}\n", properties);
    assert_int_equal(config_parse(&config, yaml, strlen(yaml), "f.yaml", &failure), 0);
    assert_int_equal(kafka_settings_check(config, &failure), -1);
    assert_int_equal(failure.code, EXIT_CONFIGURATION);
    if (!strstr(failure.text, wanted)) fail_msg("no \"%s\" in: %s", wanted, failure.text);
    if (unwanted) assert_null(strstr(failure.text, unwanted));
    config_free(config);
}

/* What librdkafka finds only when a handle of one kind is opened; and what it says of a value, which may be a secret. */
static void test_settings(void **state) {
    (void)state;
    settings_fail("max.in.flight: 10", "`max.in.flight` must be set", NULL);
    settings_fail("fetch.max.bytes: 1000, message.max.bytes: 2000", "`fetch.max.bytes` must be", NULL);
    settings_fail("session.timeout.ms: 10000, max.poll.interval.ms: 9000", "`max.poll.interval.ms`", NULL);
    settings_fail("socket.timeout.ms: soon", "f.yaml, line 4: kafka.socket.timeout.ms: ", NULL);
    setenv("RINGBACK_TEST_SECRET", "hunter2", 1);
    settings_fail("socket.timeout.ms: '${RINGBACK_TEST_SECRET}'", "f.yaml, line 4: kafka.socket.timeout.ms: librdkafka does not take this value.",
                  "hunter2");
    settings_fail("no.such: '${RINGBACK_TEST_SECRET}'", "f.yaml, line 4: kafka.no.such: No such configuration property", "hunter2");
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_partition_of_a_key), cmocka_unit_test(test_life_of_a_partition),
                                       cmocka_unit_test(test_settings)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
