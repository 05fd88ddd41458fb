/*
 * journal: what the writer appends and every reader folds (SPEC 6, 7; ARCHITECTURE 1).
 *
 * The journal is the only truth: state and outputs are functions of it. Records come in the order in which
 * they were folded; a seal ends every transaction.
 */
#ifndef RINGBACK_JOURNAL_H
#define RINGBACK_JOURNAL_H

#include "event.h"

/* The branches of JournalRecord.body, in Avro order: append only. */
enum journal_type { JOURNAL_EVENT, JOURNAL_BAD, JOURNAL_SEAL, JOURNAL_RULES, JOURNAL_SOURCE, JOURNAL_GAP };

enum source_kind { SOURCE_FILE, SOURCE_CALLS, SOURCE_JOBS, SOURCE_COMMANDS, SOURCE_DIRECTORY, SOURCE_NETWORK };

/* Why a record was refused. Those up to REJECT_TOO_LARGE are found when it is read, the others by the fold. */
enum reject_reason {
    REJECT_MALFORMED,    /* cannot be decoded: the detail names the field */
    REJECT_INVALID,      /* decoded, but a value is out of range: the detail names the field */
    REJECT_TOO_LARGE,    /* over a limit of ARCHITECTURE 4 */
    REJECT_FUTURE_TIME,  /* occurred_at more than 5 min ahead of its append time */
    REJECT_BAD_TIME,     /* an end earlier than its call's start */
    REJECT_CONFLICTING_START,
    REJECT_NO_START,     /* its call never started */
    REJECT_EXPIRED,      /* older than the retention */
    REJECT_REASONS
};

/* What `bytes` of a bad record and of a rejected output hold. */
enum bytes_form { BYTES_ORIGINAL, BYTES_EVENT_AVRO }; /* as received; the event as journalled, Avro binary of schemas/events/Event */

struct record_header { struct str name, value /*?*/; };
struct record_header_array { const struct record_header *items /*?: null = not known, also where count is 0*/; uint32_t count; };

/* bytes, key, headers: up to their limits (docs/decisions/0023); sizes and count: of the whole */
struct bad_record {
    int8_t reason;
    struct str detail;
    struct str bytes;
    int64_t size_bytes;
    struct str key /*?*/;
    int64_t key_size_bytes /*?*/;
    struct record_header_array headers /*?*/;
    int64_t header_count /*?*/;
};
struct rules_activated { int32_t version; };
/* content_hash: of a file's bytes, XXH3-128 in hex; empty for a topic */
struct source_listed { int32_t source; int8_t kind; struct str name; struct str content_hash; };
struct gap { int64_t lost_from, lost_to; struct str detail; }; /* offsets [from, to) of the record's source that can no longer be read */

struct seal_source { int32_t source; int64_t next_offset; int64_t end_as_of /*?: ms; it was at its end as of then*/; };
struct seal_source_array { const struct seal_source *items; uint32_t count; };
struct seal_output { int8_t topic; int64_t position; }; /* where the topic's file ends with this seal, bytes */
struct seal_output_array { const struct seal_output *items; uint32_t count; };

struct seal {
    struct str journal_id;   /* 32 hex digits; made by the first seal of a journal */
    int32_t partition, partitions;
    int64_t sequence;        /* dense, from 0 */
    int64_t records;         /* journal records in this transaction, the seal not counted */
    int64_t next_output;     /* the dense output number that comes next, the outputs that this seal itself causes counted */
    int64_t outputs_hash;    /* XXH3-64 of all encoded outputs since the seal before, those that this seal causes included, in order */
    struct str previous;     /* 16 bytes: XXH3-128 of the record of the seal before as encoded; zeros in the first */
    int64_t state_hash;      /* of the state after this seal was applied (fold.h) */
    struct seal_source_array sources;
    struct seal_output_array outputs;
    int32_t rules_version;
    int64_t state_layout /*?*/; /* of the writer (FOLD_LAYOUT); a reader of another cannot compare state_hash */
};

struct journal_record {
    int32_t source;      /* number given by source_listed; 0 for the writer's own records (seal, rules, source) */
    int64_t offset;      /* place in the source: Kafka's offset; of a file the record's number from 0 */
    int64_t append_time; /* wall clock when journalled, ms UTC */
    int8_t type;         /* enum journal_type */
    union {
        struct event event;
        struct bad_record bad;
        struct seal seal;
        struct rules_activated rules;
        struct source_listed source;
        struct gap gap;
    } body;
};

#endif
