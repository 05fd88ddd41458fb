#include "rekey_clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct rekey_clock *rekey_clock_make(const char *origin) {
    struct rekey_clock *clock = calloc(1, sizeof *clock);
    if (!clock) return NULL;
    clock->origin = origin;
    clock->asked_at = clock->ended_as_of = NONE;
    return clock;
}

/* ---- reports ---- */

size_t rekey_report_write(const int64_t *offsets, int32_t count, char text[REKEY_REPORT_BYTES]) {
    size_t size = 0;
    for (int32_t n = 0; n < count; n++)
        size += (size_t)snprintf(text + size, REKEY_REPORT_BYTES - size, "%s%" PRId64, n ? "," : "", offsets[n]);
    return size;
}

/* How many offsets there are; -1: it is no report. */
static int32_t report_read(struct str text, int64_t offsets[REKEY_PARTITIONS_MAX]) {
    int32_t count = 0;
    for (uint32_t at = 0; at < text.len; at++) {
        int64_t offset = 0;
        uint32_t from = at;
        for (; at < text.len && text.ptr[at] >= '0' && text.ptr[at] <= '9'; at++)
            if (__builtin_mul_overflow(offset, 10, &offset) || __builtin_add_overflow(offset, text.ptr[at] - '0', &offset)) return -1;
        if (at == from || count == REKEY_PARTITIONS_MAX || (at < text.len && text.ptr[at] != ',')) return -1;
        offsets[count++] = offset;
    }
    return count && text.ptr[text.len - 1] != ',' ? count : -1;
}

static struct str report_header(const rd_kafka_message_t *message) {
    rd_kafka_headers_t *headers;
    const void *text;
    size_t size;
    if (message->payload || rd_kafka_message_headers(message, &headers) != 0) return STR_NULL;
    if (rd_kafka_header_get_last(headers, REKEY_HEADER, &text, &size) != 0 || !text || size > REKEY_REPORT_BYTES) return STR_NULL;
    return (struct str){text, (uint32_t)size};
}

/* ---- the question ---- */

static void try_to_answer(struct rekey_clock *clock) {
    if (clock->asked_at == NONE) return;
    for (int32_t n = 0; n < clock->count; n++)
        if (clock->told[n] < clock->ends[n]) return;
    clock->ended_as_of = clock->asked_at;
    clock->asked_at = NONE;
}

bool rekey_clock_hear(struct rekey_clock *clock, const rd_kafka_message_t *message) {
    struct str text = report_header(message);
    int64_t offsets[REKEY_PARTITIONS_MAX];
    int32_t count = str_is_null(text) ? -1 : report_read(text, offsets);
    if (count < 0) return false;
    memset(clock->told, 0, sizeof clock->told);
    memcpy(clock->told, offsets, (size_t)count * sizeof *offsets);
    try_to_answer(clock);
    return true;
}

int rekey_clock_ask(struct rekey_clock *clock, rd_kafka_t *looker, int64_t now, struct failure *failure) {
    if (clock->asked_at != NONE) return 0;
    int32_t count;
    if (kafka_partition_count(looker, clock->origin, &count, failure) < 0) return -1;
    if (count > REKEY_PARTITIONS_MAX)
        return fail(failure, EXIT_CONFIGURATION, "%s has %" PRId32 " partitions, more than %d.", clock->origin, count, REKEY_PARTITIONS_MAX);
    struct kafka_offset places[REKEY_PARTITIONS_MAX];
    for (int32_t n = 0; n < count; n++) places[n] = (struct kafka_offset){clock->origin, n, 0};
    if (kafka_ask(looker, KAFKA_END, places, (size_t)count, failure) < 0) return -1;
    for (int32_t n = 0; n < count; n++) clock->ends[n] = places[n].offset;
    clock->count = count;
    clock->asked_at = now;
    try_to_answer(clock);
    return 0;
}
