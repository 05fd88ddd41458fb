/* The transactional producer of librdkafka: a queue that is sent in the background, one batch at a time; transactions; delivery reports. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "client.h"

#define BATCH_MOST 100
#define LINGER 5000
#define SOCKET_TIMEOUT (5 * SIM_SECOND)

/* ---- reports ---- */

static void report(rd_kafka_t *handle, struct queued *queued, rd_kafka_resp_err_t code) {
    struct message *message = calloc(1, sizeof *message);
    message->seen.err = code;
    message->seen.offset = queued->out.offset;
    message->seen._private = queued->opaque;
    message->type = queued->out.log->topic == KAFKA_TOPIC_JOURNAL ? RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME : RD_KAFKA_TIMESTAMP_CREATE_TIME;
    message->at_ms = SIM_EPOCH_MS + queued->out.at / 1000;
    messages_add(&handle->producer.reports, message);
    if (code && !handle->producer.abortable) handle->producer.abortable = code;
    sim_wake(handle);
}

static void report_first(rd_kafka_t *handle, size_t count, rd_kafka_resp_err_t code) {
    while (count-- > 0) {
        struct queued *queued = handle->producer.first;
        handle->producer.first = queued->next;
        handle->producer.waiting--;
        report(handle, queued, code);
        free(queued);
    }
    if (!handle->producer.first) handle->producer.last = &handle->producer.first;
}

static void fatal(rd_kafka_t *handle, rd_kafka_resp_err_t code) {
    if (code == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH || code == RD_KAFKA_RESP_ERR_PRODUCER_FENCED) code = RD_KAFKA_RESP_ERR__FENCED;
    sim_trace("%s: fatal %s", handle->name, rd_kafka_err2name(code));
    handle->producer.fatal = code;
    report_first(handle, handle->producer.waiting, code);
    sim_wake(handle);
}

/* ---- sending ---- */

static int64_t latency(void) { return sim_between(50, wire.latency_most); }

static void registers(void *context);
static void produces(void *context);

static void sender_next(rd_kafka_t *handle, int64_t wait, void (*step)(void *context)) { sim_at(sim_now() + wait, step, handle); }

static void sender_kick(rd_kafka_t *handle) {
    if (handle->producer.sending || !handle->producer.first || handle->producer.fatal) return;
    handle->producer.sending = true;
    sender_next(handle, LINGER + latency(), registers);
}

/* True where the step is to be tried later, or not at all. */
static bool sender_is_held(rd_kafka_t *handle, void (*step)(void *context)) {
    int64_t when = client_may_act(handle);
    if (when == SIM_NEVER) {
        if (handle->producer.first && !handle->producer.fatal && sim_chance(300) && sim_now() >= broker.down_until)
            return false; /* it was on its way */
        handle->producer.sending = false;
        return true;
    }
    if (when) {
        sim_at(when, step, handle);
        return true;
    }
    if (!handle->producer.first || handle->producer.fatal) {
        handle->producer.sending = false;
        return true;
    }
    if (handle->producer.first->since + handle->producer.timeout < sim_now()) {
        handle->producer.sending = false;
        report_first(handle, handle->producer.waiting, RD_KAFKA_RESP_ERR__MSG_TIMED_OUT);
        return true;
    }
    if (sim_now() >= broker.down_until) return false;
    client_error(handle, RD_KAFKA_RESP_ERR__TRANSPORT);
    sender_next(handle, sim_between(50000, SIM_SECOND), step);
    return true;
}

/* Makes all logs that are to be written to part of the transaction. */
static void registers(void *context) {
    rd_kafka_t *handle = context;
    if (sender_is_held(handle, registers)) return;
    for (struct queued *queued = handle->producer.first; queued; queued = queued->next) {
        uint64_t bit = UINT64_C(1) << (queued->out.log - broker_logs);
        if (handle->producer.registered & bit) continue;
        rd_kafka_resp_err_t code = broker_add_partition(&handle->producer.id, queued->out.log);
        if (code == RD_KAFKA_RESP_ERR_CONCURRENT_TRANSACTIONS || code == RD_KAFKA_RESP_ERR_COORDINATOR_NOT_AVAILABLE) {
            sender_next(handle, 20000, registers);
            return;
        }
        if (code) {
            fatal(handle, code);
            return;
        }
        handle->producer.registered |= bit;
    }
    sender_next(handle, latency(), produces);
}

struct batch {
    rd_kafka_t *handle;
    size_t count;
    struct outgoing records[BATCH_MOST];
};

