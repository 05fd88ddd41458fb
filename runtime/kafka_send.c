#include "kafka_send.h"

#include <stdlib.h>

#include "../schemas/codec/codec.h"
#include "framing.h"

#define SEND_MS 30000

struct delivery {
    bool done;
    rd_kafka_resp_err_t code;
};

static void delivered(rd_kafka_t *handle, const rd_kafka_message_t *message, void *opaque) {
    struct delivery *delivery = message->_private;
    (void)handle;
    (void)opaque;
    *delivery = (struct delivery){true, message->err};
}

/* An idempotent producer outside of transactions, so that it needs no right but that to write to the topic. */
static rd_kafka_t *producer_open(const struct config *config, struct failure *failure) {
    char error[300];
    rd_kafka_conf_t *conf = kafka_conf(config, KAFKA_WRITER, 0, failure);
    if (!conf) return NULL;
    rd_kafka_conf_set(conf, "transactional.id", NULL, error, sizeof error);
    rd_kafka_conf_set_dr_msg_cb(conf, delivered);
    return kafka_open(conf, KAFKA_WRITER, failure);
}

/* Framed; the caller frees. NULL: described. */
static uint8_t *framed(const struct event *event, size_t *size, struct failure *failure) {
    const char *schema = schema_text("Event");
    struct framing framing = {.kind = FRAMING_FINGERPRINT};
    uint8_t frame[FRAMING_BYTES_MAX];
    if (schema_fingerprint(schema, strlen(schema), &framing.schema.fingerprint) < 0)
        return fail(failure, EXIT_FAILED, "the schema Event has no fingerprint."), NULL;
    size_t head = framing_write(&framing, frame), data = codec_write(&shape_event, event, NULL, 0);
    uint8_t *bytes = malloc(head + data);
    if (!bytes) return fail_memory(failure), NULL;
    memcpy(bytes, frame, head);
    codec_write(&shape_event, event, bytes + head, data);
    *size = head + data;
    return bytes;
}

static int send_one(rd_kafka_t *producer, const char *topic, struct str key, const uint8_t *value, size_t size, struct failure *failure) {
    struct delivery delivery = {0};
    rd_kafka_resp_err_t code =
        rd_kafka_producev(producer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(0), RD_KAFKA_V_KEY(key.ptr, key.len),
                          RD_KAFKA_V_VALUE((void *)(uintptr_t)value, size), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                          RD_KAFKA_V_OPAQUE(&delivery), RD_KAFKA_V_END);
    if (!code) rd_kafka_flush(producer, SEND_MS);
    if (!code && !delivery.done) {
        rd_kafka_purge(producer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
        rd_kafka_flush(producer, SEND_MS); /* the report is for `delivery`, which goes now */
        code = RD_KAFKA_RESP_ERR__TIMED_OUT;
    } else if (!code) {
        code = delivery.code;
    }
    return code ? fail_kafka(failure, code, rd_kafka_err2str(code), "write to", topic) : 0;
}

int kafka_send_network(const struct config *config, const struct event *event, struct failure *failure) {
    size_t size = 0;
    uint8_t *bytes = framed(event, &size, failure);
    rd_kafka_t *producer = bytes ? producer_open(config, failure) : NULL;
    int result = producer ? send_one(producer, config->topics.names[KAFKA_TOPIC_NETWORK], event->tenant, bytes, size, failure) : -1;
    if (producer) rd_kafka_destroy(producer);
    free(bytes);
    return result;
}
