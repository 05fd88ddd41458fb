#include "kafka_producer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "clocks.h"
#include "kafka_crash.h"
#include "kafka_transaction.h"

#define WHY_MS 8000            /* below transaction.timeout.ms */
#define BRANCH_BYTES 1         /* in front of an output: record or tombstone */
#define LIST_BYTES (64u << 10) /* of journal records in one message, unless one alone is longer */
#define LIST_FRONT_BYTES (JOURNAL_FRAME_BYTES + CODEC_LIST_HEAD_MAX)

struct kafka_producer {
    struct log log;
    struct kafka_producer_options options;
    struct kafka_transaction transaction;
    rd_kafka_topic_t *topics[STREAMS];
    struct {
        uint8_t bytes[FRAMING_BYTES_MAX];
        size_t size;
    } frames[TOPICS];
    uint8_t *room; /* a frame, then the record; one stream is written at a time */
    size_t capacity;
    struct {
        uint8_t *room; /* the front, journal records, its end; owned */
        size_t size, capacity; /* of the records */
        int64_t count;
    } list;
    rd_kafka_consumer_group_metadata_t *group;
    int64_t offsets[GROUP_SOURCES];
    struct plan *plans[TOPICS]; /* to read what was encoded, where headers are made of it; NULL until the first */
    struct scratch scratch;
    int64_t seal_offset, seal_sent_ms /* monotonic */, skew_ms;
    int64_t apart_ms; /* our wall clock less the monotonic one when skew_ms was seen: what has changed since is a jump */
    char name[300];
};

static struct kafka_producer *producer_of(struct log *log) { return (struct kafka_producer *)log; }

static const char *topic_of(const struct kafka_producer *producer, int stream) { return producer->options.config->topics.names[stream]; }

/* A seal and the probe have the producer as their opaque. */
static void taken(void *context, const rd_kafka_message_t *message) {
    struct kafka_producer *producer = context;
    if (!message->_private) return;
    rd_kafka_timestamp_type_t type;
    int64_t taken_ms = rd_kafka_message_timestamp(message, &type), now_ms = wall_ms();
    producer->seal_offset = message->offset;
    if (type != RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME) return;
    /* Between sending and hearing of it, by our clock as it goes now: no more is known. */
    producer->apart_ms = now_ms - monotonic_ms();
    int64_t sent_ms = producer->seal_sent_ms + producer->apart_ms;
    producer->skew_ms = taken_ms < sent_ms ? sent_ms - taken_ms : taken_ms > now_ms ? now_ms - taken_ms : 0;
}

bool kafka_producer_is_lost(const struct log *log) { return transaction_is_lost(&((const struct kafka_producer *)log)->transaction); }

bool kafka_producer_is_doubtful(const struct log *log) { return ((const struct kafka_producer *)log)->transaction.doubtful; }

static uint8_t *producer_room(struct log *log, int stream, size_t size, size_t *capacity) {
    struct kafka_producer *producer = producer_of(log);
    (void)stream;
    if (producer->capacity < size) {
        uint8_t *room = realloc(producer->room, FRAMING_BYTES_MAX + 2 * size);
        if (!room) {
            fail_memory(log->failure);
            return NULL;
        }
        producer->room = room;
        producer->capacity = 2 * size;
    }
    *capacity = producer->capacity;
    return producer->room + FRAMING_BYTES_MAX;
}

static int produce(struct kafka_producer *producer, int stream, struct str key, const uint8_t *value, size_t size, void *opaque) {
    int64_t since_ms = 0;
    if (transaction_begin(&producer->transaction) < 0) return -1;
    while (rd_kafka_produce(producer->topics[stream], producer->options.partition, RD_KAFKA_MSG_F_COPY, (void *)(uintptr_t)value, size,
                            key.ptr, key.len, opaque) < 0)
        if (transaction_wait(&producer->transaction, rd_kafka_last_error(), &since_ms, topic_of(producer, stream)) < 0) return -1;
    return 0;
}

static void add_text(rd_kafka_headers_t *headers, const char *name, struct str text) {
    rd_kafka_header_add(headers, name, -1, text.ptr ? text.ptr : "", text.len);
}

