#include "kafka_audit.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "clocks.h"
#include "framing.h"
#include "kafka_journal.h"

#define WAIT_MS 100
#define STALLED_MS 30000
#define ADDED_NULLS 64 /* more than were ever added to an output: a byte each */

struct audit {
    const struct config *config;
    struct journal_form form;
    struct bell bell;
    rd_kafka_t *reader, *looker;
    struct plan *plans[TOPICS]; /* of what a topic's file holds: that is what is encoded */
    struct scratch scratch;
};

/* Outputs that are compared as they are "appended"; the log port's writing side. */
struct comparison {
    struct log log;
    struct audit *audit;
    struct audit_counts *counts;
    struct kafka_tail tails[TOPICS];
    rd_kafka_message_t *heads[TOPICS];
    int64_t ends[TOPICS], begins[TOPICS];
    bool met[TOPICS]; /* the first that is left was met */
    uint8_t *room;
    size_t capacity;
};

static struct comparison *comparison_of(struct log *log) { return (struct comparison *)log; }

static const char *topic_name(const struct comparison *comparison, int topic) { return comparison->audit->config->topics.names[topic]; }

static uint8_t *comparison_room(struct log *log, int stream, size_t size, size_t *capacity) {
    struct comparison *comparison = comparison_of(log);
    (void)stream;
    if (comparison->capacity < size) {
        uint8_t *room = realloc(comparison->room, 2 * size);
        if (!room) {
            fail_memory(log->failure);
            return NULL;
        }
        comparison->room = room;
        comparison->capacity = 2 * size;
    }
    *capacity = comparison->capacity;
    return comparison->room;
}

/* 1: there is a message at the head; 0: the topic has no more; -1. */
static int head_await(struct comparison *comparison, int topic) {
    struct kafka_tail *tail = &comparison->tails[topic];
    int64_t since_ms = monotonic_ms();
    for (;;) {
        if (comparison->heads[topic]) return 1;
        int found = tail_next(tail, &comparison->heads[topic], comparison->log.failure);
        if (found != 0) return found;
        if (tail_position(tail) >= comparison->ends[topic]) return 0;
        if (monotonic_ms() - since_ms > STALLED_MS)
            return fail(comparison->log.failure, EXIT_AGAIN, "%s: nothing to read at offset %" PRId64 " for %d s.", tail->name,
                        tail_position(tail), STALLED_MS / 1000);
        bell_wait(&comparison->audit->bell, WAIT_MS);
    }
}

static void head_drop(struct comparison *comparison, int topic) {
    if (comparison->heads[topic]) rd_kafka_message_destroy(comparison->heads[topic]);
    comparison->heads[topic] = NULL;
}

static int64_t header_number(const rd_kafka_message_t *message) {
    rd_kafka_headers_t *headers;
    const void *value;
    size_t size;
    char text[24] = "";
    if (rd_kafka_message_headers(message, &headers) != 0) return -1;
    if (rd_kafka_header_get_last(headers, "__ringback.number", &value, &size) != 0 || size >= sizeof text) return -1;
    memcpy(text, value, size);
    return strtoll(text, NULL, 10);
}

/* The dense number in an encoded union of record and tombstone, -1: it cannot be read; and its size before fields were added that are null. */
static int64_t encoded_number(struct comparison *comparison, int topic, const uint8_t *encoded, size_t size, size_t *size_before) {
    struct output output = {.topic = (enum topic)topic};
    struct refusal why;
    struct audit *audit = comparison->audit;
    *size_before = size;
    if (codec_read(audit->plans[topic], encoded, size, &output, &audit->scratch, &why) < 0) return -1;
    *size_before = codec_hashed_size(&output, size);
    return output.body.position.number;
}

static int64_t message_number(struct comparison *comparison, int topic, struct str datum) {
    if (!datum.ptr) return header_number(comparison->heads[topic]);
    size_t size = 1 + (size_t)datum.len + ADDED_NULLS, size_before;
    uint8_t *encoded = calloc(1, size); /* the branch of the record; behind it, of one from before, the nulls that it has not */
    if (!encoded) return -1;
    memcpy(encoded + 1, datum.ptr, datum.len);
    int64_t number = encoded_number(comparison, topic, encoded, size, &size_before);
    free(encoded);
    return number;
}

static bool may_be_gone(const struct comparison *comparison, int topic) {
    if (strcmp(topic_rules[topic].cleanup, "compact") == 0) return true;
    return !comparison->met[topic] && comparison->begins[topic] > 0;
}

