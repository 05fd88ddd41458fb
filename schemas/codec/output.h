/*
 * output: what comes out (SPEC 7), as plain structs. Same conventions as event.h.
 */
#ifndef RINGBACK_OUTPUT_H
#define RINGBACK_OUTPUT_H

#include "journal.h"

/* Also the order of the outputs within a step. */
enum topic { TOPIC_REJECTED, TOPIC_CALLS_CLASSIFIED, TOPIC_FOLLOWUPS, TOPIC_FOLLOWUP_EVENTS, TOPIC_NOTICES, TOPIC_COMMAND_RESULTS, TOPICS };

enum call_type {
    TYPE_INTERNAL, TYPE_BOOKED, TYPE_EXCUSED, TYPE_NOT_A_LEAD, TYPE_LOST, TYPE_UNBOOKED, TYPE_VOICE_AGENT, TYPE_VOICEMAIL,
    TYPE_FORWARDED, TYPE_CALLBACK_REQUESTED, TYPE_DISCONNECTED, TYPE_ABANDONED, TYPE_MISSED, TYPE_OUTBOUND,
    TYPE_IN_PROGRESS, /* not decided: emitted only to take back an earlier verdict */
    CALL_TYPES
};
enum followup_kind { KIND_ABANDONED, KIND_SECOND_CHANCE };
enum tab { TAB_OPEN, TAB_COLD, TAB_DONE };
enum outcome {
    OUTCOME_CONVERTED, OUTCOME_RECONNECTED, OUTCOME_RESOLVED, OUTCOME_DISMISSED, OUTCOME_NOT_A_LEAD, OUTCOME_NOT_FOLLOWING_UP,
    OUTCOME_WITHDRAWN
};
enum abandoned_where { WHERE_PRE_ROUTING, WHERE_IVR, WHERE_QUEUE, WHERE_RINGING };

/* What a row's change was, and what caused it. */
enum change {
    CHANGE_OPENED, CHANGE_STATUS, CHANGE_NOTE, CHANGE_ASSIGNED, CHANGE_WENT_COLD, CHANGE_WITHDRAWN, CHANGE_RETURNED, CHANGE_UPDATED
};
enum cause {
    CAUSE_CALL,           /* the row's own call: decided, or corrected while the row stands */
    CAUSE_CHECK,          /* after-call work is over */
    CAUSE_TALK,           /* the caller talked more than 30 s: cause_id = that call */
    CAUSE_JOB,            /* cause_id = the job */
    CAUSE_CLASSIFICATION, /* cause_id = the event */
    CAUSE_COLD,
    CAUSE_COMMAND,        /* cause_id = the command */
    CAUSE_CORRECTION,     /* a late fact took away, or moved, what an earlier output said */
    CAUSE_RULES
};

enum command_verdict { VERDICT_ACCEPTED, VERDICT_REJECTED };
enum command_reason {
    COMMAND_MALFORMED, COMMAND_NOT_PERMITTED, COMMAND_UNKNOWN_FOLLOW_UP, COMMAND_WITHDRAWN, COMMAND_VERSION_CONFLICT, COMMAND_INVALID_VALUE
};

/* Where an output stands: carried by every record, and by a tombstone in its headers. */
struct position {
    struct str journal_id;
    int32_t partition;
    int64_t seal;   /* sequence of the seal that ends its transaction */
    int32_t index;  /* in that seal, from 0 */
    int64_t number; /* dense over all topics of the partition, from 0 */
};

struct note { int64_t at; struct str actor, text; };
struct note_array { const struct note *items; uint32_t count; };

