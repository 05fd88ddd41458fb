#include "input.h"

#include <stdlib.h>

#include "../../runtime/generate.h"

#define DAY_MS INT64_C(86400000)
#define PAST_CALLS 5
#define PRESENT_CALLS 8
#define PRESENT_FROM_MS 3000
#define TENANTS 2

static int32_t partition_count;
static struct framing framing;
static bool is_open[LOGS_MAX];

struct feeding {
    struct log_topic *log;
    struct str key, value;
};

static void transaction_ends(void *context) {
    struct log_topic *log = context;
    is_open[log - broker_logs] = false;
    broker_feed_end(log, true);
}

static void feed(void *context) {
    const struct feeding *feeding = context;
    bool *open = &is_open[feeding->log - broker_logs], begins = !*open && sim_chance(30);
    if (begins) sim_at(sim_now() + sim_between(1000, SIM_SECOND), transaction_ends, feeding->log);
    *open |= begins;
    broker_feed(feeding->log, feeding->key, feeding->value, begins);
}

/* An aborted transaction: nobody is to see these. */
static void feed_in_vain(void *context) {
    struct feeding *feeding = context;
    bool *open = &is_open[feeding->log - broker_logs];
    if (*open) return;
    broker_feed(feeding->log, feeding->key, feeding->value, true);
    broker_feed_end(feeding->log, false);
}

static void feed_at(int64_t at, int topic, int32_t partition, struct str key, struct str value) {
    struct feeding *feeding = malloc(sizeof *feeding);
    *feeding = (struct feeding){broker_log_of(topic, partition), key, value};
    if (at > INPUT_ENDS) at = INPUT_ENDS;
    sim_at(at, feed, feeding);
    if (sim_chance(5)) sim_at(at, feed_in_vain, feeding);
}

static struct str encode(const struct event *event) {
    uint8_t *bytes = malloc(FRAMING_BYTES_MAX + 4096);
    size_t frame = framing_write(&framing, bytes), size = codec_write(&shape_event, event, bytes + frame, 4096);
    if (size > 4096) sim_fail("an event of %zu bytes", size);
    return (struct str){realloc(bytes, frame + size), (uint32_t)(frame + size)};
}

static struct str copy(struct str text) {
    char *bytes = malloc(text.len + 1);
    memcpy(bytes, text.ptr, text.len);
    return (struct str){bytes, text.len};
}

static int topic_of(const struct event *event) {
    if (str_equal(event->tenant, STR("*"))) return KAFKA_TOPIC_NETWORK;
    switch (event_subject((enum event_type)event->type)) {
    case SUBJECT_JOB: return KAFKA_TOPIC_JOBS;
    case SUBJECT_COMMAND: return KAFKA_TOPIC_COMMANDS;
    case SUBJECT_DIRECTORY: return KAFKA_TOPIC_DIRECTORY;
    default: return KAFKA_TOPIC_CALLS;
    }
}

/* Mostly at once, now and then out of order, rarely later than is waited for. */
static int64_t delay(void) {
    if (sim_chance(20)) return sim_between(0, 12 * SIM_SECOND);
    return sim_chance(60) ? sim_between(0, 4 * SIM_SECOND) : sim_between(0, SIM_SECOND / 4);
}

static void event_feed(const struct event *event) {
    int topic = topic_of(event);
    int64_t at = (event->occurred_at - SIM_EPOCH_MS) * 1000;
    if (at > INPUT_ENDS) return;
    at = at < 0 ? 0 : at + delay();
    int32_t partition = topic == KAFKA_TOPIC_NETWORK ? 0 : kafka_partition_of(event->tenant, partition_count);
    if (sim_chance(5)) partition = topic == KAFKA_TOPIC_NETWORK ? 0 : (int32_t)sim_between(0, partition_count - 1); /* not where it belongs */
    struct str key = copy(event->tenant), value = encode(event);
    feed_at(at, topic, partition, key, value);
    if (sim_chance(30)) feed_at(at + delay(), topic, partition, key, value);
    if (sim_chance(5)) feed_at(at, topic, partition, key, (struct str){value.ptr, (uint32_t)sim_between(0, value.len)});
}

static void generate(uint64_t seed, int64_t start, int64_t calls, uint32_t calls_per_day) {
    struct generate_options options = {
        .seed = seed, .tenants = TENANTS, .start = start, .days = NONE, .calls = calls, .events = NONE, .calls_per_day = calls_per_day};
    struct generator *generator = generate_open(&options);
    for (const struct event *event; (event = generate_next(generator));)
        if (event->occurred_at < SIM_EPOCH_MS + INPUT_ENDS / 1000)
            event_feed(event);
        else
            break;
    generate_close(generator);
}

/* Calls of a day ago, whose rows go cold while we look, and calls of the present. */
void input_begin(int32_t partitions, uint64_t seed) {
    const char *schema = schema_text("Event");
    partition_count = partitions;
    framing.kind = FRAMING_FINGERPRINT;
    schema_fingerprint(schema, strlen(schema), &framing.schema.fingerprint);
    generate(seed, SIM_EPOCH_MS - DAY_MS - 60000, PAST_CALLS, 8000);
    generate(seed + 1, SIM_EPOCH_MS + PRESENT_FROM_MS, PRESENT_CALLS, 40000);
}
