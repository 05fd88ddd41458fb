/*
 * kafka_value: by which schema the value of a Kafka record was written, and the plan to read it by (framing.h, registry.h).
 */
#ifndef RINGBACK_KAFKA_VALUE_H
#define RINGBACK_KAFKA_VALUE_H

#include <librdkafka/rdkafka.h>

#include "registry.h"

/* Of the last record of a stream whose schema was asked for: those that follow mostly have the same. */
struct value_schema {
    struct framing framing;
    const struct plan *plan; /* NULL: not known, or refused */
};

/* The record's datum, which points into the message, and in `schema` the plan to read it as an event. REGISTRY_REFUSED: `why`, also of a value
 * that is too long, has no framing, or is none; REGISTRY_WAIT: ask again in some ms. */
enum registry_answer value_read(struct value_schema *schema, struct registry *registry, const rd_kafka_message_t *message, struct str *datum,
                                struct refusal *why);

#endif
