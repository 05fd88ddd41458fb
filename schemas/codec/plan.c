/*
 * plan: resolves a writer's schema to a shape by Avro's rules (specification 1.11, "Schema Resolution") and flattens it.
 *
 * What can be decided now is decided now: a field of ours that the writer has not and that has no default, or one of another type,
 * fails here by name. What depends on the datum (a branch or symbol that we do not know) becomes a refusal when it is read.
 */
#include "must.h"
#include "plan.h"

#include <avro.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define SCHEMA_BYTES_MAX (1024 * 1024)
#define OPS_MAX (64 * 1024)

struct compiler {
    struct op *ops;
    uint32_t op_count, op_room;
    uint32_t *jumps;
    uint32_t jump_count, jump_room;
    char *text;
    uint32_t text_size, text_room;
    char path[200];
    uint32_t path_text; /* of `path`, in text */
    int depth;
    bool failed, older;
    char *error;
    size_t error_size;
};

__attribute__((format(printf, 2, 3))) static void fail(struct compiler *c, const char *format, ...) {
    if (c->failed) return;
    c->failed = true;
    int size = snprintf(c->error, c->error_size, c->path[0] ? "%s: " : "%s", c->path);
    if (size < 0 || (size_t)size >= c->error_size) return;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(c->error + size, c->error_size - (size_t)size, format, arguments);
    va_end(arguments);
}

/* Makes room for one more. */
static void *grow(void *items, uint32_t *room, uint32_t needed, size_t item_size) {
    if (needed <= *room) return items;
    uint32_t wanted = needed * 2 < 256 ? 256 : needed * 2;
    *room = wanted;
    return must_realloc(items, wanted * item_size);
}

static uint32_t add_text(struct compiler *c, const void *bytes, size_t size) {
    uint32_t at = (c->text_size + 7) & ~7u;
    c->text = grow(c->text, &c->text_room, at + (uint32_t)size, 1);
    if (c->failed) return 0;
    memcpy(c->text + at, bytes, size);
    c->text_size = at + (uint32_t)size;
    return at;
}

static uint32_t add_op(struct compiler *c, enum op_code code, uint32_t to, int small, uint32_t arg) {
    if (c->op_count == OPS_MAX) fail(c, "a schema with more than %d steps", OPS_MAX);
    c->ops = grow(c->ops, &c->op_room, c->op_count + 1, sizeof *c->ops);
    if (c->failed) return 0;
    c->ops[c->op_count] = (struct op){.code = (uint8_t)code, .small = (int8_t)small, .to = (uint16_t)to, .arg = arg, .path = c->path_text};
    return c->op_count++;
}

static void set_arg(struct compiler *c, uint32_t op, uint32_t arg) {
    if (!c->failed) c->ops[op].arg = arg;
}

static void add_refusal(struct compiler *c, const char *text, const char *name) {
    char reason[120];
    snprintf(reason, sizeof reason, "%s%s", text, name);
    add_op(c, OP_REFUSE, 0, 0, add_text(c, reason, strlen(reason) + 1));
}

/* Steps into a field or branch; returns what leave_path takes. */
static size_t enter_path(struct compiler *c, const char *name) {
    size_t before = strlen(c->path);
    snprintf(c->path + before, sizeof c->path - before, before ? ".%s" : "%s", name);
    c->path_text = add_text(c, c->path, strlen(c->path) + 1);
    return before;
}

static void leave_path(struct compiler *c, size_t before, uint32_t path_text) {
    c->path[before] = 0;
    c->path_text = path_text;
}

static avro_schema_t target_of(avro_schema_t schema) { return is_avro_link(schema) ? avro_schema_link_target(schema) : schema; }

static bool same_name(const char *writer, const char *ours) {
    const char *dot = strrchr(writer, '.');
    return strcmp(dot ? dot + 1 : writer, ours) == 0;
}

/* A union of the writer's: `branch` makes the operations of each; all go on behind it. */
typedef bool each_branch(struct compiler *c, avro_schema_t writer, const void *context, uint32_t to);

static bool add_union(struct compiler *c, avro_schema_t writer, each_branch *branch, const void *context, uint32_t to) {
    uint32_t count = (uint32_t)avro_schema_union_size(writer), at = c->jump_count;
    c->jumps = grow(c->jumps, &c->jump_room, at + 1 + count, sizeof *c->jumps);
    if (c->failed) return true;
    c->jump_count += 1 + count;
    c->jumps[at] = count;
    add_op(c, OP_UNION, to, 0, at);
    uint32_t first = c->op_count;
    bool any = false;
    for (uint32_t i = 0; i < count && !c->failed; i++) {
        c->jumps[at + 1 + i] = c->op_count;
        avro_schema_t each = target_of(avro_schema_union_branch(writer, (int)i));
        if (branch(c, each, context, to))
            any = any || !is_avro_null(each);
        else
            add_refusal(c, is_avro_null(each) ? "must not be " : "unknown type ", avro_schema_type_name(each));
        add_op(c, OP_JUMP, 0, 0, 0);
    }
    for (uint32_t i = first; i < c->op_count && !c->failed; i++)
        if (c->ops[i].code == OP_JUMP && c->ops[i].arg == 0) c->ops[i].arg = c->op_count;
    return any || count == 0;
}