struct followup {
    struct position position;
    struct str tenant, follow_up, call_id;
    int8_t kind;
    int64_t version;
    int8_t tab /*?: null = WITHDRAWN, in no tab*/, status, outcome /*?*/, outcome_before /*?*/;
    int8_t status_before /*?: of the change or withdrawal*/;
    int64_t changed_at;
    int8_t cause;
    int64_t opened_at, closed_at /*?*/, went_cold_at /*?*/, first_attempt_at /*?*/, reviewed_at /*?: last*/, converted_at /*?*/;
    struct str resolved_by_call /*?*/, job /*?*/;
    int32_t attempt;
    struct str assignee /*?*/;
    struct note_array notes;
    /* of the call, as of this version */
    int8_t call_type, direction;
    struct str caller /*?*/, phone_number /*?: as given, also where it is no caller*/, customer /*?*/, customer_name /*?*/, queue /*?*/;
    struct str queue_name /*?*/, campaign /*?*/, agent /*?*/, agent_name /*?*/, reason /*?*/, call_notes /*?*/;
    int64_t call_started_at, call_ended_at /*?*/, duration_ms /*?*/, wait_ms /*?*/;
    int8_t abandoned_where /*?*/;
    int32_t rules_version;
};

struct followup_event {
    struct position position;
    struct str tenant, follow_up;
    int64_t version, at;
    int8_t change, cause;
    struct str cause_id /*?*/, actor /*?*/;
    int8_t status_before /*?*/, status, outcome /*?*/, tab /*?*/;
    struct str note /*?*/, assignee /*?*/;
};

struct classified_call {
    struct position position;
    struct str tenant, call_id;
    int8_t type;
    int64_t at; /* of this verdict */
    int8_t direction, kind;
    int64_t started_at, ended_at /*?*/, duration_ms /*?*/, check_at /*?*/;
    struct str from /*?*/, to /*?*/, caller /*?*/, customer /*?*/, customer_name /*?*/, campaign /*?*/, queue /*?*/, queue_name /*?*/;
    struct str agent /*?*/, agent_name /*?*/;
    int8_t ended_by /*?*/, abandoned_where /*?*/;
    int64_t wait_ms /*?*/, talk_ms;
    bool short_abandon, no_message, abandoned_in_transfer;
    int8_t classification /*?*/;
    struct str reason /*?*/;
    int8_t is_lead /*?*/;
    struct str notes /*?*/, recording /*?*/;
    struct str job /*?*/;
    int64_t job_created_at /*?*/, job_scheduled_at /*?*/, job_completed_at /*?*/, job_cancelled_at /*?*/;
    int32_t rules_version;
    struct str start_event, end_event /*?*/, condition_event /*?*/; /* the deciding events (SPEC 2) */
};

struct command_result {
    struct position position;
    struct str tenant, command_id, actor /*?*/, follow_up /*?*/;
    int64_t at;
    int8_t verdict, reason /*?*/;
    int64_t version /*?*/;
};

struct notice { struct position position; struct str tenant, follow_up, call_id; int64_t at; };

struct rejected {
    struct position position;
    struct str tenant /*?*/, event_id /*?*/;
    int32_t source;
    struct str source_name;
    int64_t offset, append_time;
    int8_t reason;
    struct str detail;
    int8_t form;
    struct str bytes;
    int64_t size_bytes;
    struct str key /*?*/; /* from here on as in struct bad_record */
    int64_t key_size_bytes /*?*/;
    struct record_header_array headers /*?*/;
    int64_t header_count /*?*/;
};

struct tombstone { struct position position; struct str key; }; /* key: that of the record which is gone */

struct output {
    enum topic topic;
    bool is_tombstone; /* then only tombstone is set */
    struct str said;   /* the record behind its position as codec_write_said wrote it; null: it is not encoded yet */
    struct str key;    /* tenant/id: followups tenant/row, followup-events tenant, calls-classified tenant/call, ... */
    union {
        struct position position; /* the first field of every one */
        struct followup followup;
        struct followup_event followup_event;
        struct classified_call classified_call;
        struct command_result command_result;
        struct notice notice;
        struct rejected rejected;
        struct tombstone tombstone;
    } body;
};

#endif
