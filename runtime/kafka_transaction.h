/*
 * kafka_transaction: a transactional producer and its one open transaction, as all that write have it: a partition, and rekey (docs/decisions/0009,
 * 0024).
 *
 * After any failure it may only be closed: whoever takes over next ends what it left.
 */
#ifndef RINGBACK_KAFKA_TRANSACTION_H
#define RINGBACK_KAFKA_TRANSACTION_H

#include <stdatomic.h>

#include "kafka.h"

/* Of a record whose place the broker did not tell: what librdkafka calls written then, it only infers from a later record that was (0024). */
#define KAFKA_UNPLACED RD_KAFKA_RESP_ERR__INCONSISTENT

/* Of zeroes before the first call. It may not move while it is open: librdkafka's callbacks know it. */
struct kafka_transaction {
    rd_kafka_t *handle;
    struct failure *failure;
    void (*taken)(void *context, const rd_kafka_message_t *message); /* told of each record that has its place; may be NULL */
    void *context;
    rd_kafka_resp_err_t delivery; /* of the first record that is not there for certain; 0: of none */
    bool begun;
    bool doubtful; /* the last end took too long, or the connection broke in it: replace the producer before the next record */
    atomic_bool disconnected;
};

/* Takes `conf`, also where it fails. -1 described. */
int transaction_open(struct kafka_transaction *transaction, rd_kafka_conf_t *conf, struct failure *failure);
/* Takes the place of whoever wrote before: what he left is ended when this returns. -1 described. */
int transaction_init(struct kafka_transaction *transaction);
void transaction_close(struct kafka_transaction *transaction); /* drops what is on its way; nothing where it is not open */

/* Before each record: begins where nothing is begun. -1 described. */
int transaction_begin(struct kafka_transaction *transaction);
/* What librdkafka says of a record that it did not take. A full queue is no error, the broker is slower than we: waits a little, 0: try again. *since_ms: 0
 * at first. -1 described. */
int transaction_wait(struct kafka_transaction *transaction, rd_kafka_resp_err_t code, int64_t *since_ms, const char *topic);
/* 0; -1 and why: it has failed for good, or one of its records. Asked before each call: after a fatal error some of 2.0.2 hang. */
int transaction_usable(struct kafka_transaction *transaction);

/* Commits what is begun once each record has its place, with these offsets, in the generation of `group`, called so. 0: it has happened. -1 described. */
int transaction_commit(struct kafka_transaction *transaction, const rd_kafka_topic_partition_list_t *offsets,
                       const rd_kafka_consumer_group_metadata_t *group, const char *group_name);
int transaction_abort(struct kafka_transaction *transaction); /* -1 described */
/* Waits until all that was handed over was written or has failed; what `delivery` says then, or that it takes too long. */
rd_kafka_resp_err_t transaction_flush(struct kafka_transaction *transaction);

bool transaction_is_lost(const struct kafka_transaction *transaction); /* fenced: somebody else writes */

#endif
