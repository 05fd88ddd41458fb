/*
 * call: one contact and what is decided of it (SPEC 2).
 *
 * One entity of TABLE_CALLS: key tenant, call; blob: struct call, a struct row for each row that came of it, then its
 * events as facts (facts.h). One read and one write serve them all. A call whose start has not come is `waiting`: its events lie in
 * TABLE_WAITING until then.
 */
#ifndef RINGBACK_CALL_H
#define RINGBACK_CALL_H

#include "../facts.h"
#include "../../schemas/codec/output.h"
#include "../../state/keys.h"

#define MINUTE_MS INT64_C(60000)
#define HOUR_MS INT64_C(3600000)
#define DAY_MS INT64_C(86400000)
#define COLD_AFTER_MS (DAY_MS + 1)   /* of an abandoned row: more than 24 h */
#define TALK_RESOLVES_MS INT64_C(30001) /* more than 30 s */
#define DUPLICATE_WINDOW_MS (7 * DAY_MS)

/* Order of firing among equal deadlines: SPEC 6. */
enum timer_kind { TIMER_TALK, TIMER_CHECK, TIMER_COLD, TIMER_STUCK, TIMER_START, TIMER_RETAIN };

/* When a person did something: the command's time, and the stream time then (D1.23). NONE: never. */
struct act {
    int64_t at, stream;
};
/* True where a timer with this deadline comes before the act: it had fired by then, or its time is earlier. */
static inline bool fires_before(int64_t deadline, struct act act) { return deadline <= act.stream || deadline < act.at; }

/* A row: what persons did to it (inputs), and what was last published of it. Times NONE where it did not happen. */
struct row {
    int64_t version;      /* 0: never opened */
    /* what persons did */
    struct act base_set;          /* when a status was last set */
    struct act reopened;          /* when it was last taken out of DONE */
    struct act first_review, last_review;
    int64_t person_closed_at;     /* since when it has been closed by a person */
    int64_t first_attempt_at;
    /* published */
    int64_t changed_at, opened_at, closed_at, went_cold_at, converted_at;
    int64_t cold_at;              /* the deadline that was judged, NONE: not yet */
    uint64_t columns;             /* hash of the call's columns in it */
    int32_t attempt;
    int8_t base;                  /* enum status as persons last set it */
    int8_t base_outcome;          /* of a closure that a person's later act confirmed; else -1 */
    int8_t open_status;           /* the last status that was not DONE */
    int8_t status, outcome, tab, cause; /* enums of output.h, -1: null */
    int8_t status_before;         /* before the last change; -1 in the first */
    int8_t outcome_before;        /* while WITHDRAWN: what it returns to */
    bool withdrawn;
    bool acted;                   /* a person acted since automatics closed it */
    uint8_t pad[1];
};

struct call {
    int64_t last_event_at;   /* stream time at its last accepted event */
    int64_t started_at;      /* NONE before its start */
    int64_t stuck_at, check_at, retain_at; /* deadlines, NONE: not set */
    int64_t stuck_floor, check_floor, cold_floor, retain_floor; /* a change of settings moves no deadline to before it; NONE: no change */
    int64_t latest_at;       /* of its events, as of the last judgement or later */
    int64_t talk_moment;     /* as last computed: struct verdict; NONE */
    int64_t talk_at;         /* the moment that was acted on: talk is indexed there; NONE */
    int64_t waiting_until;   /* the first deadline of an event that waits for the start; NONE */
    uint64_t classified;     /* hash of what calls-classified last said; 0: nothing */
    uint16_t acw_minutes, cold_days, retention_days, link_days, short_seconds, min_call_seconds;
    uint8_t stuck_hours;
    int8_t type;             /* enum call_type as counted in the balance */
    bool started, lost, checked, decided; /* decided: the settings of the first decision are in; checked: CHECK has fired */
    bool has_jobs;           /* some job has named this call */
    bool check_read;         /* the settings of the first CHECK are in */
    bool voice_agent_counts, callback_counts, second_chance, follow_up_missed, follow_up_callback, follow_up_empty_voicemail, resolve_on_booking;
    bool foreign;            /* the other party is external */
    bool has_caller;
    bool has_row[2];         /* enum followup_kind */
    bool job_prevents;       /* a job alone keeps its second chance row from opening: it is indexed, in case the job falls away */
    uint8_t rules;           /* the version that judges it, from 0 for the first (rules.h) */
    uint8_t pad[7];          /* named, as all padding of what is stored: it is zero */
};

/* Facts of rows, kept among those of the call; `a` is the kind of row. */
enum row_fact {
    FACT_NOTE = 128, /* texts: its number in the row, a byte; actor, text */
    FACT_ASSIGNEE,   /* texts: "", assignee; one a row */
    FACT_TALK,       /* texts: "", the call that resolved it; one a row */
    FACT_JOB,        /* texts: "", the job that converted it; one a row */
    FACT_NAMED_BY    /* of the call itself; texts: "", a job that names it */
};

