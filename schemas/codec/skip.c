/*
 * skip: steps over a datum by the writer's schema alone, whatever we think of its content. read.c stops where it refuses, and in a
 * block of a container nothing else says where the next datum begins.
 *
 * A layout is the writer's schema as a table of types that refer to their parts by number, so that a type may hold itself. Types that
 * never take a byte are left out of records: what is done is then bounded by the bytes there are.
 */
#include "must.h"
#include "plan.h"

#include <avro.h>
#include <stdlib.h>
#include "bytes.h"

#define LEVELS_MAX 64 /* what is refused for being too deep is still stepped over */

struct type {
    avro_type_t kind;
    uint32_t count; /* of parts; of a fixed: bytes; of an enum: symbols */
    uint32_t parts; /* where they begin in layout.parts: fields, branches, the one type of the items */
};

struct named {
    avro_schema_t schema;
    uint32_t type;
};

struct layout {
    struct type *types;
    uint32_t *parts;
    struct named *records;
    uint32_t type_count, part_count, record_count;
};

/* Room for `more` behind the `count` items there are; sizes are powers of two. */
static void grow(void *items, uint32_t count, uint32_t more, size_t item_size) {
    uint32_t room = 1, old;
    while (room < count) room *= 2;
    old = count ? room : 0;
    while (room < count + more) room *= 2;
    if (room == old) return;
    void **place = items;
    *place = must_realloc(*place, room * item_size);
}

static uint32_t add_type(struct layout *l, avro_schema_t schema);

/* The parts of `number` are the given schemas in their order. */
static void add_parts(struct layout *l, uint32_t number, avro_schema_t schema, size_t count, avro_schema_t part(avro_schema_t, int)) {
    uint32_t first = l->part_count, kept = 0;
    grow(&l->parts, first, (uint32_t)count, sizeof *l->parts);
    l->part_count += (uint32_t)count;
    for (size_t n = 0; n < count; n++) {
        uint32_t each = add_type(l, part(schema, (int)n));
        struct type *type = &l->types[each];
        bool empty = type->kind == AVRO_NULL || ((type->kind == AVRO_RECORD || type->kind == AVRO_FIXED) && type->count == 0);
        if (empty && is_avro_record(schema)) continue;
        l->parts[first + kept++] = each;
    }
    l->types[number].parts = first;
    l->types[number].count = kept;
}

static avro_schema_t field_of(avro_schema_t record, int n) { return avro_schema_record_field_get_by_index(record, n); }
static avro_schema_t item_of(avro_schema_t array, int n) { return (void)n, avro_schema_array_items(array); }
static avro_schema_t value_of(avro_schema_t map, int n) { return (void)n, avro_schema_map_values(map); }

/* A record is entered before its fields are looked at: they may refer to it. */
static void add_record(struct layout *l, avro_schema_t schema, uint32_t number) {
    grow(&l->records, l->record_count, 1, sizeof *l->records);
    l->records[l->record_count++] = (struct named){schema, number};
    add_parts(l, number, schema, avro_schema_record_size(schema), field_of);
}

static uint32_t add_type(struct layout *l, avro_schema_t schema) {
    if (is_avro_link(schema)) {
        schema = avro_schema_link_target(schema);
        for (uint32_t n = 0; n < l->record_count; n++)
            if (l->records[n].schema == schema) return l->records[n].type;
    }
    grow(&l->types, l->type_count, 1, sizeof *l->types);
    uint32_t number = l->type_count++;
    struct type *type = &l->types[number];
    *type = (struct type){.kind = avro_typeof(schema)};
    switch (type->kind) {
    case AVRO_FIXED: type->count = (uint32_t)avro_schema_fixed_size(schema); break;
    case AVRO_ENUM: type->count = (uint32_t)avro_schema_enum_number_of_symbols(schema); break;
    case AVRO_ARRAY: add_parts(l, number, schema, 1, item_of); break;
    case AVRO_MAP: add_parts(l, number, schema, 1, value_of); break;
    case AVRO_UNION: add_parts(l, number, schema, avro_schema_union_size(schema), avro_schema_union_branch); break;
    case AVRO_RECORD: add_record(l, schema, number); break;
    default: break;
    }
    return number;
}

