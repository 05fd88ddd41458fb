/*
 * kafka_came_with: what is kept of the key and the headers of a Kafka record that became a bad record (SPEC 7; docs/decisions/0023).
 */
#ifndef RINGBACK_KAFKA_CAME_WITH_H
#define RINGBACK_KAFKA_CAME_WITH_H

#include <librdkafka/rdkafka.h>

#include "../schemas/codec/journal.h"

#define KEPT_KEY_BYTES (4 * 1024)
#define KEPT_HEADERS 64
#define KEPT_HEADER_BYTES (16 * 1024) /* names and values together */

/* Fills in key, headers and the sizes of the whole; all of it points into the message and `room`. */
void came_with(struct bad_record *bad, const rd_kafka_message_t *message, struct record_header room[KEPT_HEADERS]);

/* The headers alone. One that does not fit is left out, those behind it are still tried; room is held for the last that names a schema. */
void came_with_headers(struct bad_record *bad, const rd_kafka_headers_t *headers, struct record_header room[KEPT_HEADERS]);

#endif
