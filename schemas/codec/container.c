#include "container.h"

#include <stdio.h>
#include <stdlib.h>
#define ZLIB_CONST
#include <zlib.h>
#include "bytes.h"

static const uint8_t magic[4] = {'O', 'b', 'j', 1};

#define SYNC_BYTES 16
#define BLOCK_BYTES_MAX (64 * 1024 * 1024)
#define SCHEMA_BYTES_MAX (1024 * 1024)
/* zlib's own state for inflating (about 42 KiB), kept behind the block's room so that reading a block needs no memory. */
#define ZLIB_BYTES (64 * 1024)

/* A cursor over the header; at is NULL once something was wrong. */
struct header {
    const uint8_t *at, *end;
};

static int64_t take_long(struct header *header) {
    int64_t value = 0;
    if (header->at) header->at = read_long(header->at, header->end, &value);
    return value;
}

static struct str take_bytes(struct header *header) {
    int64_t size = take_long(header);
    if (!header->at || size < 0 || size > header->end - header->at) {
        header->at = NULL;
        return STR_NULL;
    }
    struct str bytes = {(const char *)header->at, (uint32_t)size};
    header->at += size;
    return bytes;
}

/* The metadata: a map of bytes. */
static void take_metadata(struct header *header, struct str *schema, struct str *codec) {
    for (;;) {
        int64_t count = take_long(header);
        if (!header->at || count == 0) return;
        if (count < 0) {
            take_long(header); /* the block's size, which we do not need */
            count = count == INT64_MIN ? INT64_MAX : -count;
        }
        for (; count > 0 && header->at; count--) {
            struct str key = take_bytes(header), value = take_bytes(header);
            if (str_equal(key, STR("avro.schema"))) *schema = value;
            if (str_equal(key, STR("avro.codec"))) *codec = value;
        }
    }
}

static int fail(char *error, size_t error_size, const char *what) {
    snprintf(error, error_size, "%s", what);
    return -1;
}

int container_open(struct container_reader *reader, const uint8_t *bytes, size_t size, char *error, size_t error_size) {
    *reader = (struct container_reader){.bytes = bytes, .size = size};
    if (size < sizeof magic || memcmp(bytes, magic, sizeof magic) != 0) return fail(error, error_size, "not an Avro container file");
    size_t limit = size < 2 * SCHEMA_BYTES_MAX ? size : 2 * SCHEMA_BYTES_MAX;
    struct header header = {bytes + sizeof magic, bytes + limit};
    struct str schema = STR_NULL, codec = STR("null");
    take_metadata(&header, &schema, &codec);
    if (!header.at || header.end - header.at < SYNC_BYTES)
        return fail(error, error_size, "its header is cut off, damaged or larger than 2 MiB");
    if (str_is_null(schema)) return fail(error, error_size, "its header has no avro.schema");
    if (schema.len > SCHEMA_BYTES_MAX) return fail(error, error_size, "its schema is larger than 1 MiB");
    reader->deflate = str_equal(codec, STR("deflate"));
    if (!reader->deflate && !str_equal(codec, STR("null"))) return fail(error, error_size, "its codec is neither null nor deflate");
    if (reader->deflate) {
        reader->inflated_size = BLOCK_BYTES_MAX + ZLIB_BYTES; /* address space: pages cost nothing until a block needs them */
        reader->inflated = malloc(reader->inflated_size);
        if (!reader->inflated) return fail(error, error_size, "no memory to inflate its blocks");
    }
    reader->schema = schema;
    memcpy(reader->sync, header.at, SYNC_BYTES);
    reader->at = (size_t)(header.at + SYNC_BYTES - bytes);
    return 0;
}

void container_seek(struct container_reader *reader, size_t at) { reader->at = at; }

/* zlib allocates twice at start and frees at the end: a stack of bytes is enough. */
struct zlib_room {
    uint8_t *at, *end;
};

static void *zlib_take(void *opaque, unsigned items, unsigned size) {
    struct zlib_room *room = opaque;
    size_t wanted = ((size_t)items * size + 15) & ~(size_t)15;
    if ((size_t)(room->end - room->at) < wanted) return NULL;
    room->at += wanted;
    return room->at - wanted;
}

static void zlib_give(void *opaque, void *memory) {
    (void)opaque;
    (void)memory;
}