static void produced(void *context) {
    struct batch *batch = context;
    rd_kafka_t *handle = batch->handle;
    int64_t when = client_may_act(handle);
    if (when && when < SIM_NEVER) {
        sim_at(when, produced, batch);
        return;
    }
    handle->producer.sending = false;
    if (when == SIM_NEVER || handle->producer.fatal || handle->producer.waiting < batch->count) return;
    if (!broker_was_kept(batch->records, batch->count)) { /* the new leader does not have it */
        handle->producer.sending = true;
        sender_next(handle, sim_between(1000, 100000), produces);
        return;
    }
    struct queued *queued = handle->producer.first;
    for (size_t n = 0; n < batch->count; n++, queued = queued->next) queued->out = batch->records[n];
    report_first(handle, batch->count, 0);
    sender_kick(handle);
    free(batch);
}

static bool has_another(const struct queued *queued) {
    const struct queued *other = queued->next;
    while (other && other->out.log != queued->out.log) other = other->next;
    return other;
}

/* A first request that was refused while the second, on its way with it, was taken: a partition that knows nothing of a producer takes whatever
 * number he counts from. librdkafka then infers that the first was taken too, and reports so, without an offset (docs/decisions/0024). */
static void first_is_refused(rd_kafka_t *handle) {
    struct queued **place = &handle->producer.first, *first;
    for (; (first = *place); place = &first->next)
        if (!first->sent && !handle->producer.sequences[first->out.log - broker_logs] && has_another(first)) break;
    if (!first || !sim_chance(wire.refused)) return;
    sim_trace("%s: the first record of %s-%d is refused, and reported as written", handle->name, first->out.log->name, first->out.log->partition);
    *place = first->next; /* another follows: it is not the last */
    handle->producer.waiting--;
    first->out.offset = RD_KAFKA_OFFSET_INVALID;
    report(handle, first, 0);
    free(first);
}

static size_t batch_make(rd_kafka_t *handle, struct outgoing *records) {
    size_t count = 0;
    for (struct queued *queued = handle->producer.first; queued && count < BATCH_MOST; queued = queued->next) {
        size_t log = (size_t)(queued->out.log - broker_logs);
        if (!(handle->producer.registered >> log & 1)) break;
        if (!queued->sent) queued->out.sequence = handle->producer.sequences[log]++;
        queued->sent = true;
        records[count++] = queued->out;
    }
    return count;
}

static void produces(void *context) {
    rd_kafka_t *handle = context;
    if (sender_is_held(handle, produces)) return;
    first_is_refused(handle);
    struct batch *batch = malloc(sizeof *batch);
    *batch = (struct batch){.handle = handle};
    batch->count = batch_make(handle, batch->records);
    bool trouble = sim_chance(wire.trouble), arrives = !trouble || sim_chance(500);
    int64_t replicated = sim_now();
    rd_kafka_resp_err_t code = arrives ? broker_produce(&handle->producer.id, batch->records, batch->count, &replicated) : 0;
    if (code && client_may_act(handle) == 0) {
        fatal(handle, code);
    } else if (trouble) {
        client_error(handle, RD_KAFKA_RESP_ERR__TRANSPORT);
        sender_next(handle, sim_chance(500) ? sim_between(1000, SIM_SECOND) : SOCKET_TIMEOUT, produces);
    } else {
        sim_at(replicated + latency(), produced, batch);
        return;
    }
    free(batch);
}

/* ---- what the program calls ---- */

static struct str copy(const void *bytes, size_t size) {
    if (!bytes) return STR_NULL;
    char *copied = malloc(size + 1);
    memcpy(copied, bytes, size);
    return (struct str){copied, (uint32_t)size};
}

static rd_kafka_resp_err_t enqueue(rd_kafka_t *handle, struct log_topic *log, struct str key, struct str value, rd_kafka_headers_t *headers,
                                   void *opaque) {
    if (handle->producer.fatal) return RD_KAFKA_RESP_ERR__FATAL;
    if (!handle->producer.in_transaction || handle->producer.abortable) return RD_KAFKA_RESP_ERR__STATE;
    if (sim_chance(wire.queue_full)) return RD_KAFKA_RESP_ERR__QUEUE_FULL;
    struct queued *queued = calloc(1, sizeof *queued);
    queued->out.log = log;
    queued->out.entry = (struct entry){.key = copy(key.ptr, key.len), .value = copy(value.ptr, value.len), .headers = headers};
    queued->opaque = opaque;
    queued->since = sim_now();
    *handle->producer.last = queued;
    handle->producer.last = &queued->next;
    handle->producer.waiting++;
    sender_kick(handle);
    return 0;
}

int rd_kafka_produce(rd_kafka_topic_t *topic, int32_t partition, int flags, void *payload, size_t size, const void *key, size_t key_size,
                     void *opaque) {
    (void)flags;
    sim_point("rd_kafka_produce");
    struct log_topic *log = broker_log(topic->name, partition);
    struct str value = {payload, (uint32_t)size}, keyed = {key, (uint32_t)key_size};
    client_last_error = enqueue(topic->handle, log, keyed, value, NULL, opaque);
    return client_last_error ? -1 : 0;
}

