/*
 * read: runs a plan over bytes that nobody has checked. Every length, count, branch and symbol is held against what is left and
 * what is known before it is used; nothing is allocated.
 */
#include "plan.h"

#include <stdarg.h>
#include <stdio.h>
#include "bytes.h"
#include "time_text.h"

/* Items of all arrays and maps of one record; more can only be items of no bytes. */
#define ITEMS_MAX RECORD_BYTES_MAX

int refuse(struct refusal *why, enum reject_reason reason, const char *path, const char *format, ...) {
    why->reason = reason;
    int size = snprintf(why->detail, sizeof why->detail, *path ? "%s: " : "%s", path);
    if (size < 0 || (size_t)size >= sizeof why->detail) return -1;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why->detail + size, sizeof why->detail - (size_t)size, format, arguments);
    va_end(arguments);
    return -1;
}

/* An array being read. */
struct frame {
    const struct op *array;
    uint8_t *base, *items;
    const uint8_t *block_end; /* where the block said it would end; NULL: it did not say */
    int64_t left;             /* items of the block still to come */
    uint32_t count;
};

struct reader {
    const struct plan *plan;
    const uint8_t *at, *end;
    struct scratch *scratch;
    int64_t items_left;
    const char *wrong; /* set where a step fails */
    bool too_large, cut_off;
    bool plain;        /* so far: struct scratch */
};

static bool fail(struct reader *r, const char *wrong) {
    r->wrong = wrong;
    return false;
}

static bool fail_large(struct reader *r, const char *wrong) {
    r->too_large = true;
    return fail(r, wrong);
}

static bool fail_cut_off(struct reader *r) {
    r->cut_off = true;
    return fail(r, "the record is cut off");
}

static bool fail_long(struct reader *r) {
    for (const uint8_t *at = r->at; at < r->end; at++)
        if (*at < 0x80 || at - r->at == LONG_BYTES_MAX) return fail(r, "a number of more than 64 bits");
    return fail_cut_off(r);
}

static inline bool take_long(struct reader *r, int64_t *value) {
    const uint8_t *at = read_long(r->at, r->end, value);
    if (!at) return fail_long(r);
    r->at = at;
    return true;
}

static inline bool take_int(struct reader *r, int64_t *value) {
    return take_long(r, value) && ((*value >= INT32_MIN && *value <= INT32_MAX) || fail(r, "not a number of 32 bits"));
}

static inline bool take_fixed(struct reader *r, size_t size, struct str *value) {
    if ((size_t)(r->end - r->at) < size) return fail_cut_off(r);
    *value = (struct str){(const char *)r->at, (uint32_t)size};
    r->at += size;
    return true;
}

static inline bool take_bytes(struct reader *r, struct str *value) {
    int64_t size;
    if (!take_long(r, &size)) return false;
    if (size < 0) return fail(r, "a length below zero");
    if (size > RECORD_BYTES_MAX) return fail_large(r, "longer than 262144 bytes");
    return take_fixed(r, (size_t)size, value);
}

static inline bool take_string(struct reader *r, struct str *value) {
    int64_t size;
    if (!take_long(r, &size)) return false;
    if (size < 0) return fail(r, "a length below zero");
    if (size > STRING_BYTES_MAX) return fail_large(r, "longer than 4096 bytes");
    if (!take_fixed(r, (size_t)size, value)) return false;
    bool plain = is_plain((const uint8_t *)value->ptr, value->len);
    r->plain &= plain & (size <= ID_BYTES_MAX);
    return plain || utf8_valid((const uint8_t *)value->ptr, value->len) || fail(r, "not UTF-8");
}

/* What event_check asks of a time; other numbers hardly ever lie outside. The least one means that there is none, in our structs. */
static inline bool take_time(struct reader *r, int64_t *value) {
    if (!take_long(r, value)) return false;
    if (*value == NONE) return fail(r, "-2^63, which stands for none here");
    r->plain &= (uint64_t)*value <= TIME_MS_MAX;
    return true;
}

static inline bool take_boolean(struct reader *r, int8_t *value) {
    if (r->at == r->end) return fail_cut_off(r);
    if (*r->at > 1) return fail(r, "neither true nor false");
    *value = (int8_t)*r->at++;
    return true;
}

