#include "kafka.h"

#include <endian.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "json_log.h"

#define ASK_MS 10000
#define ERROR_BYTES 512
#define FETCH_QUEUE_BACKOFF_MS "5" /* a second by default: see wake_fetcher in kafka_tail.c for versions without it */
#define FETCH_WAIT_LEAST_MS 5
#define FETCH_WAIT_MOST_MS 100 /* an end behind a transaction's marker shows with the next empty fetch */

struct setting_row {
    const char *name, *value;
};

/* What the file may say otherwise. */
static const struct setting_row defaults[] = {
    {"client.id", "ringback"}, /* short: 2.0.2 crashes at some lengths */
    {"socket.nagle.disable", "true"},
    {"socket.keepalive.enable", "true"},
    {"reconnect.backoff.ms", "50"},
    {"reconnect.backoff.max.ms", "1000"},
    {NULL, NULL},
};
static const struct setting_row reader_defaults[] = {
    {"fetch.min.bytes", "65536"}, /* so a fetch waits: fetch_wait_ms */
    {"fetch.error.backoff.ms", "100"},
    {"queued.max.messages.kbytes", "1024"},
    {NULL, NULL},
};
static const struct setting_row member_defaults[] = {
    {"session.timeout.ms", "6000"},
    {"heartbeat.interval.ms", "1000"},
    {"max.poll.interval.ms", "30000"}, /* bounds a join that a coordinator has parked, too */
    {NULL, NULL},
};
static const struct setting_row writer_defaults[] = {
    {"transaction.timeout.ms", "10000"},
    {"socket.timeout.ms", "5000"},
    {"linger.ms", "5"},
    {"compression.codec", "lz4"},
    {"queue.buffering.max.messages", "200000"},
    {"queue.buffering.max.kbytes", "4096"},
    {"message.max.bytes", "2097152"},
    {NULL, NULL},
};
/* What it may not. */
static const struct setting_row reader_settings[] = {
    {"isolation.level", "read_committed"}, {"enable.auto.commit", "false"}, {"auto.offset.reset", "error"},
    {"enable.partition.eof", "true"},      {"check.crcs", "true"},          {NULL, NULL},
};
static const struct setting_row looker_settings[] = {{"isolation.level", "read_uncommitted"}, {"enable.auto.commit", "false"}, {NULL, NULL}};
static const struct setting_row member_settings[] = {
    {"isolation.level", "read_committed"}, /* committed offsets then are stable ones */
    {"enable.auto.commit", "false"},
    {"enable.auto.offset.store", "false"},
    {"partition.assignment.strategy", "range"}, /* cooperative-sticky loops before 2.6.1 */
    {NULL, NULL},
};
static const struct setting_row writer_settings[] = {
    {"enable.idempotence", "true"},
    {"delivery.report.only.error", "false"},
    {"allow.auto.create.topics", "false"}, /* of producers alone the default is true: a journal with the broker's retention */
    {NULL, NULL},
};

static const struct {
    const struct setting_row *defaults, *settings;
} kinds[] = {
    [KAFKA_MEMBER] = {member_defaults, member_settings},
    [KAFKA_READER] = {reader_defaults, reader_settings},
    [KAFKA_LOOKER] = {NULL, looker_settings},
    [KAFKA_WRITER] = {writer_defaults, writer_settings},
};

static void told(const rd_kafka_t *handle, int level, const char *facility, const char *text) {
    json_log(level <= 3 ? LEVEL_ERROR : level <= 5 ? LEVEL_WARNING : LEVEL_DEBUG, "librdkafka", LOG_TEXT("handle", rd_kafka_name(handle)),
             LOG_TEXT("facility", facility), LOG_TEXT("text", text));
}

static void set(rd_kafka_conf_t *conf, const char *name, const char *value) {
    char error[ERROR_BYTES];
    if (rd_kafka_conf_set(conf, name, value, error, sizeof error) == RD_KAFKA_CONF_OK) return;
    fprintf(stderr, "ringback: this librdkafka does not take %s=%s: %s\n", name, value, error);
    abort();
}

/* One that older versions do not have, nor need. */
static void set_if_known(rd_kafka_conf_t *conf, const char *name, const char *value) {
    char error[ERROR_BYTES];
    rd_kafka_conf_set(conf, name, value, error, sizeof error);
}

static void set_rows(rd_kafka_conf_t *conf, const struct setting_row *rows) {
    for (; rows && rows->name; rows++) set(conf, rows->name, rows->value);
}

const char *kafka_property_error(const struct config_property *property, rd_kafka_conf_res_t answer, const char *text) {
    return property->secret && answer == RD_KAFKA_CONF_INVALID ? "librdkafka does not take this value" : text;
}

