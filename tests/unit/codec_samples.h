/*
 * Records of every shape, filled in along the shapes' own tables from a seed, and compared the same way.
 */
#ifndef CODEC_SAMPLES_H
#define CODEC_SAMPLES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include <avro.h>
#include "../../schemas/codec/shape.h"

union record {
    struct event event;
    struct journal_record journal;
    struct output output;
};

struct sample {
    const struct shape *shape;
    union record record;
    uint64_t seed;
    size_t used;
    _Alignas(16) uint8_t room[64 * 1024];
};

static inline uint64_t sample_number(struct sample *s) {
    s->seed = s->seed * 6364136223846793005u + 1442695040888963407u;
    uint64_t x = s->seed;
    return (x ^ (x >> 29)) * 0x9e3779b97f4a7c15u >> 8;
}

static inline void *sample_room(struct sample *s, size_t size) {
    s->used = (s->used + 15) & ~(size_t)15;
    assert_true(s->used + size <= sizeof s->room);
    s->used += size;
    return s->room + s->used - size;
}

static inline struct str sample_text(struct sample *s, bool id) {
    static const char *const pieces[] = {
        "a", "call-", "+12025550123", "\u00e9", "\u65e5\u672c", "\U0001f4de", " spoke with \"Jo\"\n", "0123456789"};
    char *text = sample_room(s, 200);
    size_t size = 0;
    for (uint64_t n = (id ? 1 : 0) + sample_number(s) % 4; n > 0; n--) {
        const char *piece = pieces[sample_number(s) % (id ? 5 : COUNT(pieces))];
        memcpy(text + size, piece, strlen(piece));
        size += strlen(piece);
    }
    return (struct str){text, (uint32_t)size};
}

static inline void sample_fill(struct sample *s, const struct shape *shape, uint8_t *in);

static inline void sample_field(struct sample *s, const struct field *field, uint8_t *at) {
    bool null = field->nullable && sample_number(s) % 3 == 0;
    struct str text = STR_NULL;
    int64_t number = NONE;
    int32_t small;
    switch ((enum field_kind)field->kind) {
    case FIELD_STRING:
    case FIELD_BYTES:
        if (!null) text = sample_text(s, field->rule != NULL);
        memcpy(at, &text, sizeof text);
        break;
    case FIELD_FIXED:
        text = (struct str){sample_room(s, field->fixed_size), field->fixed_size};
        memcpy(at, &text, sizeof text);
        break;
    case FIELD_INT:
        small = (int32_t)sample_number(s);
        memcpy(at, &small, sizeof small);
        break;
    case FIELD_LONG:
        if (!null) number = (int64_t)(sample_number(s) << (sample_number(s) % 9)) >> sample_number(s) % 60;
        memcpy(at, &number, sizeof number);
        break;
    case FIELD_TIME:
        if (!null) number = (int64_t)(sample_number(s) % 253402300800000);
        memcpy(at, &number, sizeof number);
        break;
    case FIELD_ENUM: *(int8_t *)at = (int8_t)(null ? -1 : (int)(sample_number(s) % field->of.symbols->count)); break;
    case FIELD_BOOLEAN: *(int8_t *)at = (int8_t)(null ? -1 : (int)(sample_number(s) % 2)); break;
    case FIELD_SHAPE: sample_fill(s, field->of.shape, at); break;
    case FIELD_ARRAY: {
        struct array array = {NULL, null ? 0 : (uint32_t)(sample_number(s) % 4)};
        uint8_t *items = sample_room(s, array.count * field->of.item->item_size + 1u);
        if (!null) array.items = items;
        for (uint32_t i = 0; i < array.count; i++) sample_field(s, field->of.item, items + i * field->of.item->item_size);
        memcpy(at, &array, sizeof array);
        break;
    }
    }
}

/* A union's tag stands already. */
static inline void sample_fill(struct sample *s, const struct shape *shape, uint8_t *in) {
    if (shape_is_union(shape)) {
        const struct shape *branch = shape->branches[(int8_t)in[shape->tag_offset]];
        sample_fill(s, branch, in + shape->body_offset);
    }
    for (uint32_t i = 0; i < shape->field_count; i++) sample_field(s, &shape->fields[i], in + shape->fields[i].offset);
}

static inline void sample_event(struct sample *s, int type, uint64_t seed) {
    s->shape = &shape_event;
    s->seed = seed;
    s->used = 0;
    s->record.event.type = (int8_t)type;
    sample_fill(s, s->shape, (uint8_t *)&s->record);
    /* The shape says text, for a command is a record whatever its actor is; of all other events it is an id (event_check). */
    bool is_command = event_subject((enum event_type)type) == SUBJECT_COMMAND;
    if (!is_command && !str_is_null(s->record.event.actor)) s->record.event.actor = sample_text(s, true);
}

