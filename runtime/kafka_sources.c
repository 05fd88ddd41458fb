#include "kafka_sources.h"

#include <inttypes.h>
#include <stdlib.h>

#include "clocks.h"

#define HOLD_MS 5000 /* so old may be what is known of the end of a source that is re-keyed */

void live_places(const struct config *config, int32_t partition, struct kafka_offset places[KAFKA_SOURCES]) {
    for (int n = 0; n < KAFKA_SOURCES; n++) {
        bool network = n + 1 == SOURCE_NETWORK;
        places[n] = (struct kafka_offset){config->topics.names[KAFKA_TOPIC_CALLS + n], network ? 0 : partition, RD_KAFKA_OFFSET_INVALID};
    }
}

static int source_rekeyed(struct live_source *source, const struct config *config, struct failure *failure) {
    const char *origin = config->rekey[source->kind];
    if (origin) source->rekeyed = rekey_clock_make(origin);
    return origin && !source->rekeyed ? fail_memory(failure) : 0;
}

int live_open(struct live_sources *live, const struct live_options *options, const int64_t next[KAFKA_SOURCES], struct failure *failure) {
    struct kafka_offset places[KAFKA_SOURCES];
    live_places(options->config, options->partition, places);
    live->config = options->config;
    live->registry = options->registry;
    live->partition = options->partition;
    live->failure = failure;
    live->asked_at = NONE;
    for (int n = 0; n < KAFKA_SOURCES; n++) {
        struct live_source *source = &live->sources[n];
        source->kind = (enum source_kind)(n + 1);
        if (source_rekeyed(source, options->config, failure) == 0 &&
            tail_open(&source->tail, options->reader, places[n].topic, places[n].partition, next[n], options->bell, failure) == 0)
            continue;
        live_close(live);
        return -1;
    }
    return 0;
}

static void head_drop(struct live_source *source) {
    if (source->message) rd_kafka_message_destroy(source->message);
    source->message = NULL;
}

void live_close(struct live_sources *live) {
    for (int n = 0; n < KAFKA_SOURCES; n++) {
        struct live_source *source = &live->sources[n];
        head_drop(source);
        tail_close(&source->tail);
        free(source->input.encoded);
        free(source->rekeyed);
    }
    memset(live, 0, sizeof *live);
}

/* ---- what a record says ---- */

static const char *topic_name(const struct live_sources *live, const struct live_source *source) {
    return live->config->topics.names[kafka_topic_of_source(source->kind)];
}

static bool belongs(enum source_kind kind, const struct event *event) {
    enum event_subject subject = event_subject((enum event_type)event->type);
    switch (kind) {
    case SOURCE_CALLS: return subject == SUBJECT_CALL || subject == SUBJECT_AGENT;
    case SOURCE_JOBS: return subject == SUBJECT_JOB;
    case SOURCE_COMMANDS: return subject == SUBJECT_COMMAND;
    case SOURCE_DIRECTORY: return subject == SUBJECT_DIRECTORY;
    default: return subject == SUBJECT_COMMAND || subject == SUBJECT_DIRECTORY;
    }
}

/* 0; 1: it was made a bad record. Rights are given by topic, and a tenant lives in one partition. */
static int check_place(const struct live_sources *live, struct live_source *source, const uint8_t *bytes, size_t size) {
    const struct event *event = &source->input.record.body.event;
    bool all = str_equal(event->tenant, STR("*"));
    int32_t partitions = (int32_t)live->config->partitions;
    if (!belongs(source->kind, event))
        return input_bad(&source->input, REJECT_INVALID, bytes, size, "%s does not belong into the topic %s",
                         event_type_text((enum event_type)event->type), topic_name(live, source));
    if (all != (source->kind == SOURCE_NETWORK))
        return input_bad(&source->input, REJECT_INVALID, bytes, size, "tenant: what is for * belongs into the topic %s, and nothing else does",
                         live->config->topics.names[KAFKA_TOPIC_NETWORK]);
    int32_t home = all ? live->partition : kafka_partition_of(event->tenant, partitions);
    if (home == live->partition) return 0;
    return input_bad(&source->input, REJECT_INVALID, bytes, size,
                     "tenant: %.*s belongs into partition %" PRId32 " of %" PRId32 ". Key the topic by tenant, with murmur2",
                     (int)event->tenant.len, event->tenant.ptr, home, partitions);
}

static int event_take(const struct live_sources *live, struct live_source *source, const uint8_t *bytes, size_t size, struct str datum) {
    struct input *input = &source->input;
    struct event *event = &input->record.body.event;
    struct refusal why;
    int64_t taken = codec_read(source->schema.plan, (const uint8_t *)datum.ptr, datum.len, event, &input->scratch, &why);
    if (taken < 0) return input_bad(input, why.reason, bytes, size, "%s", why.detail);
    if (taken < (int64_t)datum.len)
        return input_bad(input, REJECT_MALFORMED, bytes, size, "%" PRId64 " bytes behind the record", (int64_t)datum.len - taken);
    const char *invalid = event_check_read(event, &input->scratch);
    if (invalid) return input_bad(input, REJECT_INVALID, bytes, size, "%s", invalid);
    if (check_place(live, source, bytes, size)) return 1;
    input->record.type = JOURNAL_EVENT;
    input->time = event->occurred_at;
    if (!plan_is_identity(source->schema.plan)) return input_event_recoded(input, bytes, size, live->failure);
    input->event_bytes = datum;
    return 1;
}