static int set_properties(rd_kafka_conf_t *conf, const struct config *config, struct failure *failure) {
    char error[ERROR_BYTES];
    for (size_t n = 0; n < config->kafka_count; n++) {
        const struct config_property *property = &config->kafka[n];
        rd_kafka_conf_res_t answer = rd_kafka_conf_set(conf, property->name, property->value, error, sizeof error);
        if (answer != RD_KAFKA_CONF_OK)
            return fail(failure, EXIT_CONFIGURATION, "%s, line %d: kafka.%s: %s.", config->file, property->line, property->name,
                        kafka_property_error(property, answer, error));
    }
    return 0;
}

static int64_t fetch_wait_ms(const struct config *config) {
    int64_t half_ms = config->commit.live_ms / 2;
    return half_ms < FETCH_WAIT_LEAST_MS ? FETCH_WAIT_LEAST_MS : half_ms < FETCH_WAIT_MOST_MS ? half_ms : FETCH_WAIT_MOST_MS;
}

int64_t kafka_open_ms(const struct config *config) {
    int64_t rest_ms = config->commit.live_ms - fetch_wait_ms(config);
    return rest_ms < 1 ? 1 : rest_ms;
}

rd_kafka_conf_t *kafka_conf(const struct config *config, enum kafka_handle kind, int32_t partition, struct failure *failure) {
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, told);
    set_rows(conf, defaults);
    set_rows(conf, kinds[kind].defaults);
    if (kind == KAFKA_READER) {
        char text[24];
        snprintf(text, sizeof text, "%" PRId64, fetch_wait_ms(config));
        set(conf, "fetch.wait.max.ms", text);
        set_if_known(conf, "fetch.queue.backoff.ms", FETCH_QUEUE_BACKOFF_MS);
    }
    if (set_properties(conf, config, failure) < 0) {
        rd_kafka_conf_destroy(conf);
        return NULL;
    }
    set_rows(conf, kinds[kind].settings);
    set(conf, "bootstrap.servers", config->brokers);
    if (kind == KAFKA_MEMBER) set(conf, "group.id", config->application);
    if (kind == KAFKA_WRITER) {
        char id[512];
        snprintf(id, sizeof id, "%s.%" PRId32, config->application, partition);
        set(conf, "transactional.id", id);
    }
    return conf;
}

rd_kafka_t *kafka_open(rd_kafka_conf_t *conf, enum kafka_handle kind, struct failure *failure) {
    char error[ERROR_BYTES];
    rd_kafka_t *handle = rd_kafka_new(kind == KAFKA_WRITER ? RD_KAFKA_PRODUCER : RD_KAFKA_CONSUMER, conf, error, sizeof error);
    if (handle) return handle;
    rd_kafka_conf_destroy(conf);
    fail(failure, EXIT_CONFIGURATION, "the settings below kafka: do not go together: %s.", error);
    return NULL;
}

rd_kafka_t *kafka_open_plain(const struct config *config, enum kafka_handle kind, struct failure *failure) {
    rd_kafka_conf_t *conf = kafka_conf(config, kind, 0, failure);
    return conf ? kafka_open(conf, kind, failure) : NULL;
}

int kafka_settings_check(const struct config *config, struct failure *failure) {
    for (enum kafka_handle kind = KAFKA_MEMBER; kind <= KAFKA_WRITER; kind++) {
        rd_kafka_conf_t *conf = kafka_conf(config, kind, 0, failure);
        if (!conf) return -1;
        rd_kafka_conf_set_log_cb(conf, NULL); /* the handle that is used says it again */
        rd_kafka_t *handle = kafka_open(conf, kind, failure);
        if (!handle) return -1;
        rd_kafka_destroy(handle);
    }
    return 0;
}

/* The right that is missing, as Kafka's tools spell it. */
static const char *missing_right(rd_kafka_resp_err_t code) {
    switch ((int)code) {
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED: return "READ (sources, journal) or WRITE (journal, outputs) on the topic";
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED: return "READ on the group";
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED: return "WRITE on the transactional id";
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED: return "IDEMPOTENT_WRITE on the cluster";
    default: return NULL;
    }
}

static bool is_settled(rd_kafka_resp_err_t code) {
    switch ((int)code) {
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR__SSL:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART: return true;
    default: return missing_right(code) != NULL;
    }
}

int fail_kafka(struct failure *failure, rd_kafka_resp_err_t code, const char *text, const char *doing, const char *what) {
    const char *right = missing_right(code);
    return fail(failure, is_settled(code) ? EXIT_CONFIGURATION : EXIT_AGAIN, "cannot %s %s: %s (%s)%s%s.", doing, what, text,
                rd_kafka_err2name(code), right ? "; it needs " : "", right ? right : "");
}

int fail_kafka_error(struct failure *failure, rd_kafka_error_t *error, const char *doing, const char *what) {
    fail_kafka(failure, rd_kafka_error_code(error), rd_kafka_error_string(error), doing, what);
    rd_kafka_error_destroy(error);
    return -1;
}

