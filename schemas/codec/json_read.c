/* json_read: one line of JSON to an event. Every refusal names the field and says what it should be. */
#include <jansson.h>
#include <stdio.h>
#include "shape.h"
#include "time_text.h"

struct json_reader {
    char *text; /* where strings go */
    size_t text_left;
    struct scratch *scratch;
    struct refusal *why;
};

static int read_object(struct json_reader *r, const json_t *object, const struct shape *shape, uint8_t *base);

/* Text of a string value, copied out of the JSON tree. */
static int read_string(struct json_reader *r, const json_t *value, const char *name, struct str *text) {
    if (!json_is_string(value)) return refuse(r->why, REJECT_MALFORMED, name, "must be a string");
    size_t size = json_string_length(value);
    if (size > STRING_BYTES_MAX) return refuse(r->why, REJECT_TOO_LARGE, name, "must be at most %d bytes", STRING_BYTES_MAX);
    if (size > r->text_left) return refuse(r->why, REJECT_TOO_LARGE, name, "no room for its text");
    memcpy(r->text, json_string_value(value), size);
    *text = (struct str){r->text, (uint32_t)size};
    r->text += size;
    r->text_left -= size;
    return 0;
}

static int read_time(struct json_reader *r, const json_t *value, const char *name, int64_t *ms) {
    if (json_is_integer(value)) {
        *ms = json_integer_value(value);
        return 0;
    }
    struct str text = {json_string_value(value), (uint32_t)json_string_length(value)};
    if (json_is_string(value) && time_parse(text, ms)) return 0;
    return refuse(r->why, REJECT_MALFORMED, name,
                  "must be ms since 1970 or a time like 2026-03-01T09:00:00Z, with an offset, up to year 9999");
}

static int read_number(struct json_reader *r, const json_t *value, const struct field *field, uint8_t *to) {
    if (!json_is_integer(value)) return refuse(r->why, REJECT_MALFORMED, field->name, "must be a whole number");
    int64_t number = json_integer_value(value);
    if (field->kind == FIELD_LONG) {
        memcpy(to, &number, sizeof number);
        return 0;
    }
    if (number < INT32_MIN || number > INT32_MAX) return refuse(r->why, REJECT_MALFORMED, field->name, "must be a whole number of 32 bits");
    int32_t small = (int32_t)number;
    memcpy(to, &small, sizeof small);
    return 0;
}

static int read_symbol(struct json_reader *r, const json_t *value, const struct field *field, int8_t *to) {
    const struct symbols *known = field->of.symbols;
    const char *text = json_string_value(value);
    for (int i = 0; text && i < known->count; i++) {
        if (strcmp(text, known->texts[i]) != 0) continue;
        *to = (int8_t)i;
        return 0;
    }
    char list[160];
    size_t used = 0;
    for (int i = 0; i < known->count && used < sizeof list; i++)
        used += (size_t)snprintf(list + used, sizeof list - used, i ? ", %s" : "%s", known->texts[i]);
    return refuse(r->why, REJECT_MALFORMED, field->name, "must be one of %s", list);
}

static int read_value(struct json_reader *r, const json_t *value, const struct field *field, uint8_t *to);

static int read_array(struct json_reader *r, const json_t *value, const struct field *field, uint8_t *to) {
    const struct field *item = field->of.item;
    if (!json_is_array(value)) return refuse(r->why, REJECT_MALFORMED, field->name, "must be an array");
    size_t count = json_array_size(value), at = (r->scratch->used + 7) & ~(size_t)7;
    if (at > sizeof r->scratch->bytes || count > (sizeof r->scratch->bytes - at) / item->item_size)
        return refuse(r->why, REJECT_TOO_LARGE, field->name, "must have fewer items");
    r->scratch->used = at + count * item->item_size;
    for (size_t i = 0; i < count; i++)
        if (read_value(r, json_array_get(value, i), item, r->scratch->bytes + at + i * item->item_size) != 0) return -1;
    struct array array = {count ? r->scratch->bytes + at : NULL, (uint32_t)count};
    memcpy(to, &array, sizeof array);
    return 0;
}

/* Fields of null bytes: what stands for null in each kind (shape.h). */
static int read_null(struct json_reader *r, const struct field *field, uint8_t *to) {
    static const struct str no_text = {NULL, 0};
    static const int64_t none = NONE;
    if (!field->nullable) return refuse(r->why, REJECT_MALFORMED, field->name, "must not be null");
    switch ((enum field_kind)field->kind) {
    case FIELD_STRING: memcpy(to, &no_text, sizeof no_text); return 0;
    case FIELD_LONG:
    case FIELD_TIME: memcpy(to, &none, sizeof none); return 0;
    default: *to = (uint8_t)-1; return 0;
    }
}

