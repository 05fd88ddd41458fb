/*
 * kafka_tail: one partition of a topic, read from an offset on, record by record.
 *
 * Each has a queue of its own in librdkafka, so that several can be merged: what is not taken waits there, and the fetching stops when
 * enough waits. Offsets below the next one are dropped (2.0.2 can start behind where it was told to).
 */
#ifndef RINGBACK_KAFKA_TAIL_H
#define RINGBACK_KAFKA_TAIL_H

#include <stdatomic.h>

#include "kafka.h"
#include "kafka_bell.h"

struct kafka_tail {
    rd_kafka_t *reader;
    rd_kafka_topic_t *topic;
    rd_kafka_queue_t *queue;
    const char *name;
    int32_t partition;
    int64_t next;      /* offset of the next record, as far as is known */
    int64_t end;       /* where the topic ended when nothing was left: records that nobody sees lie before it */
    atomic_bool rang;  /* something came since tail_next last found nothing */
    bool ended;        /* nothing is left that may be read, as of the last fetch; no record was taken since */
    int64_t taken;     /* bytes, since nothing was there */
    struct bell *bell; /* rung when something comes */
};

/* `name` and `bell` must outlive it; the struct may not move. 0; -1 described. */
int tail_open(struct kafka_tail *tail, rd_kafka_t *reader, const char *name, int32_t partition, int64_t offset, struct bell *bell,
              struct failure *failure);
void tail_close(struct kafka_tail *tail); /* of one that was zeroed: nothing */

/* The next record, the caller's to destroy. 1; 0: nothing is here now; -1 described: the topic cannot be read on from there. */
int tail_next(struct kafka_tail *tail, rd_kafka_message_t **message, struct failure *failure);

/* After tail_next said 0: as of its last fetch there is no more that may be read. */
bool tail_is_at_end(const struct kafka_tail *tail);
/* Offset up to which everything was taken. */
static inline int64_t tail_position(const struct kafka_tail *tail) { return tail->next > tail->end ? tail->next : tail->end; }
/* Records that wait, as of the last fetch. */
int64_t tail_lag(const struct kafka_tail *tail);

#endif
