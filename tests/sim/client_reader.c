/* Reading from offsets that one is told, into queues; and questions for offsets. */
#include <stdlib.h>

#include "client.h"

#define FETCH_MOST 60      /* records */
#define QUEUE_ENOUGH 200   /* records: then nothing is fetched for a while */
#define FETCHERS_MAX 1024
#define ASK_AGAIN 20000

struct rd_kafka_queue_s {
    rd_kafka_t *handle;
    struct messages messages;
    void (*rang)(rd_kafka_t *handle, void *opaque);
    void *opaque;
    bool destroyed;
};

static struct fetcher {
    rd_kafka_t *handle;
    struct log_topic *log;
    struct rd_kafka_queue_s *queue;
    int64_t position, ended_at; /* where the end was told last */
    bool stopped, waiting;      /* until there is more */
} *fetchers[FETCHERS_MAX];
static int fetcher_count;

static int64_t latency(void) { return sim_between(50, wire.latency_most); }

static bool reads_committed(const rd_kafka_t *handle) {
    const char *level = client_property(handle, "isolation.level");
    return !level || strcmp(level, "read_uncommitted") != 0;
}

static int64_t end_for(const rd_kafka_t *handle, const struct log_topic *log) {
    return reads_committed(handle) ? broker_stable_end(log) : log->high;
}

/* ---- fetching ---- */

struct fetched {
    struct fetcher *fetcher;
    struct messages messages;
    int64_t position, end, high; /* end: of what may be read */
};

static struct message *message_new(const struct log_topic *log, rd_kafka_resp_err_t code, int64_t offset) {
    struct message *message = calloc(1, sizeof *message);
    message->seen.err = code;
    message->seen.offset = offset;
    message->seen.partition = log->partition;
    return message;
}

static struct message *message_of(const struct log_topic *log, int64_t offset) {
    const struct entry *entry = &log->entries[offset];
    struct message *message = message_new(log, 0, offset);
    message->seen.payload = (void *)(uintptr_t)entry->value.ptr;
    message->seen.len = entry->value.len;
    message->seen.key = (void *)(uintptr_t)entry->key.ptr;
    message->seen.key_len = entry->key.len;
    message->at_ms = SIM_EPOCH_MS + entry->at / 1000;
    message->type = log->topic == KAFKA_TOPIC_JOURNAL ? RD_KAFKA_TIMESTAMP_LOG_APPEND_TIME : RD_KAFKA_TIMESTAMP_CREATE_TIME;
    message->headers = entry->headers;
    return message;
}

static void fetch(void *context);

static void fetch_later(struct fetcher *fetcher, int64_t wait) { sim_at(sim_now() + wait, fetch, fetcher); }

static void queue_add(struct rd_kafka_queue_s *queue, struct messages *messages) {
    bool rings = queue->messages.count == 0 && messages->count > 0;
    for (struct message *message; (message = messages_take(messages));) messages_add(&queue->messages, message);
    if (rings && queue->rang) queue->rang(queue->handle, queue->opaque);
}

static void deliver(void *context) {
    struct fetched *fetched = context;
    struct fetcher *fetcher = fetched->fetcher;
    int64_t when = client_may_act(fetcher->handle);
    if (when && when < SIM_NEVER) {
        sim_at(when, deliver, fetched);
        return;
    }
    if (!when && !fetcher->stopped) {
        bool moved = fetched->position != fetcher->position;
        fetcher->position = fetched->position;
        fetcher->handle->highs[fetcher->log - broker_logs] = fetched->high;
        if (fetched->position >= fetched->end && fetcher->ended_at != fetched->position) {
            fetcher->ended_at = fetched->position;
            messages_add(&fetched->messages, message_new(fetcher->log, RD_KAFKA_RESP_ERR__PARTITION_EOF, fetched->position));
        }
        queue_add(fetcher->queue, &fetched->messages);
        fetcher->waiting = !moved && end_for(fetcher->handle, fetcher->log) == fetched->end;
        if (!fetcher->waiting) fetch_later(fetcher, latency());
    }
    free(fetched);
}

static void out_of_range(struct fetcher *fetcher) {
    struct messages one = {0};
    messages_add(&one, message_new(fetcher->log, RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET, fetcher->position));
    fetcher->stopped = true;
    queue_add(fetcher->queue, &one);
}

static void fetch(void *context) {
    struct fetcher *fetcher = context;
    const struct log_topic *log = fetcher->log;
    int64_t when = client_may_act(fetcher->handle);
    if (when == SIM_NEVER || fetcher->stopped) return;
    if (when || sim_now() < broker.down_until || fetcher->queue->messages.count > QUEUE_ENOUGH || sim_chance(wire.trouble)) {
        sim_at(when ? when : sim_now() + sim_between(ASK_AGAIN, 10 * ASK_AGAIN), fetch, fetcher);
        return;
    }
    if (fetcher->position < log->begin || fetcher->position > log->end) {
        out_of_range(fetcher);
        return;
    }
    struct fetched *fetched = calloc(1, sizeof *fetched);
    fetched->fetcher = fetcher;
    fetched->end = end_for(fetcher->handle, log);
    fetched->high = log->high;
    fetched->position = fetcher->position;
    int64_t most = sim_between(1, FETCH_MOST);
    for (; fetched->position < fetched->end && most > 0; fetched->position++) {
        if (log->entries[fetched->position].fate != FATE_COMMITTED) continue;
        messages_add(&fetched->messages, message_of(log, fetched->position));
        most--;
    }
    sim_at(sim_now() + latency(), deliver, fetched);
}