static void add_number(rd_kafka_headers_t *headers, const char *name, int64_t number) {
    char text[24];
    int size = snprintf(text, sizeof text, "%" PRId64, number);
    rd_kafka_header_add(headers, name, -1, text, size);
}

/* The journal records that were gathered, as one message. */
static int list_send(struct kafka_producer *producer) {
    uint8_t head[CODEC_LIST_HEAD_MAX];
    if (!producer->list.count) return 0;
    size_t head_size = codec_write_list_head(producer->list.count, head), front = JOURNAL_FRAME_BYTES + head_size;
    uint8_t *records = producer->list.room + LIST_FRONT_BYTES, *value = records - front;
    memcpy(value, producer->options.form->list_frame, JOURNAL_FRAME_BYTES);
    memcpy(value + JOURNAL_FRAME_BYTES, head, head_size);
    records[producer->list.size] = CODEC_LIST_END;
    size_t size = front + producer->list.size + 1;
    producer->list.size = 0;
    producer->list.count = 0;
    return produce(producer, STREAM_JOURNAL, STR("*"), value, size, NULL);
}

/* The first of a transaction goes at once: what the coordinator must be asked before anything goes to the journal is asked while others are gathered. */
static int list_add(struct kafka_producer *producer, const uint8_t *record, size_t size) {
    if (producer->list.size + size > LIST_BYTES && list_send(producer) < 0) return -1;
    size_t wanted = producer->list.size + size < LIST_BYTES ? LIST_BYTES : producer->list.size + size;
    if (producer->list.capacity < wanted) {
        uint8_t *room = realloc(producer->list.room, LIST_FRONT_BYTES + wanted + 1);
        if (!room) return fail_memory(producer->log.failure);
        producer->list.room = room;
        producer->list.capacity = wanted;
    }
    memcpy(producer->list.room + LIST_FRONT_BYTES + producer->list.size, record, size);
    producer->list.size += size;
    producer->list.count++;
    return producer->transaction.begun ? 0 : list_send(producer);
}

/* `headers` are taken. */
static int produce_with(struct kafka_producer *producer, int stream, struct str key, const uint8_t *value, size_t size,
                        rd_kafka_headers_t *headers) {
    int64_t since_ms = 0;
    int result = transaction_begin(&producer->transaction);
    while (result == 0) {
        rd_kafka_resp_err_t code =
            rd_kafka_producev(producer->transaction.handle, RD_KAFKA_V_RKT(producer->topics[stream]), RD_KAFKA_V_PARTITION(producer->options.partition),
                              RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(key.ptr, key.len),
                              RD_KAFKA_V_VALUE((void *)(uintptr_t)value, size), RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END);
        if (!code) return 0;
        result = transaction_wait(&producer->transaction, code, &since_ms, topic_of(producer, stream));
    }
    rd_kafka_headers_destroy(headers);
    return -1;
}

static void add_position(rd_kafka_headers_t *headers, const struct position *position) {
    add_text(headers, "__ringback.journal", position->journal_id);
    add_number(headers, "__ringback.partition", position->partition);
    add_number(headers, "__ringback.seal", position->seal);
    add_number(headers, "__ringback.index", position->index);
    add_number(headers, "__ringback.number", position->number);
}

static void add_errors(rd_kafka_headers_t *headers, const struct rejected *rejected) {
    add_text(headers, "__ringback.errors.topic", rejected->source_name);
    add_number(headers, "__ringback.errors.partition", rejected->source == SOURCE_NETWORK ? 0 : rejected->position.partition);
    add_number(headers, "__ringback.errors.offset", rejected->offset);
    add_text(headers, "__ringback.errors.reason", str_of(symbol_text("RejectReason", rejected->reason)));
    add_text(headers, "__ringback.errors.detail", rejected->detail);
}

