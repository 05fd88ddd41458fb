#include "rekey_producer.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "clocks.h"
#include "framing.h"
#include "kafka_crash.h"
#include "rekey_clock.h"

#define INIT_MS 30000
#define FULL_WAIT_MS 10
#define FULL_MS 8000     /* below transaction.timeout.ms */
#define DOUBTFUL_MS 5000 /* socket.timeout.ms of a producer */
/* One byte behind the limit, so that a value that is too long stays so. */
#define VALUE_BYTES_MAX (RECORD_BYTES_MAX + FRAMING_BYTES_MAX + 1)
#define ROOM_BYTES (RECORD_BYTES_MAX + 3584) /* max.message.bytes of a source (kafka_topics.c), less what the batch around it takes */

struct rekey_producer {
    const struct config *config;
    struct failure *failure;
    rd_kafka_t *handle;
    rd_kafka_topic_t *topics[SOURCE_DIRECTORY + 1]; /* by source */
    bool begun, doubtful;
    atomic_bool disconnected;
    rd_kafka_resp_err_t delivery; /* the first record that was not taken */
    int64_t cut;
};

static const char *topic_of(const struct rekey_producer *producer, enum source_kind source) {
    return producer->config->topics.names[kafka_topic_of_source(source)];
}

static void delivered(rd_kafka_t *handle, const rd_kafka_message_t *message, void *opaque) {
    struct rekey_producer *producer = opaque;
    (void)handle;
    if (!producer->delivery) producer->delivery = kafka_delivery(message);
}

static void went_wrong(rd_kafka_t *handle, int code, const char *text, void *opaque) {
    struct rekey_producer *producer = opaque;
    (void)handle;
    (void)text;
    if (code == RD_KAFKA_RESP_ERR__TRANSPORT || code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || code == RD_KAFKA_RESP_ERR__TIMED_OUT)
        atomic_store(&producer->disconnected, true);
}

static int fail_transaction(struct rekey_producer *producer, rd_kafka_error_t *error, const char *doing) {
    return fail_kafka_error(producer->failure, error, doing, rd_kafka_name(producer->handle));
}

static int is_usable(struct rekey_producer *producer) { return kafka_usable(producer->handle, producer->delivery, producer->failure); }

/* ---- begin and end ---- */

static int producer_connect(struct rekey_producer *producer) {
    char id[300], error[300];
    rd_kafka_conf_t *conf = kafka_conf(producer->config, KAFKA_WRITER, 0, producer->failure);
    if (!conf) return -1;
    snprintf(id, sizeof id, "%s.rekey", producer->config->application);
    rd_kafka_conf_set(conf, "transactional.id", id, error, sizeof error);
    rd_kafka_conf_set(conf, "batch.size", "131072", error, sizeof error); /* a batch counts as a record where topics limit them */
    rd_kafka_conf_set_opaque(conf, producer);
    rd_kafka_conf_set_dr_msg_cb(conf, delivered);
    rd_kafka_conf_set_error_cb(conf, went_wrong);
    producer->handle = kafka_open(conf, KAFKA_WRITER, producer->failure);
    if (!producer->handle) return -1;
    for (int source = SOURCE_CALLS; source <= SOURCE_DIRECTORY; source++)
        if (producer->config->rekey[source])
            producer->topics[source] = rd_kafka_topic_new(producer->handle, topic_of(producer, (enum source_kind)source), NULL);
    rd_kafka_error_t *failed = rd_kafka_init_transactions(producer->handle, INIT_MS);
    return failed ? fail_transaction(producer, failed, "begin to write with") : 0;
}

int rekey_producer_open(struct rekey_producer **out, const struct config *config, struct failure *failure) {
    struct rekey_producer *producer = *out = calloc(1, sizeof *producer);
    if (!producer) return fail_memory(failure);
    producer->config = config;
    producer->failure = failure;
    if (producer_connect(producer) == 0) return 0;
    rekey_producer_close(producer);
    *out = NULL;
    return -1;
}

