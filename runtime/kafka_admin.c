#include "kafka_admin.h"

#include <glib.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#define ASK_MS 10000
#define SHOWN_MS 15000

static const char *const setting_names[ADMIN_SETTINGS] = {
    [SETTING_CLEANUP] = "cleanup.policy",     [SETTING_RETENTION] = "retention.ms",  [SETTING_TIMESTAMP] = "message.timestamp.type",
    [SETTING_INSYNC] = "min.insync.replicas", [SETTING_BYTES] = "max.message.bytes", [SETTING_COMPRESSION] = "compression.type",
};

const char *admin_setting_name(enum admin_setting setting) { return setting_names[setting]; }

void admin_wanted(const struct config *config, struct admin_topic wanted[KAFKA_TOPICS]) {
    for (int i = 0; i < KAFKA_TOPICS; i++) {
        const struct topic_rule *rule = &topic_rules[i];
        struct admin_topic *topic = &wanted[i];
        *topic = (struct admin_topic){.exists = true,
                                      .partitions = rule->one_partition ? 1 : (int32_t)config->partitions,
                                      .replication = (int32_t)config->topics.replication};
        g_strlcpy(topic->values[SETTING_CLEANUP], rule->cleanup, ADMIN_VALUE_BYTES);
        if (rule->retention_ms != NONE) g_snprintf(topic->values[SETTING_RETENTION], ADMIN_VALUE_BYTES, "%" PRId64, rule->retention_ms);
        if (rule->log_append_time) g_strlcpy(topic->values[SETTING_TIMESTAMP], "LogAppendTime", ADMIN_VALUE_BYTES);
        g_snprintf(topic->values[SETTING_INSYNC], ADMIN_VALUE_BYTES, "%" PRId64, config->topics.min_insync);
        g_snprintf(topic->values[SETTING_BYTES], ADMIN_VALUE_BYTES, "%" PRId64, rule->message_bytes);
        if (rule->compression) g_strlcpy(topic->values[SETTING_COMPRESSION], rule->compression, ADMIN_VALUE_BYTES);
    }
}

/* ---- reaching the brokers */

struct admin {
    const struct config *config;
    rd_kafka_t *handle;
    int brokers;
    pthread_mutex_t lock;
    char told[400]; /* what librdkafka logged last, in place of an error that would say why */
    bool refused;   /* it was of a failed login or handshake */
};

static void told(const rd_kafka_t *handle, int level, const char *facility, const char *text) {
    struct admin *admin = rd_kafka_opaque(handle);
    if (level > 4 || strcmp(facility, "CONFWARN") == 0 || strstr(text, "brokers are down")) return;
    pthread_mutex_lock(&admin->lock);
    const char *behind = strstr(text, "]: "); /* "[thrd:host:port/bootstrap]: host:port/bootstrap: Connect to ..." */
    g_strlcpy(admin->told, behind ? behind + 3 : text, sizeof admin->told);
    admin->refused |= strstr(text, "authentication") || strstr(text, "Authentication") || strstr(text, "SSL handshake");
    pthread_mutex_unlock(&admin->lock);
}

/* What to do where we are not let in. librdkafka appends its own nonce twice before 2.6.1; Kafka 4 compares. */
static const char *login_advice(const struct config *config) {
    for (size_t i = 0; i < config->kafka_count; i++)
        if (strcmp(config->kafka[i].name, "sasl.mechanism") == 0 && g_str_has_prefix(config->kafka[i].value, "SCRAM") &&
            rd_kafka_version() < 0x020601ff)
            return " Look at sasl.* and ssl.* below kafka; and this librdkafka's SCRAM is refused by Kafka 4: it takes 2.6.1 or later, or "
                   "another "
                   "mechanism (README, \"Which librdkafka\").";
    return " Look at security.protocol, sasl.* and ssl.* below kafka.";
}

/* Waits for an answer of any broker, up to ASK_MS; gives up at once where we are not let in. */
static int reach(struct admin *admin, struct failure *failure) {
    gint64 until_us = g_get_monotonic_time() + ASK_MS * 1000LL;
    rd_kafka_resp_err_t code;
    do {
        const struct rd_kafka_metadata *metadata;
        code = rd_kafka_metadata(admin->handle, 0, NULL, &metadata, 1000);
        if (!code) {
            admin->brokers = metadata->broker_cnt;
            rd_kafka_metadata_destroy(metadata);
            return 0;
        }
    } while (!admin->refused && g_get_monotonic_time() < until_us);
    pthread_mutex_lock(&admin->lock);
    fail(failure, admin->refused ? EXIT_CONFIGURATION : EXIT_AGAIN, "no broker of %s %s: %s.%s", admin->config->brokers,
         admin->refused ? "lets us in" : "answers", *admin->told ? admin->told : rd_kafka_err2str(code),
         admin->refused ? login_advice(admin->config) : "");
    pthread_mutex_unlock(&admin->lock);
    return -1;
}

