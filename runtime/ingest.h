/*
 * ingest: files of events, read record by record and merged by time (SPEC 6, "On files"; ARCHITECTURE 4, limits).
 *
 * A file is an Avro container of any schema that resolves to Event, or JSON lines; its content says which. What cannot be decoded
 * becomes a bad record with its place, the reason and the bytes, never a failure. Files are mapped; nothing is allocated per record.
 *
 * An input's records are numbered from 0 as they are handed out, bad ones too: the same bytes give the same numbers, so a run that was
 * stopped goes on at a number.
 */
#ifndef RINGBACK_INGEST_H
#define RINGBACK_INGEST_H

#include "../schemas/codec/container.h"
#include "place.h"

enum input_format { INPUT_BY_CONTENT = -1, INPUT_JSON_LINES, INPUT_AVRO };

struct input {
    char *path;
    const uint8_t *bytes; /* mapped; NULL where the file is empty */
    size_t size;
    char hash[CONTENT_HASH_DIGITS + 1]; /* of all bytes */
    enum input_format format;
    size_t order;  /* place on the command line: breaks ties */
    int64_t taken; /* records handed out */

    /* The record handed out last: complete but for source and append_time, valid until input_next. */
    struct journal_record record;
    struct str event_bytes; /* of an event: its Avro form */
    int64_t time;           /* occurred_at; INT64_MIN of a bad record, which has none and goes at once */

    size_t at; /* JSON lines: where the next line starts */
    struct container_reader container;
    struct plan *plan;
    const uint8_t *block_at, *block_end; /* what is left of the block */
    int64_t block_records;
    uint8_t *encoded; /* room for an event's Avro form where it is not read as it is */
    size_t encoded_size;
    char *text;       /* room for a line's strings */
    char detail[400]; /* of a bad record */
    struct scratch scratch;
};

/* Maps, hashes and recognises a regular file. 0; -1: it cannot be read as events (described), *input is NULL. */
int input_open(struct input **input, const char *path, enum input_format format, struct failure *failure);
void input_close(struct input *input);
/* Whether input_open would take the file: 0, -1. Only its beginning is looked at. */
int input_check(const char *path, enum input_format format, struct failure *failure);

/* Hands out the next record. 1; 0 at the end; -1: out of memory (described). */
int input_next(struct input *input, struct failure *failure);

/* Bytes of the file behind the records handed out so far, for progress. */
size_t input_bytes_read(const struct input *input);

/* Makes the record just handed out a bad one: reason, detail (its text is cleaned), the bytes received. For the two formats. Returns 1. */
int input_bad(struct input *input, enum reject_reason reason, const uint8_t *bytes, size_t size, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
int avro_open(struct input *input, char *error, size_t error_size);
int avro_next(struct input *input, struct failure *failure);
int json_lines_next(struct input *input, struct failure *failure);
/* The event just decoded into `record`: checks it and gives it its Avro form. `bytes` as received. 1, -1. */
int input_event_recoded(struct input *input, const uint8_t *bytes, size_t size, struct failure *failure);

/*
 * merge: the records of several inputs as one stream: the least (time, order) of their heads next. One input costs no comparison.
 */
struct merge {
    struct input **heap; /* a binary heap; the next record is that of heap[0] */
    size_t count;
};

/* Takes the first record of each (inputs at their end are left out). The array must outlive the merge, and is put in another order. */
int merge_open(struct merge *merge, struct input **inputs, size_t count, struct failure *failure);
/* The input whose record is next; NULL: all are at their end. */
static inline struct input *merge_head(const struct merge *merge) { return merge->count ? merge->heap[0] : NULL; }
/* Done with the head's record. 0, -1. */
int merge_advance(struct merge *merge, struct failure *failure);

#endif
