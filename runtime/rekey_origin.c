#include "rekey_origin.h"

#include <inttypes.h>
#include <stdlib.h>

#include "clocks.h"
#include "json_log.h"

#define TENANT_BYTES_MAX 128 /* of an id (event_check) */
#define ASK_EVERY_MS 2500
#define ASKED_MOST_MS 5000 /* so old may be what is known of an end */

/* ---- where to begin ---- */

/* `next`: the group's offset of each partition. */
static int places_settle(struct origin *origin, struct kafka_offset *next, const struct kafka_offset *starts) {
    for (int32_t n = 0; n < origin->count; n++) {
        int64_t committed = next[n].offset;
        if (committed > origin->ends[n].offset)
            return fail(origin->failure, EXIT_FAILED,
                        "%s-%" PRId32 " ends at offset %" PRId64 ", but was re-keyed up to %" PRId64
                        ": the topic was made again. Delete the offsets of the re-keying group to begin it anew.",
                        origin->topic, n, origin->ends[n].offset, committed);
        if (committed >= starts[n].offset) continue;
        if (committed >= 0)
            json_log(LEVEL_ERROR, "origin_gap", LOG_TEXT("topic", origin->topic), LOG_NUMBER("partition", n), LOG_NUMBER("from", committed),
                     LOG_NUMBER("to", starts[n].offset), LOG_TEXT("text", "deleted from the topic before it was re-keyed"));
        next[n].offset = starts[n].offset;
    }
    return 0;
}

static int places_ask(struct origin *origin, const struct origin_options *options, struct kafka_offset *next) {
    size_t count = (size_t)origin->count;
    struct kafka_offset *starts = calloc(count, sizeof *starts);
    int result = starts ? 0 : fail_memory(origin->failure);
    for (size_t n = 0; n < count && result == 0; n++) next[n] = starts[n] = (struct kafka_offset){origin->topic, (int32_t)n, 0};
    if (result == 0) result = kafka_committed(options->member, next, count, origin->failure);
    if (result == 0) result = kafka_ask(options->looker, KAFKA_BEGINNING, starts, count, origin->failure);
    if (result == 0) result = origin_ask(origin, options->looker, monotonic_ms());
    if (result == 0) result = places_settle(origin, next, starts);
    free(starts);
    return result;
}

static int heads_open(struct origin *origin, const struct origin_options *options, const struct kafka_offset *next) {
    for (int32_t n = 0; n < origin->count; n++) {
        struct origin_head *head = &origin->heads[n];
        origin->told[n] = -1;
        if (tail_open(&head->tail, options->reader, origin->topic, n, next[n].offset, options->bell, origin->failure) < 0) return -1;
    }
    return 0;
}

int origin_open(struct origin *origin, const struct origin_options *options, struct failure *failure) {
    origin->kind = options->kind;
    origin->topic = options->topic;
    origin->registry = options->registry;
    origin->failure = failure;
    if (kafka_partition_count(options->looker, origin->topic, &origin->count, failure) < 0) return -1;
    origin->heads = calloc((size_t)origin->count, sizeof *origin->heads);
    origin->told = calloc((size_t)origin->count, sizeof *origin->told);
    origin->ends = calloc((size_t)origin->count, sizeof *origin->ends);
    origin->asked_ms = NONE;
    struct kafka_offset *next = calloc((size_t)origin->count, sizeof *next);
    int result = origin->heads && origin->told && origin->ends && next ? 0 : fail_memory(failure);
    if (result == 0) result = places_ask(origin, options, next);
    if (result == 0) result = heads_open(origin, options, next);
    free(next);
    if (result < 0) origin_close(origin);
    return result;
}

static void head_drop(struct origin_head *head) {
    if (head->message) rd_kafka_message_destroy(head->message);
    head->message = NULL;
}

void origin_close(struct origin *origin) {
    for (int32_t n = 0; n < origin->count && origin->heads; n++) {
        head_drop(&origin->heads[n]);
        tail_close(&origin->heads[n].tail);
    }
    free(origin->heads);
    free(origin->told);
    free(origin->ends);
    origin->heads = NULL;
    origin->told = NULL;
    origin->ends = NULL;
    origin->count = 0;
}

/* ---- the merge ---- */

/* Whose record it is, and of when. False: its schema is not known yet. */
static bool head_decode(struct origin *origin, struct origin_head *head) {
    struct str datum;
    struct refusal why;
    struct event event;
    head->tenant = STR_NULL;
    head->time = INT64_MIN;
    enum registry_answer answer = value_read(&head->schema, origin->registry, head->message, &datum, &why);
    if (answer != REGISTRY_KNOWN) return answer == REGISTRY_REFUSED;
    if (codec_read(head->schema.plan, (const uint8_t *)datum.ptr, datum.len, &event, &origin->scratch, &why) < 0) return true;
    if (event.tenant.len == 0 || event.tenant.len > TENANT_BYTES_MAX) return true;
    head->tenant = event.tenant;
    head->time = event.occurred_at;
    return true;
}

/* 1: it has a record; 0: it has none, or must be waited for; -1. */
static int head_fill(struct origin *origin, struct origin_head *head) {
    if (!head->message) {
        bool rings = atomic_load_explicit(&head->tail.rang, memory_order_relaxed);
        int found = tail_next(&head->tail, &head->message, origin->failure);
        if (found == 0 && (rings || !head->at_end)) head->at_end = tail_is_at_end(&head->tail);
        if (found <= 0) return found;
        head->undecided = true;
    }
    if (head->undecided) head->undecided = !head_decode(origin, head);
    return !head->undecided;
}

int origin_ask(struct origin *origin, rd_kafka_t *looker, int64_t now_ms) {
    if (origin->asked_ms != NONE && now_ms - origin->asked_ms < ASK_EVERY_MS) return 0;
    for (int32_t n = 0; n < origin->count; n++) origin->ends[n] = (struct kafka_offset){origin->topic, n, 0};
    if (kafka_ask(looker, KAFKA_END, origin->ends, (size_t)origin->count, origin->failure) < 0) return -1;
    origin->asked_ms = now_ms;
    return 0;
}

/* A head without a record: nothing older than it was asked can come from there. */
static bool is_at_end(const struct origin *origin, int32_t n, int64_t now_ms) {
    const struct origin_head *head = &origin->heads[n];
    if (head->message || !head->at_end || now_ms - origin->asked_ms > ASKED_MOST_MS) return false;
    return origin_position(head) >= origin->ends[n].offset;
}

int origin_next(struct origin *origin, int64_t now_ms, struct origin_head **out) {
    struct origin_head *first = NULL;
    for (int32_t n = 0; n < origin->count; n++) {
        struct origin_head *head = &origin->heads[n];
        int found = head_fill(origin, head);
        if (found < 0) return -1;
        if (found == 0 && !is_at_end(origin, n, now_ms)) return 0;
        if (found > 0 && (!first || head->time < first->time)) first = head;
    }
    *out = first;
    return first != NULL;
}

void origin_took(struct origin_head *head) { head_drop(head); }

int64_t origin_position(const struct origin_head *head) { return head->message ? head->message->offset : tail_position(&head->tail); }
