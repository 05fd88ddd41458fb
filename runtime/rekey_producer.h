/*
 * rekey_producer: records and reports into the sources, in transactions that hold the origins' offsets (docs/decisions/0010).
 *
 * After any failure it may only be closed: whoever takes over next ends what it left.
 */
#ifndef RINGBACK_REKEY_PRODUCER_H
#define RINGBACK_REKEY_PRODUCER_H

#include "kafka.h"

struct rekey_producer;

/* Takes the place of whoever wrote before: what he left is ended when this returns. -1 described. */
int rekey_producer_open(struct rekey_producer **producer, const struct config *config, struct failure *failure);
void rekey_producer_close(struct rekey_producer *producer); /* NULL is fine */

/* Writes a record of an origin into a partition of the source: its value, headers and timestamp as they are, as far as the source takes them.
 * `tenant`: its key; null: it keeps its own. -1 described. */
int rekey_producer_record(struct rekey_producer *producer, enum source_kind source, int32_t partition, struct str tenant,
                          const rd_kafka_message_t *message);
/* Writes a report (rekey_clock.h). -1 described. */
int rekey_producer_report(struct rekey_producer *producer, enum source_kind source, int32_t partition, struct str text);
/* Ends the transaction with these offsets, in the generation of `group`. 0: it has happened. -1 described. */
int rekey_producer_commit(struct rekey_producer *producer, const rd_kafka_topic_partition_list_t *offsets,
                          const rd_kafka_consumer_group_metadata_t *group);

bool rekey_producer_is_lost(const struct rekey_producer *producer);     /* fenced: somebody else writes */
bool rekey_producer_is_doubtful(const struct rekey_producer *producer); /* replace it before the next record */
int64_t rekey_producer_cut(const struct rekey_producer *producer);      /* records that did not fit as they were */

#endif
