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

/* Looking for headers costs an allocation, of a message that has none too. A datum whose schema is named in a header, and that begins as our
 * schema's frame does, nobody writes. */
static bool begins_as_before(const struct value_schema *schema, struct str value) {
    uint8_t frame[FRAMING_BYTES_MAX];
    if (!schema->plan || schema->framing.kind != FRAMING_FINGERPRINT) return false;
    size_t size = framing_write(&schema->framing, frame);
    return value.len > size && memcmp(value.ptr, frame, size) == 0;
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
    struct str header = begins_as_before(schema, value) ? STR_NULL : framing_header(message);
    if (framing_read(value, header, &framing, datum, why) < 0) return REGISTRY_REFUSED;
    if (schema->plan && framing_equal(&framing, &schema->framing)) return REGISTRY_KNOWN;
    enum registry_answer answer = registry_plan(registry, &framing, &shape_event, &schema->plan, why);
    if (answer != REGISTRY_KNOWN) schema->plan = NULL;
    schema->framing = framing;
    return answer;
}
