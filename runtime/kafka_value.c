#include "kafka_value.h"

#include <stdio.h>

static struct str framing_header(const rd_kafka_message_t *message) {
    rd_kafka_headers_t *headers;
    const void *value;
    size_t size;
    if (rd_kafka_message_headers(message, &headers) != 0) return STR_NULL;
    if (rd_kafka_header_get_last(headers, FRAMING_HEADER, &value, &size) != 0 || !value) return STR_NULL;
    return (struct str){value, (uint32_t)size};
}

enum registry_answer value_read(struct value_schema *schema, struct registry *registry, const rd_kafka_message_t *message, struct str *datum,
                                struct refusal *why) {
    struct framing framing;
    if (message->len > RECORD_BYTES_MAX + FRAMING_BYTES_MAX) {
        why->reason = REJECT_TOO_LARGE;
        snprintf(why->detail, sizeof why->detail, "%zu bytes, more than %d", message->len, RECORD_BYTES_MAX);
        return REGISTRY_REFUSED;
    }
    struct str value = {message->payload, (uint32_t)message->len};
    if (framing_read(value, framing_header(message), &framing, datum, why) < 0) return REGISTRY_REFUSED;
    if (schema->plan && framing_equal(&framing, &schema->framing)) return REGISTRY_KNOWN;
    enum registry_answer answer = registry_plan(registry, &framing, &shape_event, &schema->plan, why);
    if (answer != REGISTRY_KNOWN) schema->plan = NULL;
    schema->framing = framing;
    return answer;
}