static int read_value(struct json_reader *r, const json_t *value, const struct field *field, uint8_t *to) {
    struct str text;
    int64_t ms;
    if (json_is_null(value)) return read_null(r, field, to);
    switch ((enum field_kind)field->kind) {
    case FIELD_STRING:
        if (read_string(r, value, field->name, &text) != 0) return -1;
        memcpy(to, &text, sizeof text);
        return 0;
    case FIELD_TIME:
        if (read_time(r, value, field->name, &ms) != 0) return -1;
        memcpy(to, &ms, sizeof ms);
        return 0;
    case FIELD_INT:
    case FIELD_LONG: return read_number(r, value, field, to);
    case FIELD_ENUM: return read_symbol(r, value, field, (int8_t *)to);
    case FIELD_BOOLEAN:
        *to = json_is_true(value);
        return json_is_boolean(value) ? 0 : refuse(r->why, REJECT_MALFORMED, field->name, "must be true or false");
    case FIELD_ARRAY: return read_array(r, value, field, to);
    case FIELD_SHAPE: return read_object(r, value, field->of.shape, to);
    case FIELD_BYTES:
    case FIELD_FIXED: break; /* no event holds one */
    }
    return refuse(r->why, REJECT_MALFORMED, field->name, "cannot be given as JSON");
}

static int read_member(struct json_reader *r, const json_t *object, const char *key, const struct field *field, uint8_t *base) {
    const json_t *value = json_object_get(object, key);
    if (value) return read_value(r, value, field, base + field->offset);
    if (field->nullable) return read_null(r, field, base + field->offset);
    return refuse(r->why, REJECT_MALFORMED, key, "is missing");
}

static int read_members(struct json_reader *r, const json_t *object, const struct shape *shape, uint8_t *base) {
    for (uint32_t i = 0; i < shape->field_count; i++) {
        const struct field *field = &shape->fields[i];
        if (read_member(r, object, field->name, field, base) != 0) return -1;
    }
    return 0;
}

static bool has_field(const struct shape *shape, const char *name) {
    for (uint32_t i = 0; i < shape->field_count; i++)
        if (strcmp(shape->fields[i].name, name) == 0) return true;
    return false;
}

static int read_object(struct json_reader *r, const json_t *object, const struct shape *shape, uint8_t *base) {
    if (!json_is_object(object)) return refuse(r->why, REJECT_MALFORMED, shape->name, "must be an object");
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value) {
        if (!has_field(shape, key)) return refuse(r->why, REJECT_MALFORMED, key, "no such field in %s", shape->name);
    }
    return read_members(r, object, shape, base);
}

/* The envelope's keys in the flat form; a command calls its event_id command_id. */
static const char *envelope_key(const struct field *field, enum event_type type) {
    bool is_id = field->offset == offsetof(struct event, event_id);
    return is_id && event_subject(type) == SUBJECT_COMMAND ? "command_id" : field->name;
}

static int check_keys(struct json_reader *r, const json_t *object, enum event_type type) {
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)object, key, value) {
        bool known = strcmp(key, "type") == 0 || has_field(event_shapes[type], key);
        for (const struct field *field = shape_event.fields; field->kind != FIELD_SHAPE && !known; field++)
            known = strcmp(key, envelope_key(field, type)) == 0;
        if (!known) return refuse(r->why, REJECT_MALFORMED, key, "no such field in %s", event_type_text(type));
    }
    return 0;
}

static int read_type(struct json_reader *r, const json_t *object, int8_t *type) {
    const char *text = json_string_value(json_object_get(object, "type"));
    for (int8_t i = 0; text && i < EVENT_TYPES; i++) {
        if (strcmp(text, event_shapes[i]->name) != 0) continue;
        *type = i;
        return 0;
    }
    return refuse(r->why, REJECT_MALFORMED, "type", "must be the name of an event or command, as CallStarted");
}

static int read_event(struct json_reader *r, const json_t *object, struct event *event) {
    if (!json_is_object(object)) return refuse(r->why, REJECT_MALFORMED, "", "must be a JSON object");
    if (read_type(r, object, &event->type) != 0) return -1;
    enum event_type type = (enum event_type)event->type;
    if (check_keys(r, object, type) != 0) return -1;
    for (const struct field *field = shape_event.fields; field->kind != FIELD_SHAPE; field++) {
        if (read_member(r, object, envelope_key(field, type), field, (uint8_t *)event) != 0) return -1;
    }
    return read_members(r, object, event_shapes[type], (uint8_t *)&event->body);
}

int json_read_event(const char *line, size_t size, struct event *event, char *text_room, size_t text_size, struct scratch *scratch,
                    struct refusal *why) {
    scratch->used = 0;
    if (size > RECORD_BYTES_MAX) return refuse(why, REJECT_TOO_LARGE, "", "the line is longer than %d bytes", RECORD_BYTES_MAX);
    json_error_t wrong;
    json_t *object = json_loadb(line, size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &wrong);
    if (!object) return refuse(why, REJECT_MALFORMED, "", "not JSON: column %d: %s", wrong.column, wrong.text);
    struct json_reader reader = {text_room, text_size, scratch, why};
    int result = read_event(&reader, object, event);
    json_decref(object);
    return result;
}
