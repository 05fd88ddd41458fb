/*
 * fold: (state, journal record) -> (state', outputs), the only entry to the processors (SPEC 2 to 7; ARCHITECTURE 1).
 *
 * Pure: no clock, randomness, locale, float, hash order, time zone, I/O or allocation. Same journal, same outputs, whatever the
 * batches, restarts, speed and host. State lives in the store; what is touched is kept decoded in memory and written back by
 * fold_flush, so a store transaction is: begin, apply ..., flush, commit.
 *
 * Return values: 0; negative is a store error (store.h) forwarded unchanged: abort the store, drop the fold, open again.
 */
#ifndef RINGBACK_FOLD_H
#define RINGBACK_FOLD_H

#include "../schemas/codec/output.h"
#include "../state/store.h"

#define FOLD_RULES_FIRST 1   /* the version that a journal begins with */
#define FOLD_RULES_VERSION 2 /* the newest this binary knows */

/* How the fold's entries lie in the store: one more with each change of a struct that is stored. A state of another layout is refused
 * (STORE_ERROR_FORMAT) and built again from the journal, whose seals say which layout their hash of the state is of. */
#define FOLD_LAYOUT 4

struct fold;

/* Receives each output once, in order, complete with its position. The struct and its strings are valid during the call only.
 * A negative return is forwarded by fold_apply. */
typedef int fold_emit(void *context, const struct output *output);

/* Reads what it needs from the store, which must have a transaction open; STORE_ERROR_FORMAT: it is of another layout. journal_id (32 hex digits) and partition go into
 * positions. The fold keeps its own place (next seal, next output, clock) in the store; the shell keeps the journal's place there
 * itself, in TABLE_META under a key that starts with "shell". */
int fold_open(struct fold **fold, struct store *store, struct str journal_id, int32_t partition, fold_emit *emit, void *context);
void fold_close(struct fold *fold); /* forgets what was not flushed */

/*
 * Applies one record: duplicates, clock, timers, record, timers (SPEC 6). `event_bytes` is the Avro form of an event's body as
 * journalled (schemas/events/Event), for the rejected output; null for other records.
 * Of a seal the fold reads only its sources: where they are at their end the clock moves and timers fire. Outputs that a seal
 * causes carry its own sequence; so a writer applies the seal first, then fills in next_output, hashes and positions, and journals it.
 */
int fold_apply(struct fold *fold, const struct journal_record *record, struct str event_bytes);

/* The version of the rules that a record asks for, 0: none. One newer than FOLD_RULES_VERSION must be neither written nor applied. */
int32_t fold_rules_asked(const struct journal_record *record);

/* Within fold_emit: the step that makes the output. */
struct fold_step {
    const char *timer; /* SPEC 6: "TALK", "CHECK", "COLD", "STUCK", "START", "RETAIN"; "RULES": judged again by new ones; NULL: a record */
    int64_t at;        /* the deadline, stream time, or the time at which the record acts */
    struct str tenant, call_id; /* of a timer or rules: whose it is; null: of no call */
};
void fold_step(const struct fold *fold, struct fold_step *step);

int64_t fold_stream_time(const struct fold *fold); /* as in fold_status, which costs more */
/* The stream time that applying `record` would lead to. Changes nothing. */
int64_t fold_time_after(struct fold *fold, const struct journal_record *record);

/* True where there is such a setting and the value is in its range. */
bool fold_setting_valid(struct str key, struct str value);
/* For what-if, before the first record: as if "*" had always had this value, in no version of its settings. 0; STORE_ABSENT: it is not valid; an
 * error of the store. What tenants set themselves still goes before it. */
int fold_assume(struct fold *fold, struct str key, struct str value);

/* Writes everything touched to the store, and forgets what is settled. Changes nothing that can be seen from outside. */
int fold_flush(struct fold *fold);

