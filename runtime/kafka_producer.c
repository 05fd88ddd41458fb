#include "kafka_producer.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "clocks.h"
#include "kafka_crash.h"

#define FULL_WAIT_MS 10
#define FULL_MS 8000 /* below transaction.timeout.ms */
#define INIT_MS 30000
#define DOUBTFUL_MS 5000 /* socket.timeout.ms of a producer */
#define BRANCH_BYTES 1   /* in front of an output: record or tombstone */
#define LIST_BYTES (64u << 10) /* of journal records in one message, unless one alone is longer */
#define LIST_FRONT_BYTES (JOURNAL_FRAME_BYTES + CODEC_LIST_HEAD_MAX)

struct kafka_producer {
    struct log log;
    struct kafka_producer_options options;
    rd_kafka_t *producer;
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
    bool begun, doubtful;
    atomic_bool disconnected;
    struct plan *plans[TOPICS]; /* to read what was encoded, where headers are made of it; NULL until the first */
    struct scratch scratch;
    rd_kafka_resp_err_t delivery; /* the first record that was not taken */
    int64_t seal_offset, seal_sent_ms /* monotonic */, skew_ms;
    int64_t apart_ms; /* our wall clock less the monotonic one when skew_ms was seen: what has changed since is a jump */
    char name[300];
};

static struct kafka_producer *producer_of(struct log *log) { return (struct kafka_producer *)log; }

static const char *topic_of(const struct kafka_producer *producer, int stream) { return producer->options.config->topics.names[stream]; }

/* Of every record; that of a seal (or of the probe) has the producer as its opaque. */
static void delivered(rd_kafka_t *handle, const rd_kafka_message_t *message, void *opaque) {
    struct kafka_producer *producer = opaque;
    (void)handle;
    rd_kafka_resp_err_t code = kafka_delivery(message);
    if (!producer->delivery) producer->delivery = code;
    if (code || !message->_private) return;
    rd_kafka_timestamp_type_t type;
    int64_t taken_ms = rd_kafka_message_timestamp(message, &type), now_ms = wall_ms();
    producer->seal_offset = message->offset;
    if (type != RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME) return;
    /* Between sending and hearing of it, by our clock as it goes now: no more is known. */
    producer->apart_ms = now_ms - monotonic_ms();
    int64_t sent_ms = producer->seal_sent_ms + producer->apart_ms;
    producer->skew_ms = taken_ms < sent_ms ? sent_ms - taken_ms : taken_ms > now_ms ? now_ms - taken_ms : 0;
}

static void went_wrong(rd_kafka_t *handle, int code, const char *text, void *opaque) {
    struct kafka_producer *producer = opaque;
    (void)handle;
    (void)text;
    if (code == RD_KAFKA_RESP_ERR__TRANSPORT || code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN || code == RD_KAFKA_RESP_ERR__TIMED_OUT)
        atomic_store(&producer->disconnected, true);
}

static int fail_transaction(struct kafka_producer *producer, rd_kafka_error_t *error, const char *doing) {
    return fail_kafka_error(producer->log.failure, error, doing, rd_kafka_name(producer->producer));
}

bool kafka_producer_is_lost(const struct log *log) {
    const struct kafka_producer *producer = (const struct kafka_producer *)log;
    char text[200];
    rd_kafka_resp_err_t code = rd_kafka_fatal_error(producer->producer, text, sizeof text);
    return code == RD_KAFKA_RESP_ERR__FENCED || code == RD_KAFKA_RESP_ERR_PRODUCER_FENCED || code == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH;
}

bool kafka_producer_is_doubtful(const struct log *log) { return ((const struct kafka_producer *)log)->doubtful; }

static int is_usable(struct kafka_producer *producer) { return kafka_usable(producer->producer, producer->delivery, producer->log.failure); }

static int begin(struct kafka_producer *producer) {
    if (producer->begun) return 0;
    if (is_usable(producer) < 0) return -1;
    rd_kafka_error_t *error = rd_kafka_begin_transaction(producer->producer);
    if (error) return fail_transaction(producer, error, "begin a transaction of");
    producer->begun = true;
    crash_point("begun");
    return 0;
}

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

/* A full queue is no error: the broker is slower than the fold. */
static int wait_for_queue(struct kafka_producer *producer, rd_kafka_resp_err_t code, int64_t since_ms, int stream) {
    if (code != RD_KAFKA_RESP_ERR__QUEUE_FULL || monotonic_ms() - since_ms > FULL_MS)
        return fail_kafka(producer->log.failure, code, rd_kafka_err2str(code), "write to", topic_of(producer, stream));
    rd_kafka_poll(producer->producer, FULL_WAIT_MS);
    return 0;
}

static int produce(struct kafka_producer *producer, int stream, struct str key, const uint8_t *value, size_t size, void *opaque) {
    int64_t since_ms = 0;
    if (begin(producer) < 0) return -1;
    while (rd_kafka_produce(producer->topics[stream], producer->options.partition, RD_KAFKA_MSG_F_COPY, (void *)(uintptr_t)value, size,
                            key.ptr, key.len, opaque) < 0) {
        rd_kafka_resp_err_t code = rd_kafka_last_error();
        if (!since_ms) since_ms = monotonic_ms();
        if (wait_for_queue(producer, code, since_ms, stream) < 0) return -1;
    }
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
    return producer->begun ? 0 : list_send(producer);
}

