#include "broker.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define TRANSACTIONS_MAX 8
#define SWEEP (10 * SIM_SECOND) /* Kafka looks that often for transactions that last too long */

struct log_topic broker_logs[LOGS_MAX];
int broker_log_count;
struct broker_state broker;

enum transaction_state { TRANSACTION_EMPTY, TRANSACTION_ONGOING, TRANSACTION_PREPARED, TRANSACTION_COMPLETE };

static struct transaction {
    char id[64];
    int16_t epoch;
    enum transaction_state state;
    bool commit;
    uint64_t logs; /* by their place in broker_logs */
    bool has_offsets;
    struct group_offsets offsets;
    int64_t timeout;
    int serial; /* of the transaction that is ongoing */
    int markers_left;
} transactions[TRANSACTIONS_MAX];
static int transaction_count;

/* ---- logs ---- */

void broker_open(const struct config *config) {
    for (int topic = 0; topic < KAFKA_TOPICS; topic++) {
        int64_t partitions = topic_rules[topic].one_partition ? 1 : config->partitions;
        for (int partition = 0; partition < partitions; partition++) {
            struct log_topic *log = &broker_logs[broker_log_count++];
            *log = (struct log_topic){.topic = topic, .partition = partition};
            snprintf(log->name, sizeof log->name, "%s", config->topics.names[topic]);
        }
    }
}

struct log_topic *broker_log(const char *topic, int32_t partition) {
    for (int n = 0; n < broker_log_count; n++)
        if (broker_logs[n].partition == partition && strcmp(broker_logs[n].name, topic) == 0) return &broker_logs[n];
    return NULL;
}

struct log_topic *broker_log_of(int topic, int partition) {
    for (int n = 0; n < broker_log_count; n++)
        if (broker_logs[n].partition == partition && broker_logs[n].topic == topic) return &broker_logs[n];
    sim_fail("there is no partition %d of topic %d", partition, topic);
}

int64_t broker_stable_end(const struct log_topic *log) { return log->stable; }

static void stable_move(struct log_topic *log) {
    while (log->stable < log->high && log->entries[log->stable].fate != FATE_OPEN) log->stable++;
}

struct replication {
    struct log_topic *log;
    int64_t end;
    int leader_epoch;
};

static void replicated(void *context) {
    struct replication *replication = context;
    struct log_topic *log = replication->log;
    if (replication->leader_epoch == log->leader_epoch && log->high < replication->end) {
        for (int64_t n = log->high; n < replication->end; n++)
            if (log->entries[n].fate == FATE_COMMITTED) log->entries[n].decided = sim_now();
        log->high = replication->end;
        stable_move(log);
        broker_log_changed(log);
    }
    free(replication);
}

static int64_t replicate(struct log_topic *log) {
    struct replication *replication = malloc(sizeof *replication);
    *replication = (struct replication){log, log->end, log->leader_epoch};
    int64_t at = sim_now() + sim_between(0, broker.replication_most);
    sim_at(at, replicated, replication);
    return at;
}

static struct entry *append(struct log_topic *log, const struct entry *entry) {
    if (log->end == log->room) log->entries = realloc(log->entries, (size_t)(log->room = log->room ? 2 * log->room : 64) * sizeof *entry);
    log->entries[log->end] = *entry;
    log->entries[log->end].at = sim_now();
    return &log->entries[log->end++];
}

/* What of a producer is left decides which of its records would be repetitions. */
static void sequences_recount(struct log_topic *log) {
    for (int n = 0; n < log->producer_count; n++) {
        struct producer_state *state = &log->producers[n];
        state->next_sequence = 0;
        for (int64_t at = 0; at < log->end; at++) {
            const struct entry *entry = &log->entries[at];
            if (entry->fate != FATE_MARKER && entry->producer.transaction == state->id.transaction && entry->producer.epoch == state->id.epoch)
                state->next_sequence = entry->sequence + 1;
        }
    }
}

void broker_failover(void) {
    int64_t lost = 0;
    for (int n = 0; n < broker_log_count; n++) {
        struct log_topic *log = &broker_logs[n];
        lost += log->end - log->high;
        log->end = log->high;
        log->leader_epoch++;
        sequences_recount(log);
    }
    sim_trace("failover: %" PRId64 " records were not replicated", lost);
}