/* --- what we do not keep --- */

static bool skip(struct compiler *c, avro_schema_t writer, const void *context, uint32_t to);

static void skip_items(struct compiler *c, avro_schema_t items, bool keyed) {
    uint32_t array = add_op(c, OP_ARRAY, 0, 0, 0);
    if (keyed) add_op(c, OP_SKIP_STRING, 0, 0, 0);
    skip(c, items, NULL, 0);
    set_arg(c, array, add_op(c, OP_ARRAY_END, 0, 0, 0));
}

static uint32_t fixed_size(struct compiler *c, avro_schema_t writer) {
    int64_t size = avro_schema_fixed_size(writer);
    if (size < 0 || size > RECORD_BYTES_MAX) fail(c, "a fixed of %lld bytes", (long long)size);
    return (uint32_t)size;
}

static bool skip(struct compiler *c, avro_schema_t writer, const void *context, uint32_t to) {
    writer = target_of(writer);
    bool is_level = is_avro_record(writer) || is_avro_array(writer) || is_avro_map(writer);
    if (is_level && c->depth == DEPTH_MAX) {
        add_refusal(c, "more than 8 levels deep", "");
        return true;
    }
    c->depth += is_level;
    switch (avro_typeof(writer)) {
    case AVRO_STRING: add_op(c, OP_SKIP_STRING, 0, 0, 0); break;
    case AVRO_BYTES: add_op(c, OP_SKIP_BYTES, 0, 0, 0); break;
    case AVRO_INT32: add_op(c, OP_SKIP_INT, 0, 0, 0); break;
    case AVRO_INT64: add_op(c, OP_SKIP_LONG, 0, 0, 0); break;
    case AVRO_FLOAT: add_op(c, OP_SKIP_FIXED, 0, 0, 4); break;
    case AVRO_DOUBLE: add_op(c, OP_SKIP_FIXED, 0, 0, 8); break;
    case AVRO_BOOLEAN: add_op(c, OP_SKIP_BOOLEAN, 0, 0, 0); break;
    case AVRO_NULL: break;
    case AVRO_FIXED: add_op(c, OP_SKIP_FIXED, 0, 0, fixed_size(c, writer)); break;
    case AVRO_ENUM: add_op(c, OP_SKIP_ENUM, 0, 0, (uint32_t)avro_schema_enum_number_of_symbols(writer)); break;
    case AVRO_ARRAY: skip_items(c, avro_schema_array_items(writer), false); break;
    case AVRO_MAP: skip_items(c, avro_schema_map_values(writer), true); break;
    case AVRO_UNION: add_union(c, writer, skip, context, to); break;
    case AVRO_RECORD:
        for (size_t i = 0; i < avro_schema_record_size(writer) && !c->failed; i++) {
            uint32_t path_text = c->path_text;
            size_t path = enter_path(c, avro_schema_record_field_name(writer, (int)i));
            skip(c, avro_schema_record_field_get_by_index(writer, (int)i), NULL, 0);
            leave_path(c, path, path_text);
        }
        break;
    default: fail(c, "a type that is not known"); break;
    }
    c->depth -= is_level;
    return true;
}

/* --- what we keep --- */

/* Null, which is also the default of every field that may be null; false where it may not. */
static bool add_null(struct compiler *c, const struct field *field, uint32_t to) {
    if (!field->nullable) return false;
    switch ((enum field_kind)field->kind) {
    case FIELD_STRING:
    case FIELD_BYTES: add_op(c, OP_SET_NULL_TEXT, to, 0, 0); return true;
    case FIELD_LONG:
    case FIELD_TIME: add_op(c, OP_SET_NONE, to, 0, 0); return true;
    case FIELD_ENUM:
    case FIELD_BOOLEAN: add_op(c, OP_SET_BYTE, to, -1, 0); return true;
    case FIELD_ARRAY: add_op(c, OP_SET_NULL_ARRAY, to, 0, 0); return true;
    default: return false;
    }
}

static bool keep(struct compiler *c, avro_schema_t writer, const struct field *field, uint32_t to);