/* `headers` are taken. */
static int produce_with(struct kafka_producer *producer, int stream, struct str key, const uint8_t *value, size_t size,
                        rd_kafka_headers_t *headers) {
    int64_t since_ms = 0;
    int result = begin(producer);
    while (result == 0) {
        rd_kafka_resp_err_t code =
            rd_kafka_producev(producer->producer, RD_KAFKA_V_RKT(producer->topics[stream]), RD_KAFKA_V_PARTITION(producer->options.partition),
                              RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_KEY(key.ptr, key.len),
                              RD_KAFKA_V_VALUE((void *)(uintptr_t)value, size), RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END);
        if (!code) return 0;
        if (!since_ms) since_ms = monotonic_ms();
        result = wait_for_queue(producer, code, since_ms, stream);
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

static int send_offsets(struct kafka_producer *producer) {
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(GROUP_SOURCES);
    for (int n = 0; n < GROUP_SOURCES && !rule_is_broken("empty offsets"); n++)
        rd_kafka_topic_partition_list_add(list, topic_of(producer, KAFKA_TOPIC_CALLS + n), producer->options.partition)->offset =
            producer->offsets[n];
    rd_kafka_error_t *error = rd_kafka_send_offsets_to_transaction(producer->producer, list, producer->group, -1);
    rd_kafka_topic_partition_list_destroy(list);
    if (!error) return 0;
    return fail_kafka_error(producer->log.failure, error, "commit the offsets of group", producer->options.config->application);
}

/* A request to end a transaction that was lost, or took too long, was sent again; the first may still arrive, and then ends the next
 * transaction. What librdkafka has to tell of connections it tells when polled. */
static bool is_doubtful(struct kafka_producer *producer, int64_t began_ms) {
    rd_kafka_poll(producer->producer, 0);
    return atomic_load(&producer->disconnected) || monotonic_ms() - began_ms > DOUBTFUL_MS;
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
    int64_t began_ms = monotonic_ms();
    atomic_store(&producer->disconnected, false);
    if (is_usable(producer) < 0 || send_offsets(producer) < 0) return -1;
    crash_point("offsets");
    if (kafka_commit(producer->producer, &producer->delivery, FULL_MS, &producer->doubtful, log->failure) < 0) return -1;
    crash_point("committed");
    producer->begun = false;
    producer->doubtful |= is_doubtful(producer, began_ms);
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
    if (producer->producer) {
        rd_kafka_purge(producer->producer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        rd_kafka_destroy(producer->producer);
    }
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
    struct failure *failure = producer->log.failure;
    rd_kafka_conf_t *conf = kafka_conf(options->config, KAFKA_WRITER, options->partition, failure);
    if (!conf) return -1;
    rd_kafka_conf_set_opaque(conf, producer);
    rd_kafka_conf_set_dr_msg_cb(conf, delivered);
    rd_kafka_conf_set_error_cb(conf, went_wrong);
    producer->producer = kafka_open(conf, KAFKA_WRITER, failure);
    if (!producer->producer) return -1;
    for (int stream = 0; stream < STREAMS; stream++)
        producer->topics[stream] = rd_kafka_topic_new(producer->producer, topic_of(producer, stream), NULL);
    rd_kafka_error_t *error = rd_kafka_init_transactions(producer->producer, INIT_MS);
    return error ? fail_transaction(producer, error, "begin to write with") : 0;
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
    rd_kafka_error_t *error = rd_kafka_commit_transaction(producer->producer, FULL_MS);
    return error ? fail_kafka_error(producer->log.failure, error, "write to", journal)
                 : fail(producer->log.failure, EXIT_AGAIN, "cannot write to %s: the record was purged.", journal);
}

int kafka_producer_probe(struct log *log) {
    static const uint8_t probe[] = "probe";
    struct kafka_producer *producer = producer_of(log);
    producer->seal_offset = -1;
    producer->seal_sent_ms = monotonic_ms();
    if (produce(producer, STREAM_JOURNAL, STR("*"), probe, sizeof probe - 1, producer) < 0) return -1;
    rd_kafka_resp_err_t code = rd_kafka_flush(producer->producer, FULL_MS);
    if (!code) code = producer->delivery;
    if (code == RD_KAFKA_RESP_ERR__PURGE_QUEUE) return fail_purged(producer);
    if (code == KAFKA_UNPLACED) return is_usable(producer);
    if (code) return fail_kafka(log->failure, code, rd_kafka_err2str(code), "write to", topic_of(producer, STREAM_JOURNAL));
    int64_t began_ms = monotonic_ms();
    atomic_store(&producer->disconnected, false);
    rd_kafka_error_t *error = rd_kafka_abort_transaction(producer->producer, -1);
    if (error) return fail_transaction(producer, error, "abort a transaction of");
    producer->begun = false;
    if (!is_doubtful(producer, began_ms)) return 0;
    return fail(log->failure, EXIT_AGAIN, "%s: the connection broke while a transaction was aborted.", rd_kafka_name(producer->producer));
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