void broker_log_changed(struct log_topic *log) {
    for (int n = 0; n < fetcher_count; n++) {
        struct fetcher *fetcher = fetchers[n];
        if (fetcher->stopped || client_may_act(fetcher->handle) == SIM_NEVER) {
            fetchers[n--] = fetchers[--fetcher_count];
        } else if (fetcher->log == log && fetcher->waiting) {
            fetcher->waiting = false;
            fetch_later(fetcher, latency());
        }
    }
}

/* ---- what the program calls ---- */

rd_kafka_queue_t *rd_kafka_queue_new(rd_kafka_t *handle) {
    rd_kafka_queue_t *queue = calloc(1, sizeof *queue);
    queue->handle = handle;
    return queue;
}

/* What is still on its way to it comes to nothing: its reading was stopped before. */
void rd_kafka_queue_destroy(rd_kafka_queue_t *queue) {
    for (struct message *message; (message = messages_take(&queue->messages));) free(message);
}

void rd_kafka_queue_cb_event_enable(rd_kafka_queue_t *queue, void (*rang)(rd_kafka_t *, void *), void *opaque) {
    queue->rang = rang;
    queue->opaque = opaque;
}

int rd_kafka_consume_start_queue(rd_kafka_topic_t *topic, int32_t partition, int64_t offset, rd_kafka_queue_t *queue) {
    sim_point("rd_kafka_consume_start_queue");
    if (fetcher_count == FETCHERS_MAX) sim_fail("more than %d readers", FETCHERS_MAX);
    struct fetcher *fetcher = calloc(1, sizeof *fetcher);
    *fetcher = (struct fetcher){
        .handle = topic->handle, .log = broker_log(topic->name, partition), .queue = queue, .position = offset, .ended_at = -1};
    fetchers[fetcher_count++] = fetcher;
    fetch_later(fetcher, latency());
    return 0;
}

int rd_kafka_consume_stop(rd_kafka_topic_t *topic, int32_t partition) {
    sim_point("rd_kafka_consume_stop");
    const struct log_topic *log = broker_log(topic->name, partition);
    for (int n = 0; n < fetcher_count; n++)
        if (fetchers[n]->handle == topic->handle && fetchers[n]->log == log) fetchers[n]->stopped = true;
    return 0;
}

rd_kafka_message_t *rd_kafka_consume_queue(rd_kafka_queue_t *queue, int timeout_ms) {
    if (timeout_ms) sim_fail("rd_kafka_consume_queue waits");
    struct message *message = messages_take(&queue->messages);
    return message ? &message->seen : NULL;
}

rd_kafka_resp_err_t rd_kafka_get_watermark_offsets(rd_kafka_t *handle, const char *topic, int32_t partition, int64_t *low, int64_t *high) {
    *low = 0;
    *high = handle->highs[broker_log(topic, partition) - broker_logs];
    return 0;
}

/* ---- offsets asked for ---- */

static rd_kafka_topic_partition_list_t *list_copy(const rd_kafka_topic_partition_list_t *list) {
    rd_kafka_topic_partition_list_t *copy = rd_kafka_topic_partition_list_new(list->cnt);
    for (int n = 0; n < list->cnt; n++)
        rd_kafka_topic_partition_list_add(copy, list->elems[n].topic, list->elems[n].partition)->offset = list->elems[n].offset;
    return copy;
}

/* The list is that of all attempts: each is answered on a copy. */
static void times_serve(struct request *request) {
    request->of.list = list_copy(request->of.list);
    for (int n = 0; n < request->of.list->cnt; n++) {
        rd_kafka_topic_partition_t *asked = &request->of.list->elems[n];
        const struct log_topic *log = broker_log(asked->topic, asked->partition);
        asked->offset = asked->offset == RD_KAFKA_OFFSET_BEGINNING ? log->begin : end_for(request->handle, log);
    }
}

rd_kafka_resp_err_t rd_kafka_offsets_for_times(rd_kafka_t *handle, rd_kafka_topic_partition_list_t *list, int timeout_ms) {
    sim_point("before rd_kafka_offsets_for_times");
    struct request request = {.handle = handle, .serve = times_serve, .of.list = list_copy(list)};
    struct request *answer = client_call(&request, sim_now() + timeout_ms * INT64_C(1000));
    for (int n = 0; answer && n < list->cnt; n++) list->elems[n].offset = answer->of.list->elems[n].offset;
    sim_point("after rd_kafka_offsets_for_times");
    return answer ? 0 : RD_KAFKA_RESP_ERR__TIMED_OUT;
}

static void committed_serve(struct request *request) { request->code = broker_committed(&request->of.offsets); }

rd_kafka_resp_err_t rd_kafka_committed(rd_kafka_t *handle, rd_kafka_topic_partition_list_t *list, int timeout_ms) {
    sim_point("before rd_kafka_committed");
    if (list->cnt != GROUP_SOURCES) sim_fail("offsets of %d topics are asked for", list->cnt);
    struct request request = {.handle = handle, .serve = committed_serve, .of.offsets.partition = list->elems[0].partition};
    struct request *answer = client_call(&request, sim_now() + timeout_ms * INT64_C(1000));
    for (int n = 0; answer && n < list->cnt; n++) list->elems[n].offset = answer->of.offsets.offsets[n];
    sim_point("after rd_kafka_committed");
    return answer ? 0 : RD_KAFKA_RESP_ERR__TIMED_OUT;
}
