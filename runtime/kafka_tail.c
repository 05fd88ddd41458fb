#include "kafka_tail.h"

#include <inttypes.h>

#define WAKE_MS 100
#define FULL_BYTES 65536 /* a queue that was full has given more than this when it is empty */

static void rang(rd_kafka_t *reader, void *opaque) {
    struct kafka_tail *tail = opaque;
    (void)reader;
    atomic_store_explicit(&tail->rang, true, memory_order_release);
    bell_ring(tail->bell);
}

int tail_open(struct kafka_tail *tail, rd_kafka_t *reader, const char *name, int32_t partition, int64_t offset, struct bell *bell,
              struct failure *failure) {
    *tail = (struct kafka_tail){.reader = reader, .name = name, .partition = partition, .next = offset, .end = offset, .bell = bell};
    atomic_init(&tail->rang, true);
    rd_kafka_topic_conf_t *conf = rd_kafka_topic_conf_new();
    char error[256];
    rd_kafka_topic_conf_set(conf, "auto.commit.enable", "false", error, sizeof error); /* the simple consumer's own, on by default */
    tail->topic = rd_kafka_topic_new(reader, name, conf);
    tail->queue = rd_kafka_queue_new(reader);
    rd_kafka_queue_cb_event_enable(tail->queue, rang, tail);
    if (tail->topic && rd_kafka_consume_start_queue(tail->topic, partition, offset, tail->queue) == 0) return 0;
    rd_kafka_resp_err_t code = rd_kafka_last_error();
    fail_kafka(failure, code, rd_kafka_err2str(code), "read", name);
    if (tail->topic) rd_kafka_topic_destroy(tail->topic);
    tail->topic = NULL;
    tail_close(tail);
    return -1;
}

void tail_close(struct kafka_tail *tail) {
    if (tail->topic) {
        rd_kafka_consume_stop(tail->topic, tail->partition);
        rd_kafka_topic_destroy(tail->topic);
    }
    if (tail->queue) {
        rd_kafka_queue_cb_event_enable(tail->queue, NULL, NULL);
        rd_kafka_queue_destroy(tail->queue);
    }
    tail->topic = NULL;
    tail->queue = NULL;
}

/* Errors come as records. 0: this one passes, or says no more than that the end was reached. */
static int event_take(struct kafka_tail *tail, const rd_kafka_message_t *event, struct failure *failure) {
    switch ((int)event->err) {
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
        tail->ended = true;
        if (event->offset > tail->end) tail->end = event->offset;
        return 0;
    case RD_KAFKA_RESP_ERR__TRANSPORT: /* the broker is away: librdkafka connects again, and goes on */
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
    case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
    case RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION: return 0;
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
        return fail(failure, EXIT_AGAIN, "%s-%" PRId32 " has no record at offset %" PRId64 " any more.", tail->name, tail->partition,
                    tail->next);
    default: return fail_kafka(failure, event->err, rd_kafka_message_errstr(event), "read", tail->name);
    }
}

/* librdkafka before 2.2 stops fetching while its queue is full, and looks at the queue again when something else wakes its thread: a second
 * later, where it reads nothing else from that broker. A request wakes it; what is answered is not of interest. */
static void wake_fetcher(struct kafka_tail *tail) {
    bool was_full = tail->taken >= FULL_BYTES;
    tail->taken = 0;
    if (!was_full) return;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(list, tail->name, tail->partition)->offset = RD_KAFKA_OFFSET_END;
    rd_kafka_offsets_for_times(tail->reader, list, WAKE_MS);
    rd_kafka_topic_partition_list_destroy(list);
}

int tail_next(struct kafka_tail *tail, rd_kafka_message_t **out, struct failure *failure) {
    if (!atomic_load_explicit(&tail->rang, memory_order_acquire)) return 0;
    for (;;) {
        rd_kafka_message_t *message = rd_kafka_consume_queue(tail->queue, 0);
        if (!message && atomic_exchange(&tail->rang, false)) continue; /* what comes from here on rings again */
        if (!message) {
            wake_fetcher(tail);
            return 0;
        }
        if (!message->err && message->offset >= tail->next) {
            tail->next = message->offset + 1;
            tail->taken += (int64_t)message->len + 1;
            tail->ended = false;
            *out = message;
            return 1;
        }
        int result = message->err ? event_take(tail, message, failure) : 0;
        rd_kafka_message_destroy(message);
        if (result < 0) return -1;
    }
}

/* The high watermark as of the last fetch; low is not of interest. -1: there was none. */
static int64_t last_end(const struct kafka_tail *tail) {
    int64_t low, high;
    rd_kafka_resp_err_t code = rd_kafka_get_watermark_offsets(tail->reader, tail->name, tail->partition, &low, &high);
    return code ? -1 : high;
}

/* Where a transaction is open, the last stable offset is the end, and below the high watermark: it is told by an event, behind the records. */
bool tail_is_at_end(const struct kafka_tail *tail) {
    int64_t end = last_end(tail);
    return tail->ended || (end >= 0 && tail_position(tail) >= end);
}

int64_t tail_lag(const struct kafka_tail *tail) {
    int64_t end = last_end(tail), position = tail_position(tail);
    return end > position ? end - position : 0;
}