void broker_cut(struct log_topic *log) {
    int64_t end = log->stable;
    while (end > 0 && (log->entries[end - 1].fate != FATE_COMMITTED || log->entries[end - 1].key.ptr)) end--;
    log->end = log->high = log->stable = end > 0 ? end - 1 : 0;
    log->leader_epoch++;
    sequences_recount(log);
    broker_log_changed(log);
}

static void decide(struct log_topic *log, int32_t transaction, bool commit) {
    for (int64_t n = log->stable; n < log->end; n++) {
        struct entry *entry = &log->entries[n];
        if (entry->fate != FATE_OPEN || entry->producer.transaction != transaction) continue;
        entry->fate = commit ? FATE_COMMITTED : FATE_ABORTED;
        entry->decided = sim_now();
    }
    stable_move(log);
    broker_log_changed(log);
}

/* ---- markers: each log hears of a transaction's end on its own ---- */

static void transaction_marked(struct transaction *transaction) {
    if (--transaction->markers_left > 0) return;
    transaction->state = TRANSACTION_COMPLETE;
    transaction->logs = 0;
    transaction->has_offsets = false;
}

struct marker {
    struct log_topic *log;
    struct transaction *transaction; /* NULL: of the feeder */
    bool commit;
    int leader_epoch;
};

static void marker_write(void *context);

static void marker_replicated(void *context) {
    struct marker *marker = context;
    if (marker->leader_epoch != marker->log->leader_epoch) {
        sim_at(sim_now(), marker_write, marker);
        return;
    }
    decide(marker->log, marker->transaction ? (int32_t)(marker->transaction - transactions) : TRANSACTION_FEEDER, marker->commit);
    if (marker->transaction) transaction_marked(marker->transaction);
    free(marker);
}

static void marker_write(void *context) {
    struct marker *marker = context;
    marker->leader_epoch = marker->log->leader_epoch;
    append(marker->log, &(struct entry){.fate = FATE_MARKER, .producer = {TRANSACTION_NONE, 0}});
    sim_at(replicate(marker->log), marker_replicated, marker);
}

static void marker_send(struct log_topic *log, struct transaction *transaction, bool commit) {
    struct marker *marker = malloc(sizeof *marker);
    *marker = (struct marker){log, transaction, commit, 0};
    sim_at(sim_now() + sim_between(0, broker.marker_most), marker_write, marker);
}

static void group_offsets_move(const struct group_offsets *offsets);

static void offsets_marked(void *context) {
    struct transaction *transaction = context;
    if (transaction->commit && !broker.torn) group_offsets_move(&transaction->offsets);
    transaction->has_offsets = false;
    transaction_marked(transaction);
}

static void transaction_prepare(struct transaction *transaction, bool commit) {
    sim_trace("%s of %s, epoch %d", commit ? "commit" : "abort", transaction->id, transaction->epoch);
    transaction->state = TRANSACTION_PREPARED;
    transaction->commit = commit;
    transaction->markers_left = 1 + transaction->has_offsets;
    for (int n = 0; n < broker_log_count; n++) {
        if (!(transaction->logs >> n & 1)) continue;
        transaction->markers_left++;
        marker_send(&broker_logs[n], transaction, commit);
    }
    if (transaction->has_offsets) sim_at(sim_now() + sim_between(0, broker.marker_most), offsets_marked, transaction);
    transaction_marked(transaction);
}

/* ---- transactions ---- */

static struct transaction *transaction_named(const char *id) {
    for (int n = 0; n < transaction_count; n++)
        if (strcmp(transactions[n].id, id) == 0) return &transactions[n];
    struct transaction *transaction = &transactions[transaction_count++];
    *transaction = (struct transaction){.epoch = -1};
    snprintf(transaction->id, sizeof transaction->id, "%s", id);
    return transaction;
}

