#include "kafka_rights.h"

#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "kafka_admin.h"
#include "options.h"

enum { INIT_MS = 15000, STEP_MS = 10000, READ_MS = 10000 };

/* ---- properties */

/* The names that librdkafka knows, from the table that it prints. */
static GPtrArray *property_names(void) {
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    char *text = NULL;
    size_t size;
    FILE *memory = open_memstream(&text, &size);
    rd_kafka_conf_properties_show(memory);
    fclose(memory);
    g_auto(GStrv) lines = g_strsplit(text, "\n", 0);
    for (char **line = lines; *line; line++)
        if (g_ascii_islower(**line)) g_ptr_array_add(names, g_strndup(*line, strcspn(*line, " |")));
    g_ptr_array_add(names, NULL);
    free(text);
    return names;
}

int kafka_properties_check(const struct config *config, struct failure *failure) {
    g_autoptr(GPtrArray) names = NULL;
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    int result = 0;
    for (size_t i = 0; i < config->kafka_count && result == 0; i++) {
        const struct config_property *property = &config->kafka[i];
        char error[512];
        rd_kafka_conf_res_t answer = rd_kafka_conf_set(conf, property->name, property->value, error, sizeof error);
        if (answer == RD_KAFKA_CONF_OK) continue;
        if (answer == RD_KAFKA_CONF_INVALID) {
            result = fail(failure, EXIT_CONFIGURATION, "%s, line %d: kafka.%s: %s.", config->file, property->line, property->name,
                          kafka_property_error(property, answer, error));
            continue;
        }
        if (!names) names = property_names();
        const char *nearest = nearest_name(property->name, (const char *const *)names->pdata);
        result = fail(failure, EXIT_CONFIGURATION, "%s, line %d: unknown key kafka.%s.%s%s%s It must be a property of librdkafka %s.",
                      config->file, property->line, property->name, nearest ? " Did you mean kafka." : "", nearest ? nearest : "",
                      nearest ? "?" : "", rd_kafka_version_str());
    }
    rd_kafka_conf_destroy(conf);
    return result < 0 ? -1 : kafka_settings_check(config, failure);
}

/* ---- rights */

struct checking {
    const struct config *config;
    rights_found *found;
    void *context;
    char principal[200]; /* "User:ringback", for the advice */
};

static void good(struct checking *checking, const char *what, const char *format, ...) __attribute__((format(printf, 3, 4)));
static void good(struct checking *checking, const char *what, const char *format, ...) {
    va_list values;
    va_start(values, format);
    g_autofree char *text = g_strdup_vprintf(format, values);
    va_end(values);
    checking->found(checking->context, true, what, text);
}

/* A right that is missing, with the command that gives it. `kind`: topic, group, transactional-id. */
static void missing(struct checking *checking, const char *kind, const char *name, const char *right) {
    bool prefixed = strcmp(kind, "transactional-id") == 0;
    g_autofree char *text =
        g_strdup_printf("%s: %s is missing. kafka-acls.sh --add --allow-principal %s --operation %s --%s %s%s", name, right,
                        checking->principal, right, kind, name, prefixed ? " --resource-pattern-type prefixed" : "");
    checking->found(checking->context, false, prefixed ? "id" : kind, text);
}

static void broken(struct checking *checking, const char *what, const char *name, const char *doing, const char *why) {
    g_autofree char *text = g_strdup_printf("%s: cannot %s: %s", name, doing, why);
    checking->found(checking->context, false, what, text);
}

/* Who we are to Kafka, where the configuration says so. */
static void principal_find(struct checking *checking) {
    g_strlcpy(checking->principal, "User:NAME", sizeof checking->principal);
    for (size_t i = 0; i < checking->config->kafka_count; i++) {
        const struct config_property *property = &checking->config->kafka[i];
        if (strcmp(property->name, "sasl.username") == 0 && !property->secret)
            g_snprintf(checking->principal, sizeof checking->principal, "User:%s", property->value);
    }
}

/* ---- topics: there, and with the right partitions */

