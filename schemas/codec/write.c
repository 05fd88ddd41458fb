/* write: structs to Avro's binary encoding, along the shapes. One pass when there is room; a second one measures when there is not. */
#include "shape.h"

#include <stdio.h>
#include <stdlib.h>
#include "bytes.h"

#define AT(in, offset, type) (*(const type *)((const uint8_t *)(in) + (offset)))

static bool is_null(const struct field *field, const void *in) {
    switch ((enum field_kind)field->kind) {
    case FIELD_STRING:
    case FIELD_BYTES: return AT(in, field->offset, struct str).ptr == NULL;
    case FIELD_LONG:
    case FIELD_TIME: return AT(in, field->offset, int64_t) == NONE;
    case FIELD_ENUM:
    case FIELD_BOOLEAN: return AT(in, field->offset, int8_t) < 0;
    case FIELD_ARRAY: return array_at(in, field->offset).items == NULL;
    default: return false;
    }
}

/* A tag or an enum that is none would make bytes that nobody can read: the struct was not filled in. */
static int8_t tag_in(const struct shape *shape, const void *in) {
    int8_t tag = AT(in, shape->tag_offset, int8_t);
    if (tag >= 0 && tag < shape->branch_count) return tag;
    fprintf(stderr, "codec_write: %s of type %d\n", shape->name, tag);
    abort();
}

/* --- size --- */

static size_t size_of(const struct shape *shape, const void *in);

static size_t size_of_field(const struct field *field, const void *in) {
    if (field->nullable && is_null(field, in)) return 1;
    size_t size = field->nullable;
    switch ((enum field_kind)field->kind) {
    case FIELD_STRING:
    case FIELD_BYTES: return size + long_size(AT(in, field->offset, struct str).len) + AT(in, field->offset, struct str).len;
    case FIELD_FIXED: return size + field->fixed_size;
    case FIELD_INT: return size + long_size(AT(in, field->offset, int32_t));
    case FIELD_LONG:
    case FIELD_TIME: return size + long_size(AT(in, field->offset, int64_t));
    case FIELD_ENUM: return size + long_size(AT(in, field->offset, int8_t));
    case FIELD_BOOLEAN: return size + 1;
    case FIELD_SHAPE: return size + size_of(field->of.shape, (const uint8_t *)in + field->offset);
    case FIELD_ARRAY: break;
    }
    struct array array = array_at(in, field->offset);
    if (array.count == 0) return size + 1;
    size += long_size(array.count) + 1;
    const uint8_t *item = array.items;
    for (uint32_t i = 0; i < array.count; i++, item += field->of.item->item_size) size += size_of_field(field->of.item, item);
    return size;
}

static size_t size_of(const struct shape *shape, const void *in) {
    if (shape_is_union(shape)) {
        int8_t tag = tag_in(shape, in);
        return long_size(tag) + size_of(shape->branches[tag], (const uint8_t *)in + shape->body_offset);
    }
    size_t size = 0;
    for (uint32_t i = 0; i < shape->field_count; i++) size += size_of_field(&shape->fields[i], in);
    return size;
}

/* --- bytes: each returns the byte after what it wrote, NULL when there is no room --- */

static uint8_t *write_shape(const struct shape *shape, const void *in, uint8_t *at, const uint8_t *end);
static uint8_t *write_fields(const struct field *field, const struct field *last, const void *in, uint8_t *at, const uint8_t *end);

/* The length has room. */
static inline uint8_t *put_blob(struct str blob, uint8_t *at, const uint8_t *end) {
    at = write_long(at, blob.len);
    if ((size_t)(end - at) < blob.len) return NULL;
    if (blob.len) memcpy(at, blob.ptr, blob.len);
    return at + blob.len;
}

/* A null slice is all zeros: the hash before the first. */
static uint8_t *put_fixed(struct str blob, size_t size, uint8_t *at, const uint8_t *end) {
    if ((size_t)(end - at) < size) return NULL;
    if (blob.ptr)
        memcpy(at, blob.ptr, size);
    else
        memset(at, 0, size);
    return at + size;
}

/* The count has room. */
static uint8_t *put_array(const struct field *field, struct array array, uint8_t *at, const uint8_t *end) {
    const struct field *each = field->of.item;
    if (array.count) at = write_long(at, array.count);
    const uint8_t *item = array.items;
    for (uint32_t i = 0; at && i < array.count; i++, item += each->item_size) at = write_fields(each, each + 1, item, at, end);
    if (!at || at == end) return NULL;
    *at++ = 0;
    return at;
}

/* Where so many are left, only what has no bounds of its own needs to look for room. */
#define HEAD_BYTES_MAX (1 + LONG_BYTES_MAX)

/* Every nullable field is ["null", X]. */
#define UNLESS_NULL(null)                                                                                                                  \
    if (field->nullable) {                                                                                                                 \
        if (null) {                                                                                                                        \
            *at++ = 0;                                                                                                                     \
            break;                                                                                                                         \
        }                                                                                                                                  \
        *at++ = 2;                                                                                                                         \
    }