rd_kafka_resp_err_t broker_init_producer(const char *id, int64_t timeout, struct producer_id *producer) {
    struct transaction *transaction = transaction_named(id);
    if (sim_now() < broker.coordinator_down_until) return RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE;
    if (transaction->state == TRANSACTION_ONGOING) {
        transaction->epoch++; /* fences whoever began it */
        transaction_prepare(transaction, false);
    }
    if (transaction->state == TRANSACTION_PREPARED) return RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS;
    transaction->state = TRANSACTION_EMPTY;
    transaction->timeout = timeout;
    *producer = (struct producer_id){(int32_t)(transaction - transactions), ++transaction->epoch};
    sim_trace("%s has epoch %d", id, transaction->epoch);
    return 0;
}

/* The transaction of a producer that is not fenced. */
static rd_kafka_resp_err_t transaction_of(const struct producer_id *producer, struct transaction **out) {
    *out = &transactions[producer->transaction];
    if (sim_now() < broker.coordinator_down_until) return RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE;
    return producer->epoch == (*out)->epoch ? 0 : RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH;
}

struct expiry {
    struct transaction *transaction;
    int serial;
};

static void transaction_expires(void *context) {
    struct expiry *expiry = context;
    struct transaction *transaction = expiry->transaction;
    if (transaction->state == TRANSACTION_ONGOING && transaction->serial == expiry->serial) {
        sim_trace("%s lasted too long", transaction->id);
        transaction->epoch++;
        transaction_prepare(transaction, false);
    }
    free(expiry);
}

static rd_kafka_resp_err_t transaction_begin(struct transaction *transaction) {
    if (transaction->state == TRANSACTION_PREPARED) return RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS;
    if (transaction->state == TRANSACTION_ONGOING) return 0;
    transaction->state = TRANSACTION_ONGOING;
    transaction->serial++;
    struct expiry *expiry = malloc(sizeof *expiry);
    *expiry = (struct expiry){transaction, transaction->serial};
    sim_at(sim_now() + transaction->timeout + sim_between(0, SWEEP), transaction_expires, expiry);
    return 0;
}

rd_kafka_resp_err_t broker_add_partition(const struct producer_id *producer, struct log_topic *log) {
    struct transaction *transaction;
    rd_kafka_resp_err_t code = transaction_of(producer, &transaction);
    if (!code) code = transaction_begin(transaction);
    if (!code) transaction->logs |= UINT64_C(1) << (log - broker_logs);
    return code;
}

static struct producer_state *state_of(struct log_topic *log, const struct producer_id *producer) {
    int n = 0;
    while (n < log->producer_count && log->producers[n].id.transaction != producer->transaction) n++;
    if (n == LOG_PRODUCERS_MAX) sim_fail("more than %d producers of %s", LOG_PRODUCERS_MAX, log->name);
    struct producer_state *state = &log->producers[n];
    if (n == log->producer_count) {
        log->producer_count++;
        *state = (struct producer_state){.id = *producer};
    }
    if (state->id.epoch != producer->epoch) *state = (struct producer_state){.id = *producer};
    return state;
}

static int64_t offset_of(const struct log_topic *log, const struct producer_id *producer, int32_t sequence) {
    for (int64_t n = log->end; n-- > 0;) {
        const struct entry *entry = &log->entries[n];
        if (entry->fate != FATE_MARKER && entry->producer.transaction == producer->transaction && entry->producer.epoch == producer->epoch &&
            entry->sequence == sequence)
            return n;
    }
    sim_fail("%s-%d: a repeated record is not there", log->name, log->partition);
}

static rd_kafka_resp_err_t produce_one(const struct producer_id *producer, struct outgoing *record) {
    struct log_topic *log = record->log;
    struct producer_state *state = state_of(log, producer);
    record->leader_epoch = log->leader_epoch;
    if (record->sequence > state->next_sequence) return RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER;
    if (record->sequence < state->next_sequence) {
        record->offset = offset_of(log, producer, record->sequence);
    } else {
        record->entry.producer = *producer;
        record->entry.sequence = state->next_sequence++;
        record->entry.fate = FATE_OPEN;
        record->offset = log->end;
        append(log, &record->entry);
    }
    record->at = log->entries[record->offset].at;
    return 0;
}