static bool is_read(int topic) { return topic >= KAFKA_TOPIC_JOURNAL; }
static bool is_written(int topic) { return topic <= KAFKA_TOPIC_JOURNAL; }
static const char *first_right(int topic) { return is_read(topic) ? "Read" : "Write"; }

/* 1; 0: it cannot be seen, as was said; -1. */
static int topic_find(struct checking *checking, struct admin *admin, const char *name, const char *right, const char *absent,
                      struct admin_topic *is, struct failure *failure) {
    rd_kafka_resp_err_t code = admin_ask(admin, name, is);
    switch ((int)code) {
    case RD_KAFKA_RESP_ERR_NO_ERROR: return 1;
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED: missing(checking, "topic", name, right); return 0;
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART: broken(checking, "topic", name, "find it", absent); return 0;
    default: return fail_kafka(failure, code, rd_kafka_err2str(code), "ask for the topic", name);
    }
}

/* Those that are there are set in `there`. */
static int topics_check(struct checking *checking, struct admin *admin, bool there[KAFKA_TOPICS], struct failure *failure) {
    const struct config *config = checking->config;
    struct admin_topic wanted[KAFKA_TOPICS], is;
    admin_wanted(config, wanted);
    for (int i = 0; i < KAFKA_TOPICS; i++) {
        const char *name = config->topics.names[i];
        int found = topic_find(checking, admin, name, first_right(i), "there is no such topic. `ringback topics create` makes it", &is, failure);
        if (found < 0) return -1;
        there[i] = found && is.partitions == wanted[i].partitions;
        if (found && !there[i])
            broken(checking, "topic", name, "use it",
                   "it has another number of partitions than the configuration; see `ringback topics check`");
    }
    return 0;
}

/* Run asks where they end. */
static int origins_check(struct checking *checking, struct admin *admin, struct failure *failure) {
    struct admin_topic is;
    for (int kind = SOURCE_CALLS; kind <= SOURCE_DIRECTORY; kind++) {
        const char *name = checking->config->rekey[kind];
        int found = name ? topic_find(checking, admin, name, "Describe", "there is no such topic, and rekey: names it", &is, failure) : 0;
        if (found < 0) return -1;
        if (found) good(checking, "topic", "%s: Describe", name);
    }
    return 0;
}

/* ---- reading: one fetch of each partition 0, at its end */

static rd_kafka_t *reader_open(const struct config *config, struct failure *failure) {
    rd_kafka_conf_t *conf = kafka_conf(config, KAFKA_READER, 0, failure);
    if (!conf) return NULL;
    rd_kafka_conf_set_log_cb(conf, NULL);
    return kafka_open(conf, KAFKA_READER, failure);
}