struct admin *admin_open(const struct config *config, struct failure *failure) {
    rd_kafka_conf_t *conf = kafka_conf(config, KAFKA_LOOKER, 0, failure);
    if (!conf) return NULL;
    struct admin *admin = g_new0(struct admin, 1);
    admin->config = config;
    pthread_mutex_init(&admin->lock, NULL);
    rd_kafka_conf_set_opaque(conf, admin);
    rd_kafka_conf_set_log_cb(conf, told);
    admin->handle = kafka_open(conf, KAFKA_LOOKER, failure);
    if (admin->handle && reach(admin, failure) == 0) return admin;
    admin_close(admin);
    return NULL;
}

void admin_close(struct admin *admin) {
    if (!admin) return;
    if (admin->handle) rd_kafka_destroy(admin->handle);
    pthread_mutex_destroy(&admin->lock);
    g_free(admin);
}

int admin_brokers(const struct admin *admin) { return admin->brokers; }

/* ---- asking */

rd_kafka_resp_err_t admin_ask(struct admin *admin, const char *name, struct admin_topic *topic) {
    *topic = (struct admin_topic){.exists = false};
    rd_kafka_topic_t *named = rd_kafka_topic_new(admin->handle, name, NULL);
    const struct rd_kafka_metadata *metadata;
    rd_kafka_resp_err_t code = rd_kafka_metadata(admin->handle, 0, named, &metadata, ASK_MS);
    rd_kafka_topic_destroy(named);
    if (code) return code;
    const rd_kafka_metadata_topic_t *answer = metadata->topic_cnt ? &metadata->topics[0] : NULL;
    code = answer ? answer->err : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    if (!code)
        *topic = (struct admin_topic){.exists = true,
                                      .partitions = answer->partition_cnt,
                                      .replication = answer->partition_cnt ? answer->partitions[0].replica_cnt : 0};
    rd_kafka_metadata_destroy(metadata);
    return code;
}

/* One admin request's answer, in time or not; NULL: described. */
static rd_kafka_event_t *admin_answer(rd_kafka_queue_t *queue, const char *doing, const char *what, struct failure *failure) {
    rd_kafka_event_t *event = rd_kafka_queue_poll(queue, ASK_MS + 1000);
    rd_kafka_resp_err_t code = event ? rd_kafka_event_error(event) : RD_KAFKA_RESP_ERR__TIMED_OUT;
    if (!code) return event;
    fail_kafka(failure, code, event ? rd_kafka_event_error_string(event) : "no answer in time", doing, what);
    rd_kafka_event_destroy(event);
    return NULL;
}

static rd_kafka_AdminOptions_t *admin_options(rd_kafka_t *handle, rd_kafka_admin_op_t operation) {
    char error[200];
    rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(handle, operation);
    rd_kafka_AdminOptions_set_request_timeout(options, ASK_MS, error, sizeof error);
    return options;
}