static bool keep_branch(struct compiler *c, avro_schema_t writer, const void *field, uint32_t to) { return keep(c, writer, field, to); }

static void keep_record(struct compiler *c, avro_schema_t writer, const struct shape *shape, uint32_t to) {
    if (++c->depth > DEPTH_MAX) fail(c, "more than 8 levels deep");
    uint32_t path_text = c->path_text;
    for (uint32_t i = 0; i < shape->field_count && !c->failed; i++) {
        const struct field *field = &shape->fields[i];
        if (avro_schema_record_field_get_index(writer, field->name) >= 0) continue;
        size_t path = enter_path(c, field->name);
        c->older = true;
        if (!add_null(c, field, to + field->offset)) fail(c, "the writer's schema has no such field, and it has no default");
        leave_path(c, path, path_text);
    }
    for (size_t i = 0; i < avro_schema_record_size(writer) && !c->failed; i++) {
        const char *name = avro_schema_record_field_name(writer, (int)i);
        avro_schema_t type = target_of(avro_schema_record_field_get_by_index(writer, (int)i));
        const struct field *field = shape->fields, *end = field + shape->field_count;
        while (field < end && strcmp(field->name, name) != 0) field++;
        size_t path = enter_path(c, name);
        if (field == end)
            skip(c, type, NULL, 0);
        else if (!keep(c, type, field, to + field->offset))
            fail(c, "the writer's %s cannot be read as ours", avro_schema_type_name(type));
        leave_path(c, path, path_text);
    }
    c->depth--;
}

/* A record of the writer's that is one of the branches of our union. */
static bool keep_as_branch(struct compiler *c, avro_schema_t writer, const void *context, uint32_t to) {
    const struct shape *shape = context;
    if (!is_avro_record(writer)) return false;
    for (int i = 0; i < shape->branch_count; i++) {
        const struct shape *branch = shape->branches[i];
        if (!same_name(avro_schema_name(writer), branch->name)) continue;
        uint32_t path_text = c->path_text;
        size_t path = enter_path(c, branch->name);
        add_op(c, OP_SET_BYTE, to + shape->tag_offset, i, 0);
        if (branch == &shape_event) add_op(c, OP_EVENT_STARTS, 0, 0, 0);
        keep_record(c, writer, branch, to + shape->body_offset);
        if (branch == &shape_event) add_op(c, OP_EVENT_ENDS, 0, 0, 0);
        leave_path(c, path, path_text);
        return true;
    }
    return false;
}

static bool keep_shape(struct compiler *c, avro_schema_t writer, const struct shape *shape, uint32_t to) {
    if (shape_is_union(shape)) {
        if (is_avro_union(writer)) return add_union(c, writer, keep_as_branch, shape, to);
        return keep_as_branch(c, writer, shape, to);
    }
    if (!is_avro_record(writer) || !same_name(avro_schema_name(writer), shape->name)) return false;
    keep_record(c, writer, shape, to);
    return true;
}

static bool keep_array(struct compiler *c, avro_schema_t writer, const struct field *item, uint32_t to) {
    if (++c->depth > DEPTH_MAX) fail(c, "more than 8 levels deep");
    uint32_t array = add_op(c, OP_ARRAY, to, item->item_size, 0);
    bool fits = keep(c, target_of(avro_schema_array_items(writer)), item, 0);
    set_arg(c, array, add_op(c, OP_ARRAY_END, 0, 0, 0));
    c->depth--;
    return fits;
}

/* The writer's symbols in ours. */
static uint32_t add_enum_map(struct compiler *c, avro_schema_t writer, const struct symbols *ours) {
    struct enum_map head = {(uint32_t)avro_schema_enum_number_of_symbols(writer)};
    uint32_t at = add_text(c, &head, sizeof head);
    c->text = grow(c->text, &c->text_room, c->text_size + head.count, 1);
    for (uint32_t i = 0; i < head.count && !c->failed; i++)
        c->text[c->text_size++] = (char)symbol_value(ours->name, str_of(avro_schema_enum_get(writer, (int)i)));
    return at;
}