static int comparison_append(struct log *log, int stream, struct str key, size_t size) {
    struct comparison *comparison = comparison_of(log);
    const uint8_t *encoded = comparison->room;
    int found = head_await(comparison, stream);
    if (found < 0) return -1;
    comparison->counts->outputs++;
    const rd_kafka_message_t *head = comparison->heads[stream];
    struct framing framing;
    struct refusal why;
    struct str datum = STR_NULL;
    bool is_tombstone = encoded[0] != 0, same = false;
    if (found && head->payload && framing_read((struct str){head->payload, (uint32_t)head->len}, STR_NULL, &framing, &datum, &why) < 0)
        return fail(log->failure, EXIT_FAILED, "%s-%" PRId32 ", offset %" PRId64 ": %s.", topic_name(comparison, stream),
                    log->sealed.partition, head->offset, why.detail);
    int64_t expected = 0, number = INT64_MAX;
    if (found && !is_tombstone) same = datum.len + 1 == size && memcmp(datum.ptr, encoded + 1, datum.len) == 0;
    if (!same) {
        size_t size_before;
        expected = encoded_number(comparison, stream, encoded, size, &size_before);
        if (found && !is_tombstone) same = datum.len + 1 == size_before && memcmp(datum.ptr, encoded + 1, datum.len) == 0;
    }
    if (!same) {
        if (found) number = message_number(comparison, stream, datum);
        same = is_tombstone && found && !datum.ptr && number == expected && head->key_len == key.len && memcmp(head->key, key.ptr, key.len) == 0;
    }
    if (same) {
        comparison->met[stream] = true;
        head_drop(comparison, stream);
        return 0;
    }
    comparison->counts->gone++;
    if (number > expected && may_be_gone(comparison, stream)) return 0;
    if (number > expected)
        return fail(log->failure, EXIT_FAILED, "output %" PRId64 " of partition %" PRId32 " is missing in %s.", expected, log->sealed.partition,
                    topic_name(comparison, stream));
    return fail(log->failure, EXIT_FAILED, "%s-%" PRId32 ", offset %" PRId64 ": output %" PRId64 " is there, %" PRId64
                " is what the journal gives; or it is the same and says something else.",
                topic_name(comparison, stream), log->sealed.partition, head->offset, number, expected);
}

static int comparison_prepare(struct log *log, int64_t outputs[TOPICS]) {
    (void)log;
    memset(outputs, 0, TOPICS * sizeof *outputs);
    return 0;
}

static void comparison_close(struct log *log) {
    struct comparison *comparison = comparison_of(log);
    for (int topic = 0; topic < TOPICS; topic++) {
        head_drop(comparison, topic);
        tail_close(&comparison->tails[topic]);
    }
    free(comparison->room);
    free(comparison);
}

static const struct log_operations operations = {
    .room = comparison_room, .append = comparison_append, .prepare = comparison_prepare, .close = comparison_close};

/* What is left in a topic must come after all that the journal gave: it was written since. */
static int comparison_finish(struct comparison *comparison, int64_t next_output) {
    for (int topic = 0; topic < TOPICS; topic++) {
        int found = head_await(comparison, topic);
        if (found < 0) return -1;
        if (found == 0) continue;
        struct framing framing;
        struct refusal why;
        struct str datum = STR_NULL, value = {comparison->heads[topic]->payload, (uint32_t)comparison->heads[topic]->len};
        if (value.ptr && framing_read(value, STR_NULL, &framing, &datum, &why) < 0) datum = STR_NULL;
        if (message_number(comparison, topic, datum) < next_output)
            return fail(comparison->log.failure, EXIT_FAILED, "%s-%" PRId32 ", offset %" PRId64 ": an output that the journal does not give.",
                        topic_name(comparison, topic), comparison->log.sealed.partition, comparison->heads[topic]->offset);
    }
    return 0;
}

static int comparison_open(struct comparison **out, struct audit *audit, int32_t partition, struct audit_counts *counts,
                           struct failure *failure) {
    struct comparison *comparison = *out = calloc(1, sizeof *comparison);
    struct kafka_offset places[TOPICS];
    if (!comparison) return fail_memory(failure);
    comparison->log = (struct log){.operations = &operations, .failure = failure, .sealed = {.sequence = -1, .partition = partition}};
    comparison->audit = audit;
    comparison->counts = counts;
    for (int topic = 0; topic < TOPICS; topic++) places[topic] = (struct kafka_offset){topic_name(comparison, topic), partition, 0};
    int result = kafka_ask(audit->looker, KAFKA_BEGINNING, places, TOPICS, failure);
    for (int topic = 0; topic < TOPICS; topic++) comparison->begins[topic] = places[topic].offset;
    if (result == 0) result = kafka_ask(audit->looker, KAFKA_END, places, TOPICS, failure);
    for (int topic = 0; topic < TOPICS && result == 0; topic++) {
        comparison->ends[topic] = places[topic].offset;
        result = tail_open(&comparison->tails[topic], audit->reader, places[topic].topic, partition, comparison->begins[topic], &audit->bell, failure);
    }
    if (result == 0) return 0;
    comparison_close(&comparison->log);
    *out = NULL;
    return -1;
}