static inline bool take_enum(struct reader *r, const struct enum_map *map, int8_t *value) {
    int64_t symbol;
    if (!take_long(r, &symbol)) return false;
    if (symbol < 0 || symbol >= map->count) return fail(r, "not a symbol of the writer's schema");
    *value = map->values[symbol];
    return *value >= 0 || fail(r, "a symbol that is not known here");
}

static inline bool take_branch(struct reader *r, uint32_t count, int64_t *branch) {
    if (!take_long(r, branch)) return false;
    return (*branch >= 0 && *branch < count) || fail(r, "not a branch of the writer's schema");
}

/* Opens the next block of an array; left is 0 after the last. */
static bool next_block(struct reader *r, struct frame *frame) {
    if (frame->block_end && frame->block_end != r->at) return fail(r, "a block of another size than it says");
    frame->block_end = NULL;
    if (!take_long(r, &frame->left)) return false;
    if (frame->left < 0) {
        int64_t size;
        if (frame->left == INT64_MIN) return fail(r, "a block of too many items");
        frame->left = -frame->left;
        if (!take_long(r, &size)) return false;
        if (size < 0 || size > r->end - r->at) return fail(r, "a block larger than the record");
        frame->block_end = r->at + size;
    }
    if (frame->left > r->items_left) return fail_large(r, "a block of too many items");
    r->items_left -= frame->left;
    return true;
}

/* Room for one more item; where items are not kept, the struct around stays the base (nothing is stored there). */
static bool next_item(struct reader *r, struct frame *frame, uint8_t **base) {
    size_t size = (uint8_t)frame->array->small;
    frame->left--;
    if (size == 0) return true;
    if (sizeof r->scratch->bytes - r->scratch->used < size) return fail_large(r, "more items than there is room for");
    *base = r->scratch->bytes + r->scratch->used;
    r->scratch->used += size;
    frame->count++;
    return true;
}

static void open_array(struct reader *r, struct frame *frame, const struct op *array, uint8_t *base) {
    *frame = (struct frame){.array = array, .base = base};
    if (array->small == 0) return;
    r->scratch->used = (r->scratch->used + 7) & ~(size_t)7;
    frame->items = r->scratch->bytes + r->scratch->used;
}

static void set_array(uint8_t *place, const void *items, uint32_t count) {
    struct array array = {items, count};
    memcpy(place, &array, sizeof array);
}

static void close_array(const struct frame *frame) {
    if (frame->array->small) set_array(frame->base + frame->array->to, frame->items, frame->count);
}

#define TO(type) ((type *)(void *)(base + op->to))

