/*
 * step: the fold's own state and the course of one step (SPEC 6: one timer's or one record's application; or a call judged again, rules.h).
 *
 *   1. The record or timer changes facts and inputs, and touches the calls and jobs concerned.
 *   2. step_end propagates: what a touched job or a call's talk means for other calls touches those too.
 *   3. Each touched call is judged once (call/judge.c, followup/row.c): types, rows, deadlines. Changes are staged.
 *   4. What was staged is emitted in the order of SPEC 7 (publish.c).
 *
 * Internal to processors/.
 */
#ifndef RINGBACK_STEP_H
#define RINGBACK_STEP_H

#include "call/call.h"
#include "directory/settings.h"
#include "../schemas/codec/codec.h"
#include "fold.h"

#define SOURCES_MAX 16 /* clock sources; all files together are one */

struct clock_source {
    int32_t number; /* -1: the files */
    int8_t kind, listed;
    int8_t pad[2];
    int64_t occurred_at, append_time; /* greatest so far, NONE */
    int64_t end_as_of;                /* NONE: behind */
    int64_t clock;                    /* never goes back, NONE */
};

/* Whoever changes one of these raises FOLD_LAYOUT, and mends the drawing in README.md. */
_Static_assert(sizeof(struct call) == 152 && sizeof(struct row) == 160 && sizeof(struct fact) == 16, "raise FOLD_LAYOUT");

/* What the fold keeps of itself in TABLE_META, key "fold". */
struct fold_meta {
    uint64_t layout; /* FOLD_LAYOUT */
    int64_t stream_time, network_time;
    int64_t next_seal, next_output, state_hash;
    int64_t rules_version;
    uint64_t records, duplicates, rejected[REJECT_REASONS], gaps;
    struct clock_source sources[SOURCES_MAX];
};

enum step_kind { STEP_RECORD, STEP_COMMAND, STEP_TIMER, STEP_RULES };

/* A version of a row, staged until the step ends. */
struct row_change {
    struct entity *entity;
    struct row row; /* as of this version */
    int8_t kind, change;
    uint8_t ground_bytes;
    char ground[ID_BYTES_MAX]; /* row_ground as of this version: the next one of the same step may have another */
};

struct rejection {
    struct str tenant, event_id, bytes;
    int32_t source;
    int64_t offset, append_time, size_bytes;
    int8_t reason, form;
    const char *detail;
    const struct bad_record *bad; /* of a bad record: the detail, and what it came with; null: of an event */
};

/* The result of a command, also as it is kept for 7 days. */
struct result {
    int64_t at, version;
    int8_t verdict, reason;
    uint8_t pad[6]; /* named, so that it is zero: results are stored as they lie */
};

struct fold {
    struct store *store;
    struct cache *cache;
    fold_emit *emit;
    void *context;
    char journal_id[32];
    int32_t partition;
    int32_t index; /* of the next output since the last seal */
    struct plan *event_plan;
    struct settings settings; /* of "*", as they stand */
    struct fold_counts counts; /* of "*", not settled yet; */
    bool counted;              /* there are any */
    int result;    /* the first negative return of emit */
    bool judges_again;  /* calls that another version of the rules decided are to be looked at: rules.c */
    uint32_t looked_at; /* of them, since what was read was let go */
    struct fold_meta meta;

    /* the step under way */
    enum step_kind step;
    uint64_t step_number;
    int64_t time;              /* deadline, occurred_at, or a command's time */
    int64_t fact_time;         /* of the earliest fact that the record brings to bear: late ones repeat judgements */
    uint8_t timer;             /* of STEP_TIMER */
    struct deadline due;       /* of STEP_TIMER */
    struct entity *subject;    /* the call that the timer or row command is about */
    int8_t subject_kind;       /* the row that a command is about; else -1 */
    const struct event *event; /* of a record or command; null for a timer */
    struct fact_id id;         /* of the event of the record that is being applied */
    struct entity *talker;     /* the call whose talk this step may have moved, or null */
    struct verdict verdict;    /* of the call judged last, */
    struct entity *verdict_of; /* this one; null: of none */
    struct entity **touched;
    uint32_t touched_count, touched_capacity;
    struct row_change *changes;
    uint32_t change_count, change_capacity;
    struct rejection *rejections;
    uint32_t rejection_count, rejection_capacity;
    struct entity **classified; /* calls whose verdict is to be emitted */
    uint32_t classified_count, classified_capacity;
    struct classified_call said; /* of the call judged last that was looked at for calls-classified, */
    struct entity *said_of;      /* this one; null: of none; */
    uint8_t *said_bytes;         /* and as it goes out, behind its position */
    uint32_t said_size, said_capacity;
    struct entity **notices;
    uint32_t notice_count, notice_capacity;

