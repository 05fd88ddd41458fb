#include "client.h"

#include <stdio.h>
#include <stdlib.h>

#define SOCKET_TIMEOUT (5 * SIM_SECOND)

struct wire wire;
rd_kafka_resp_err_t client_last_error;

/* ---- requests ---- */

int64_t client_may_act(const rd_kafka_t *handle) {
    if (handle->closed || handle->incarnation != handle->instance->incarnation) return SIM_NEVER;
    return sim_now() < handle->instance->frozen_until ? handle->instance->frozen_until : 0;
}

void client_error(rd_kafka_t *handle, int code) {
    if (handle->error_count < 16) handle->errors[handle->error_count++] = code;
    sim_wake(handle);
}

static void request_answered(void *context) {
    struct request *request = context;
    request->answered = true;
    sim_wake(request);
}

static void request_broken(void *context) { sim_wake(context); }

static int64_t latency(void) { return sim_between(50, wire.latency_most); }

static void request_arrives(void *context) {
    struct request *request = context;
    if (sim_now() < broker.down_until) {
        sim_at(sim_now() + latency(), request_broken, request);
        return;
    }
    request->serve(request);
    sim_at(sim_now() + latency(), request_answered, request);
}

static void request_arrives_unanswered(void *context) {
    struct request *request = context;
    if (sim_now() >= broker.down_until) request->serve(request);
}

static struct request *request_send(const struct request *model) {
    struct request *request = malloc(sizeof *request);
    *request = *model;
    if (!sim_chance(wire.trouble)) {
        sim_at(sim_now() + latency(), request_arrives, request);
        return request;
    }
    switch (sim_between(0, 2)) {
    case 0: break; /* lost on its way */
    case 1: sim_at(sim_now() + latency(), request_arrives_unanswered, request); break;
    default: sim_at(sim_now() + sim_between(0, sim_chance(500) ? SIM_SECOND / 5 : wire.late_most), request_arrives_unanswered, request);
    }
    /* A connection that breaks is noticed; one that is silent ends by a timeout. */
    if (sim_chance(700)) sim_at(sim_now() + sim_between(1000, SIM_SECOND / 2), request_broken, request);
    return request;
}

static bool is_to_be_repeated(rd_kafka_resp_err_t code) {
    return code == RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE || code == RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS ||
           code == RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT;
}

struct request *client_call(const struct request *model, int64_t until) {
    for (;;) {
        struct request *request = request_send(model);
        int64_t silent = sim_now() + SOCKET_TIMEOUT;
        bool woken = sim_wait(request, silent < until ? silent : until);
        if (request->answered && !is_to_be_repeated(request->code)) return request;
        if (sim_now() >= until) return NULL;
        if (!request->answered) client_error(model->handle, woken ? RD_KAFKA_RESP_ERR__TRANSPORT : RD_KAFKA_RESP_ERR__TIMED_OUT);
        sim_sleep(sim_between(20000, 100000));
        if (sim_now() >= until) return NULL;
    }
}

/* ---- settings and handles ---- */

rd_kafka_conf_t *rd_kafka_conf_new(void) { return calloc(1, sizeof(rd_kafka_conf_t)); }
void rd_kafka_conf_destroy(rd_kafka_conf_t *conf) { free(conf); }

rd_kafka_conf_res_t rd_kafka_conf_set(rd_kafka_conf_t *conf, const char *name, const char *value, char *error, size_t error_size) {
    (void)error;
    (void)error_size;
    int n = 0;
    while (n < conf->count && strcmp(conf->properties[n].name, name) != 0) n++;
    if (n == PROPERTIES_MAX) sim_fail("more than %d properties", PROPERTIES_MAX);
    if (n == conf->count) conf->count++;
    snprintf(conf->properties[n].name, sizeof conf->properties[n].name, "%s", name);
    snprintf(conf->properties[n].value, sizeof conf->properties[n].value, "%s", value);
    return RD_KAFKA_CONF_OK;
}

const char *client_property(const rd_kafka_t *handle, const char *name) {
    for (int n = 0; n < handle->conf.count; n++)
        if (strcmp(handle->conf.properties[n].name, name) == 0) return handle->conf.properties[n].value;
    return NULL;
}

void rd_kafka_conf_set_opaque(rd_kafka_conf_t *conf, void *opaque) { conf->opaque = opaque; }
void rd_kafka_conf_set_log_cb(rd_kafka_conf_t *conf, void (*told)(const rd_kafka_t *, int, const char *, const char *)) {
    (void)conf;
    (void)told;
}
void rd_kafka_conf_set_dr_msg_cb(rd_kafka_conf_t *conf, void (*delivered)(rd_kafka_t *, const rd_kafka_message_t *, void *)) {
    conf->delivered = delivered;
}
void rd_kafka_conf_set_error_cb(rd_kafka_conf_t *conf, void (*went_wrong)(rd_kafka_t *, int, const char *, void *)) {
    conf->went_wrong = went_wrong;
}
void rd_kafka_conf_set_rebalance_cb(rd_kafka_conf_t *conf, void (*rebalanced)(rd_kafka_t *, rd_kafka_resp_err_t,
                                                                              rd_kafka_topic_partition_list_t *, void *)) {
    conf->rebalanced = rebalanced;
}

