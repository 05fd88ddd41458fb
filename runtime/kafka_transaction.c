#include "kafka_transaction.h"

#include "clocks.h"
#include "kafka_crash.h"

#define INIT_MS 30000
#define FULL_WAIT_MS 10
#define FULL_MS 8000     /* below transaction.timeout.ms */
#define DOUBTFUL_MS 5000 /* socket.timeout.ms of a producer */
#define PLACES_LOOK_MS 100

static void delivered(rd_kafka_t *handle, const rd_kafka_message_t *message, void *opaque) {
    struct kafka_transaction *transaction = opaque;
    (void)handle;
    rd_kafka_resp_err_t code = message->err ? message->err : message->offset < 0 ? KAFKA_UNPLACED : 0;
    if (!transaction->delivery) transaction->delivery = code;
    if (!code && transaction->taken) transaction->taken(transaction->context, message);
}

static void went_wrong(rd_kafka_t *handle, int code, const char *text, void *opaque) {
    struct kafka_transaction *transaction = opaque;
    (void)handle;
    (void)text;
    if (code == RD_KAFKA_RESP_ERR__TRANSPORT || code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || code == RD_KAFKA_RESP_ERR__TIMED_OUT)
        atomic_store(&transaction->disconnected, true);
}

static int fail_transaction(struct kafka_transaction *transaction, rd_kafka_error_t *error, const char *doing) {
    return fail_kafka_error(transaction->failure, error, doing, rd_kafka_name(transaction->handle));
}

/* ---- beginning and end of the producer ---- */

int transaction_open(struct kafka_transaction *transaction, rd_kafka_conf_t *conf, struct failure *failure) {
    transaction->failure = failure;
    rd_kafka_conf_set_opaque(conf, transaction);
    rd_kafka_conf_set_dr_msg_cb(conf, delivered);
    rd_kafka_conf_set_error_cb(conf, went_wrong);
    transaction->handle = kafka_open(conf, KAFKA_WRITER, failure);
    return transaction->handle ? 0 : -1;
}

int transaction_init(struct kafka_transaction *transaction) {
    rd_kafka_error_t *error = rd_kafka_init_transactions(transaction->handle, INIT_MS);
    return error ? fail_transaction(transaction, error, "begin to write with") : 0;
}

void transaction_close(struct kafka_transaction *transaction) {
    if (!transaction->handle) return;
    rd_kafka_purge(transaction->handle, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_destroy(transaction->handle);
    transaction->handle = NULL;
}

bool transaction_is_lost(const struct kafka_transaction *transaction) {
    char text[200];
    rd_kafka_resp_err_t code = rd_kafka_fatal_error(transaction->handle, text, sizeof text);
    return code == RD_KAFKA_RESP_ERR__FENCED || code == RD_KAFKA_RESP_ERR_PRODUCER_FENCED || code == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH;
}

/* ---- records ---- */

static int usable(struct kafka_transaction *transaction, rd_kafka_resp_err_t delivery) {
    char text[300];
    const char *name = rd_kafka_name(transaction->handle);
    rd_kafka_resp_err_t code = rd_kafka_fatal_error(transaction->handle, text, sizeof text);
    if (code) return fail_kafka(transaction->failure, code, text, "write with", name);
    if (delivery == KAFKA_UNPLACED)
        return fail(transaction->failure, EXIT_AGAIN, "a record of %s was acknowledged without its place: it may not be there.", name);
    return delivery ? fail_kafka(transaction->failure, delivery, rd_kafka_err2str(delivery), "write with", name) : 0;
}

int transaction_usable(struct kafka_transaction *transaction) { return usable(transaction, transaction->delivery); }

int transaction_begin(struct kafka_transaction *transaction) {
    if (transaction->begun) return 0;
    if (transaction_usable(transaction) < 0) return -1;
    rd_kafka_error_t *error = rd_kafka_begin_transaction(transaction->handle);
    if (error) return fail_transaction(transaction, error, "begin a transaction of");
    transaction->begun = true;
    crash_point("begun");
    return 0;
}

int transaction_wait(struct kafka_transaction *transaction, rd_kafka_resp_err_t code, int64_t *since_ms, const char *topic) {
    int64_t now_ms = monotonic_ms();
    if (!*since_ms) *since_ms = now_ms;
    if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL || now_ms - *since_ms > FULL_MS)
        return fail_kafka(transaction->failure, code, rd_kafka_err2str(code), "write to", topic);
    rd_kafka_poll(transaction->handle, FULL_WAIT_MS);
    return 0;
}

