/*
 * kafka_producer: the writing side of the log port: one transactional producer of one partition (log.h; docs/decisions/0009).
 *
 * What is appended goes into one transaction; sealing it sends the sources' offsets and commits. After any failure it may only be closed:
 * whoever takes the partition over next ends what it left. A producer lives for one assignment.
 */
#ifndef RINGBACK_KAFKA_PRODUCER_H
#define RINGBACK_KAFKA_PRODUCER_H

#include "framing.h"
#include "kafka_journal.h"
#include "metrics.h"

/* Sources whose offsets the group keeps; the network's lies in the seal alone. */
#define GROUP_SOURCES 4

struct kafka_producer_options {
    const struct config *config;
    int32_t partition;
    const struct journal_form *form;
    const struct framing *own; /* of outputs, by topic (registry_own) */
    struct metrics *metrics;
    void (*before_commit)(void *context); /* the folding is done, what follows is waiting; may be NULL */
    void *context;
};

/* Takes the place of whoever wrote before (init_transactions): what he left is ended when this returns. `sealed` then is not set yet:
 * kafka_producer_at. */
int kafka_producer_open(struct log **log, const struct kafka_producer_options *options, struct failure *failure);
/* Sends one record and aborts it: we may write, and know what time the broker has. Before the first append. */
int kafka_producer_probe(struct log *log);
/* Goes on behind a place, in the generation of `group`, which must outlive it. */
void kafka_producer_at(struct log *log, const struct log_place *sealed, rd_kafka_consumer_group_metadata_t *group);
/* The offsets that the next seal commits with it: always all of them. */
void kafka_producer_offsets(struct log *log, const int64_t offsets[GROUP_SOURCES]);

bool kafka_producer_is_lost(const struct log *log);   /* fenced: somebody else writes */
bool kafka_producer_is_doubtful(const struct log *log); /* the last commit took too long, or the connection broke in it: replace it */
int64_t kafka_producer_skew_ms(const struct log *log);  /* our wall clock less the broker's, as last seen, and what it has jumped since */

#endif