rd_kafka_t *rd_kafka_new(rd_kafka_type_t type, rd_kafka_conf_t *conf, char *error, size_t error_size) {
    (void)error;
    (void)error_size;
    sim_point("rd_kafka_new");
    rd_kafka_t *handle = calloc(1, sizeof *handle);
    handle->conf = *conf;
    handle->instance = sim_current();
    handle->incarnation = handle->instance->incarnation;
    handle->member.id.generation = -1;
    handle->producer.last = &handle->producer.first;
    for (int n = 0; n < LOGS_MAX; n++) handle->highs[n] = RD_KAFKA_OFFSET_INVALID;
    const char *id = client_property(handle, type == RD_KAFKA_PRODUCER ? "transactional.id" : "group.id");
    snprintf(handle->name, sizeof handle->name, "%s", id ? id : "rdkafka");
    free(conf);
    return handle;
}

void rd_kafka_destroy(rd_kafka_t *handle) {
    sim_point("rd_kafka_destroy");
    handle->closed = true;
}

const char *rd_kafka_name(const rd_kafka_t *handle) { return handle->name; }
rd_kafka_resp_err_t rd_kafka_last_error(void) { return client_last_error; }

rd_kafka_topic_conf_t *rd_kafka_topic_conf_new(void) { return NULL; }
rd_kafka_conf_res_t rd_kafka_topic_conf_set(rd_kafka_topic_conf_t *conf, const char *name, const char *value, char *error, size_t error_size) {
    (void)conf, (void)name, (void)value, (void)error, (void)error_size;
    return RD_KAFKA_CONF_OK;
}

rd_kafka_topic_t *rd_kafka_topic_new(rd_kafka_t *handle, const char *name, rd_kafka_topic_conf_t *conf) {
    (void)conf;
    rd_kafka_topic_t *topic = calloc(1, sizeof *topic);
    topic->handle = handle;
    snprintf(topic->name, sizeof topic->name, "%s", name);
    return topic;
}

void rd_kafka_topic_destroy(rd_kafka_topic_t *topic) { free(topic); }

/* Of one topic: how many partitions it has. */
struct told {
    struct rd_kafka_metadata seen;
    struct rd_kafka_metadata_topic topic;
};

static void metadata_serve(struct request *request) { (void)request; }

rd_kafka_resp_err_t rd_kafka_metadata(rd_kafka_t *handle, int all, rd_kafka_topic_t *topic, const struct rd_kafka_metadata **metadata, int timeout_ms) {
    (void)all;
    sim_point("rd_kafka_metadata");
    struct request request = {.handle = handle, .serve = metadata_serve};
    if (!client_call(&request, sim_now() + timeout_ms * INT64_C(1000))) return RD_KAFKA_RESP_ERR__TIMED_OUT;
    struct told *told = calloc(1, sizeof *told);
    while (broker_log(topic->name, told->topic.partition_cnt)) told->topic.partition_cnt++;
    told->seen = (struct rd_kafka_metadata){.topic_cnt = 1, .topics = &told->topic};
    *metadata = &told->seen;
    return 0;
}

void rd_kafka_metadata_destroy(const struct rd_kafka_metadata *metadata) { free((void *)(uintptr_t)metadata); }

/* ---- errors ---- */

struct rd_kafka_error_s {
    rd_kafka_resp_err_t code;
    bool retriable;
    char text[200];
};

rd_kafka_error_t *client_failed(rd_kafka_resp_err_t code, bool retriable, const char *text) {
    rd_kafka_error_t *error = calloc(1, sizeof *error);
    error->code = code;
    error->retriable = retriable;
    snprintf(error->text, sizeof error->text, "%s", text);
    return error;
}

rd_kafka_resp_err_t rd_kafka_error_code(const rd_kafka_error_t *error) { return error->code; }
const char *rd_kafka_error_string(const rd_kafka_error_t *error) { return error->text; }
int rd_kafka_error_is_retriable(const rd_kafka_error_t *error) { return error->retriable; }
void rd_kafka_error_destroy(rd_kafka_error_t *error) { free(error); }

const char *rd_kafka_err2name(rd_kafka_resp_err_t code) {
    switch ((int)code) {
    case RD_KAFKA_RESP_ERR__FENCED: return "_FENCED";
    case RD_KAFKA_RESP_ERR__TIMED_OUT: return "_TIMED_OUT";
    case RD_KAFKA_RESP_ERR__MSG_TIMED_OUT: return "_MSG_TIMED_OUT";
    case RD_KAFKA_RESP_ERR__STATE: return "_STATE";
    case RD_KAFKA_RESP_ERR__FATAL: return "_FATAL";
    case RD_KAFKA_RESP_ERR__QUEUE_FULL: return "_QUEUE_FULL";
    case RD_KAFKA_RESP_ERR__PURGE_QUEUE: return "_PURGE_QUEUE";
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET: return "_AUTO_OFFSET_RESET";
    case RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH: return "INVALID_PRODUCER_EPOCH";
    case RD_KAFKA_RESP_ERR_INVALID_TXN_STATE: return "INVALID_TXN_STATE";
    case RD_KAFKA_RESP_ERR_ILLEGAL_GENERATION: return "ILLEGAL_GENERATION";
    case RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID: return "UNKNOWN_MEMBER_ID";
    default: return "OTHER";
    }
}