static rd_kafka_topic_partition_list_t *list_of(const struct kafka_offset *offsets, size_t count, int64_t offset) {
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)count);
    for (size_t n = 0; n < count; n++) rd_kafka_topic_partition_list_add(list, offsets[n].topic, offsets[n].partition)->offset = offset;
    return list;
}

/* Takes the offsets out of the list and destroys it. */
static int list_taken(rd_kafka_topic_partition_list_t *list, rd_kafka_resp_err_t code, struct kafka_offset *offsets, const char *doing,
                      struct failure *failure) {
    int result = 0;
    for (int n = 0; n < list->cnt && result == 0; n++) {
        const rd_kafka_topic_partition_t *answer = &list->elems[n];
        rd_kafka_resp_err_t why = answer->err ? answer->err : code;
        if (why) result = fail_kafka(failure, why, rd_kafka_err2str(why), doing, answer->topic);
        offsets[n].offset = answer->offset;
    }
    rd_kafka_topic_partition_list_destroy(list);
    return result;
}

int kafka_ask(rd_kafka_t *looker, enum kafka_end end, struct kafka_offset *offsets, size_t count, struct failure *failure) {
    rd_kafka_topic_partition_list_t *list = list_of(offsets, count, (int64_t)end); /* a "time" that Kafka knows to mean an end */
    rd_kafka_resp_err_t code = rd_kafka_offsets_for_times(looker, list, ASK_MS);
    return list_taken(list, code, offsets, "ask for the offsets of", failure);
}

int kafka_committed(rd_kafka_t *member, struct kafka_offset *offsets, size_t count, struct failure *failure) {
    rd_kafka_topic_partition_list_t *list = list_of(offsets, count, RD_KAFKA_OFFSET_INVALID);
    rd_kafka_resp_err_t code = rd_kafka_committed(member, list, ASK_MS);
    return list_taken(list, code, offsets, "ask for the group's offsets of", failure);
}

int kafka_partition_count(rd_kafka_t *handle, const char *topic, int32_t *count, struct failure *failure) {
    const struct rd_kafka_metadata *metadata;
    rd_kafka_topic_t *named = rd_kafka_topic_new(handle, topic, NULL);
    rd_kafka_resp_err_t code = named ? rd_kafka_metadata(handle, 0, named, &metadata, ASK_MS) : rd_kafka_last_error();
    if (named) rd_kafka_topic_destroy(named);
    if (code) return fail_kafka(failure, code, rd_kafka_err2str(code), "ask for the partitions of", topic);
    const rd_kafka_metadata_topic_t *answer = metadata->topic_cnt ? &metadata->topics[0] : NULL;
    code = answer ? answer->err : RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC;
    *count = answer ? answer->partition_cnt : 0;
    rd_kafka_metadata_destroy(metadata);
    if (code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
        return fail(failure, EXIT_CONFIGURATION, "cannot ask for the partitions of %s: it needs DESCRIBE (run) or READ (rekey) on the topic.", topic);
    return code ? fail_kafka(failure, code, rd_kafka_err2str(code), "ask for the partitions of", topic) : 0;
}

/* MurmurHash2, 32 bits, with the seed that Kafka's clients use. */
static uint32_t murmur2(const uint8_t *at, size_t size) {
    const uint32_t m = 0x5bd1e995;
    uint32_t hash = 0x9747b28cU ^ (uint32_t)size, word;
    for (; size >= 4; at += 4, size -= 4) {
        memcpy(&word, at, 4);
        word = le32toh(word) * m;
        hash = hash * m ^ (word ^ word >> 24) * m;
    }
    for (size_t n = size; n-- > 0;) hash ^= (uint32_t)at[n] << 8 * n;
    if (size) hash *= m;
    hash = (hash ^ hash >> 13) * m;
    return hash ^ hash >> 15;
}

int32_t kafka_partition_of(struct str key, int32_t partitions) {
    return (int32_t)((murmur2((const uint8_t *)key.ptr, key.len) & 0x7fffffff) % (uint32_t)partitions);
}

/* librdkafka's own serialised form is the one place that shows it: "CGMDv2:", then the generation. */
int32_t kafka_generation(const rd_kafka_consumer_group_metadata_t *metadata) {
    static const char magic[] = "CGMDv2:";
    void *bytes;
    size_t size;
    int32_t generation = -1;
    rd_kafka_error_t *error = metadata ? rd_kafka_consumer_group_metadata_write(metadata, &bytes, &size) : NULL;
    if (!metadata || error) {
        rd_kafka_error_destroy(error);
        return -1;
    }
    if (size >= sizeof magic - 1 + sizeof generation && memcmp(bytes, magic, sizeof magic - 1) == 0)
        memcpy(&generation, (const char *)bytes + sizeof magic - 1, sizeof generation);
    rd_kafka_mem_free(NULL, bytes);
    return generation;
}