/* Tombstones and rejected records carry headers, made of what was encoded. NULL: described. */
static rd_kafka_headers_t *headers_of(struct kafka_producer *producer, enum topic topic, const uint8_t *encoded, size_t size) {
    const char *schema = schema_of_topic(topic);
    struct plan **plan = &producer->plans[topic];
    struct refusal why;
    struct output output;
    if ((!*plan && plan_make(plan, schema, strlen(schema), shape_of_topic(topic), why.detail, sizeof why.detail) < 0) ||
        codec_read(*plan, encoded, size, &output, &producer->scratch, &why) < 0) {
        fail(producer->log.failure, EXIT_FAILED, "%s: what was encoded cannot be read: %s.", topic_of(producer, (int)topic), why.detail);
        return NULL;
    }
    rd_kafka_headers_t *headers = rd_kafka_headers_new(10);
    add_position(headers, &output.body.position);
    if (!output.is_tombstone) add_errors(headers, &output.body.rejected);
    return headers;
}

static int producer_append(struct log *log, int stream, struct str key, size_t size) {
    struct kafka_producer *producer = producer_of(log);
    uint8_t *encoded = producer->room + FRAMING_BYTES_MAX;
    if (stream == STREAM_JOURNAL) return list_add(producer, encoded, size);
    bool is_tombstone = *encoded != 0;
    rd_kafka_headers_t *headers = NULL;
    if (is_tombstone || stream == TOPIC_REJECTED) {
        headers = headers_of(producer, (enum topic)stream, encoded, size);
        if (!headers) return -1;
    }
    /* The frame takes the place of an output's branch. */
    size_t frame = producer->frames[stream].size;
    uint8_t *value = encoded + BRANCH_BYTES - frame;
    memcpy(value, producer->frames[stream].bytes, frame);
    size += frame - BRANCH_BYTES;
    if (is_tombstone) return produce_with(producer, stream, key, NULL, 0, headers);
    return headers ? produce_with(producer, stream, key, value, size, headers) : produce(producer, stream, key, value, size, NULL);
}

/* Kafka has no positions, and nothing to wait for before the commit. */
static int producer_prepare(struct log *log, int64_t outputs[TOPICS]) {
    memset(outputs, 0, TOPICS * sizeof *outputs);
    return list_send(producer_of(log));
}

static rd_kafka_topic_partition_list_t *group_offsets(const struct kafka_producer *producer) {
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(GROUP_SOURCES);
    for (int n = 0; n < GROUP_SOURCES && !rule_is_broken("empty offsets"); n++)
        rd_kafka_topic_partition_list_add(list, topic_of(producer, KAFKA_TOPIC_CALLS + n), producer->options.partition)->offset =
            producer->offsets[n];
    return list;
}

static int producer_seal(struct log *log, size_t size, int64_t sequence) {
    struct kafka_producer *producer = producer_of(log);
    uint8_t *record = producer->room + FRAMING_BYTES_MAX, *value = record - JOURNAL_FRAME_BYTES, hash[SEAL_HASH_BYTES];
    seal_hash(record, size, hash);
    memcpy(value, producer->options.form->frame, JOURNAL_FRAME_BYTES);
    producer->seal_offset = -1;
    producer->seal_sent_ms = monotonic_ms();
    if (produce(producer, STREAM_JOURNAL, STR_NULL, value, size + JOURNAL_FRAME_BYTES, producer) < 0) return -1;
    crash_point("produced");
    if (producer->options.before_commit) producer->options.before_commit(producer->options.context);
    rd_kafka_topic_partition_list_t *offsets = group_offsets(producer);
    int result = transaction_commit(&producer->transaction, offsets, producer->group, producer->options.config->application);
    rd_kafka_topic_partition_list_destroy(offsets);
    if (result < 0) return -1;
    log->sealed.sequence = sequence;
    log->sealed.seal_at = producer->seal_offset;
    log->sealed.position = producer->seal_offset + 1;
    memcpy(log->sealed.seal_hash, hash, sizeof hash);
    return 0;
}

static void producer_close(struct log *log) {
    struct kafka_producer *producer = producer_of(log);
    for (int stream = 0; stream < STREAMS; stream++)
        if (producer->topics[stream]) rd_kafka_topic_destroy(producer->topics[stream]);
    transaction_close(&producer->transaction);
    for (int topic = 0; topic < TOPICS; topic++) plan_free(producer->plans[topic]);
    free(producer->room);
    free(producer->list.room);
    free(producer);
}

static const struct log_operations operations = {
    .room = producer_room,
    .append = producer_append,
    .prepare = producer_prepare,
    .seal = producer_seal,
    .close = producer_close,
};