static bool inflate_block(struct container_reader *reader, struct str *block) {
    uint8_t *zlib_bytes = reader->inflated + BLOCK_BYTES_MAX;
    struct zlib_room room = {zlib_bytes, zlib_bytes + ZLIB_BYTES};
    z_stream stream = {.zalloc = zlib_take, .zfree = zlib_give, .opaque = &room};
    stream.next_in = (const Bytef *)block->ptr;
    stream.avail_in = block->len;
    stream.next_out = reader->inflated;
    stream.avail_out = BLOCK_BYTES_MAX;
    if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) return false;
    int result = inflate(&stream, Z_FINISH);
    inflateEnd(&stream);
    *block = (struct str){(const char *)reader->inflated, (uint32_t)stream.total_out};
    return result == Z_STREAM_END && stream.avail_in == 0;
}

/* A number at *at: torn where the file ends within it. */
static enum container_result take_number(const uint8_t **at, const uint8_t *end, int64_t *value) {
    const uint8_t *after = read_long(*at, end, value);
    if (!after) return end - *at < LONG_BYTES_MAX ? CONTAINER_TORN : CONTAINER_DAMAGED;
    *at = after;
    return CONTAINER_BLOCK;
}

enum container_result container_next(struct container_reader *reader, struct str *block, int64_t *count) {
    const uint8_t *at = reader->bytes + reader->at, *end = reader->bytes + reader->size;
    if (at >= end) return CONTAINER_END;
    int64_t size;
    enum container_result result = take_number(&at, end, count);
    if (result == CONTAINER_BLOCK) result = take_number(&at, end, &size);
    if (result != CONTAINER_BLOCK) return result;
    if (*count < 0 || size < 0 || size > BLOCK_BYTES_MAX) return CONTAINER_DAMAGED;
    if (end - at < size + SYNC_BYTES) return CONTAINER_TORN;
    if (memcmp(at + size, reader->sync, SYNC_BYTES) != 0) return CONTAINER_DAMAGED;
    *block = (struct str){(const char *)at, (uint32_t)size};
    if (reader->deflate && !inflate_block(reader, block)) return CONTAINER_DAMAGED;
    if (*count > block->len) return CONTAINER_DAMAGED; /* no record of ours takes less than a byte */
    reader->at = (size_t)(at + size + SYNC_BYTES - reader->bytes);
    return CONTAINER_BLOCK;
}

size_t container_skip(struct container_reader *reader) {
    const uint8_t *at = reader->bytes + reader->at;
    const uint8_t *sync = memmem(at, reader->size - reader->at, reader->sync, SYNC_BYTES);
    size_t skipped = sync ? (size_t)(sync - at) + SYNC_BYTES : reader->size - reader->at;
    reader->at += skipped;
    return skipped;
}

void container_close(struct container_reader *reader) {
    free(reader->inflated);
    memset(reader, 0, sizeof *reader);
}

static uint8_t *put_bytes(uint8_t *at, const char *bytes, size_t size) {
    at = write_long(at, (int64_t)size);
    memcpy(at, bytes, size);
    return at + size;
}

size_t container_header(const char *schema, const uint8_t sync[16], uint8_t *bytes, size_t capacity) {
    static const char codec_key[] = "avro.codec", codec[] = "null", schema_key[] = "avro.schema";
    size_t schema_size = strlen(schema), key_sizes = 2 + sizeof codec_key - 1 + sizeof codec - 1 + 1 + sizeof schema_key - 1;
    size_t size = sizeof magic + 1 + key_sizes + long_size((int64_t)schema_size) + schema_size + 1 + SYNC_BYTES;
    if (size > capacity) return size;
    memcpy(bytes, magic, sizeof magic);
    uint8_t *at = write_long(bytes + sizeof magic, 2);
    at = put_bytes(at, codec_key, sizeof codec_key - 1);
    at = put_bytes(at, codec, sizeof codec - 1);
    at = put_bytes(at, schema_key, sizeof schema_key - 1);
    at = put_bytes(at, schema, schema_size);
    at = write_long(at, 0);
    memcpy(at, sync, SYNC_BYTES);
    return size;
}

size_t container_block_head(int64_t count, size_t data_size, uint8_t bytes[20]) {
    return (size_t)(write_long(write_long(bytes, count), (int64_t)data_size) - bytes);
}
