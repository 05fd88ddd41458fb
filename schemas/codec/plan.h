/*
 * plan: a writer's schema resolved to one of our shapes, as a flat list of operations (inside the codec only).
 *
 * read.c runs the list from the first operation to OP_END, moving through the bytes and storing at `base + to`. Records within
 * records are flattened; unions jump; arrays and maps loop by way of a frame.
 */
#ifndef RINGBACK_PLAN_H
#define RINGBACK_PLAN_H

#include "shape.h"

enum op_code {
    OP_END,
    /* Values. An OR_NULL reads a branch first: null_branch stands for null, the other of the two for the value. */
    OP_STRING,
    OP_STRING_OR_NULL,
    OP_BYTES,
    OP_BYTES_OR_NULL,
    OP_FIXED, /* arg: size */
    OP_INT,
    OP_LONG_OF_INT,
    OP_LONG,
    OP_LONG_OR_NULL,
    OP_ENUM, /* arg: text, a struct enum_map */
    OP_ENUM_OR_NULL,
    OP_BOOLEAN,
    OP_BOOLEAN_OR_NULL,
    /* What the writer has and we do not: read and checked, not kept. */
    OP_SKIP_STRING,
    OP_SKIP_BYTES,
    OP_SKIP_FIXED, /* arg: size; also float and double */
    OP_SKIP_INT,
    OP_SKIP_LONG,
    OP_SKIP_ENUM, /* arg: count of symbols */
    OP_SKIP_BOOLEAN,
    /* What the writer has not: null. */
    OP_SET_NULL_TEXT,
    OP_SET_NONE,
    OP_SET_NULL_ARRAY,
    OP_SET_BYTE, /* small: the value; also the tag of a union */
    /* Structure */
    OP_UNION, /* arg: jumps[arg] = count of branches, then where each starts */
    OP_JUMP,  /* arg: operation */
    OP_ARRAY, /* small: size of an item in memory, 0: not kept; arg: its OP_ARRAY_END */
    OP_ARRAY_END,
    OP_EVENT_STARTS,
    OP_EVENT_ENDS,
    OP_REFUSE /* arg: text, why */
};

struct op {
    uint8_t code;
    int8_t small; /* see the codes; of an OR_NULL: the null's branch */
    uint16_t to;  /* offset in the struct */
    uint32_t arg;
    uint32_t path; /* text, of the field, for refusals */
};

/* A writer's symbols: what each is to us, -1 where we do not know it. */
struct enum_map {
    uint32_t count;
    int8_t values[];
};

/* The writer's schema as it stands, for codec_skip (skip.c). */
struct layout;
struct avro_obj_t;
struct layout *layout_make(struct avro_obj_t *writer);
void layout_free(struct layout *layout);

struct plan {
    struct op *ops;
    uint32_t *jumps;
    char *text; /* paths, reasons, enum maps: by offset, aligned to 8 */
    struct layout *layout;
    const struct shape *shape;
    bool identity, older;
};

#endif