/* Returns the operation at which it ended: OP_END, or the one that failed (r->wrong). */
static const struct op *run(struct reader *r, uint8_t *base, struct str *event) {
    const struct plan *plan = r->plan;
    struct frame frames[1 + DEPTH_MAX], *frame = frames; /* the first is none */
    const struct op *op = plan->ops;
    struct str text;
    int64_t number;
    int8_t small;

/* Reads the branch of an OR_NULL; falls through to the value's own case. */
#define UNLESS_NULL(store_null)                                                                                                            \
    if (!take_branch(r, 2, &number)) return op;                                                                                            \
    if (number == op->small) {                                                                                                             \
        store_null;                                                                                                                        \
        break;                                                                                                                             \
    }                                                                                                                                      \
    __attribute__((fallthrough))

    for (;; op++) {
        switch ((enum op_code)op->code) {
        case OP_END: return op;
        case OP_STRING_OR_NULL: UNLESS_NULL(*TO(struct str) = STR_NULL);
        case OP_STRING:
            if (!take_string(r, TO(struct str))) return op;
            break;
        case OP_BYTES_OR_NULL: UNLESS_NULL(*TO(struct str) = STR_NULL);
        case OP_BYTES:
            if (!take_bytes(r, TO(struct str))) return op;
            break;
        case OP_FIXED:
            if (!take_fixed(r, op->arg, TO(struct str))) return op;
            break;
        case OP_INT:
            if (!take_int(r, &number)) return op;
            *TO(int32_t) = (int32_t)number;
            break;
        case OP_LONG_OF_INT:
            if (!take_int(r, TO(int64_t))) return op;
            r->plain = r->plain && *TO(int64_t) >= 0;
            break;
        case OP_LONG_OR_NULL: UNLESS_NULL(*TO(int64_t) = NONE);
        case OP_LONG:
            if (!take_time(r, TO(int64_t))) return op;
            break;
        case OP_ENUM_OR_NULL: UNLESS_NULL(*TO(int8_t) = -1);
        case OP_ENUM:
            if (!take_enum(r, (const void *)(plan->text + op->arg), TO(int8_t))) return op;
            break;
        case OP_BOOLEAN_OR_NULL: UNLESS_NULL(*TO(int8_t) = -1);
        case OP_BOOLEAN:
            if (!take_boolean(r, TO(int8_t))) return op;
            break;
        case OP_SKIP_STRING:
            if (!take_string(r, &text)) return op;
            break;
        case OP_SKIP_BYTES:
            if (!take_bytes(r, &text)) return op;
            break;
        case OP_SKIP_FIXED:
            if (!take_fixed(r, op->arg, &text)) return op;
            break;
        case OP_SKIP_INT:
            if (!take_int(r, &number)) return op;
            break;
        case OP_SKIP_LONG:
            if (!take_long(r, &number)) return op;
            break;
        case OP_SKIP_ENUM:
            if (!take_branch(r, op->arg, &number)) return op;
            break;
        case OP_SKIP_BOOLEAN:
            if (!take_boolean(r, &small)) return op;
            break;
        case OP_SET_NULL_TEXT: *TO(struct str) = STR_NULL; break;
        case OP_SET_NULL_ARRAY: set_array(base + op->to, NULL, 0); break;
        case OP_SET_NONE: *TO(int64_t) = NONE; break;
        case OP_SET_BYTE: *TO(int8_t) = op->small; break;
        case OP_UNION:
            if (!take_branch(r, plan->jumps[op->arg], &number)) return op;
            op = plan->ops + plan->jumps[op->arg + 1 + number] - 1;
            break;
        case OP_JUMP: op = plan->ops + op->arg - 1; break;
        case OP_ARRAY:
            open_array(r, ++frame, op, base);
            op = plan->ops + op->arg - 1;
            break;
        case OP_ARRAY_END:
            if (frame->left == 0 && !next_block(r, frame)) return op;
            if (frame->left > 0) {
                if (!next_item(r, frame, &base)) return op;
                op = frame->array;
            } else {
                close_array(frame);
                base = frame--->base;
            }
            break;
        case OP_EVENT_STARTS: event->ptr = (const char *)r->at; break;
        case OP_EVENT_ENDS: event->len = (uint32_t)((const char *)r->at - event->ptr); break;
        case OP_REFUSE: fail(r, plan->text + op->arg); return op;
        }
    }
}

static int64_t read_datum(const struct plan *plan, const uint8_t *bytes, size_t size, void *out, struct str *event, struct scratch *scratch,
                          struct refusal *why) {
    size_t limit = plan->shape->size_max;
    struct reader reader = {
        .plan = plan, .at = bytes, .end = bytes + (size < limit ? size : limit), .scratch = scratch, .items_left = ITEMS_MAX, .plain = true};
    scratch->used = 0;
    const struct op *op = run(&reader, out, event);
    scratch->plain = reader.plain;
    if (!reader.wrong) return reader.at - bytes;
    if (reader.cut_off && size > limit)
        return refuse(why, REJECT_TOO_LARGE, plan->text + op->path, "the record is longer than %zu bytes", limit);
    return refuse(why, reader.too_large ? REJECT_TOO_LARGE : REJECT_MALFORMED, plan->text + op->path, "%s", reader.wrong);
}

int64_t codec_read(const struct plan *plan, const uint8_t *bytes, size_t size, void *out, struct scratch *scratch, struct refusal *why) {
    struct str event;
    return read_datum(plan, bytes, size, out, &event, scratch, why);
}

int64_t codec_read_journal(const struct plan *plan, const uint8_t *bytes, size_t size, struct journal_record *record,
                           struct str *event_bytes, struct scratch *scratch, struct refusal *why) {
    *event_bytes = STR_NULL;
    return read_datum(plan, bytes, size, record, event_bytes, scratch, why);
}