rd_kafka_resp_err_t transaction_flush(struct kafka_transaction *transaction) {
    rd_kafka_resp_err_t code = rd_kafka_flush(transaction->handle, FULL_MS);
    return code ? code : transaction->delivery;
}

/* ---- its end ---- */

/* Until each record has its place, or one is known not to have: why it was refused says the attempt to commit, which fails then. 2.0.2 keeps records
 * that came back after their transaction had failed, and tells nothing more of them. */
static int await_places(struct kafka_transaction *transaction) {
    int64_t began_ms = monotonic_ms();
    rd_kafka_resp_err_t code;
    do {
        code = rd_kafka_flush(transaction->handle, PLACES_LOOK_MS);
        if (usable(transaction, transaction->delivery == KAFKA_UNPLACED ? KAFKA_UNPLACED : 0) < 0) return -1;
    } while (code == RD_KAFKA_RESP_ERR__TIMED_OUT && !transaction->delivery && monotonic_ms() - began_ms < FULL_MS);
    if (!code || transaction->delivery) return 0;
    return fail_kafka(transaction->failure, code, rd_kafka_err2str(code), "write with", rd_kafka_name(transaction->handle));
}

/* An error that may be tried again is: the broker may already have done it. */
static int commit(struct kafka_transaction *transaction) {
    if (transaction_usable(transaction) < 0 || await_places(transaction) < 0) return -1;
    for (;;) {
        rd_kafka_error_t *error = rd_kafka_commit_transaction(transaction->handle, -1);
        if (!error) return 0;
        if (!rd_kafka_error_is_retriable(error)) return fail_transaction(transaction, error, "commit a transaction of");
        rd_kafka_error_destroy(error);
        transaction->doubtful = true;
    }
}

/* A request to end a transaction that was lost, or took too long, was sent again; the first may still arrive, and then ends the next
 * transaction. What librdkafka has to tell of connections it tells when polled. */
static void ended(struct kafka_transaction *transaction, int64_t began_ms) {
    transaction->begun = false;
    rd_kafka_poll(transaction->handle, 0);
    transaction->doubtful |= atomic_load(&transaction->disconnected) || monotonic_ms() - began_ms > DOUBTFUL_MS;
}

int transaction_commit(struct kafka_transaction *transaction, const rd_kafka_topic_partition_list_t *offsets,
                       const rd_kafka_consumer_group_metadata_t *group, const char *group_name) {
    int64_t began_ms = monotonic_ms();
    atomic_store(&transaction->disconnected, false);
    if (transaction_usable(transaction) < 0) return -1;
    rd_kafka_error_t *error = rd_kafka_send_offsets_to_transaction(transaction->handle, offsets, group, -1);
    if (error) return fail_kafka_error(transaction->failure, error, "commit the offsets of group", group_name);
    crash_point("offsets");
    if (commit(transaction) < 0) return -1;
    crash_point("committed");
    ended(transaction, began_ms);
    return 0;
}

int transaction_abort(struct kafka_transaction *transaction) {
    int64_t began_ms = monotonic_ms();
    atomic_store(&transaction->disconnected, false);
    rd_kafka_error_t *error = rd_kafka_abort_transaction(transaction->handle, -1);
    if (error) return fail_transaction(transaction, error, "abort a transaction of");
    ended(transaction, began_ms);
    return 0;
}