/* The journal from its beginning to its end; *id: it has one. */
static int journal_open(struct audit *audit, int32_t partition, struct place *place, struct log **journal, struct failure *failure) {
    static const atomic_bool never;
    char id[JOURNAL_ID_DIGITS + 1];
    struct kafka_offset begin = {audit->config->topics.names[KAFKA_TOPIC_JOURNAL], partition, 0}, end = begin;
    if (kafka_ask(audit->looker, KAFKA_BEGINNING, &begin, 1, failure) < 0 || kafka_ask(audit->looker, KAFKA_END, &end, 1, failure) < 0) return -1;
    *place = place_at_beginning("00000000000000000000000000000000");
    struct kafka_journal_options options = {
        .topic = begin.topic, .partition = partition, .form = &audit->form, .reader = audit->reader, .bell = &audit->bell, .stop = &never,
        .from = place, .begins = begin.offset, .until = end.offset};
    int found = end.offset > begin.offset ? kafka_journal_id(&options, id, failure) : 0;
    if (found <= 0) return found;
    *place = place_at_beginning(id);
    place->log.partition = partition;
    place->log.partitions = (int32_t)audit->config->partitions;
    return kafka_journal_open(journal, &options, failure) < 0 ? -1 : 1;
}

int audit_partition(struct audit *audit, int32_t partition, void (*progress)(void *, int64_t, int64_t, uint64_t), void *context,
                    struct audit_counts *counts, struct failure *failure) {
    struct log *journal = NULL;
    struct comparison *comparison = NULL;
    struct store *store = NULL;
    struct place place;
    *counts = (struct audit_counts){0};
    int found = journal_open(audit, partition, &place, &journal, failure);
    if (found <= 0) return found;
    int result = comparison_open(&comparison, audit, partition, counts, failure);
    if (result == 0 && store_open_memory(&store) < 0) result = fail_memory(failure);
    if (result == 0) {
        struct reader_options options = {.outputs = &comparison->log, .progress = progress, .context = context};
        result = reader_run(store, journal, &place, &options, &counts->read, failure);
    }
    struct fold_status status = {0};
    if (result == 0 && (store_begin(store) < 0 || fold_view_status(store, &status) < 0)) result = fail(failure, EXIT_FAILED, "the state cannot be read.");
    if (result == 0) result = comparison_finish(comparison, status.next_output);
    counts->seals = place.log.sequence + 1;
    store_close(store);
    log_close(journal);
    if (comparison) comparison_close(&comparison->log);
    return result;
}

int audit_open(struct audit **out, const struct config *config, struct failure *failure) {
    struct audit *audit = *out = calloc(1, sizeof *audit);
    if (!audit) return fail_memory(failure);
    audit->config = config;
    audit->bell.fd = -1;
    int result = bell_make(&audit->bell, failure);
    if (result == 0) result = journal_form_make(&audit->form, failure);
    for (int topic = 0; topic < TOPICS && result == 0; topic++) {
        const char *schema = schema_of_topic((enum topic)topic);
        char error[400];
        if (plan_make(&audit->plans[topic], schema, strlen(schema), shape_of_topic((enum topic)topic), error, sizeof error) < 0)
            result = fail(failure, EXIT_FAILED, "%s: %s.", topic_rules[topic].name, error);
    }
    if (result == 0 && !(audit->reader = kafka_open_plain(config, KAFKA_READER, failure))) result = -1;
    if (result == 0 && !(audit->looker = kafka_open_plain(config, KAFKA_LOOKER, failure))) result = -1;
    if (result == 0) return 0;
    audit_close(audit);
    *out = NULL;
    return -1;
}

void audit_close(struct audit *audit) {
    if (!audit) return;
    if (audit->reader) rd_kafka_destroy(audit->reader);
    if (audit->looker) rd_kafka_destroy(audit->looker);
    for (int topic = 0; topic < TOPICS; topic++) plan_free(audit->plans[topic]);
    journal_form_free(&audit->form);
    bell_free(&audit->bell);
    free(audit);
}
