/*
 * rekey_origin: a topic that is not keyed by tenant, all of its partitions as one stream in the order of occurred_at (docs/decisions/0010).
 */
#ifndef RINGBACK_REKEY_ORIGIN_H
#define RINGBACK_REKEY_ORIGIN_H

#include "kafka_tail.h"
#include "kafka_value.h"

/* The next record of a partition. */
struct origin_head {
    struct kafka_tail tail;
    rd_kafka_message_t *message; /* NULL: there is none */
    bool undecided;              /* its schema is not known yet */
    bool at_end;                 /* without a message: as of its last fetch */
    struct value_schema schema;  /* of its records */
    struct str tenant;           /* points into the message; null: it has none that can be read */
    int64_t time;                /* occurred_at; INT64_MIN where it has none, and goes at once */
};

struct origin {
    enum source_kind kind; /* of the source that it is made into */
    const char *topic;
    struct registry *registry;
    struct failure *failure;
    struct scratch scratch;
    int32_t count;             /* of partitions */
    struct origin_head *heads; /* by partition */
    int64_t *told;             /* by partition: what was last reported */
    struct kafka_offset *ends; /* by partition: where it ended when that was last asked */
    int64_t asked_ms;          /* monotonic */
};

struct origin_options {
    enum source_kind kind;
    const char *topic;
    struct registry *registry;
    rd_kafka_t *reader, *looker, *member; /* the member's group has the offsets */
    struct bell *bell;
};

/* Reads on from the group's offsets, else from the beginning. What is no longer there is logged. 0; -1 described, EXIT_FAILED where the topic
 * ends before the group's offset. */
int origin_open(struct origin *origin, const struct origin_options *options, struct failure *failure);
void origin_close(struct origin *origin); /* of one that was zeroed: nothing */

/* Asks where the partitions end, where that was not done for a while; now_ms: monotonic. -1 described. */
int origin_ask(struct origin *origin, rd_kafka_t *looker, int64_t now_ms);
/* The partition whose record is next: 1; 0: none is, or one that must be waited for; -1 described. One that has none is waited for unless it was
 * at its end some seconds ago: a broker that does not answer would let the others' time run ahead. */
int origin_next(struct origin *origin, int64_t now_ms, struct origin_head **head);
void origin_took(struct origin_head *head);
/* Everything below has been taken, or nobody will ever see it. */
int64_t origin_position(const struct origin_head *head);

#endif