const char *rd_kafka_err2str(rd_kafka_resp_err_t code) { return rd_kafka_err2name(code); }
void rd_kafka_mem_free(rd_kafka_t *handle, void *bytes) {
    (void)handle;
    free(bytes);
}

/* ---- lists ---- */

rd_kafka_topic_partition_list_t *rd_kafka_topic_partition_list_new(int size) {
    rd_kafka_topic_partition_list_t *list = calloc(1, sizeof *list);
    list->size = size > 8 ? size : 8;
    list->elems = calloc((size_t)list->size, sizeof *list->elems);
    return list;
}

rd_kafka_topic_partition_t *rd_kafka_topic_partition_list_add(rd_kafka_topic_partition_list_t *list, const char *topic, int32_t partition) {
    if (list->cnt == list->size) list->elems = realloc(list->elems, (size_t)(list->size *= 2) * sizeof *list->elems);
    rd_kafka_topic_partition_t *element = &list->elems[list->cnt++];
    memset(element, 0, sizeof *element);
    element->topic = strdup(topic);
    element->partition = partition;
    element->offset = RD_KAFKA_OFFSET_INVALID;
    return element;
}

void rd_kafka_topic_partition_list_destroy(rd_kafka_topic_partition_list_t *list) {
    for (int n = 0; n < list->cnt; n++) free(list->elems[n].topic);
    free(list->elems);
    free(list);
}

/* ---- messages ---- */

void messages_add(struct messages *messages, struct message *message) {
    if (!messages->first) messages->last = &messages->first;
    *messages->last = message;
    messages->last = &message->next;
    message->next = NULL;
    messages->count++;
}

struct message *messages_take(struct messages *messages) {
    struct message *message = messages->first;
    if (!message) return NULL;
    messages->first = message->next;
    messages->count--;
    return message;
}

void rd_kafka_message_destroy(rd_kafka_message_t *message) { free(message); }
const char *rd_kafka_message_errstr(const rd_kafka_message_t *message) { return rd_kafka_err2str(message->err); }

int64_t rd_kafka_message_timestamp(const rd_kafka_message_t *message, rd_kafka_timestamp_type_t *type) {
    const struct message *whole = (const struct message *)message;
    *type = whole->type;
    return whole->at_ms;
}

/* ---- headers ---- */

rd_kafka_headers_t *rd_kafka_headers_new(size_t count) {
    (void)count;
    return calloc(1, sizeof(rd_kafka_headers_t));
}

rd_kafka_resp_err_t rd_kafka_header_add(rd_kafka_headers_t *headers, const char *name, ssize_t name_size, const void *value, ssize_t size) {
    (void)name_size;
    if (headers->count == HEADERS_MAX) sim_fail("more than %d headers", HEADERS_MAX);
    snprintf(headers->headers[headers->count].name, sizeof headers->headers->name, "%s", name);
    headers->headers[headers->count].value = malloc((size_t)size + 1);
    memcpy(headers->headers[headers->count].value, value, (size_t)size);
    headers->headers[headers->count].value[size] = 0;
    headers->headers[headers->count++].size = (size_t)size;
    return 0;
}

void rd_kafka_headers_destroy(rd_kafka_headers_t *headers) { free(headers); }

rd_kafka_resp_err_t rd_kafka_message_headers(const rd_kafka_message_t *message, rd_kafka_headers_t **headers) {
    *headers = ((const struct message *)message)->headers;
    return *headers ? 0 : RD_KAFKA_RESP_ERR__NOENT;
}

size_t rd_kafka_header_cnt(const rd_kafka_headers_t *headers) { return (size_t)headers->count; }

rd_kafka_resp_err_t rd_kafka_header_get_all(const rd_kafka_headers_t *headers, size_t n, const char **name, const void **value, size_t *size) {
    if (n >= (size_t)headers->count) return RD_KAFKA_RESP_ERR__NOENT;
    *name = headers->headers[n].name;
    *value = headers->headers[n].value;
    *size = headers->headers[n].size;
    return 0;
}

rd_kafka_resp_err_t rd_kafka_header_get_last(const rd_kafka_headers_t *headers, const char *name, const void **value, size_t *size) {
    for (int n = headers->count; n-- > 0;) {
        if (strcmp(headers->headers[n].name, name) != 0) continue;
        *value = headers->headers[n].value;
        *size = headers->headers[n].size;
        return 0;
    }
    return RD_KAFKA_RESP_ERR__NOENT;
}
