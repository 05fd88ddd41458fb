#include "rekey_producer.h"

#include <stdio.h>
#include <stdlib.h>

#include "framing.h"
#include "kafka_crash.h"
#include "kafka_transaction.h"
#include "rekey_clock.h"

/* One byte behind the limit, so that a value that is too long stays so. */
#define VALUE_BYTES_MAX (RECORD_BYTES_MAX + FRAMING_BYTES_MAX + 1)
#define ROOM_BYTES (RECORD_BYTES_MAX + 3584) /* max.message.bytes of a source (kafka_topics.c), less what the batch around it takes */

struct rekey_producer {
    const struct config *config;
    struct kafka_transaction transaction;
    rd_kafka_topic_t *topics[SOURCE_DIRECTORY + 1]; /* by source */
    char group[300];                                /* and transactional id */
    int64_t cut;
};

static const char *topic_of(const struct rekey_producer *producer, enum source_kind source) {
    return producer->config->topics.names[kafka_topic_of_source(source)];
}

/* ---- begin and end ---- */

static int producer_connect(struct rekey_producer *producer, struct failure *failure) {
    char error[300];
    rd_kafka_conf_t *conf = kafka_conf(producer->config, KAFKA_WRITER, 0, failure);
    if (!conf) return -1;
    rd_kafka_conf_set(conf, "transactional.id", producer->group, error, sizeof error);
    rd_kafka_conf_set(conf, "batch.size", "131072", error, sizeof error); /* a batch counts as a record where topics limit them */
    if (transaction_open(&producer->transaction, conf, failure) < 0) return -1;
    for (int source = SOURCE_CALLS; source <= SOURCE_DIRECTORY; source++)
        if (producer->config->rekey[source])
            producer->topics[source] = rd_kafka_topic_new(producer->transaction.handle, topic_of(producer, (enum source_kind)source), NULL);
    return transaction_init(&producer->transaction);
}

int rekey_producer_open(struct rekey_producer **out, const struct config *config, struct failure *failure) {
    struct rekey_producer *producer = *out = calloc(1, sizeof *producer);
    if (!producer) return fail_memory(failure);
    producer->config = config;
    snprintf(producer->group, sizeof producer->group, "%s.rekey", config->application);
    if (producer_connect(producer, failure) == 0) return 0;
    rekey_producer_close(producer);
    *out = NULL;
    return -1;
}

void rekey_producer_close(struct rekey_producer *producer) {
    if (!producer) return;
    for (int source = SOURCE_CALLS; source <= SOURCE_DIRECTORY; source++)
        if (producer->topics[source]) rd_kafka_topic_destroy(producer->topics[source]);
    transaction_close(&producer->transaction);
    free(producer);
}

bool rekey_producer_is_lost(const struct rekey_producer *producer) { return transaction_is_lost(&producer->transaction); }
bool rekey_producer_is_doubtful(const struct rekey_producer *producer) { return producer->transaction.doubtful; }
int64_t rekey_producer_cut(const struct rekey_producer *producer) { return producer->cut; }

/* ---- writing ---- */

/* `headers` are taken. `time`: ms; 0: now. */
static int produce(struct rekey_producer *producer, enum source_kind source, int32_t partition, struct str key, struct str value,
                   int64_t time, rd_kafka_headers_t *headers) {
    int64_t since_ms = 0;
    int result = transaction_begin(&producer->transaction);
    while (result == 0) {
        rd_kafka_resp_err_t code = rd_kafka_producev(
            producer->transaction.handle, RD_KAFKA_V_RKT(producer->topics[source]), RD_KAFKA_V_PARTITION(partition),
            RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(key.ptr, key.len), RD_KAFKA_V_VALUE((void *)(uintptr_t)value.ptr, value.len),
            RD_KAFKA_V_TIMESTAMP(time), RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END);
        if (!code) return 0;
        result = transaction_wait(&producer->transaction, code, &since_ms, topic_of(producer, source));
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
    crash_point("produced");
    if (transaction_begin(&producer->transaction) < 0) return -1;
    return transaction_commit(&producer->transaction, offsets, group, producer->group);
}
