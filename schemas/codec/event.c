#include "bytes.h"
#include "shape.h"
#include "time_text.h"

enum event_subject event_subject(enum event_type type) {
    if (type < EVENT_AGENT_STATUS_CHANGED) return SUBJECT_CALL;
    if (type < EVENT_JOB_BOOKED) return SUBJECT_AGENT;
    if (type < EVENT_SET_STATUS) return SUBJECT_JOB;
    if (type < EVENT_ROLE_CHANGED) return SUBJECT_COMMAND;
    return SUBJECT_DIRECTORY;
}

/* C0, DEL and C1 (which is 0xc2 and a second byte below 0xa0): what breaks keys, terminals and logs. */
static bool has_control_characters(struct str text) {
    if (is_plain((const uint8_t *)text.ptr, text.len)) return false;
    for (uint32_t i = 0; i < text.len; i++) {
        uint8_t byte = (uint8_t)text.ptr[i];
        if (byte < 0x20 || byte == 0x7f) return true;
        if (byte == 0xc2 && i + 1 < text.len && (uint8_t)text.ptr[i + 1] < 0xa0) return true;
    }
    return false;
}

bool id_is_valid(struct str id) { return id.len > 0 && id.len <= ID_BYTES_MAX && !has_control_characters(id); }

static bool text_fits(const struct field *field, struct str text) {
    if (field->nullable && str_is_null(text)) return true;
    if (field->row_id && text.len > ID_BYTES_MAX) text.len -= 3; /* a row's id is its call's behind ab- or sc- */
    return id_is_valid(text);
}

static bool time_fits(const struct field *field, int64_t ms) { return (field->nullable && ms == NONE) || (ms >= 0 && ms <= TIME_MS_MAX); }

static bool enum_fits(const struct field *field, int8_t value) {
    return value < field->of.symbols->count && value >= (field->nullable ? -1 : 0);
}

/* Only fields with a rule come here. */
static bool fits(const struct field *field, const uint8_t *at) {
    struct str text;
    int64_t ms;
    switch ((enum field_kind)field->kind) {
    case FIELD_STRING: memcpy(&text, at, sizeof text); return text_fits(field, text);
    case FIELD_TIME: memcpy(&ms, at, sizeof ms); return time_fits(field, ms);
    case FIELD_ENUM: return enum_fits(field, *(const int8_t *)at);
    default: return true;
    }
}

static const char *check(const struct shape *shape, const void *in) {
    for (const struct field *field = shape->fields, *end = field + shape->field_count; field < end; field++) {
        if (field->rule && !fits(field, (const uint8_t *)in + field->offset)) return field->rule;
        if (field->kind != FIELD_ARRAY || !field->of.item->rule) continue;
        struct array array = array_at(in, field->offset);
        const uint8_t *item = array.items;
        for (uint32_t i = 0; i < array.count; i++, item += field->of.item->item_size)
            if (!fits(field->of.item, item)) return field->of.item->rule;
    }
    return NULL;
}

const char *event_check(const struct event *event) {
    if (event->type < 0 || event->type >= EVENT_TYPES) return "type must be one of the events";
    const char *wrong = check(&shape_event, event);
    bool is_command = event_subject((enum event_type)event->type) == SUBJECT_COMMAND;
    if (!wrong && !is_command && !str_is_null(event->actor) && !id_is_valid(event->actor)) wrong = "actor" RULE_ID;
    return wrong ? wrong : check(event_shapes[event->type], &event->body);
}