/* The one operation that reads a value of a plain type; OP_END where it cannot be read as ours. */
static enum op_code value_op(struct compiler *c, avro_schema_t writer, const struct field *field, uint32_t *arg) {
    avro_type_t type = avro_typeof(writer);
    bool is_text = type == AVRO_STRING || type == AVRO_BYTES;
    switch ((enum field_kind)field->kind) {
    case FIELD_STRING: return is_text ? OP_STRING : OP_END; /* bytes must be UTF-8 then */
    case FIELD_BYTES: return is_text ? OP_BYTES : OP_END;
    case FIELD_INT: return type == AVRO_INT32 ? OP_INT : OP_END;
    case FIELD_LONG:
    case FIELD_TIME: return type == AVRO_INT64 ? OP_LONG : type == AVRO_INT32 ? OP_LONG_OF_INT : OP_END;
    case FIELD_BOOLEAN: return type == AVRO_BOOLEAN ? OP_BOOLEAN : OP_END;
    case FIELD_FIXED:
        *arg = field->fixed_size;
        return type == AVRO_FIXED && avro_schema_fixed_size(writer) == field->fixed_size ? OP_FIXED : OP_END;
    case FIELD_ENUM:
        if (type != AVRO_ENUM || !same_name(avro_schema_name(writer), field->of.symbols->name)) return OP_END;
        *arg = add_enum_map(c, writer, field->of.symbols);
        return OP_ENUM;
    default: return OP_END;
    }
}

static enum op_code or_null(enum op_code code) {
    switch (code) {
    case OP_STRING: return OP_STRING_OR_NULL;
    case OP_BYTES: return OP_BYTES_OR_NULL;
    case OP_LONG: return OP_LONG_OR_NULL;
    case OP_ENUM: return OP_ENUM_OR_NULL;
    case OP_BOOLEAN: return OP_BOOLEAN_OR_NULL;
    default: return OP_END;
    }
}

/* The usual union, null and one plain type, takes one operation. */
static bool keep_or_null(struct compiler *c, avro_schema_t writer, const struct field *field, uint32_t to) {
    if (!field->nullable || avro_schema_union_size(writer) != 2) return false;
    int null = is_avro_null(avro_schema_union_branch(writer, 0)) ? 0 : 1;
    if (!is_avro_null(avro_schema_union_branch(writer, null))) return false;
    uint32_t arg = 0;
    enum op_code code = or_null(value_op(c, target_of(avro_schema_union_branch(writer, 1 - null)), field, &arg));
    if (code == OP_END) return false;
    add_op(c, code, to, null, arg);
    return true;
}

/* Operations that read the writer's type into our field; false where Avro's rules know no way. */
static bool keep(struct compiler *c, avro_schema_t writer, const struct field *field, uint32_t to) {
    if (field->kind == FIELD_SHAPE) return keep_shape(c, writer, field->of.shape, to);
    if (is_avro_union(writer)) return keep_or_null(c, writer, field, to) || add_union(c, writer, keep_branch, field, to);
    if (is_avro_null(writer)) return add_null(c, field, to);
    if (field->kind == FIELD_ARRAY) return is_avro_array(writer) && keep_array(c, writer, field->of.item, to);
    uint32_t arg = 0;
    enum op_code code = value_op(c, writer, field, &arg);
    if (code == OP_END) return false;
    add_op(c, code, to, 0, arg);
    return true;
}

int plan_make(struct plan **plan, const char *writer_schema, size_t size, const struct shape *shape, char *error, size_t error_size) {
    *plan = NULL;
    avro_schema_t writer;
    const char *ours = schema_of_shape(shape);
    if (!ours || size > SCHEMA_BYTES_MAX || avro_schema_from_json_length(writer_schema, size, &writer) != 0) {
        if (!ours || size > SCHEMA_BYTES_MAX)
            snprintf(error, error_size, ours ? "a schema of more than 1 MiB" : "schemas are not loaded");
        else
            snprintf(error, error_size, "not an Avro schema: %s", avro_strerror());
        return -1;
    }
    struct compiler c = {.error = error, .error_size = error_size};
    add_text(&c, "", 1);
    if (!keep_shape(&c, writer, shape, 0)) fail(&c, "a schema of %s, not of %s", avro_schema_type_name(writer), shape->name);
    add_op(&c, OP_END, 0, 0, 0);
    struct layout *layout = c.failed ? NULL : layout_make(writer);
    avro_schema_decref(writer);
    if (c.failed) {
        free(c.ops);
        free(c.jumps);
        free(c.text);
        layout_free(layout);
        return -1;
    }
    *plan = must_realloc(NULL, sizeof **plan);
    **plan = (struct plan){.ops = c.ops, .jumps = c.jumps, .text = c.text, .layout = layout, .shape = shape};
    (*plan)->older = c.older;
    (*plan)->identity = strlen(ours) == size && memcmp(ours, writer_schema, size) == 0;
    return 0;
}

void plan_free(struct plan *plan) {
    if (!plan) return;
    free(plan->ops);
    free(plan->jumps);
    free(plan->text);
    layout_free(plan->layout);
    free(plan);
}

bool plan_is_identity(const struct plan *plan) { return plan->identity; }
bool plan_is_older(const struct plan *plan) { return plan->older; }