/* What the fetch of a topic came to. */
static void read_taken(struct checking *checking, const rd_kafka_message_t *message, bool open[KAFKA_TOPICS]) {
    if (!message->rkt) return; /* of the whole handle */
    const char *name = rd_kafka_topic_name(message->rkt);
    for (int i = 0; i < KAFKA_TOPICS; i++) {
        if (!open[i] || strcmp(checking->config->topics.names[i], name) != 0) continue;
        open[i] = false;
        if (message->err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
            missing(checking, "topic", name, "Read");
        else if (message->err && message->err != RD_KAFKA_RESP_ERR__PARTITION_EOF)
            broken(checking, "topic", name, "read it", rd_kafka_message_errstr(message));
        else
            good(checking, "topic", "%s: Read", name);
    }
}

static bool any_of(const bool open[KAFKA_TOPICS]) {
    for (int i = 0; i < KAFKA_TOPICS; i++)
        if (open[i]) return true;
    return false;
}

static int reads_check(struct checking *checking, const bool there[KAFKA_TOPICS], struct failure *failure) {
    rd_kafka_t *reader = reader_open(checking->config, failure);
    if (!reader) return -1;
    rd_kafka_queue_t *queue = rd_kafka_queue_new(reader);
    rd_kafka_topic_t *topics[KAFKA_TOPICS] = {NULL};
    bool open[KAFKA_TOPICS];
    for (int i = 0; i < KAFKA_TOPICS; i++) {
        open[i] = there[i] && is_read(i);
        if (!open[i]) continue;
        topics[i] = rd_kafka_topic_new(reader, checking->config->topics.names[i], NULL);
        rd_kafka_consume_start_queue(topics[i], 0, RD_KAFKA_OFFSET_END, queue);
    }
    gint64 until_us = g_get_monotonic_time() + READ_MS * 1000LL;
    while (any_of(open) && g_get_monotonic_time() < until_us) {
        rd_kafka_message_t *message = rd_kafka_consume_queue(queue, 100);
        if (!message) continue;
        read_taken(checking, message, open);
        rd_kafka_message_destroy(message);
    }
    for (int i = 0; i < KAFKA_TOPICS; i++) {
        if (!topics[i]) continue;
        if (open[i]) broken(checking, "topic", checking->config->topics.names[i], "read it", "no answer in time");
        rd_kafka_consume_stop(topics[i], 0);
        rd_kafka_topic_destroy(topics[i]);
    }
    rd_kafka_queue_destroy(queue);
    rd_kafka_destroy(reader);
    return 0;
}

/* ---- writing: one transaction a topic, aborted */

struct delivery {
    rd_kafka_resp_err_t code;
    bool done;
};

static void delivered(rd_kafka_t *writer, const rd_kafka_message_t *message, void *opaque) {
    (void)writer, (void)opaque;
    struct delivery *delivery = message->_private;
    if (delivery) *delivery = (struct delivery){message->err, true};
}

static void hushed(const rd_kafka_t *handle, int level, const char *facility, const char *text) {
    (void)handle, (void)level, (void)facility, (void)text;
}

static rd_kafka_t *writer_open(const struct config *config, const char *id, struct failure *failure) {
    rd_kafka_conf_t *conf = kafka_conf(config, KAFKA_WRITER, 0, failure);
    char error[300];
    if (!conf) return NULL;
    rd_kafka_conf_set(conf, "transactional.id", id, error, sizeof error);
    rd_kafka_conf_set_log_cb(conf, hushed);
    rd_kafka_conf_set_dr_msg_cb(conf, delivered);
    return kafka_open(conf, KAFKA_WRITER, failure);
}

/* The code of an error object, which is destroyed. */
static rd_kafka_resp_err_t code_of(rd_kafka_error_t *error) {
    rd_kafka_resp_err_t code = error ? rd_kafka_error_code(error) : RD_KAFKA_RESP_ERR_NO_ERROR;
    if (error) rd_kafka_error_destroy(error);
    return code;
}

/* A tombstone of a key that nothing has, in a transaction that is aborted. */
static rd_kafka_resp_err_t write_one(rd_kafka_t *writer, const char *topic) {
    static const char key[] = "ringback-check";
    struct delivery delivery = {0};
    rd_kafka_resp_err_t code = code_of(rd_kafka_begin_transaction(writer));
    if (code) return code;
    code = rd_kafka_producev(writer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(0), RD_KAFKA_V_KEY(key, sizeof key - 1),
                             RD_KAFKA_V_VALUE(NULL, 0), RD_KAFKA_V_OPAQUE(&delivery), RD_KAFKA_V_END);
    if (!code) rd_kafka_flush(writer, STEP_MS);
    if (!code) code = delivery.done ? delivery.code : RD_KAFKA_RESP_ERR__TIMED_OUT;
    /* The report says "purged"; what the broker said is the answer to an attempt to commit, which a lost record makes fail. */
    if (code == RD_KAFKA_RESP_ERR__PURGE_QUEUE || code == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT)
        code = code_of(rd_kafka_commit_transaction(writer, STEP_MS));
    rd_kafka_resp_err_t ended = code_of(rd_kafka_abort_transaction(writer, STEP_MS));
    rd_kafka_poll(writer, 0); /* reports that the abort made are for `delivery`, which goes now */
    return code ? code : ended;
}

/* The group's right is tried by what a commit does: offsets for the group, in a transaction that is aborted. */
static rd_kafka_resp_err_t offsets_one(rd_kafka_t *writer, const char *group, const char *source) {
    rd_kafka_resp_err_t code = code_of(rd_kafka_begin_transaction(writer));
    if (code) return code;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, source, 0)->offset = 0;
    rd_kafka_consumer_group_metadata_t *metadata = rd_kafka_consumer_group_metadata_new(group);
    code = code_of(rd_kafka_send_offsets_to_transaction(writer, list, metadata, STEP_MS));
    rd_kafka_consumer_group_metadata_destroy(metadata);
    rd_kafka_topic_partition_list_destroy(list);
    rd_kafka_resp_err_t ended = code_of(rd_kafka_abort_transaction(writer, STEP_MS));
    return code ? code : ended;
}