/* Where the fold stands. state_hash counts what was flushed: call fold_flush first. */
struct fold_status {
    int64_t stream_time;       /* ms; NONE before the clock is known */
    int64_t next_deadline;     /* of the earliest timer; NONE where none is set */
    int64_t next_seal;         /* its sequence */
    int64_t next_output;       /* its number */
    int64_t state_hash;        /* sum of the hashes of all entries of the state: equal states, equal hashes, whatever the way there */
    int32_t rules_version;     /* 0 before the first JOURNAL_RULES */
    bool judges_again;         /* calls that older rules decided are still to be judged; a seal without records goes on with them */
    int64_t allowed_lateness_ms;
    uint64_t gaps;             /* in sources: records that nobody can read any more */
    uint64_t records, duplicates, rejected[REJECT_REASONS]; /* since the journal began */
};
void fold_status(struct fold *fold, struct fold_status *status);

/* Counters of one tenant, or of all (tenant "*"); zeros for a tenant never seen. SPEC 2: started = sum of types + in_progress, always. */
struct fold_counts {
    uint64_t started, in_progress, types[CALL_TYPES];
    uint64_t rows[2][3];                 /* enum followup_kind, enum tab: rows now in each tab */
    uint64_t outcomes[2][7];             /* enum followup_kind, enum outcome: rows now with each */
};
int fold_counts(struct fold *fold, struct str tenant, struct fold_counts *counts);

/*
 * Views: the state as the output records show it, read from any store with a transaction open (a reader's snapshot too), flushed state only.
 * A callback returns 0 to go on, > 0 to stop (returned), < 0 an error (returned). Structs and strings are valid during the callback;
 * positions are empty. Names are looked up as they are now.
 */
typedef int fold_view_call(void *context, const struct classified_call *call);
typedef int fold_view_followup(void *context, const struct followup *followup);
/* Calls by tenant and start, those in progress included (type TYPE_IN_PROGRESS). tenant "*": all; from/to: [from, to) of the start, NONE: open. */
int fold_view_calls(struct store *store, struct str tenant, int64_t from, int64_t to, fold_view_call *each, void *context);
/* Those calls with the rows that came of them, rows[enum followup_kind], null where there is none: what fold_view_calls and
 * fold_view_followups show, in one pass. */
typedef int fold_view_call_rows(void *context, const struct classified_call *call, const struct followup *const rows[2]);
int fold_view_calls_with_rows(struct store *store, struct str tenant, int64_t from, int64_t to, fold_view_call_rows *each, void *context);
int fold_view_call_one(struct store *store, struct str tenant, struct str call_id, fold_view_call_rows *each, void *context); /* STORE_ABSENT */
/* What a call waits for, one that has not started too; `row` is the enum followup_kind of a COLD timer, else -1. */
int fold_view_deadlines(struct store *store, struct str tenant, struct str call_id,
                        void (*each)(void *context, const char *timer, int8_t row, int64_t at), void *context); /* STORE_ABSENT */
/* Rows of those calls, withdrawn ones too (tab -1). */
int fold_view_followups(struct store *store, struct str tenant, int64_t from, int64_t to, fold_view_followup *each, void *context);
int fold_view_followup_one(struct store *store, struct str tenant, struct str follow_up, fold_view_followup *each, void *context); /* STORE_ABSENT */
int fold_view_tenants(struct store *store, int (*each)(void *context, struct str tenant, struct str name, const struct fold_counts *counts), void *context);
/* What a tenant last announced of itself: an IANA zone as it was given, enum week_start. A tenant that was never announced: UTC, Monday. */
int fold_view_tenant(struct store *store, struct str tenant, int (*each)(void *context, struct str name, struct str zone, int8_t week_start), void *context);
/* The activations of newer rules, in order: version, and when it occurred. None: they are FOLD_RULES_FIRST from the beginning. */
int fold_view_rules(struct store *store, void (*each)(void *context, int32_t version, int64_t at), void *context);
/* The versions of the rules that there are, and what each is, in words. */
void fold_view_rules_known(void (*each)(void *context, int32_t version, const char *what), void *context);
/* fold_status and the settings as they stand, from a store. */
int fold_view_status(struct store *store, struct fold_status *status);
/* The settings that there are (SPEC 5); of a switch initial, least and most are 0 or 1. */
void fold_view_setting_keys(void (*each)(void *context, struct str key, bool is_switch, int64_t initial, int64_t least, int64_t most), void *context);
int fold_view_settings(struct store *store, struct str tenant, int (*each)(void *context, struct str key, struct str value, struct str scope), void *context);

#endif