struct layout *layout_make(avro_schema_t writer) {
    struct layout *layout = must_realloc(NULL, sizeof *layout);
    *layout = (struct layout){0};
    add_type(layout, writer);
    return layout;
}

void layout_free(struct layout *layout) {
    if (!layout) return;
    free(layout->types);
    free(layout->parts);
    free(layout->records);
    free(layout);
}

struct skipper {
    const struct layout *layout;
    const uint8_t *at, *end;
};

static bool pass(struct skipper *s, uint32_t number, int level);

static bool pass_long(struct skipper *s, int64_t least, int64_t most, int64_t *value) {
    const uint8_t *at = read_long(s->at, s->end, value);
    if (!at || *value < least || *value > most) return false;
    s->at = at;
    return true;
}

static bool pass_bytes(struct skipper *s, int64_t size) {
    if (size < 0 || size > s->end - s->at) return false;
    s->at += size;
    return true;
}

/* Text is not held to UTF-8: where it ends is plain. */
static bool pass_text(struct skipper *s) {
    int64_t size;
    return pass_long(s, 0, INT64_MAX, &size) && pass_bytes(s, size);
}

static bool pass_items(struct skipper *s, const struct type *type, int level) {
    int64_t count, size;
    for (;;) {
        if (!pass_long(s, INT64_MIN, INT64_MAX, &count)) return false;
        if (count == 0) return true;
        if (count < 0 && (!pass_long(s, 0, INT64_MAX, &size) || !pass_bytes(s, size))) return false;
        for (; count > 0; count--) {
            const uint8_t *before = s->at;
            if (type->kind == AVRO_MAP && !pass_text(s)) return false;
            if (!pass(s, s->layout->parts[type->parts], level)) return false;
            if (s->at == before) break; /* an item of no bytes: so are all the others */
        }
    }
}

static bool pass(struct skipper *s, uint32_t number, int level) {
    const struct type *type = &s->layout->types[number];
    const uint32_t *parts = s->layout->parts + type->parts;
    int64_t value;
    if (level == LEVELS_MAX) return false;
    switch (type->kind) {
    case AVRO_NULL: return true;
    case AVRO_STRING:
    case AVRO_BYTES: return pass_text(s);
    case AVRO_INT32: return pass_long(s, INT32_MIN, INT32_MAX, &value);
    case AVRO_INT64: return pass_long(s, INT64_MIN, INT64_MAX, &value);
    case AVRO_FLOAT: return pass_bytes(s, 4);
    case AVRO_DOUBLE: return pass_bytes(s, 8);
    case AVRO_BOOLEAN: return s->at < s->end && *s->at <= 1 && pass_bytes(s, 1);
    case AVRO_FIXED: return pass_bytes(s, type->count);
    case AVRO_ENUM: return pass_long(s, 0, (int64_t)type->count - 1, &value);
    case AVRO_UNION: return pass_long(s, 0, (int64_t)type->count - 1, &value) && pass(s, parts[value], level + 1);
    case AVRO_ARRAY:
    case AVRO_MAP: return pass_items(s, type, level + 1);
    case AVRO_RECORD:
        for (uint32_t n = 0; n < type->count; n++)
            if (!pass(s, parts[n], level + 1)) return false;
        return true;
    default: return false;
    }
}

int64_t codec_skip(const struct plan *plan, const uint8_t *bytes, size_t size) {
    struct skipper skipper = {.layout = plan->layout, .at = bytes, .end = bytes + size};
    return pass(&skipper, 0, 0) ? skipper.at - bytes : -1;
}