/* As Kafka does since 3.6: nothing is appended that is not part of an open transaction (KIP-890, part 1). */
rd_kafka_resp_err_t broker_produce(const struct producer_id *producer, struct outgoing *batch, size_t count, int64_t *replicated_at) {
    const struct transaction *transaction = &transactions[producer->transaction];
    if (producer->epoch != transaction->epoch) return RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH;
    for (size_t n = 0; n < count; n++)
        if (transaction->state != TRANSACTION_ONGOING || !(transaction->logs >> (batch[n].log - broker_logs) & 1))
            return RD_KAFKA_RESP_ERR_INVALID_TXN_STATE;
    *replicated_at = sim_now();
    for (size_t n = 0; n < count; n++) {
        rd_kafka_resp_err_t code = produce_one(producer, &batch[n]);
        if (code) return code;
        if (n + 1 < count && batch[n + 1].log == batch[n].log) continue;
        int64_t at = replicate(batch[n].log);
        if (at > *replicated_at) *replicated_at = at;
    }
    return 0;
}

bool broker_was_kept(const struct outgoing *batch, size_t count) {
    for (size_t n = 0; n < count; n++)
        if (batch[n].leader_epoch != batch[n].log->leader_epoch) return false;
    return true;
}

rd_kafka_resp_err_t broker_end_transaction(const struct producer_id *producer, bool commit) {
    struct transaction *transaction;
    rd_kafka_resp_err_t code = transaction_of(producer, &transaction);
    if (code) return code;
    switch (transaction->state) {
    case TRANSACTION_ONGOING: transaction_prepare(transaction, commit); return 0;
    case TRANSACTION_PREPARED:
        return transaction->commit == commit ? RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS : RD_KAFKA_RESP_ERR_INVALID_TXN_STATE;
    case TRANSACTION_COMPLETE: return transaction->commit == commit ? 0 : RD_KAFKA_RESP_ERR_INVALID_TXN_STATE;
    case TRANSACTION_EMPTY: break;
    }
    return RD_KAFKA_RESP_ERR_INVALID_TXN_STATE;
}

/* ---- sources ---- */

void broker_feed(struct log_topic *log, struct str key, struct str value, bool open) {
    int32_t transaction = open ? TRANSACTION_FEEDER : TRANSACTION_NONE;
    append(log, &(struct entry){.key = key, .value = value, .fate = open ? FATE_OPEN : FATE_COMMITTED, .producer = {transaction, 0}});
    log->high = log->end; /* what is lost before it was acknowledged is sent again, and so never lost: no matter to us */
    log->entries[log->end - 1].decided = sim_now();
    stable_move(log);
    broker_log_changed(log);
}

void broker_feed_end(struct log_topic *log, bool commit) { marker_send(log, NULL, commit); }

/* ---- the group's offsets ---- */

static struct group_offsets committed[SIM_PARTITIONS_MAX];
static bool has_committed[SIM_PARTITIONS_MAX];

static void group_offsets_move(const struct group_offsets *offsets) {
    committed[offsets->partition] = *offsets;
    has_committed[offsets->partition] = true;
}

rd_kafka_resp_err_t broker_commit_offsets(const struct producer_id *producer, const struct membership *by, const struct group_offsets *offsets) {
    struct transaction *transaction;
    rd_kafka_resp_err_t code = transaction_of(producer, &transaction);
    if (!code && transaction->state == TRANSACTION_PREPARED) code = RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS;
    if (!code && by->generation >= 0) { /* who names no generation is not checked */
        code = broker_heartbeat(by);
        if (code == RD_KAFKA_RESP_ERR_REBALANCE_IN_PROGRESS) code = 0;
    }
    if (!code) code = transaction_begin(transaction);
    if (code) return code;
    transaction->has_offsets = true;
    transaction->offsets = *offsets;
    return 0;
}

rd_kafka_resp_err_t broker_committed(struct group_offsets *offsets) {
    if (sim_now() < broker.coordinator_down_until) return RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE;
    for (int n = 0; n < transaction_count; n++)
        if (transactions[n].has_offsets && transactions[n].offsets.partition == offsets->partition)
            return RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT;
    int32_t partition = offsets->partition;
    if (has_committed[partition]) {
        *offsets = committed[partition];
        return 0;
    }
    for (int n = 0; n < GROUP_SOURCES; n++) offsets->offsets[n] = RD_KAFKA_OFFSET_INVALID;
    return 0;
}
