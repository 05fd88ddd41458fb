/* json_write: any record as one line of JSON, straight into text along its shape. */
#include <stdlib.h>
#include "must.h"
#include "bytes.h"
#include "shape.h"
#include "time_text.h"

/* The line as far as it is written. Once something is not UTF-8, nothing more is. */
struct line {
    char *text;
    size_t size, capacity;
    bool failed;
};

static void put_shape(struct line *line, const struct shape *shape, const uint8_t *in);
static void put_event(struct line *line, const struct event *event);

/* Room for `size` more bytes and a NUL; NULL: failed. */
static char *room_for(struct line *line, size_t size) {
    if (line->failed) return NULL;
    if (line->capacity - line->size <= size) {
        size_t capacity = (line->capacity + size) * 2;
        line->text = must_realloc(line->text, capacity);
        line->capacity = capacity;
    }
    return line->text + line->size;
}

static void put_bytes(struct line *line, const char *bytes, size_t size) {
    char *at = room_for(line, size);
    if (!at) return;
    memcpy(at, bytes, size);
    line->size += size;
}

static void put_char(struct line *line, char c) { put_bytes(line, &c, 1); }

/* ---- values */

static size_t escape(uint8_t byte, char room[6]) {
    static const char letters[] = "btnvfr"; /* 08 to 0d; 0b has none */
    static const char digits[] = "0123456789ABCDEF";
    bool has_letter = byte == '"' || byte == '\\' || (byte >= 8 && byte <= 13 && byte != 11);
    room[0] = '\\';
    room[1] = byte == '"' || byte == '\\' ? (char)byte : has_letter ? letters[byte - 8] : 'u';
    if (has_letter) return 2;
    room[2] = room[3] = '0';
    room[4] = digits[byte >> 4];
    room[5] = digits[byte & 15];
    return 6;
}

static void put_text(struct line *line, struct str text) {
    size_t run = 0;
    if (text.len && !utf8_valid((const uint8_t *)text.ptr, text.len)) line->failed = true;
    put_char(line, '"');
    for (size_t i = 0; i < text.len; i++) {
        uint8_t byte = (uint8_t)text.ptr[i];
        if (byte >= ' ' && byte != '"' && byte != '\\') continue;
        char escaped[6];
        put_bytes(line, text.ptr + run, i - run);
        put_bytes(line, escaped, escape(byte, escaped));
        run = i + 1;
    }
    if (text.len) put_bytes(line, text.ptr + run, text.len - run);
    put_char(line, '"');
}

/* RFC 4648, section 4. */
static void put_base64(struct line *line, struct str bytes) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t size = ((size_t)bytes.len + 2) / 3 * 4;
    put_char(line, '"');
    char *at = room_for(line, size);
    for (uint32_t i = 0; at && i < bytes.len; i += 3) {
        uint32_t left = bytes.len - i, group = 0;
        for (uint32_t j = 0; j < 3; j++) group = group << 8 | (j < left ? (uint8_t)bytes.ptr[i + j] : 0);
        for (uint32_t j = 0; j < 4; j++) *at++ = j <= left ? digits[group >> (18 - 6 * j) & 63] : '=';
    }
    if (at) line->size += size;
    put_char(line, '"');
}

static void put_number(struct line *line, int64_t number) {
    char room[20], *at = room + sizeof room;
    uint64_t rest = number < 0 ? -(uint64_t)number : (uint64_t)number;
    do *--at = (char)('0' + rest % 10);
    while (rest /= 10);
    if (number < 0) *--at = '-';
    put_bytes(line, at, (size_t)(room + sizeof room - at));
}

static void put_time(struct line *line, int64_t ms) {
    char text[TIME_TEXT_SIZE];
    if (ms < 0 || ms > TIME_MS_MAX)
        put_number(line, ms);
    else
        put_text(line, str_of(time_print(ms, text)));
}

static void put_items(struct line *line, const struct field *field, struct array array);

static bool is_null(const struct field *field, const uint8_t *in) {
    struct str text;
    int64_t number;
    if (!field->nullable) return false;
    switch ((enum field_kind)field->kind) {
    case FIELD_STRING:
    case FIELD_BYTES:
    case FIELD_FIXED: memcpy(&text, in, sizeof text); return str_is_null(text);
    case FIELD_LONG:
    case FIELD_TIME: memcpy(&number, in, sizeof number); return number == NONE;
    case FIELD_ENUM:
    case FIELD_BOOLEAN: return *(const int8_t *)in < 0;
    case FIELD_ARRAY: return array_at(in, 0).items == NULL;
    default: return false;
    }
}