static struct kafka_producer *producer_new(const struct kafka_producer_options *options, struct failure *failure) {
    struct kafka_producer *producer = calloc(1, sizeof *producer);
    if (!producer) {
        fail_memory(failure);
        return NULL;
    }
    producer->options = *options;
    producer->transaction.taken = taken;
    producer->transaction.context = producer;
    producer->apart_ms = wall_ms() - monotonic_ms();
    snprintf(producer->name, sizeof producer->name, "%s-%" PRId32, topic_of(producer, STREAM_JOURNAL), options->partition);
    producer->log = (struct log){.operations = &operations,
                                 .failure = failure,
                                 .sealed = {.sequence = -1},
                                 .name = producer->name};
    for (int topic = 0; topic < TOPICS; topic++) producer->frames[topic].size = framing_write(&options->own[topic], producer->frames[topic].bytes);
    return producer;
}

static int producer_connect(struct kafka_producer *producer) {
    const struct kafka_producer_options *options = &producer->options;
    rd_kafka_conf_t *conf = kafka_conf(options->config, KAFKA_WRITER, options->partition, producer->log.failure);
    if (!conf || transaction_open(&producer->transaction, conf, producer->log.failure) < 0) return -1;
    for (int stream = 0; stream < STREAMS; stream++)
        producer->topics[stream] = rd_kafka_topic_new(producer->transaction.handle, topic_of(producer, stream), NULL);
    return transaction_init(&producer->transaction);
}

int kafka_producer_open(struct log **log, const struct kafka_producer_options *options, struct failure *failure) {
    struct kafka_producer *producer = producer_new(options, failure);
    *log = producer ? &producer->log : NULL;
    if (!producer) return -1;
    if (producer_connect(producer) == 0) return 0;
    producer_close(*log);
    *log = NULL;
    return -1;
}

/* A record that was purged says that its transaction has failed. Why, says the answer to an attempt to commit, which then cannot succeed. */
static int fail_purged(struct kafka_producer *producer) {
    const char *journal = topic_of(producer, STREAM_JOURNAL);
    rd_kafka_error_t *error = rd_kafka_commit_transaction(producer->transaction.handle, WHY_MS);
    return error ? fail_kafka_error(producer->log.failure, error, "write to", journal)
                 : fail(producer->log.failure, EXIT_AGAIN, "cannot write to %s: the record was purged.", journal);
}

int kafka_producer_probe(struct log *log) {
    static const uint8_t probe[] = "probe";
    struct kafka_producer *producer = producer_of(log);
    producer->seal_offset = -1;
    producer->seal_sent_ms = monotonic_ms();
    if (produce(producer, STREAM_JOURNAL, STR("*"), probe, sizeof probe - 1, producer) < 0) return -1;
    rd_kafka_resp_err_t code = transaction_flush(&producer->transaction);
    if (code == RD_KAFKA_RESP_ERR__PURGE_QUEUE) return fail_purged(producer);
    if (code == KAFKA_UNPLACED) return transaction_usable(&producer->transaction);
    if (code) return fail_kafka(log->failure, code, rd_kafka_err2str(code), "write to", topic_of(producer, STREAM_JOURNAL));
    if (transaction_abort(&producer->transaction) < 0) return -1;
    if (!producer->transaction.doubtful) return 0;
    return fail(log->failure, EXIT_AGAIN, "%s: the connection broke while a transaction was aborted.", rd_kafka_name(producer->transaction.handle));
}

void kafka_producer_at(struct log *log, const struct log_place *sealed, rd_kafka_consumer_group_metadata_t *group) {
    log->sealed = *sealed;
    producer_of(log)->group = group;
}

void kafka_producer_offsets(struct log *log, const int64_t offsets[GROUP_SOURCES]) {
    memcpy(producer_of(log)->offsets, offsets, sizeof producer_of(log)->offsets);
}

int64_t kafka_producer_skew_ms(const struct log *log) {
    const struct kafka_producer *producer = (const struct kafka_producer *)log;
    return producer->skew_ms + wall_ms() - monotonic_ms() - producer->apart_ms;
}
