/*
 * codec: Avro bytes and JSON lines <-> the plain structs of event.h, journal.h, output.h (ARCHITECTURE 4).
 *
 * A `shape` describes a struct once: field names as in the .avsc, offsets, kinds. The one table drives the bounded reader, the
 * writer and both directions of JSON; a test holds shapes and .avsc files against each other.
 * The reader follows a `plan`: the writer's schema, parsed and checked by Avro C, resolved to ours by Avro's rules (fields
 * reordered, removed, added with defaults; numbers promoted; union branches by name). Reading allocates nothing.
 */
#ifndef RINGBACK_CODEC_H
#define RINGBACK_CODEC_H

#include <stddef.h>
#include "output.h"

#define RECORD_BYTES_MAX (256 * 1024)
#define STRING_BYTES_MAX (4 * 1024) /* bytes fields: up to RECORD_BYTES_MAX */
#define DEPTH_MAX 8

struct shape;
extern const struct shape shape_event, shape_journal_record, shape_rejected, shape_classified_call, shape_followup, shape_followup_event,
    shape_notice, shape_command_result, shape_tombstone;

/* The union [the topic's record, Tombstone] that an output topic's file holds. Its struct is struct output, of which it reads and writes
 * is_tombstone and body; topic and key are the caller's. */
const struct shape *shape_of_topic(enum topic topic);

/* The JSON text of a schema by its name ("Event", "JournalRecord", "Followup", ...), named types inlined at first use. Made once at start
 * by schemas_load (again: no effect); valid until schemas_unload. NULL: no such schema. Everything else here may be used by any thread. */
int schemas_load(char *error, size_t error_size);
void schemas_unload(void);
const char *schema_text(const char *name);
/* Calls back for each schema: its name, its file under schemas/, its text as written there. */
void schema_each(void (*each)(void *context, const char *name, const char *file, const char *text), void *context);
/* The text of the (union) schema of a topic's file. */
const char *schema_of_topic(enum topic topic);
/* The schemas that JournalRecord had before, the last one first: n from 0; NULL: no more. */
const char *schema_older_journal(size_t n);

/* Why bytes were refused: a static reason, and the path of the field ("body.CallStarted.from"). */
struct refusal {
    enum reject_reason reason;
    char detail[200];
};

/* Scratch for array items of one record; reset by each read. */
struct scratch {
    _Alignas(16) uint8_t bytes[64 * 1024];
    size_t used;
    bool plain; /* by codec_read: every text has 1 to 128 characters of printable ASCII, every number is a time from 1970 to 9999 */
};

/* 0; -1: not an Avro schema, or it cannot be resolved to ours: `error` names the field. What the writer has not is null where ours may
 * be null. A branch of body or a symbol that we do not know is refused when it is read. A plan never changes: any number of threads may
 * read by it. */
struct plan;
int plan_make(struct plan **plan, const char *writer_schema, size_t size, const struct shape *shape, char *error, size_t error_size);
void plan_free(struct plan *plan);
/* True where the writer's schema is byte for byte ours: then the bytes read may be journalled as they are. */
bool plan_is_identity(const struct plan *plan);
/* True where the writer's schema has not all our fields: it is older. */
bool plan_is_older(const struct plan *plan);

/* Reads one datum. Returns the number of bytes it took, or -1 with `why`. Strings in `out` point into `bytes`; arrays into `scratch`.
 * An event has then still to pass event_check; bytes behind the datum are the caller's matter. */
int64_t codec_read(const struct plan *plan, const uint8_t *bytes, size_t size, void *out, struct scratch *scratch, struct refusal *why);

/* event_check of an event that codec_read read just now; nearly all are plain, and pass at once. */
static inline const char *event_check_read(const struct event *event, const struct scratch *scratch) {
    return scratch->plain ? NULL : event_check(event);
}

