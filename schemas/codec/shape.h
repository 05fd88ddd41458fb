/*
 * shape: the tables that tie the plain structs to the Avro records (inside the codec only).
 *
 * A field's name is the struct member's and the .avsc's; its kind is checked against the member's C type when this is compiled, and
 * against the .avsc by tests/unit/test_schemas.c. Reader, writer, JSON and checks all walk these tables.
 */
#ifndef RINGBACK_SHAPE_H
#define RINGBACK_SHAPE_H

#include "codec.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* kind: Avro type, C type, null. */
enum field_kind {
    FIELD_STRING,  /* string, struct str, ptr NULL */
    FIELD_BYTES,   /* bytes, struct str, ptr NULL */
    FIELD_FIXED,   /* fixed(fixed_size), struct str, never null */
    FIELD_INT,     /* int, int32_t, never null */
    FIELD_LONG,    /* long, int64_t, NONE */
    FIELD_TIME,    /* long timestamp-millis, int64_t, NONE */
    FIELD_ENUM,    /* enum, int8_t, -1 */
    FIELD_BOOLEAN, /* boolean, bool; int8_t with -1 where nullable */
    FIELD_SHAPE,   /* a record within, or a union of records; never null */
    FIELD_ARRAY    /* array of `item`, {items, count}, items NULL */
};

struct symbols {
    const char *name; /* of the Avro enum */
    const char *const *texts;
    uint8_t count;
};

struct field {
    const char *name;
    const char *rule; /* ids and times: the text of event_check's refusal; else NULL */
    union {
        const struct symbols *symbols; /* FIELD_ENUM */
        const struct shape *shape;     /* FIELD_SHAPE */
        const struct field *item;      /* FIELD_ARRAY: kind of an item, offset 0 */
    } of;
    uint16_t offset;
    uint8_t kind; /* enum field_kind */
    bool nullable;
    bool row_id;        /* FIELD_STRING with a rule: the id of a row, not of a call */
    bool aside;         /* codec_write_said leaves it out of what is compared, and this byte stands there */
    uint8_t aside_byte;
    uint8_t fixed_size; /* FIELD_FIXED: bytes */
    uint8_t item_size;  /* of an item of this kind in an array, bytes */
};

struct shape {
    const char *name; /* of the Avro record; of a union: what it is called in messages */
    const struct field *fields;
    uint32_t field_count;
    uint32_t size_max; /* bytes of one encoded datum */
    uint32_t added;    /* of an output: so many of its last fields came when there were journals already (codec_hashed_size) */
    /* A union of records: an int8_t at tag_offset says which branch stands at body_offset. */
    const struct shape *const *branches;
    uint8_t branch_count;
    uint16_t tag_offset, body_offset;
};

static inline bool shape_is_union(const struct shape *shape) { return shape->branches != NULL; }

/* Our own records wrap an input: its bytes, names, notes. */
#define OWN_RECORD_BYTES_MAX (4 * RECORD_BYTES_MAX)

extern const struct shape *const event_shapes[EVENT_TYPES];
extern const struct shape shape_position, shape_event_body, shape_journal_body, shape_record_header;

/* The Avro enums, each by the name of its C enum. */
/* clang-format off: tables */
enum symbols_of {
    ENUM_DIRECTION,
    ENUM_CALL_KIND,
    ENUM_MODULE_KIND,
    ENUM_QUEUE_EXIT,
    ENUM_OFFER_END,
    ENUM_TRANSFER_TO,
    ENUM_FORWARD_DESTINATION,
    ENUM_FORWARD_WHY,
    ENUM_VOICE_AGENT_RESULT,
    ENUM_ENDED_BY,
    ENUM_CLASSIFICATION,
    ENUM_AGENT_STATUS_WHY,
    ENUM_WEEK_START,
    ENUM_NUMBER_KIND,
    ENUM_STATUS,
    ENUM_PERMISSION,
    ENUM_SOURCE_KIND,
    ENUM_REJECT_REASON,
    ENUM_BYTES_FORM,
    ENUM_TOPIC,
    ENUM_CALL_TYPE,
    ENUM_FOLLOWUP_KIND,
    ENUM_TAB,
    ENUM_OUTCOME,
    ENUM_ABANDONED_WHERE,
    ENUM_CHANGE,
    ENUM_CAUSE,
    ENUM_COMMAND_VERDICT,
    ENUM_COMMAND_REASON,
    ENUMS
};
extern const struct symbols symbols[ENUMS];

#define RULE_ID " must be 1 to 128 bytes of UTF-8 without control characters"
#define RULE_ROW_ID " must be 1 to 131 bytes of UTF-8 without control characters"
#define RULE_TIME " must be a time from 1970 to 9999"

/* The member's type decides whether an initializer compiles. */
#define AS_STR(s, member, value) _Generic(((struct s *)0)->member, struct str : (value))
#define AS_INT64(s, member, value) _Generic(((struct s *)0)->member, int64_t : (value))
#define FIELD_(s, member, text, k, null)                                                                                                   \
    .name = #member, .rule = (text), .offset = offsetof(struct s, member), .kind = (k), .nullable = (null)

#define STRING_(s, member, text, null)                                                                                                     \
    { FIELD_(s, member, text, AS_STR(s, member, FIELD_STRING), null) }
