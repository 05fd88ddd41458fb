/*
 * container: Avro object container files, block by block (Avro 1.11 specification, "Object Container Files").
 *
 * Avro C's own file reader decodes through generic values and is not safe on hostile bytes; here a block is handed out as bytes, for
 * codec_read. Codecs: null and deflate are read, null is written. Files that we write can be read by any Avro library.
 */
#ifndef RINGBACK_CONTAINER_H
#define RINGBACK_CONTAINER_H

#include "codec.h"

/* Reading from memory (a mapped file, or a part of it). */
struct container_reader {
    const uint8_t *bytes;
    size_t size, at; /* at: where the next block starts */
    uint8_t sync[16];
    struct str schema; /* JSON text, points into bytes */
    bool deflate;
    uint8_t *inflated; /* room for a block, owned */
    size_t inflated_size;
};

/* 0; -1: not a container, or its header is damaged or too large (error says which). */
int container_open(struct container_reader *reader, const uint8_t *bytes, size_t size, char *error, size_t error_size);
/* Goes on from a block boundary that was remembered. */
void container_seek(struct container_reader *reader, size_t at);

enum container_result {
    CONTAINER_BLOCK,   /* block, count are set; at is after its sync marker */
    CONTAINER_END,     /* clean end of file */
    CONTAINER_TORN,    /* the file ends inside a block that began at `at` */
    CONTAINER_DAMAGED  /* the block at `at` is not one; container_skip finds the next sync marker */
};
/* A block of more than 64 MiB (inflated: the same) is damage. */
enum container_result container_next(struct container_reader *reader, struct str *block, int64_t *count);
/* After damage: moves behind the next sync marker; returns the bytes skipped; at == size when there is none. */
size_t container_skip(struct container_reader *reader);
void container_close(struct container_reader *reader);

/* Writing: bytes of a header and of blocks into memory; the caller writes them where they belong. All return the size, codec_write's way.
 * `sync` is 16 bytes of the caller's choice, fixed for the file (derived from what identifies the file, so that the same
 * content gives the same bytes). */
size_t container_header(const char *schema, const uint8_t sync[16], uint8_t *bytes, size_t capacity);
/* The few bytes before a block's data: its count and its size. Behind the data comes the sync marker. */
size_t container_block_head(int64_t count, size_t data_size, uint8_t bytes[20]);

#endif