/* `a` of a CallStarted that came after another with the same direction, from and to: it happened, but the first stands. */
#define ANOTHER_START UINT8_MAX

/* Texts of a start's fact. */
enum start_text { START_FROM = 1, START_TO, START_CUSTOMER, START_CAMPAIGN };

static inline struct call *call_of(const struct entity *entity) { return (struct call *)(void *)entity->blob; }

/* The customer that a fact of a call names; null where it names none. */
static inline struct str fact_customer(const struct fact *fact) {
    if (fact->type == EVENT_CUSTOMER_LINKED) return fact_text(fact, 1);
    return fact->type == EVENT_CALL_STARTED && fact->a != ANOTHER_START ? fact_text(fact, START_CUSTOMER) : STR_NULL;
}

/* Where the facts of a call begin. */
static inline uint32_t call_facts_from(const struct entity *entity) {
    const struct call *call = call_of(entity);
    return (uint32_t)(sizeof *call + (size_t)(call->has_row[0] + call->has_row[1]) * sizeof(struct row));
}
static inline const struct fact *call_facts(const struct entity *entity) { return facts_at(entity, call_facts_from(entity)); }

/* The row of a kind, or null where there is none yet; moves with the blob. */
static inline struct row *row_of(const struct entity *entity, enum followup_kind kind) {
    struct call *call = call_of(entity);
    if (!call->has_row[kind]) return NULL;
    return (struct row *)(void *)(entity->blob + sizeof *call) + (kind == KIND_SECOND_CHANCE && call->has_row[KIND_ABANDONED]);
}
static inline bool is_done(int8_t status) {
    return status == STATUS_RESOLVED || status == STATUS_DISMISSED || status == STATUS_NOT_A_LEAD || status == STATUS_NOT_FOLLOWING_UP;
}

struct entity *call_entity(struct cache *cache, struct str tenant, struct str call_id);
/* The same of a call that has started, where it is known when: cheaper. */
struct entity *call_entity_at(struct cache *cache, struct str tenant, struct str call_id, int64_t start);
/* A fresh blob for a call of which nothing was known. */
void call_make(struct cache *cache, struct entity *entity);

/* The row of a kind, made where there is none yet: version 0, nothing happened. */
struct row *row_make(struct cache *cache, struct entity *entity, enum followup_kind kind);

/* Adds an event of the call to its facts. `campaign` is that of the number dialled, for a start. False: the call is full. */
bool call_insert(struct cache *cache, struct entity *entity, const struct event *event, const struct fact_id *id, struct str campaign);

/* The one text fact of a row, or null; setting it null removes it. */
struct str row_text(const struct entity *entity, enum row_fact what, enum followup_kind kind);
bool row_text_set(struct cache *cache, struct entity *entity, enum row_fact what, enum followup_kind kind, struct str text); /* true: the blob has changed */

/* `job_id` names this call, or does so no longer. */
void call_named_by(struct cache *cache, struct entity *entity, struct str job_id);
void call_not_named_by(struct cache *cache, struct entity *entity, struct str job_id);
/* The next job after `fact` (null: the first) that names the call; null: no more. By job id. */
const struct fact *call_next_job(const struct entity *entity, const struct fact *fact);

/* Everything that follows from a call's facts alone. Strings point into the blob: valid until it changes. */
struct verdict {
    const struct fact *start, *end; /* end: the winning one, null while it is up */
    int64_t latest_at;              /* of any of its events */
    int8_t direction, kind;
    struct str from, to, caller, customer, campaign, queue, agent, recording;
    const struct fact *first_connected; /* AgentConnected */
    const struct fact *first_joined;    /* AgentConnected or VoiceAgentConnected */
    const struct fact *voice_agent;     /* VoiceAgentConnected after which no queue was entered */
    const struct fact *voicemail, *forwarded, *callback;
    const struct fact *classified; /* the winning one */
    bool no_message, abandoned_in_transfer;
    int8_t where;
    int64_t wait_ms, talk_ms;
    int64_t talk_moment; /* when counted talk reaches 30,001 ms, as far as is known; NONE: it does not */
    struct entity *job, *booking; /* by call_find_jobs: the earliest job that names the call, and the earliest that makes it BOOKED; or null */
};

void call_read(const struct entity *entity, struct verdict *verdict);
/* After the blob moved: the jobs that were found stay. */
void call_read_again(const struct entity *entity, struct verdict *verdict);

/* Of several classifications and customers the winning ones by a deadline; `verdict`: of the call. */
struct known {
    const struct fact *classified; /* or null */
    struct str customer;
};
struct known call_known_by(const struct entity *entity, const struct verdict *verdict, int64_t deadline);

/* The type by the table of SPEC 2. `classified`: which classification counts (the winner, or the one at check).
 * *condition becomes the deciding fact besides start and end, or null. */
enum call_type call_type_of(const struct call *call, const struct verdict *verdict, const struct fact *classified, const struct fact **condition);

#endif
