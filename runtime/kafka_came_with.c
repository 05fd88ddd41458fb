#include "kafka_came_with.h"

#include <glib.h>

#include "framing.h"

static size_t size_of(const struct record_header *header) { return (size_t)header->name.len + header->value.len; }

/* False where it can be no header of a bad record, whatever room there is. */
static bool header_at(const rd_kafka_headers_t *headers, size_t n, struct record_header *header) {
    const char *name;
    const void *value;
    size_t size;
    rd_kafka_header_get_all(headers, n, &name, &value, &size);
    *header = (struct record_header){str_of(name), {value, value ? (uint32_t)size : 0}};
    return header->name.len <= STRING_BYTES_MAX && size_of(header) <= KEPT_HEADER_BYTES && g_utf8_validate(name, -1, NULL);
}

/* The one by which the value is read (kafka_value.h); the count: there is none. */
static size_t schema_header(const rd_kafka_headers_t *headers, size_t count, struct record_header *header) {
    for (size_t n = count; n-- > 0;)
        if (header_at(headers, n, header) && str_equal(header->name, STR(FRAMING_HEADER))) return n;
    *header = (struct record_header){STR_NULL, STR_NULL};
    return count;
}

void came_with_headers(struct bad_record *bad, const rd_kafka_headers_t *headers, struct record_header room[KEPT_HEADERS]) {
    struct record_header header;
    size_t count = rd_kafka_header_cnt(headers), schema = schema_header(headers, count, &header);
    size_t bytes = KEPT_HEADER_BYTES - size_of(&header), places = schema < count ? KEPT_HEADERS - 1 : KEPT_HEADERS;
    bad->headers = (struct record_header_array){room, 0};
    bad->header_count = (int64_t)count;
    for (size_t n = 0; n < count; n++) {
        if (!header_at(headers, n, &header)) continue;
        if (n != schema && (!places || size_of(&header) > bytes)) continue;
        if (n != schema) {
            places--;
            bytes -= size_of(&header);
        }
        room[bad->headers.count++] = header;
    }
}

void came_with(struct bad_record *bad, const rd_kafka_message_t *message, struct record_header room[KEPT_HEADERS]) {
    rd_kafka_headers_t *headers;
    if (message->key) {
        bad->key = (struct str){message->key, (uint32_t)(message->key_len < KEPT_KEY_BYTES ? message->key_len : KEPT_KEY_BYTES)};
        bad->key_size_bytes = (int64_t)message->key_len;
    }
    rd_kafka_resp_err_t code = rd_kafka_message_headers(message, &headers);
    if (code == 0)
        came_with_headers(bad, headers, room);
    else if (code != RD_KAFKA_RESP_ERR__NOENT) { /* they cannot be read */
        bad->headers = (struct record_header_array){NULL, 0};
        bad->header_count = NONE;
    }
}