    struct note *notes_room[2]; /* of the row of each kind being filled */
    uint32_t note_capacity[2];
    char followup_ids[2][ID_BYTES_MAX + 3]; /* the same, by kind */
    char ids[3][UUID_TEXT_BYTES];           /* of the deciding events being filled in */
    uint8_t **kept; /* bytes that rejections of this step point to */
    uint32_t kept_count, kept_capacity;

    struct answer_slot *answers; /* where the results of commands stand: followup/answers.c */
    uint32_t answer_slots, answer_capacity, answer_count;
    uint64_t *numbers; /* hashes of all tenants' numbers: directory/numbers.c */
    uint32_t number_slots, number_capacity, number_count;
    uint8_t *encoded;
    uint32_t encoded_capacity;
    struct scratch scratch;
};

static inline int64_t later(int64_t a, int64_t b) { return a > b ? a : b; }
static inline int64_t now_of(const struct fold *fold, struct str tenant) {
    return str_equal(tenant, STR("*")) ? fold->meta.network_time : fold->meta.stream_time;
}

/* Stream time; the step's own where there is none yet, since a source holds it that has no clock (D1.22). */
static inline int64_t step_now(const struct fold *fold) { return fold->meta.stream_time == NONE ? fold->time : fold->meta.stream_time; }

/* Before anything is touched. `event` is null for a timer and for rules. */
void step_begin(struct fold *fold, enum step_kind kind, int64_t time, const struct event *event);
/* Puts a call or a job on the list of what this step concerns. */
void step_touch(struct fold *fold, struct entity *entity);
/* Propagates and judges what was touched; the changes are staged. */
void step_judge(struct fold *fold);
/* Judges and emits. */
void step_end(struct fold *fold);
/* Reads fold->settings: whoever changes those of "*" calls it. */
void fold_read_settings(struct fold *fold);
/* settings_read of a tenant, by those of "*" that are at hand. */
static inline void tenant_settings(struct fold *fold, struct str tenant, struct settings *settings) {
    settings_over(fold->cache, tenant, &fold->settings, settings);
}

void step_reject(struct fold *fold, const struct rejection *rejection);

/* "TALK" of TIMER_TALK */
const char *timer_name(uint8_t kind);

/* call/judge.c */
void call_propagate(struct fold *fold, struct entity *entity);
void call_judge(struct fold *fold, struct entity *entity);
void call_schedule(struct fold *fold, struct entity *entity, const struct verdict *verdict);
/* Everything that a call waits for; an entity's one deadline is the earliest. `verdict` may be null where no row came of it. */
typedef void call_deadline(void *context, struct deadline due);
void call_each_deadline(const struct entity *entity, const struct verdict *verdict, call_deadline *each, void *context);
void call_timer(struct fold *fold, struct entity *entity);
void call_event(struct fold *fold, struct entity *entity, const struct event *event, const struct journal_record *record, struct str bytes);
void call_forget(struct fold *fold, struct entity *entity);
bool call_is_duplicate(struct fold *fold, const struct entity *entity, const struct event *event);
/* Follows a change of settings: deadlines later than `at` (SPEC 5). */
void call_retime(struct fold *fold, struct entity *entity, uint64_t keys, int64_t at);
/* The winning classification, unless it says BOOKED with a job that was cancelled by check time. */
const struct fact *call_standing(struct fold *fold, const struct entity *entity, const struct fact *classified);
/* Fills in verdict->job and verdict->booking: booked by check time and not cancelled by then. */
void call_find_jobs(struct fold *fold, const struct entity *entity, struct verdict *verdict);

/* directory/counts.c. Those of "*" are settled before they are read, and at a flush. */
void counts_settle(struct fold *fold);
void counts_start(struct fold *fold, struct str tenant);
void counts_type(struct fold *fold, struct str tenant, int8_t from, int8_t to);
void counts_row(struct fold *fold, struct str tenant, enum followup_kind kind, const struct row *from, const struct row *to);

/* publish.c */
void publish(struct fold *fold);
void emit_result(struct fold *fold, struct str tenant, struct str command_id, struct str actor, struct str follow_up, const struct result *result);
/* Fills an output's body; strings point into blobs. `names`: look names up. A change of them alone writes no record. */
void fill_classified(struct fold *fold, const struct entity *entity, const struct verdict *verdict, struct classified_call *out);
/* The call, or the job, that closed a row; null: neither did. */
struct str row_ground(const struct entity *entity, enum followup_kind kind, const struct row *row);
void fill_followup(struct fold *fold, const struct entity *entity, const struct verdict *verdict, enum followup_kind kind, const struct row *row,
                   struct followup *out, bool names);
/* Fills fold->said, and returns a hash of what it says, never 0. */
uint64_t say_classified(struct fold *fold, struct entity *entity, const struct verdict *verdict);
uint64_t hash_followup(struct fold *fold, const struct entity *entity, const struct verdict *verdict, enum followup_kind kind, const struct row *row);
void emit_tombstones(struct fold *fold, const struct entity *entity);
/* A number that is not negative as text, in `room`. */
struct str decimal(char room[20], int64_t number);

#endif
