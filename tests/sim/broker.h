/*
 * broker: the servers of the simulated Kafka: logs, producers and their transactions, the consumer group.
 *
 * A call is one request as the servers handle it, at once; the way there and back, and what goes wrong on it, is the client's matter
 * (wire.h). Codes are those of the protocol. What is appended is not seen until it is replicated; a failover forgets what was not.
 */
#ifndef RINGBACK_SIM_BROKER_H
#define RINGBACK_SIM_BROKER_H

#include <librdkafka/rdkafka.h>

#include "../../runtime/kafka_producer.h"
#include "sim.h"

#define LOGS_MAX 64
#define LOG_PRODUCERS_MAX 8
#define TRANSACTION_NONE (-1)
#define TRANSACTION_FEEDER (-2) /* of whoever writes to the sources */

struct producer_id {
    int32_t transaction;
    int16_t epoch;
};

enum fate { FATE_OPEN, FATE_COMMITTED, FATE_ABORTED, FATE_MARKER };

struct entry {
    struct str key, value; /* null: none */
    rd_kafka_headers_t *headers;
    int64_t at;      /* appended */
    int64_t decided; /* from then on a reader of committed records may see it, or never will */
    enum fate fate;
    struct producer_id producer;
    int32_t sequence;
};

struct log_topic {
    char name[64];
    int topic, partition; /* topic as in kafka_topics.h */
    struct entry *entries;
    int64_t begin, end; /* offsets */
    int64_t high;       /* replicated up to here */
    int64_t stable;     /* all below is decided */
    int64_t room;
    int leader_epoch;
    struct producer_state {
        struct producer_id id;
        int32_t next_sequence;
    } producers[LOG_PRODUCERS_MAX];
    int producer_count;
};
extern struct log_topic broker_logs[LOGS_MAX];
extern int broker_log_count;

void broker_open(const struct config *config);
/* NULL: there is none. */
struct log_topic *broker_log(const char *topic, int32_t partition);
struct log_topic *broker_log_of(int topic, int partition);
int64_t broker_stable_end(const struct log_topic *log); /* the last stable offset */
/* Called when there may be more to read. */
void broker_log_changed(struct log_topic *log);

/* A record of a source; `open`: in a transaction, which broker_feed_end ends for all that is open there. */
void broker_feed(struct log_topic *log, struct str key, struct str value, bool open);
void broker_feed_end(struct log_topic *log, bool commit);

/* ---- how it is ---- */
struct broker_state {
    int64_t down_until, coordinator_down_until;
    int64_t replication_most; /* us until a record is replicated */
    int64_t marker_most;      /* us until a marker is written */
    bool torn;                /* transactions are committed without their offsets */
};
extern struct broker_state broker;
void broker_failover(void); /* what is not replicated is forgotten */
void broker_cut(struct log_topic *log); /* so is the last seal, and a little more: an unclean election */

/* ---- transactions ---- */
struct outgoing {
    struct log_topic *log;
    int32_t sequence;
    struct entry entry; /* its bytes belong to nobody: they are never freed */
    int64_t offset, at; /* the answer */
    int leader_epoch;
};
rd_kafka_resp_err_t broker_init_producer(const char *id, int64_t timeout, struct producer_id *producer);
rd_kafka_resp_err_t broker_add_partition(const struct producer_id *producer, struct log_topic *log);
/* Appends what was not appended before. The answer is due at *replicated, and then holds where broker_was_kept. */
rd_kafka_resp_err_t broker_produce(const struct producer_id *producer, struct outgoing *batch, size_t count, int64_t *replicated);
bool broker_was_kept(const struct outgoing *batch, size_t count);
rd_kafka_resp_err_t broker_end_transaction(const struct producer_id *producer, bool commit);

/* ---- the group ---- */
#define MEMBER_ID_BYTES 24
struct membership {
    char member[MEMBER_ID_BYTES];
    int32_t generation;
};
struct group_offsets {
    int32_t partition;
    int64_t offsets[GROUP_SOURCES];
};
rd_kafka_resp_err_t broker_commit_offsets(const struct producer_id *producer, const struct membership *by, const struct group_offsets *offsets);
/* UNSTABLE_OFFSET_COMMIT where a transaction is about to change them. */
rd_kafka_resp_err_t broker_committed(struct group_offsets *offsets);
/* Joins, or joins again. `assigned` is called when a generation begins, with the range of partitions. */
typedef void group_assigned(void *client, int32_t generation, int32_t first, int32_t count);
void broker_join(struct membership *member, void *client, group_assigned *assigned);
rd_kafka_resp_err_t broker_heartbeat(const struct membership *member); /* 0, REBALANCE_IN_PROGRESS, UNKNOWN_MEMBER_ID, ILLEGAL_GENERATION */
void broker_leave(const struct membership *member);

#endif
