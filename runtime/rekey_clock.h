/*
 * rekey_clock: as of when a source that `ringback rekey` writes is at its end (docs/decisions/0010-re-keying.md).
 *
 * Rekey tells, in every partition of such a source, how far it has read the topic behind it, its origin: a report, a record without key and value,
 * with the header REKEY_HEADER. Run asks where the origin ends; a report that reaches there answers the question.
 */
#ifndef RINGBACK_REKEY_CLOCK_H
#define RINGBACK_REKEY_CLOCK_H

#include "kafka.h"

#define REKEY_HEADER "__ringback.rekey"    /* the origin's next offset of each partition: "17,0,42" */
#define REKEY_PARTITIONS_MAX 1000          /* of an origin */
#define REKEY_REPORT_BYTES (20 * REKEY_PARTITIONS_MAX)

struct rekey_clock {
    const char *origin;
    int64_t told[REKEY_PARTITIONS_MAX]; /* as last reported; 0: nothing was */
    int64_t ends[REKEY_PARTITIONS_MAX]; /* the open question: where the origin ended */
    int32_t count;                      /* of ends */
    int64_t asked_at;                   /* when it was asked, ms UTC; NONE: no question is open */
    int64_t ended_as_of;                /* the last question that was answered; NONE */
};

/* NULL: no memory. `origin` must outlive it; free it with free. */
struct rekey_clock *rekey_clock_make(const char *origin);

/* True where the record is a report; it counts from now on. All before it must have been taken. */
bool rekey_clock_hear(struct rekey_clock *clock, const rd_kafka_message_t *message);
/* Asks where the origin ends now, which is time `now`, unless an earlier question still is open. -1 described. */
int rekey_clock_ask(struct rekey_clock *clock, rd_kafka_t *looker, int64_t now, struct failure *failure);

/* The text of a report; its size. */
size_t rekey_report_write(const int64_t *offsets, int32_t count, char text[REKEY_REPORT_BYTES]);

#endif