static int settings_take(const rd_kafka_ConfigResource_t *resource, struct admin_topic *topic, struct failure *failure) {
    rd_kafka_resp_err_t code = rd_kafka_ConfigResource_error(resource);
    const char *name = rd_kafka_ConfigResource_name(resource);
    if (code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
        return fail(failure, EXIT_CONFIGURATION, "cannot ask for the settings of %s: it needs DESCRIBE_CONFIGS on the topic.", name);
    if (code) return fail_kafka(failure, code, rd_kafka_ConfigResource_error_string(resource), "ask for the settings of", name);
    size_t count;
    const rd_kafka_ConfigEntry_t **entries = rd_kafka_ConfigResource_configs(resource, &count);
    for (size_t i = 0; i < count; i++)
        for (int setting = 0; setting < ADMIN_SETTINGS; setting++)
            if (strcmp(rd_kafka_ConfigEntry_name(entries[i]), setting_names[setting]) == 0 && rd_kafka_ConfigEntry_value(entries[i]))
                g_strlcpy(topic->values[setting], rd_kafka_ConfigEntry_value(entries[i]), ADMIN_VALUE_BYTES);
    return 0;
}

static int settings_describe(rd_kafka_t *handle, const struct config *config, struct admin_topic topics[KAFKA_TOPICS],
                             struct failure *failure) {
    rd_kafka_ConfigResource_t *asked[KAFKA_TOPICS];
    int places[KAFKA_TOPICS], count = 0, result = 0;
    for (int i = 0; i < KAFKA_TOPICS; i++) {
        if (!topics[i].exists) continue;
        places[count] = i;
        asked[count++] = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, config->topics.names[i]);
    }
    if (count == 0) return 0;
    rd_kafka_queue_t *queue = rd_kafka_queue_new(handle);
    rd_kafka_AdminOptions_t *options = admin_options(handle, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
    rd_kafka_DescribeConfigs(handle, asked, (size_t)count, options, queue);
    rd_kafka_event_t *event = admin_answer(queue, "ask for the settings of", "the topics", failure);
    size_t answers = 0;
    const rd_kafka_ConfigResource_t **told =
        event ? rd_kafka_DescribeConfigs_result_resources(rd_kafka_event_DescribeConfigs_result(event), &answers) : NULL;
    if (!event) result = -1;
    for (size_t a = 0; a < answers && result == 0; a++)
        for (int i = 0; i < count; i++)
            if (strcmp(rd_kafka_ConfigResource_name(told[a]), config->topics.names[places[i]]) == 0)
                result = settings_take(told[a], &topics[places[i]], failure);
    rd_kafka_event_destroy(event);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_queue_destroy(queue);
    rd_kafka_ConfigResource_destroy_array(asked, (size_t)count);
    return result;
}

int admin_describe(struct admin *admin, bool with_settings, struct admin_topic topics[KAFKA_TOPICS], struct failure *failure) {
    for (int i = 0; i < KAFKA_TOPICS; i++) {
        const char *name = admin->config->topics.names[i];
        rd_kafka_resp_err_t code = admin_ask(admin, name, &topics[i]);
        if (code && code != RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
            return fail_kafka(failure, code, rd_kafka_err2str(code), "ask for the topic", name);
    }
    return with_settings ? settings_describe(admin->handle, admin->config, topics, failure) : 0;
}

static int group_take(const rd_kafka_ConsumerGroupDescription_t *group, bool *empty, struct failure *failure) {
    const rd_kafka_error_t *error = rd_kafka_ConsumerGroupDescription_error(group);
    rd_kafka_resp_err_t code = error ? rd_kafka_error_code(error) : RD_KAFKA_RESP_ERR_NO_ERROR;
    rd_kafka_consumer_group_state_t state = rd_kafka_ConsumerGroupDescription_state(group);
    *empty = state == RD_KAFKA_CONSUMER_GROUP_STATE_EMPTY || state == RD_KAFKA_CONSUMER_GROUP_STATE_DEAD ||
             code == RD_KAFKA_RESP_ERR_GROUP_ID_NOT_FOUND; /* dead, in newer words: it has not begun */
    if (!code || *empty) return 0;
    return fail_kafka(failure, code, rd_kafka_error_string(error), "ask who is in the group", rd_kafka_ConsumerGroupDescription_group_id(group));
}

int admin_group_is_empty(struct admin *admin, bool *empty, struct failure *failure) {
    const char *group = admin->config->application;
    rd_kafka_queue_t *queue = rd_kafka_queue_new(admin->handle);
    rd_kafka_AdminOptions_t *options = admin_options(admin->handle, RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS);
    rd_kafka_DescribeConsumerGroups(admin->handle, &group, 1, options, queue);
    rd_kafka_event_t *event = admin_answer(queue, "ask who is in the group", group, failure);
    size_t answers;
    int result = event ? group_take(*rd_kafka_DescribeConsumerGroups_result_groups(rd_kafka_event_DescribeConsumerGroups_result(event), &answers),
                                    empty, failure)
                       : -1;
    rd_kafka_event_destroy(event);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_queue_destroy(queue);
    return result;
}

/* ---- creating */

static rd_kafka_NewTopic_t *new_topic(const char *name, const struct admin_topic *wanted, struct failure *failure) {
    char error[300];
    rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(name, wanted->partitions, wanted->replication, error, sizeof error);
    if (!topic) {
        fail(failure, EXIT_CONFIGURATION, "topic %s: %s.", name, error);
        return NULL;
    }
    for (int setting = 0; setting < ADMIN_SETTINGS; setting++)
        if (*wanted->values[setting]) rd_kafka_NewTopic_set_config(topic, setting_names[setting], wanted->values[setting]);
    return topic;
}

static int created_take(const rd_kafka_topic_result_t *result, struct failure *failure) {
    rd_kafka_resp_err_t code = rd_kafka_topic_result_error(result);
    const char *name = rd_kafka_topic_result_name(result), *text = rd_kafka_topic_result_error_string(result);
    if (!code || code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) return 0; /* somebody was quicker */
    if (code == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED || code == RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED)
        return fail(failure, EXIT_CONFIGURATION, "cannot create the topic %s: it needs CREATE on the topic or the cluster.", name);
    if (code == RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR)
        return fail(failure, EXIT_CONFIGURATION,
                    "cannot create the topic %s: %s. Set topics.replication (and topics.min_insync_replicas) to what "
                    "the cluster has brokers for.",
                    name, text ? text : rd_kafka_err2str(code));
    return fail_kafka(failure, code, text ? text : rd_kafka_err2str(code), "create the topic", name);
}

/* Waits until every topic is shown by the brokers that we ask. */
static int shown(struct admin *admin, struct failure *failure) {
    gint64 until_us = g_get_monotonic_time() + SHOWN_MS * 1000LL;
    struct admin_topic topics[KAFKA_TOPICS];
    for (;;) {
        if (admin_describe(admin, false, topics, failure) < 0) return -1;
        int missing = -1;
        for (int i = 0; i < KAFKA_TOPICS; i++)
            if (!topics[i].exists) missing = i;
        if (missing < 0) return 0;
        if (g_get_monotonic_time() > until_us)
            return fail(failure, EXIT_AGAIN, "the topic %s was created, but the brokers do not show it yet.",
                        admin->config->topics.names[missing]);
        g_usleep(100000);
    }
}

/* Sends the request for those in `made` and looks at each answer. */
static int send_create(struct admin *admin, rd_kafka_NewTopic_t **made, size_t count, struct failure *failure) {
    rd_kafka_queue_t *queue = rd_kafka_queue_new(admin->handle);
    rd_kafka_AdminOptions_t *options = admin_options(admin->handle, RD_KAFKA_ADMIN_OP_CREATETOPICS);
    rd_kafka_CreateTopics(admin->handle, made, count, options, queue);
    rd_kafka_event_t *event = admin_answer(queue, "create", "the topics", failure);
    size_t answers = 0;
    const rd_kafka_topic_result_t **told =
        event ? rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &answers) : NULL;
    int result = event ? 0 : -1;
    for (size_t a = 0; a < answers && result == 0; a++) result = created_take(told[a], failure);
    rd_kafka_event_destroy(event);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_queue_destroy(queue);
    return result;
}

int admin_create(struct admin *admin, const struct admin_topic is[KAFKA_TOPICS], bool created[KAFKA_TOPICS], struct failure *failure) {
    struct admin_topic wanted[KAFKA_TOPICS];
    rd_kafka_NewTopic_t *made[KAFKA_TOPICS];
    size_t count = 0;
    int result = 0;
    admin_wanted(admin->config, wanted);
    for (int i = 0; i < KAFKA_TOPICS && result == 0; i++) {
        created[i] = !is[i].exists;
        if (!created[i]) continue;
        made[count] = new_topic(admin->config->topics.names[i], &wanted[i], failure);
        result = made[count] ? 0 : -1;
        count += made[count] != NULL;
    }
    if (result == 0 && count) result = send_create(admin, made, count, failure);
    rd_kafka_NewTopic_destroy_array(made, count);
    return result < 0 ? -1 : shown(admin, failure);
}

/* ---- comparing */

enum side { SIDE_SOURCE, SIDE_JOURNAL, SIDE_OUTPUT };
static enum side side_of(int topic) { return topic < TOPICS ? SIDE_OUTPUT : topic == KAFKA_TOPIC_JOURNAL ? SIDE_JOURNAL : SIDE_SOURCE; }

struct comparing {
    struct admin_difference *out;
    size_t count;
};

static struct admin_difference *difference(struct comparing *comparing, const char *setting, bool wrong, const char *cost) {
    struct admin_difference *next = &comparing->out[comparing->count++];
    *next = (struct admin_difference){.setting = setting, .wrong = wrong, .cost = cost};
    return next;
}

static void differ_number(struct comparing *comparing, const char *setting, int64_t is, int64_t wanted, bool wrong, const char *cost) {
    struct admin_difference *next = difference(comparing, setting, wrong, cost);
    g_snprintf(next->is, sizeof next->is, "%" PRId64, is);
    g_snprintf(next->wanted, sizeof next->wanted, "%" PRId64, wanted);
}

static void compare_partitions(struct comparing *comparing, enum side side, const struct admin_topic *is,
                               const struct admin_topic *wanted) {
    static const char *const costs[] = {
        [SIDE_SOURCE] =
            "A tenant's records and its journal would lie in partitions of different numbers. Write the records to a topic with the right "
            "number, or set partitions.",
        [SIDE_JOURNAL] =
            "A journal's partitions are fixed for its life: set partitions to what it has, or journal anew under other topics.",
        [SIDE_OUTPUT] = "An output lies in the partition of its journal. Outputs cannot be moved: set partitions, or name a new topic.",
    };
    if (is->partitions != wanted->partitions) differ_number(comparing, "partitions", is->partitions, wanted->partitions, true, costs[side]);
}

/* -1 is without end. */
static bool is_shorter(int64_t is, int64_t wanted) { return is >= 0 && (wanted < 0 || is < wanted); }

static void compare_setting(struct comparing *comparing, enum admin_setting setting, enum side side, const char *is, const char *wanted) {
    if (!*wanted || !*is) return;
    bool wrong = false;
    const char *cost = NULL;
    int64_t has = strtoll(is, NULL, 10), needs = strtoll(wanted, NULL, 10);
    switch (setting) {
    case SETTING_CLEANUP:
        if (strcmp(is, wanted) == 0) return;
        wrong = side != SIDE_OUTPUT;
        cost = strcmp(wanted, "compact") == 0 ? "What is older than the retention is gone for those who read this topic from its beginning."
               : side == SIDE_OUTPUT
                   ? "Compaction keeps the last record of a key only: earlier ones are lost to those who come late."
                   : "Compaction takes records out of the middle: the journal could not be read again, sources have gaps.";
        break;
    case SETTING_RETENTION:
        if (!is_shorter(has, needs)) return;
        wrong = side == SIDE_JOURNAL;
        cost = side == SIDE_JOURNAL  ? "The journal is the only truth: what it loses can come back from a snapshot only."
               : side == SIDE_SOURCE ? "A stop longer than this loses records for good (a gap in the journal, and an alert)."
                                     : "Consumers that are behind by more than this lose records.";
        break;
    case SETTING_TIMESTAMP:
        if (strcmp(is, wanted) == 0) return;
        wrong = true;
        cost = "The clock's distance from the broker's cannot be seen, and a wrong clock could fire timers early.";
        break;
    case SETTING_INSYNC:
        if (has >= needs) return;
        cost = "Fewer replicas hold a record when it counts as written: with a broker lost too many it is lost.";
        break;
    case SETTING_BYTES:
        if (has >= needs) return;
        wrong = side != SIDE_SOURCE;
        cost = side == SIDE_SOURCE ? "Events up to 256 KiB are allowed; producers of larger ones than this are refused by the broker."
                                   : "A record that is larger than this stops its partition.";
        break;
    case SETTING_COMPRESSION:
        if (strcmp(is, wanted) == 0 || strcmp(is, "zstd") == 0) return;
        cost = "A producer may send gzip, which is unpacked here without a limit: lz4 or zstd lets the broker pack it anew.";
        break;
    case ADMIN_SETTINGS: abort();
    }
    struct admin_difference *next = difference(comparing, setting_names[setting], wrong, cost);
    g_strlcpy(next->is, is, sizeof next->is);
    g_strlcpy(next->wanted, wanted, sizeof next->wanted);
}

size_t admin_compare(int topic, const struct admin_topic *is, const struct admin_topic *wanted,
                     struct admin_difference out[ADMIN_DIFFERENCES_MAX]) {
    struct comparing comparing = {out, 0};
    enum side side = side_of(topic);
    if (!is->exists) {
        g_strlcpy(difference(&comparing, "topic", true, "Nothing runs without it: `ringback topics create` makes it.")->is, "missing",
                  ADMIN_VALUE_BYTES);
        return comparing.count;
    }
    compare_partitions(&comparing, side, is, wanted);
    if (is->replication < wanted->replication)
        differ_number(&comparing, "replication", is->replication, wanted->replication, false,
                      "The loss of fewer brokers than planned loses the topic. kafka-reassign-partitions adds replicas.");
    for (int setting = 0; setting < ADMIN_SETTINGS; setting++)
        compare_setting(&comparing, (enum admin_setting)setting, side, is->values[setting], wanted->values[setting]);
    return comparing.count;
}