/* Calls `each` with records of every event, journal record and output; each topic's record and its tombstone. */
static inline void sample_all(int seeds, void (*each)(const struct sample *sample)) {
    static struct sample s;
    for (int seed = 0; seed < seeds; seed++) {
        for (int type = 0; type < EVENT_TYPES; type++) {
            sample_event(&s, type, (uint64_t)seed);
            each(&s);
            struct event event = s.record.event;
            s.shape = &shape_journal_record;
            s.record.journal =
                (struct journal_record){.source = seed + 1, .offset = 70000 + type, .append_time = 1772355600250, .type = JOURNAL_EVENT};
            s.record.journal.body.event = event;
            each(&s);
        }
        for (int type = JOURNAL_BAD; type <= JOURNAL_GAP; type++) {
            s.shape = &shape_journal_record;
            s.used = 0;
            s.record.journal.type = (int8_t)type;
            sample_fill(&s, s.shape, (uint8_t *)&s.record);
            each(&s);
        }
        for (int topic = 0; topic < 2 * TOPICS; topic++) {
            s.shape = shape_of_topic((enum topic)(topic / 2));
            s.used = 0;
            s.record.output.is_tombstone = topic % 2;
            sample_fill(&s, s.shape, (uint8_t *)&s.record);
            each(&s);
        }
    }
}

static inline bool sample_same(const struct shape *shape, const uint8_t *a, const uint8_t *b);

static inline bool sample_same_field(const struct field *field, const uint8_t *a, const uint8_t *b) {
    struct str text_a, text_b;
    switch ((enum field_kind)field->kind) {
    case FIELD_STRING:
    case FIELD_BYTES:
    case FIELD_FIXED:
        memcpy(&text_a, a, sizeof text_a);
        memcpy(&text_b, b, sizeof text_b);
        return str_equal(text_a, text_b);
    case FIELD_INT: return memcmp(a, b, sizeof(int32_t)) == 0;
    case FIELD_LONG:
    case FIELD_TIME: return memcmp(a, b, sizeof(int64_t)) == 0;
    case FIELD_ENUM:
    case FIELD_BOOLEAN: return *a == *b;
    case FIELD_SHAPE: return sample_same(field->of.shape, a, b);
    case FIELD_ARRAY: break;
    }
    struct array items_a = array_at(a, 0), items_b = array_at(b, 0);
    if (field->nullable && (items_a.items == NULL) != (items_b.items == NULL)) return false;
    for (uint32_t i = 0; i < items_a.count && items_a.count == items_b.count; i++) {
        size_t at = i * (size_t)field->of.item->item_size;
        if (!sample_same_field(field->of.item, (const uint8_t *)items_a.items + at, (const uint8_t *)items_b.items + at)) return false;
    }
    return items_a.count == items_b.count;
}

/* The same record, field by field. */
static inline bool sample_same(const struct shape *shape, const uint8_t *a, const uint8_t *b) {
    if (shape_is_union(shape)) {
        int8_t tag = (int8_t)a[shape->tag_offset];
        return tag == (int8_t)b[shape->tag_offset] && sample_same(shape->branches[tag], a + shape->body_offset, b + shape->body_offset);
    }
    for (uint32_t i = 0; i < shape->field_count; i++)
        if (!sample_same_field(&shape->fields[i], a + shape->fields[i].offset, b + shape->fields[i].offset)) return false;
    return true;
}

static inline struct plan *sample_plan(const char *writer, const struct shape *shape) {
    char error[300];
    struct plan *plan;
    if (plan_make(&plan, writer, strlen(writer), shape, error, sizeof error) != 0) fail_msg("%s", error);
    return plan;
}

/* Plans from our own schemas, made once each. */
static inline const struct plan *sample_own_plan(const struct shape *shape) {
    static struct {
        const struct shape *shape;
        struct plan *plan;
    } known[16];
    size_t i = 0;
    while (known[i].shape && known[i].shape != shape && i + 1 < COUNT(known)) i++;
    if (known[i].shape != shape) {
        plan_free(known[i].plan);
        known[i].shape = shape;
        known[i].plan = sample_plan(schema_of_shape(shape), shape);
    }
    return known[i].plan;
}

/* Avro C's generic class of a shape's schema, made once each. */
static inline avro_value_iface_t *sample_class(const struct shape *shape) {
    static struct {
        const struct shape *shape;
        avro_value_iface_t *class;
    } known[16];
    size_t i = 0;
    while (known[i].shape && known[i].shape != shape) i++;
    if (!known[i].shape) {
        avro_schema_t schema;
        const char *text = schema_of_shape(shape);
        assert_int_equal(avro_schema_from_json_length(text, strlen(text), &schema), 0);
        known[i].shape = shape;
        known[i].class = avro_generic_class_from_schema(schema);
        avro_schema_decref(schema);
    }
    return known[i].class;
}

static inline int samples_load(void **state) {
    (void)state;
    char error[300];
    if (schemas_load(error, sizeof error) == 0) return 0;
    fprintf(stderr, "%s\n", error);
    return -1;
}

#endif