static void put_value(struct line *line, const struct field *field, const uint8_t *in) {
    struct str text;
    int64_t number;
    int32_t small;
    switch ((enum field_kind)field->kind) {
    case FIELD_STRING:
        memcpy(&text, in, sizeof text);
        put_text(line, text);
        break;
    case FIELD_BYTES:
    case FIELD_FIXED:
        memcpy(&text, in, sizeof text);
        put_base64(line, text);
        break;
    case FIELD_INT:
        memcpy(&small, in, sizeof small);
        put_number(line, small);
        break;
    case FIELD_LONG:
    case FIELD_TIME:
        memcpy(&number, in, sizeof number);
        if (field->kind == FIELD_TIME)
            put_time(line, number);
        else
            put_number(line, number);
        break;
    case FIELD_ENUM: put_text(line, str_of(symbol_text(field->of.symbols->name, *(const int8_t *)in))); break;
    case FIELD_BOOLEAN:
        text = *in ? STR("true") : STR("false");
        put_bytes(line, text.ptr, text.len);
        break;
    case FIELD_SHAPE: put_shape(line, field->of.shape, in); break;
    case FIELD_ARRAY: put_items(line, field, array_at(in, 0)); break;
    }
}

static void put_items(struct line *line, const struct field *field, struct array array) {
    const uint8_t *item = array.items;
    put_char(line, '[');
    for (uint32_t i = 0; i < array.count; i++, item += field->of.item->item_size) {
        if (i) put_char(line, ',');
        put_value(line, field->of.item, item + field->of.item->offset);
    }
    put_char(line, ']');
}

/* ---- objects */

static void put_name(struct line *line, struct str name) {
    if (line->size && line->text[line->size - 1] != '{') put_char(line, ',');
    put_char(line, '"');
    put_bytes(line, name.ptr, name.len);
    put_bytes(line, "\":", 2);
}

/* The members of an object that has begun; what is null is left out. */
static void put_fields(struct line *line, const struct shape *shape, const uint8_t *in) {
    for (uint32_t i = 0; i < shape->field_count && !line->failed; i++) {
        const struct field *field = &shape->fields[i];
        if (is_null(field, in + field->offset)) continue;
        put_name(line, str_of(field->name));
        put_value(line, field, in + field->offset);
    }
}

static void put_member(struct line *line, struct str name, struct str text) {
    put_name(line, name);
    put_text(line, text);
}

/* The branch of a union. In a journal record it says its name as "type"; an event does so anyway. */
static void put_branch(struct line *line, const struct shape *shape, const uint8_t *in) {
    const struct shape *branch = shape->branches[(int8_t)in[shape->tag_offset]];
    if (branch == &shape_event) {
        put_event(line, (const struct event *)(const void *)(in + shape->body_offset));
        return;
    }
    put_char(line, '{');
    if (shape == &shape_journal_body) put_member(line, STR("type"), str_of(branch->name));
    put_fields(line, branch, in + shape->body_offset);
    put_char(line, '}');
}

static void put_shape(struct line *line, const struct shape *shape, const uint8_t *in) {
    if (shape == &shape_event) {
        put_event(line, (const struct event *)(const void *)in);
    } else if (shape_is_union(shape)) {
        put_branch(line, shape, in);
    } else {
        put_char(line, '{');
        put_fields(line, shape, in);
        put_char(line, '}');
    }
}

static void put_event(struct line *line, const struct event *event) {
    enum event_type type = (enum event_type)event->type;
    put_char(line, '{');
    put_member(line, STR("type"), str_of(event_type_text(type)));
    put_member(line, STR("tenant"), event->tenant);
    put_member(line, event_subject(type) == SUBJECT_COMMAND ? STR("command_id") : STR("event_id"), event->event_id);
    put_name(line, STR("occurred_at"));
    put_time(line, event->occurred_at);
    if (!str_is_null(event->actor)) put_member(line, STR("actor"), event->actor);
    put_fields(line, event_shapes[type], (const uint8_t *)&event->body);
    put_char(line, '}');
}

static char *finish(struct line *line) {
    put_char(line, 0);
    if (!line->failed) return line->text;
    free(line->text);
    return NULL;
}

char *json_write(const struct shape *shape, const void *in) {
    struct line line = {0};
    put_shape(&line, shape, in);
    return finish(&line);
}

char *json_write_event(const struct event *event) {
    struct line line = {0};
    put_event(&line, event);
    return finish(&line);
}