/* The bytes that a datum takes by the writer's schema, whether we can read it or not: limits, UTF-8, branches and symbols that only the
 * writer knows do not count. -1: the bytes are not well-formed by that schema. */
int64_t codec_skip(const struct plan *plan, const uint8_t *bytes, size_t size);

/* Writes one datum. Returns its size; when that is more than `capacity`, nothing useful was written: call again with more room.
 * A null slice in a field that cannot be null is written as empty; a type out of range aborts. */
size_t codec_write(const struct shape *shape, const void *in, uint8_t *bytes, size_t capacity);

/*
 * An output in two parts, so that it is encoded once, and what it says is compared before it has its place.
 * codec_write_said writes what it says: the record of a topic behind its position. And `compared`, which has room for capacity +
 * NO_POSITION_BYTES: the same bytes as codec_write of the record with an empty position and what is set aside (shapes_output.c) null. A
 * size above the capacity: nothing useful was written.
 * codec_write_output writes an output as codec_write does, by `said` where that is there.
 */
#define NO_POSITION_BYTES 5
size_t codec_write_said(const struct shape *shape, const void *in, uint8_t *bytes, size_t capacity, uint8_t *compared, size_t *compared_size);
size_t codec_write_output(const struct output *output, uint8_t *bytes, size_t capacity);
/* How many bytes of an output, which codec_write_output wrote in `size`, a seal's hash is of (journal.h). Fields that were added to its schema do not count
 * where they and all behind them are null: without them it is what it was before they were added, and so is the hash. */
size_t codec_hashed_size(const struct output *output, size_t size);

/* A journal record around an event that is already encoded: same bytes as codec_write of the whole. */
size_t codec_write_journal_event(const struct journal_record *record, struct str event_bytes, uint8_t *bytes, size_t capacity);
/* Reads a journal record; *event_bytes is the slice of an event's own bytes (null for other records). */
int64_t codec_read_journal(const struct plan *plan, const uint8_t *bytes, size_t size, struct journal_record *record,
                           struct str *event_bytes, struct scratch *scratch, struct refusal *why);

/* Several records of one schema, as Avro's array of them: how many in one block, they, an empty block. */
#define CODEC_LIST_HEAD_MAX 10
#define CODEC_LIST_END 0
size_t codec_write_list_head(int64_t count, uint8_t head[CODEC_LIST_HEAD_MAX]); /* how long it is */
/* Leaves of *bytes the records alone, *count of them. -1: it is no such list. */
int codec_read_list(struct str *bytes, int64_t *count);

/*
 * JSON lines. An event is one flat object, here on two lines:
 *   {"type":"QueueEntered","tenant":"acme","event_id":"e2","occurred_at":"2026-03-01T09:00:00.250Z",
 *    "call_id":"c1","queue":"sales"}
 * Commands say "command_id" for "event_id". Times are ms or RFC 3339 with an offset; nulls may be left out; an unknown or missing field, a
 * repeated key, a wrong kind or symbol is refused by name. Strings read point into `text_room` (at least the line's size).
 */
int json_read_event(const char *line, size_t size, struct event *event, char *text_room, size_t text_size, struct scratch *scratch,
                    struct refusal *why);
/* Any record as one line of JSON without the newline, malloc'ed for the caller to free; times as RFC 3339 in UTC with ms, bytes as base64,
 * null fields left out. A journal record's body is an object with its "type"; an event is in its flat form. NULL: a string that is not
 * UTF-8. */
char *json_write(const struct shape *shape, const void *in);
/* An event in the flat form that json_read_event takes. */
char *json_write_event(const struct event *event);

/* Text of an enum value, as the Avro symbol; "?" out of range. enum names are those of the .avsc ("Status", "CallType", ...). */
const char *symbol_text(const char *enum_name, int value);
/* The value of a symbol, -1: none such. */
int symbol_value(const char *enum_name, struct str symbol);
const char *event_type_text(enum event_type type); /* "CallStarted" */

#endif
