/* json_write: any record as one line of JSON. */
#include <jansson.h>
#include <stdlib.h>
#include "shape.h"
#include "time_text.h"

static bool put_fields(json_t *object, const struct shape *shape, const uint8_t *in);
static json_t *event_of(const struct event *event);

static json_t *text_of(struct str text) { return json_stringn(text.ptr ? text.ptr : "", text.len); }

/* RFC 4648, section 4. */
static json_t *base64_of(struct str bytes) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t size = ((size_t)bytes.len + 2) / 3 * 4;
    char *text = malloc(size + 1), *at = text;
    if (!text) return NULL;
    for (uint32_t i = 0; i < bytes.len; i += 3) {
        uint32_t left = bytes.len - i, group = 0;
        for (uint32_t j = 0; j < 3; j++) group = group << 8 | (j < left ? (uint8_t)bytes.ptr[i + j] : 0);
        for (uint32_t j = 0; j < 4; j++) *at++ = j <= left ? digits[group >> (18 - 6 * j) & 63] : '=';
    }
    json_t *value = json_stringn(text, size);
    free(text);
    return value;
}

static json_t *time_of(int64_t ms) {
    char text[TIME_TEXT_SIZE];
    return ms < 0 || ms > TIME_MS_MAX ? json_integer(ms) : json_string(time_print(ms, text));
}

/* NULL: it is null, which is left out, or there is no memory (*ok false). */
static json_t *value_of(const struct field *field, const uint8_t *in, bool *ok);

static json_t *items_of(const struct field *field, struct array array, bool *ok) {
    json_t *items = json_array();
    const uint8_t *item = array.items;
    for (uint32_t i = 0; i < array.count && *ok; i++, item += field->of.item->item_size)
        *ok = json_array_append_new(items, value_of(field->of.item, item, ok)) == 0;
    return items;
}

/* The branch of a union. In a journal record it says its name as "type"; an event does so anyway. */
static json_t *branch_of(const struct shape *shape, const uint8_t *in, bool *ok) {
    const struct shape *branch = shape->branches[(int8_t)in[shape->tag_offset]];
    if (branch == &shape_event) return event_of((const struct event *)(const void *)(in + shape->body_offset));
    json_t *object = json_object();
    if (shape == &shape_journal_body) *ok = json_object_set_new(object, "type", json_string(branch->name)) == 0;
    *ok = *ok && put_fields(object, branch, in + shape->body_offset);
    return object;
}

static json_t *object_of(const struct shape *shape, const uint8_t *in, bool *ok) {
    if (shape == &shape_event) return event_of((const struct event *)(const void *)in);
    if (shape_is_union(shape)) return branch_of(shape, in, ok);
    json_t *object = json_object();
    *ok = put_fields(object, shape, in);
    return object;
}

static json_t *value_of(const struct field *field, const uint8_t *in, bool *ok) {
    struct str text;
    int64_t number;
    int32_t small;
    in += field->offset;
    json_t *value = NULL;
    bool null = false;
    switch ((enum field_kind)field->kind) {
    case FIELD_STRING:
    case FIELD_BYTES:
    case FIELD_FIXED:
        memcpy(&text, in, sizeof text);
        null = field->nullable && str_is_null(text);
        if (!null) value = field->kind == FIELD_STRING ? text_of(text) : base64_of(text);
        break;
    case FIELD_INT:
        memcpy(&small, in, sizeof small);
        value = json_integer(small);
        break;
    case FIELD_LONG:
    case FIELD_TIME:
        memcpy(&number, in, sizeof number);
        null = field->nullable && number == NONE;
        if (!null) value = field->kind == FIELD_TIME ? time_of(number) : json_integer(number);
        break;
    case FIELD_ENUM:
        null = field->nullable && *(const int8_t *)in < 0;
        if (!null) value = json_string(symbol_text(field->of.symbols->name, *(const int8_t *)in));
        break;
    case FIELD_BOOLEAN:
        null = field->nullable && *(const int8_t *)in < 0;
        if (!null) value = json_boolean(*in);
        break;
    case FIELD_SHAPE: value = object_of(field->of.shape, in, ok); break;
    case FIELD_ARRAY: value = items_of(field, array_at(in, 0), ok); break;
    }
    if (!null && !value) *ok = false;
    return value;
}

static bool put_fields(json_t *object, const struct shape *shape, const uint8_t *in) {
    bool ok = true;
    for (uint32_t i = 0; i < shape->field_count && ok; i++) {
        json_t *value = value_of(&shape->fields[i], in, &ok);
        if (value) ok = json_object_set_new(object, shape->fields[i].name, value) == 0 && ok;
    }
    return ok;
}

static bool put(json_t *object, const char *key, json_t *value) { return json_object_set_new(object, key, value) == 0; }

static json_t *event_of(const struct event *event) {
    json_t *object = json_object();
    enum event_type type = (enum event_type)event->type;
    bool ok = put(object, "type", json_string(event_type_text(type))) && put(object, "tenant", text_of(event->tenant)) &&
              put(object, event_subject(type) == SUBJECT_COMMAND ? "command_id" : "event_id", text_of(event->event_id)) &&
              put(object, "occurred_at", time_of(event->occurred_at)) &&
              (str_is_null(event->actor) || put(object, "actor", text_of(event->actor))) &&
              put_fields(object, event_shapes[type], (const uint8_t *)&event->body);
    if (ok) return object;
    json_decref(object);
    return NULL;
}

static char *dump(json_t *object, bool ok) {
    char *line = ok ? json_dumps(object, JSON_COMPACT) : NULL;
    json_decref(object);
    return line;
}

char *json_write(const struct shape *shape, const void *in) {
    bool ok = true;
    json_t *object = object_of(shape, in, &ok);
    return dump(object, ok);
}

char *json_write_event(const struct event *event) { return dump(event_of(event), true); }