void rekey_producer_close(struct rekey_producer *producer) {
    if (!producer) return;
    for (int source = SOURCE_CALLS; source <= SOURCE_DIRECTORY; source++)
        if (producer->topics[source]) rd_kafka_topic_destroy(producer->topics[source]);
    if (producer->handle) {
        rd_kafka_purge(producer->handle, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        rd_kafka_destroy(producer->handle);
    }
    free(producer);
}

bool rekey_producer_is_lost(const struct rekey_producer *producer) {
    char text[200];
    rd_kafka_resp_err_t code = rd_kafka_fatal_error(producer->handle, text, sizeof text);
    return code == RD_KAFKA_RESP_ERR__FENCED || code == RD_KAFKA_RESP_ERR_PRODUCER_FENCED || code == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH;
}

bool rekey_producer_is_doubtful(const struct rekey_producer *producer) { return producer->doubtful; }
int64_t rekey_producer_cut(const struct rekey_producer *producer) { return producer->cut; }

/* ---- writing ---- */

static int begin(struct rekey_producer *producer) {
    if (producer->begun) return 0;
    if (is_usable(producer) < 0) return -1;
    rd_kafka_error_t *error = rd_kafka_begin_transaction(producer->handle);
    if (error) return fail_transaction(producer, error, "begin a transaction of");
    producer->begun = true;
    return 0;
}

/* `headers` are taken. `time`: ms; 0: now. */
static int produce(struct rekey_producer *producer, enum source_kind source, int32_t partition, struct str key, struct str value,
                   int64_t time, rd_kafka_headers_t *headers) {
    int64_t since_ms = monotonic_ms();
    int result = begin(producer);
    while (result == 0) {
        rd_kafka_resp_err_t code = rd_kafka_producev(
            producer->handle, RD_KAFKA_V_RKT(producer->topics[source]), RD_KAFKA_V_PARTITION(partition), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
            RD_KAFKA_V_KEY(key.ptr, key.len), RD_KAFKA_V_VALUE((void *)(uintptr_t)value.ptr, value.len), RD_KAFKA_V_TIMESTAMP(time),
            RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END);
        if (!code) return 0;
        if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL || monotonic_ms() - since_ms > FULL_MS) /* a full queue: the broker is slower than we */
            result = fail_kafka(producer->failure, code, rd_kafka_err2str(code), "write to", topic_of(producer, source));
        else
            rd_kafka_poll(producer->handle, FULL_WAIT_MS);
    }
    if (headers) rd_kafka_headers_destroy(headers);
    return -1;
}

/* Bytes that headers take; one that says what a report says is not let through. */
static size_t headers_weigh(const rd_kafka_headers_t *headers, bool *forged) {
    const char *name;
    const void *value;
    size_t size, bytes = 0;
    for (size_t n = 0; rd_kafka_header_get_all(headers, n, &name, &value, &size) == 0; n++) {
        bytes += strlen(name) + size + 10;
        *forged |= strcmp(name, REKEY_HEADER) == 0;
    }
    return bytes;
}

/* The one header without which the value cannot be read. */
static rd_kafka_headers_t *framing_alone(const rd_kafka_headers_t *headers) {
    const void *value;
    size_t size;
    if (rd_kafka_header_get_last(headers, FRAMING_HEADER, &value, &size) != 0 || size > FRAMING_BYTES_MAX + 16) return NULL;
    rd_kafka_headers_t *alone = rd_kafka_headers_new(1);
    rd_kafka_header_add(alone, FRAMING_HEADER, -1, value, (ssize_t)size);
    return alone;
}

int rekey_producer_record(struct rekey_producer *producer, enum source_kind source, int32_t partition, struct str tenant,
                          const rd_kafka_message_t *message) {
    struct str value = {message->payload, (uint32_t)message->len};
    struct str key = str_is_null(tenant) ? (struct str){message->key, (uint32_t)message->key_len} : tenant;
    rd_kafka_headers_t *there, *headers = NULL;
    bool forged = false, cut = false;
    if (value.len > VALUE_BYTES_MAX) cut = true, value.len = VALUE_BYTES_MAX;
    if (value.len + (size_t)key.len > ROOM_BYTES) cut = true, key = STR_NULL;
    if (rd_kafka_message_headers(message, &there) == 0) {
        bool fits = value.len + (size_t)key.len + headers_weigh(there, &forged) <= ROOM_BYTES;
        headers = fits && !forged ? rd_kafka_headers_copy(there) : framing_alone(there);
        cut |= !fits;
    }
    producer->cut += cut;
    rd_kafka_timestamp_type_t type;
    int64_t time = rd_kafka_message_timestamp(message, &type);
    return produce(producer, source, partition, key, value, time > 0 ? time : 0, headers);
}

int rekey_producer_report(struct rekey_producer *producer, enum source_kind source, int32_t partition, struct str text) {
    rd_kafka_headers_t *headers = rd_kafka_headers_new(1);
    rd_kafka_header_add(headers, REKEY_HEADER, -1, text.ptr, (ssize_t)text.len);
    return produce(producer, source, partition, STR_NULL, STR_NULL, 0, headers);
}

/* ---- ending a transaction ---- */

int rekey_producer_commit(struct rekey_producer *producer, const rd_kafka_topic_partition_list_t *offsets,
                          const rd_kafka_consumer_group_metadata_t *group) {
    int64_t began_ms = monotonic_ms();
    atomic_store(&producer->disconnected, false);
    crash_point("rekey produced");
    if (begin(producer) < 0 || is_usable(producer) < 0) return -1;
    rd_kafka_error_t *error = rd_kafka_send_offsets_to_transaction(producer->handle, offsets, group, -1);
    if (error) return fail_transaction(producer, error, "commit the origins' offsets with");
    crash_point("rekey offsets");
    if (kafka_commit(producer->handle, &producer->delivery, FULL_MS, &producer->doubtful, producer->failure) < 0) return -1;
    crash_point("rekey committed");
    producer->begun = false;
    rd_kafka_poll(producer->handle, 0);
    /* A request to end it that was lost, or took too long, was sent again, and may still arrive: in the next transaction. */
    producer->doubtful |= atomic_load(&producer->disconnected) || monotonic_ms() - began_ms > DOUBTFUL_MS;
    return 0;
}