static void group_check(struct checking *checking, rd_kafka_t *writer, const bool there[KAFKA_TOPICS]) {
    const char *group = checking->config->application, *source = checking->config->topics.names[KAFKA_TOPIC_CALLS];
    if (!there[KAFKA_TOPIC_CALLS]) return; /* said already */
    rd_kafka_resp_err_t code = offsets_one(writer, group, source);
    if (code == RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED)
        missing(checking, "group", group, "Read");
    else if (code && code != RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
        broken(checking, "group", group, "commit offsets in a transaction", rd_kafka_err2str(code));
    else
        good(checking, "group", "%s: Read", group);
}

/* Makes the writer know the topics: the first record to one that it does not know is up to a second late before 2.10.1. */
static void warm(rd_kafka_t *writer, const struct config *config, rd_kafka_topic_t *topics[KAFKA_TOPICS]) {
    const struct rd_kafka_metadata *metadata;
    for (int i = 0; i < KAFKA_TOPICS; i++) topics[i] = rd_kafka_topic_new(writer, config->topics.names[i], NULL);
    if (rd_kafka_metadata(writer, 0, NULL, &metadata, STEP_MS) == 0) rd_kafka_metadata_destroy(metadata);
}

static int writes_check(struct checking *checking, const bool there[KAFKA_TOPICS], struct failure *failure) {
    const struct config *config = checking->config;
    g_autofree char *prefix = g_strconcat(config->application, ".", NULL), *id = g_strconcat(prefix, "check", NULL);
    rd_kafka_t *writer = writer_open(config, id, failure);
    if (!writer) return -1;
    rd_kafka_topic_t *topics[KAFKA_TOPICS];
    warm(writer, config, topics);
    rd_kafka_resp_err_t code = code_of(rd_kafka_init_transactions(writer, INIT_MS));
    if (code == RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED)
        missing(checking, "transactional-id", prefix, "Write");
    else if (code)
        broken(checking, "id", id, "begin transactions", rd_kafka_err2str(code));
    else
        good(checking, "id", "%s*: Write", prefix);
    if (!code) group_check(checking, writer, there);
    for (int i = 0; i < KAFKA_TOPICS && !code; i++) {
        const char *name = config->topics.names[i];
        if (!there[i] || !is_written(i)) continue;
        rd_kafka_resp_err_t answer = write_one(writer, name);
        if (answer == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED)
            missing(checking, "topic", name, "Write");
        else if (answer)
            broken(checking, "topic", name, "write to it", rd_kafka_err2str(answer));
        else
            good(checking, "topic", "%s: Write", name);
    }
    for (int i = 0; i < KAFKA_TOPICS; i++) rd_kafka_topic_destroy(topics[i]);
    rd_kafka_destroy(writer);
    return 0;
}

int kafka_rights_check(const struct config *config, rights_found *found, void *context, struct failure *failure) {
    struct checking checking = {.config = config, .found = found, .context = context};
    bool there[KAFKA_TOPICS];
    principal_find(&checking);
    struct admin *admin = admin_open(config, failure);
    if (!admin) return -1;
    good(&checking, "brokers", "%s: a cluster of %d", config->brokers, admin_brokers(admin));
    int result = topics_check(&checking, admin, there, failure);
    if (result == 0) result = origins_check(&checking, admin, failure);
    admin_close(admin);
    if (result == 0) result = reads_check(&checking, there, failure);
    if (result == 0) result = writes_check(&checking, there, failure);
    return result;
}