rd_kafka_resp_err_t rd_kafka_producev(rd_kafka_t *handle, ...) {
    struct str key = STR_NULL, value = STR_NULL;
    rd_kafka_headers_t *headers = NULL;
    rd_kafka_topic_t *topic = NULL;
    int32_t partition = -1;
    va_list values;
    va_start(values, handle);
    for (rd_kafka_vtype_t type; (type = va_arg(values, rd_kafka_vtype_t)) != RD_KAFKA_VTYPE_END;) {
        switch ((int)type) {
        case RD_KAFKA_VTYPE_RKT: topic = va_arg(values, rd_kafka_topic_t *); break;
        case RD_KAFKA_VTYPE_PARTITION: partition = va_arg(values, int32_t); break;
        case RD_KAFKA_VTYPE_MSGFLAGS: (void)va_arg(values, int); break;
        case RD_KAFKA_VTYPE_KEY: key.ptr = va_arg(values, const char *), key.len = (uint32_t)va_arg(values, size_t); break;
        case RD_KAFKA_VTYPE_VALUE: value.ptr = va_arg(values, const char *), value.len = (uint32_t)va_arg(values, size_t); break;
        case RD_KAFKA_VTYPE_HEADERS: headers = va_arg(values, rd_kafka_headers_t *); break;
        default: sim_fail("rd_kafka_producev is given %d", (int)type);
        }
    }
    va_end(values);
    sim_point("rd_kafka_producev");
    return enqueue(handle, broker_log(topic->name, partition), key, value, headers, NULL);
}

/* Callbacks run in the thread that polls. */
static int serve(rd_kafka_t *handle) {
    int served = 0;
    for (struct message *message; (message = messages_take(&handle->producer.reports)); served++) {
        if (handle->conf.delivered) handle->conf.delivered(handle, &message->seen, handle->conf.opaque);
        free(message);
    }
    for (; handle->error_count > 0; served++) {
        int code = handle->errors[--handle->error_count];
        if (handle->conf.went_wrong) handle->conf.went_wrong(handle, code, rd_kafka_err2str((rd_kafka_resp_err_t)code), handle->conf.opaque);
    }
    return served;
}

int rd_kafka_poll(rd_kafka_t *handle, int timeout_ms) {
    int served = serve(handle);
    if (served || timeout_ms == 0) return served;
    sim_wait(handle, timeout_ms < 0 ? SIM_NEVER : sim_now() + timeout_ms * 1000);
    return serve(handle);
}

static rd_kafka_resp_err_t flush(rd_kafka_t *handle, int64_t until) {
    serve(handle);
    while (handle->producer.waiting || handle->producer.reports.count) {
        if (sim_now() >= until) return RD_KAFKA_RESP_ERR__TIMED_OUT;
        if (!handle->producer.reports.count) sim_wait(handle, until);
        serve(handle);
    }
    return 0;
}

rd_kafka_resp_err_t rd_kafka_flush(rd_kafka_t *handle, int timeout_ms) {
    sim_point("before rd_kafka_flush");
    rd_kafka_resp_err_t code = flush(handle, sim_now() + timeout_ms * 1000);
    sim_point("after rd_kafka_flush");
    return code;
}

rd_kafka_resp_err_t rd_kafka_purge(rd_kafka_t *handle, int what) {
    (void)handle;
    (void)what;
    return 0;
}

rd_kafka_resp_err_t rd_kafka_fatal_error(rd_kafka_t *handle, char *text, size_t size) {
    rd_kafka_resp_err_t code = handle->producer.fatal;
    snprintf(text, size, "%s", code ? rd_kafka_err2str(code) : "");
    return code;
}

/* ---- transactions ---- */

static rd_kafka_error_t *failed(rd_kafka_t *handle, const char *what) {
    rd_kafka_resp_err_t code = handle->producer.fatal ? handle->producer.fatal : handle->producer.abortable;
    return code ? client_failed(code, false, what) : NULL;
}

/* What an answer means to the producer. */
static rd_kafka_error_t *answered(rd_kafka_t *handle, rd_kafka_resp_err_t code, const char *what) {
    switch ((int)code) {
    case 0: return NULL;
    case RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH:
    case RD_KAFKA_RESP_ERR_INVALID_TXN_STATE: fatal(handle, code); break;
    default: handle->producer.abortable = code;
    }
    return failed(handle, what);
}

static void init_serve(struct request *request) {
    request->code = broker_init_producer(request->handle->name, request->handle->producer.timeout, &request->of.producer);
}