/* One loop over all fields: nearly every byte that goes out passes here. */
static uint8_t *write_fields(const struct field *field, const struct field *last, const void *in, uint8_t *at, const uint8_t *end) {
    for (; field < last; field++) {
        if (end - at < HEAD_BYTES_MAX && size_of_field(field, in) > (size_t)(end - at)) return NULL;
        switch ((enum field_kind)field->kind) {
        case FIELD_STRING:
        case FIELD_BYTES:
            UNLESS_NULL(!AT(in, field->offset, struct str).ptr)
            if (!(at = put_blob(AT(in, field->offset, struct str), at, end))) return NULL;
            break;
        case FIELD_LONG:
        case FIELD_TIME:
            UNLESS_NULL(AT(in, field->offset, int64_t) == NONE)
            at = write_long(at, AT(in, field->offset, int64_t));
            break;
        case FIELD_ENUM:
            UNLESS_NULL(AT(in, field->offset, int8_t) < 0)
            at = write_long(at, AT(in, field->offset, int8_t));
            break;
        case FIELD_BOOLEAN:
            UNLESS_NULL(AT(in, field->offset, int8_t) < 0)
            *at++ = AT(in, field->offset, uint8_t) != 0;
            break;
        case FIELD_INT: at = write_long(at, AT(in, field->offset, int32_t)); break;
        case FIELD_FIXED:
            if (!(at = put_fixed(AT(in, field->offset, struct str), field->fixed_size, at, end))) return NULL;
            break;
        case FIELD_SHAPE:
            if (!(at = write_shape(field->of.shape, (const uint8_t *)in + field->offset, at, end))) return NULL;
            break;
        case FIELD_ARRAY:
            UNLESS_NULL(!array_at(in, field->offset).items)
            if (!(at = put_array(field, array_at(in, field->offset), at, end))) return NULL;
            break;
        }
    }
    return at;
}

static uint8_t *write_shape(const struct shape *shape, const void *in, uint8_t *at, const uint8_t *end) {
    if (!shape_is_union(shape)) return write_fields(shape->fields, shape->fields + shape->field_count, in, at, end);
    int8_t tag = tag_in(shape, in);
    if ((size_t)(end - at) < long_size(tag)) return NULL;
    at = write_long(at, tag);
    return write_shape(shape->branches[tag], (const uint8_t *)in + shape->body_offset, at, end);
}

size_t codec_write(const struct shape *shape, const void *in, uint8_t *bytes, size_t capacity) {
    uint8_t *end = write_shape(shape, in, bytes, bytes + capacity);
    return end ? (size_t)(end - bytes) : size_of(shape, in);
}

size_t codec_write_output(const struct output *output, uint8_t *bytes, size_t capacity) {
    if (!output->said.ptr) return codec_write(shape_of_topic(output->topic), output, bytes, capacity);
    const uint8_t *end = bytes + capacity;
    uint8_t *at = bytes;
    if (capacity) *at++ = 0; /* the branch that is the record */
    at = write_shape(&shape_position, &output->body.position, at, end);
    if (!at || (size_t)(end - at) < output->said.len) return 1 + size_of(&shape_position, &output->body.position) + output->said.len;
    memcpy(at, output->said.ptr, output->said.len);
    return (size_t)(at - bytes) + output->said.len;
}

size_t codec_hashed_size(const struct output *output, size_t size) {
    if (output->is_tombstone) return size;
    const struct shape *shape = shape_of_topic(output->topic)->branches[0];
    const struct field *field = shape->fields + shape->field_count;
    for (uint32_t left = shape->added; left > 0 && is_null(--field, &output->body); left--) size--;
    return size;
}

size_t codec_write_said(const struct shape *shape, const void *in, uint8_t *bytes, size_t capacity, uint8_t *compared, size_t *compared_size) {
    const uint8_t *end = bytes + capacity;
    uint8_t *at = bytes, *same = compared + NO_POSITION_BYTES;
    memset(compared, 0, NO_POSITION_BYTES);
    const struct field *field = shape->fields + 1, *last = shape->fields + shape->field_count;
    for (;;) {
        const struct field *from = field;
        uint8_t *run = at;
        while (field < last && !field->aside) field++;
        at = write_fields(from, field, in, at, end);
        if (!at) return size_of(shape, in);
        memcpy(same, run, (size_t)(at - run));
        same += at - run;
        if (field == last) break;
        at = write_fields(field, field + 1, in, at, end);
        if (!at) return size_of(shape, in);
        *same++ = field++->aside_byte;
    }
    *compared_size = (size_t)(same - compared);
    return (size_t)(at - bytes);
}

size_t codec_write_journal_event(const struct journal_record *record, struct str event_bytes, uint8_t *bytes, size_t capacity) {
    uint8_t head[4 * LONG_BYTES_MAX];
    uint8_t *at = write_long(head, record->source);
    at = write_long(at, record->offset);
    at = write_long(at, record->append_time);
    at = write_long(at, JOURNAL_EVENT);
    size_t head_size = (size_t)(at - head), size = head_size + event_bytes.len;
    if (size > capacity) return size;
    memcpy(bytes, head, head_size);
    memcpy(bytes + head_size, event_bytes.ptr, event_bytes.len);
    return size;
}