#define STRING(s, member) STRING_(s, member, NULL, false)
#define STRING_OR_NULL(s, member) STRING_(s, member, NULL, true)
#define ID(s, member) STRING_(s, member, #member RULE_ID, false)
#define ID_OR_NULL(s, member) STRING_(s, member, #member RULE_ID, true)
#define ROW_ID(s, member)                                                                                                                  \
    { FIELD_(s, member, #member RULE_ROW_ID, AS_STR(s, member, FIELD_STRING), false), .row_id = true }
#define BYTES(s, member)                                                                                                                   \
    { FIELD_(s, member, NULL, AS_STR(s, member, FIELD_BYTES), false) }
#define BYTES_OR_NULL(s, member)                                                                                                           \
    { FIELD_(s, member, NULL, AS_STR(s, member, FIELD_BYTES), true) }
#define FIXED(s, member, size)                                                                                                             \
    { FIELD_(s, member, NULL, AS_STR(s, member, FIELD_FIXED), false), .fixed_size = (size) }
#define INT(s, member)                                                                                                                     \
    { FIELD_(s, member, NULL, _Generic(((struct s *)0)->member, int32_t : FIELD_INT), false) }
#define LONG(s, member)                                                                                                                    \
    { FIELD_(s, member, NULL, AS_INT64(s, member, FIELD_LONG), false) }
#define LONG_OR_NULL(s, member)                                                                                                            \
    { FIELD_(s, member, NULL, AS_INT64(s, member, FIELD_LONG), true) }
#define TIME(s, member)                                                                                                                    \
    { FIELD_(s, member, #member RULE_TIME, AS_INT64(s, member, FIELD_TIME), false) }
#define TIME_OR_NULL(s, member)                                                                                                            \
    { FIELD_(s, member, #member RULE_TIME, AS_INT64(s, member, FIELD_TIME), true) }
#define BOOLEAN(s, member)                                                                                                                 \
    { FIELD_(s, member, NULL, _Generic(((struct s *)0)->member, bool : FIELD_BOOLEAN), false) }
#define BOOLEAN_OR_NULL(s, member)                                                                                                         \
    { FIELD_(s, member, NULL, _Generic(((struct s *)0)->member, int8_t : FIELD_BOOLEAN), true) }
#define ENUM_(s, member, which, null)                                                                                                      \
    {                                                                                                                                      \
        FIELD_(s, member, #member " must be one of its symbols",                                                                           \
               _Generic(((struct s *)0)->member, int8_t                                                                                    \
                        : FIELD_ENUM),                                                                                                     \
               null),                                                                                                                      \
            .of.symbols = &symbols[which]                                                                                                  \
    }
#define ENUM(s, member, which) ENUM_(s, member, which, false)
#define ENUM_OR_NULL(s, member, which) ENUM_(s, member, which, true)
/* Any of the above but aside, where records are compared: as if it were null, or the one-byte number. */
#define ASIDE(s, member, k, null, byte)                                                                                                    \
    { FIELD_(s, member, NULL, k, null), .aside = true, .aside_byte = (byte) }
#define TEXT_ASIDE(s, member) ASIDE(s, member, AS_STR(s, member, FIELD_STRING), true, 0)
#define RECORD(s, member, which)                                                                                                           \
    { FIELD_(s, member, NULL, FIELD_SHAPE, false), .of.shape = (which) }
/* The union's own offsets count from the struct that holds the tag. */
#define UNION(member, which)                                                                                                               \
    { .name = #member, .kind = FIELD_SHAPE, .of.shape = (which) }

/* clang-format on */

/* Every array struct is {items, count}. */
struct array {
    const void *items;
    uint32_t count;
};
static inline struct array array_at(const void *in, size_t offset) {
    struct array array;
    memcpy(&array, (const uint8_t *)in + offset, sizeof array);
    return array;
}

/* clang-format off */
#define ARRAY_(s, member, each, null) {FIELD_(s, member, NULL, FIELD_ARRAY, null), .of.item = (each)}
#define IDS(s, member)                                                                                                             \
    ARRAY_(s, member, (&(const struct field){.name = #member, .rule = #member RULE_ID, .kind = FIELD_STRING,                       \
                                             .item_size = sizeof(struct str)}), false)
#define ENUMS_OF(s, member, which)                                                                                                 \
    ARRAY_(s, member, (&(const struct field){.name = #member, .rule = #member " must be of its symbols", .kind = FIELD_ENUM,       \
                                             .of.symbols = &symbols[which], .item_size = sizeof(int8_t)}), false)
#define RECORDS_(s, member, item, which, null)                                                                                     \
    ARRAY_(s, member, (&(const struct field){.name = #member, .kind = FIELD_SHAPE, .of.shape = (which),                            \
                                             .item_size = sizeof(struct item)}), null)
#define RECORDS(s, member, item, which) RECORDS_(s, member, item, which, false)
#define RECORDS_OR_NULL(s, member, item, which) RECORDS_(s, member, item, which, true)

#define SHAPE_WITH_ADDED(avro_name, table, limit, count) \
    {.name = avro_name, .fields = table, .field_count = COUNT(table), .size_max = limit, .added = count}
#define SHAPE(avro_name, table, limit) SHAPE_WITH_ADDED(avro_name, table, limit, 0)

/* clang-format on */

/* Schemas as written, by embed.cmake. */
struct schema_file {
    const char *name, *file, *text;
};
extern const struct schema_file schema_files[], older_schema_files[];
extern const size_t schema_file_count, older_schema_file_count;

/* The text of the schema that belongs to a shape; NULL where schemas are not loaded. */
const char *schema_of_shape(const struct shape *shape);

/* Fills in a refusal: "path: text". Returns -1. */
int refuse(struct refusal *why, enum reject_reason reason, const char *path, const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