rd_kafka_error_t *rd_kafka_init_transactions(rd_kafka_t *handle, int timeout_ms) {
    sim_point("before rd_kafka_init_transactions");
    handle->producer.timeout = atoll(client_property(handle, "transaction.timeout.ms")) * 1000;
    struct request *answer = client_call(&(struct request){.handle = handle, .serve = init_serve}, sim_now() + timeout_ms * INT64_C(1000));
    if (!answer) return client_failed(RD_KAFKA_RESP_ERR__TIMED_OUT, true, "no answer of the transaction coordinator");
    handle->producer.id = answer->of.producer;
    sim_point("after rd_kafka_init_transactions");
    return NULL;
}

rd_kafka_error_t *rd_kafka_begin_transaction(rd_kafka_t *handle) {
    sim_point("rd_kafka_begin_transaction");
    if (handle->producer.in_transaction) sim_fail("%s begins a transaction within a transaction", handle->name);
    rd_kafka_error_t *error = failed(handle, "the producer has failed");
    if (error) return error;
    handle->producer.in_transaction = true;
    handle->producer.registered = 0;
    handle->producer.has_offsets = false;
    return NULL;
}

static void offsets_serve(struct request *request) { request->code = broker_commit_offsets(&request->by, &request->member, &request->of.offsets); }

struct rd_kafka_consumer_group_metadata_s {
    struct membership id;
};

rd_kafka_error_t *rd_kafka_send_offsets_to_transaction(rd_kafka_t *handle, const rd_kafka_topic_partition_list_t *list,
                                                       const rd_kafka_consumer_group_metadata_t *group, int timeout_ms) {
    (void)timeout_ms;
    sim_point("before rd_kafka_send_offsets_to_transaction");
    rd_kafka_error_t *error = failed(handle, "the producer has failed");
    if (error || list->cnt == 0) return error; /* an empty list is no request, and no error */
    struct request request = {.handle = handle, .serve = offsets_serve, .by = handle->producer.id, .member = group->id};
    if (list->cnt != GROUP_SOURCES) sim_fail("offsets of %d topics are sent", list->cnt);
    request.of.offsets.partition = list->elems[0].partition;
    for (int n = 0; n < list->cnt; n++) request.of.offsets.offsets[n] = list->elems[n].offset;
    struct request *answer = client_call(&request, SIM_NEVER);
    handle->producer.has_offsets = answer->code == 0;
    sim_point("after rd_kafka_send_offsets_to_transaction");
    return answered(handle, answer->code, "the offsets were refused");
}

static void end_serve(struct request *request) { request->code = broker_end_transaction(&request->by, request->of.commit); }

static rd_kafka_error_t *end(rd_kafka_t *handle, bool commit) {
    handle->producer.in_transaction = false;
    if (!handle->producer.registered && !handle->producer.has_offsets) return NULL; /* the brokers know of no transaction */
    struct request request = {.handle = handle, .serve = end_serve, .by = handle->producer.id, .of.commit = commit};
    struct request *answer = client_call(&request, SIM_NEVER);
    return answered(handle, answer->code, "the transaction cannot be ended");
}

rd_kafka_error_t *rd_kafka_commit_transaction(rd_kafka_t *handle, int timeout_ms) {
    (void)timeout_ms;
    sim_point("before rd_kafka_commit_transaction");
    flush(handle, SIM_NEVER);
    rd_kafka_error_t *error = failed(handle, "the producer has failed");
    if (!error) error = end(handle, true);
    sim_point("after rd_kafka_commit_transaction");
    return error;
}

rd_kafka_error_t *rd_kafka_abort_transaction(rd_kafka_t *handle, int timeout_ms) {
    (void)timeout_ms;
    sim_point("before rd_kafka_abort_transaction");
    flush(handle, SIM_NEVER);
    if (!handle->producer.fatal) handle->producer.abortable = 0;
    rd_kafka_error_t *error = failed(handle, "the producer has failed");
    if (!error) error = end(handle, false);
    sim_point("after rd_kafka_abort_transaction");
    return error;
}

/* ---- the group, as a producer is told of it ---- */

rd_kafka_consumer_group_metadata_t *rd_kafka_consumer_group_metadata(rd_kafka_t *member) {
    rd_kafka_consumer_group_metadata_t *group = calloc(1, sizeof *group);
    group->id = member->member.id;
    return group;
}

void rd_kafka_consumer_group_metadata_destroy(rd_kafka_consumer_group_metadata_t *group) { free(group); }

/* The form that librdkafka gives it. */
rd_kafka_error_t *rd_kafka_consumer_group_metadata_write(const rd_kafka_consumer_group_metadata_t *group, void **bytes, size_t *size) {
    static const char magic[] = "CGMDv2:";
    char *written = calloc(1, 64);
    memcpy(written, magic, sizeof magic - 1);
    memcpy(written + sizeof magic - 1, &group->id.generation, sizeof group->id.generation);
    *bytes = written;
    *size = 64;
    return NULL;
}