/* Makes a journal record of the message held. 1; 0: its schema is not known yet; -1: no memory. */
static int head_decode(const struct live_sources *live, struct live_source *source) {
    const rd_kafka_message_t *message = source->message;
    struct input *input = &source->input;
    const uint8_t *bytes = message->payload;
    struct str datum;
    struct refusal why;
    input->record = (struct journal_record){.source = (int32_t)source->kind, .offset = message->offset};
    switch (value_read(&source->schema, live->registry, message, &datum, &why)) {
    case REGISTRY_WAIT: return 0;
    case REGISTRY_KNOWN: return event_take(live, source, bytes, message->len, datum);
    case REGISTRY_REFUSED: break;
    }
    return input_bad(input, why.reason, bytes ? bytes : (const uint8_t *)"", message->len, "%s", why.detail);
}

/* ---- the merge ---- */

void live_took(struct live_source *source) { head_drop(source); }

/* 1: it has a head; 0: it has none; -1. */
static int head_fill(const struct live_sources *live, struct live_source *source) {
    while (!source->message) {
        bool rings = atomic_load_explicit(&source->tail.rang, memory_order_relaxed);
        int found = tail_next(&source->tail, &source->message, live->failure);
        if (found == 0 && (rings || !source->at_end)) source->at_end = tail_is_at_end(&source->tail);
        if (found <= 0) return found;
        source->undecided = true;
        if (source->rekeyed && rekey_clock_hear(source->rekeyed, source->message)) live_took(source); /* it is not journalled */
    }
    if (!source->undecided) return 1;
    int decoded = head_decode(live, source);
    if (decoded > 0 && source->input.record.type == JOURNAL_BAD) came_with(&source->input.record.body.bad, source->message, source->headers);
    source->undecided = decoded == 0;
    return decoded;
}

/* At one and the same time names and rights come first, and commands, which need them, last. */
static const enum source_kind merge_order[KAFKA_SOURCES] = {SOURCE_NETWORK, SOURCE_DIRECTORY, SOURCE_CALLS, SOURCE_JOBS, SOURCE_COMMANDS};

/* True where a source that is re-keyed may still get what belongs before the head: rekey is behind. What lies in the future is not waited
 * for longer than until now. */
static bool is_held(const struct live_sources *live, const struct live_source *head) {
    for (int n = 0; n < KAFKA_SOURCES; n++) {
        const struct live_source *source = &live->sources[n];
        if (!source->rekeyed || source->message || head->input.time <= source->rekeyed->ended_as_of + HOLD_MS) continue;
        if (wall_ms() - live->ahead_ms > source->rekeyed->ended_as_of + HOLD_MS) return true;
    }
    return false;
}

int live_next(struct live_sources *live, struct live_source **out) {
    struct live_source *first = NULL;
    for (int n = 0; n < KAFKA_SOURCES; n++) {
        struct live_source *source = &live->sources[merge_order[n] - 1];
        int found = head_fill(live, source);
        if (found < 0) return -1;
        if (found == 0 && (source->message || !source->at_end)) return 0;
        if (found > 0 && (!first || source->input.time < first->input.time)) first = source;
    }
    *out = first;
    return first && !is_held(live, first);
}

int64_t live_lag(const struct live_sources *live) {
    int64_t lag = 0;
    for (int n = 0; n < KAFKA_SOURCES; n++) lag += tail_lag(&live->sources[n].tail);
    return lag;
}

bool live_waits_for_schema(const struct live_sources *live) {
    for (int n = 0; n < KAFKA_SOURCES; n++)
        if (live->sources[n].message && live->sources[n].undecided) return true;
    return false;
}

/* ---- ends ---- */

int live_ask(struct live_sources *live, rd_kafka_t *looker, int64_t now) {
    struct kafka_offset places[KAFKA_SOURCES];
    live_places(live->config, live->partition, places);
    if (kafka_ask(looker, KAFKA_END, places, KAFKA_SOURCES, live->failure) < 0) return -1;
    for (int n = 0; n < KAFKA_SOURCES; n++) live->ends[n] = places[n].offset;
    live->asked_at = now;
    for (int n = 0; n < KAFKA_SOURCES; n++)
        if (live->sources[n].rekeyed && rekey_clock_ask(live->sources[n].rekeyed, looker, now, live->failure) < 0) return -1;
    return 0;
}

bool live_is_stale(const struct live_sources *live, int64_t now) {
    for (int n = 0; n < KAFKA_SOURCES; n++) {
        const struct rekey_clock *rekeyed = live->sources[n].rekeyed;
        if (rekeyed && now > rekeyed->ended_as_of + HOLD_MS / 2) return true;
    }
    return false;
}

/* Up to where it was read: what was fetched but not taken is still to come; what no reader sees, markers of transactions, lies behind us. */
static int64_t position_of(const struct live_source *source) {
    return source->message ? source->message->offset : tail_position(&source->tail);
}

static bool has_ended(const struct live_sources *live, int n) {
    const struct live_source *source = &live->sources[n];
    int64_t position = position_of(source);
    return live->asked_at != NONE && position >= live->ends[n];
}

static int64_t ended_as_of(const struct live_sources *live, int n) {
    const struct rekey_clock *rekeyed = live->sources[n].rekeyed;
    if (rekeyed) return rekeyed->ended_as_of;
    return has_ended(live, n) ? live->asked_at : NONE;
}

int64_t live_ended_as_of(const struct live_sources *live) {
    int64_t least = INT64_MAX;
    for (int n = 0; n < KAFKA_SOURCES; n++) {
        int64_t ended = ended_as_of(live, n);
        if (n + 1 != SOURCE_COMMANDS && ended < least) least = ended;
    }
    return least;
}

void live_seal(const struct live_sources *live, bool ends, struct seal_source seal[KAFKA_SOURCES]) {
    for (int n = 0; n < KAFKA_SOURCES; n++)
        seal[n] = (struct seal_source){.source = n + 1,
                                       .next_offset = position_of(&live->sources[n]),
                                       .end_as_of = ends ? ended_as_of(live, n) : NONE};
}
