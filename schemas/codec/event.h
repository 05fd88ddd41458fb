/*
 * event: what comes in, as plain structs (SPEC 2, 5).
 *
 * One struct a record of schemas/events; the names are those of the Avro fields. Strings are slices of the
 * bytes decoded (str.h), times are ms since 1970 UTC, NONE is null for numbers, -1 is null for enums.
 * The order of the enums is the order of the Avro symbols and of the branches of Event.body: append only.
 */
#ifndef RINGBACK_EVENT_H
#define RINGBACK_EVENT_H

#include "str.h"

#define NONE INT64_MIN

enum event_type {
    /* calls */
    EVENT_CALL_STARTED,
    EVENT_PRE_ROUTING_PLAYED,
    EVENT_MODULE_ENTERED,
    EVENT_QUEUE_ENTERED,
    EVENT_QUEUE_EXITED,
    EVENT_CALLBACK_REQUESTED,
    EVENT_AGENT_OFFERED,
    EVENT_OFFER_ENDED,
    EVENT_AGENT_CONNECTED,
    EVENT_AGENT_DISCONNECTED,
    EVENT_HOLD_STARTED,
    EVENT_HOLD_ENDED,
    EVENT_WRAP_UP_STARTED,
    EVENT_WRAP_UP_ENDED,
    EVENT_TRANSFERRED,
    EVENT_FORWARDED,
    EVENT_VOICEMAIL_STARTED,
    EVENT_VOICEMAIL_LEFT,
    EVENT_VOICE_AGENT_CONNECTED,
    EVENT_VOICE_AGENT_DISCONNECTED,
    EVENT_CALL_ENDED,
    EVENT_CALL_CLASSIFIED,
    EVENT_CUSTOMER_LINKED,
    EVENT_RECORDING_AVAILABLE,
    /* agents */
    EVENT_AGENT_STATUS_CHANGED,
    /* jobs */
    EVENT_JOB_BOOKED,
    EVENT_JOB_RESCHEDULED,
    EVENT_JOB_COMPLETED,
    EVENT_JOB_CANCELLED,
    /* commands */
    EVENT_SET_STATUS,
    EVENT_ADD_NOTE,
    EVENT_ASSIGN,
    EVENT_START_CALLBACK,
    EVENT_DISMISS,
    EVENT_REOPEN,
    EVENT_CHANGE_SETTINGS,
    /* permissions */
    EVENT_ROLE_CHANGED,
    EVENT_ROLES_ASSIGNED,
    /* directory */
    EVENT_TENANT_CHANGED,
    EVENT_NUMBER_CHANGED,
    EVENT_QUEUE_CHANGED,
    EVENT_AGENT_CHANGED,
    EVENT_CUSTOMER_CHANGED,
    /* the network */
    EVENT_ACTIVATE_RULES,
    EVENT_TYPES
};

/* What an event is about; also which Kafka source carries it. */
enum event_subject { SUBJECT_CALL, SUBJECT_AGENT, SUBJECT_JOB, SUBJECT_COMMAND, SUBJECT_DIRECTORY };
enum event_subject event_subject(enum event_type type);

enum direction { DIRECTION_INBOUND, DIRECTION_OUTBOUND, DIRECTION_INTERNAL };
enum call_kind { CALL_KIND_QUEUE, CALL_KIND_DIRECT, CALL_KIND_INTERNAL };
enum module_kind {
    MODULE_TEXT_TO_SPEECH, MODULE_SOUND_FILE, MODULE_DATE_TIME_RULE, MODULE_IVR, MODULE_QUEUE,
    MODULE_VOICE_AGENT, MODULE_CALL_FORWARDING, MODULE_GROUP_VOICEMAIL
};
enum queue_exit {
    QUEUE_EXIT_ANSWERED, QUEUE_EXIT_ROLLOVER, QUEUE_EXIT_TIMEOUT, QUEUE_EXIT_OVERFLOW, QUEUE_EXIT_WITHDRAWN, QUEUE_EXIT_LEFT
};
enum offer_end { OFFER_ACCEPTED, OFFER_REJECTED, OFFER_MISSED, OFFER_CALLER_HUNG_UP, OFFER_CANCELLED };
enum transfer_to { TRANSFER_AGENT, TRANSFER_QUEUE, TRANSFER_EXTERNAL };
enum forward_destination { FORWARD_VOICE_AGENT, FORWARD_EXTERNAL };
enum forward_why { FORWARD_BY_MODULE, FORWARD_BY_CONTINUITY, FORWARD_BY_TRANSFER };
enum voice_agent_result { VOICE_AGENT_BOOKED, VOICE_AGENT_NOT_BOOKED, VOICE_AGENT_SPAM };
enum ended_by { ENDED_BY_CALLER, ENDED_BY_AGENT, ENDED_BY_SYSTEM, ENDED_BY_UNKNOWN };
enum classification { CLASS_BOOKED, CLASS_UNBOOKED, CLASS_EXCUSED, CLASS_NOT_A_LEAD };
enum agent_status_why { STATUS_BY_PERSON, STATUS_MISSED, STATUS_REJECTED };
enum week_start { WEEK_MONDAY, WEEK_SUNDAY, WEEK_SATURDAY };
enum number_kind { NUMBER_TRACKING, NUMBER_DIRECT_DIAL };

/* SPEC 3 and 4: the statuses of both kinds of row. Outputs use the same enum. */
enum status {
    STATUS_NEW, STATUS_CONTACT_ATTEMPTED, STATUS_FOLLOW_UP_NEEDED, STATUS_RESOLVED, STATUS_DISMISSED,
    STATUS_NOT_A_LEAD, STATUS_NOT_FOLLOWING_UP, STATUS_WITHDRAWN
};

enum permission {
    PERMISSION_VIEW_AND_ACTION_ALL_FOLLOW_UPS, /* includes the next two */
    PERMISSION_EDIT_ABANDONED_CALLS,
    PERMISSION_EDIT_SECOND_CHANCE_LEADS,
    PERMISSION_VIEW_AND_EDIT_FEATURE_MANAGEMENT,
    PERMISSION_EDIT_TI_FOLLOW_UP_AND_REPORTING_SETTINGS,
    PERMISSION_EDIT_VOICE_AGENT_SETTINGS,
    PERMISSION_EDIT_ROUTING_WORKFLOWS,
    PERMISSION_PHONE_SETTINGS,
    PERMISSION_FORWARDING_NUMBER_SETTINGS
};

struct str_array { const struct str *items; uint32_t count; };
struct permission_array { const int8_t *items; uint32_t count; }; /* enum permission */

/* "?" marks fields that may be null. Every struct of a call starts with call_id, of a job with job_id,
 * of a row command with follow_up (the row's id: ab- or sc- + call_id). */
struct call_started { struct str call_id; int8_t direction, kind; struct str from /*?*/, to /*?*/, customer /*?*/, follow_up /*?*/; };
struct pre_routing_played { struct str call_id; };
struct module_entered {
    struct str call_id, workflow;
    int64_t workflow_version /*?*/;
    struct str module_id;
    int8_t module;
    struct str branch /*?*/;
};
struct queue_entered { struct str call_id, queue; };
struct queue_exited { struct str call_id, queue; int8_t reason; };
struct callback_requested { struct str call_id, number /*?*/; };
struct agent_offered { struct str call_id, leg, agent; };
struct offer_ended { struct str call_id, leg; int8_t result; };
struct agent_connected { struct str call_id, leg, agent; };
struct agent_disconnected { struct str call_id, leg; };
struct hold_started { struct str call_id, leg /*?: all legs*/; };
struct hold_ended { struct str call_id, leg /*?: all legs*/; };
struct wrap_up_started { struct str call_id, leg /*?*/, agent /*?*/; };
struct wrap_up_ended { struct str call_id, leg /*?*/, agent /*?*/; };
struct transferred { struct str call_id, leg /*?*/; int8_t to_kind; struct str to; };
struct forwarded { struct str call_id, to /*?*/; int8_t destination, why; };
struct voicemail_started { struct str call_id, box /*?*/; };
struct voicemail_left { struct str call_id, recording /*?*/; int64_t duration_ms /*?*/; };
struct voice_agent_connected { struct str call_id, leg; };
struct voice_agent_disconnected { struct str call_id, leg; int8_t result; struct str notes /*?*/; };
struct call_ended { struct str call_id; int8_t by; struct str cause /*?*/; };
struct call_classified {
    struct str call_id, by /*?*/;
    int8_t classification;
    struct str reason /*?*/;
    int8_t is_lead /*?: -1 null, 0, 1*/;
    struct str notes /*?*/, job /*?*/;
};
struct customer_linked { struct str call_id, customer; };
struct recording_available { struct str call_id, address; };
struct agent_status_changed { struct str agent, status; int8_t why; };
struct job_booked { struct str job_id, call /*?*/, customer /*?*/, caller /*?*/; int64_t created_at /*?*/, scheduled_at /*?*/; };
struct job_rescheduled { struct str job_id; int64_t scheduled_at; };
struct job_completed { struct str job_id; };
struct job_cancelled { struct str job_id, reason /*?*/; };
struct set_status { struct str follow_up; int64_t expected_version /*?*/; int8_t status; };
struct add_note { struct str follow_up; int64_t expected_version /*?*/; struct str note; };
struct assign { struct str follow_up; int64_t expected_version /*?*/; struct str assignee /*?: nobody*/; };
struct start_callback { struct str follow_up; int64_t expected_version /*?*/; };
struct dismiss { struct str follow_up; int64_t expected_version /*?*/; };
struct reopen { struct str follow_up; int64_t expected_version /*?*/; };
struct setting { struct str key, value; }; /* value as text: on, off or a whole number */
struct setting_array { const struct setting *items; uint32_t count; };
struct change_settings { int64_t expected_version /*?: of the scope*/; struct setting_array changes; };
struct role_changed { struct str role; struct permission_array permissions; };
struct roles_assigned { struct str person; struct str_array roles; };
struct tenant_changed { struct str name, zone; int8_t week_start; };
struct number_changed {
    struct str number;
    int8_t kind;
    struct str campaign /*?*/, workflow /*?*/, continuity_number /*?*/, agent /*?*/;
    bool texts;
};
struct queue_changed { struct str queue, name; };
struct agent_changed { struct str agent, name; };
struct customer_changed { struct str customer, name; struct str_array numbers; };
struct activate_rules { int32_t version; };

struct event {
    struct str tenant;
    struct str event_id; /* of a command: its command_id */
    int64_t occurred_at; /* ms since 1970 UTC */
    struct str actor;    /* ?: the person who acted */
    int8_t type;         /* enum event_type: the branch of body */
    union {
        struct call_started call_started;
        struct pre_routing_played pre_routing_played;
        struct module_entered module_entered;
        struct queue_entered queue_entered;
        struct queue_exited queue_exited;
        struct callback_requested callback_requested;
        struct agent_offered agent_offered;
        struct offer_ended offer_ended;
        struct agent_connected agent_connected;
        struct agent_disconnected agent_disconnected;
        struct hold_started hold_started;
        struct hold_ended hold_ended;
        struct wrap_up_started wrap_up_started;
        struct wrap_up_ended wrap_up_ended;
        struct transferred transferred;
        struct forwarded forwarded;
        struct voicemail_started voicemail_started;
        struct voicemail_left voicemail_left;
        struct voice_agent_connected voice_agent_connected;
        struct voice_agent_disconnected voice_agent_disconnected;
        struct call_ended call_ended;
        struct call_classified call_classified;
        struct customer_linked customer_linked;
        struct recording_available recording_available;
        struct agent_status_changed agent_status_changed;
        struct job_booked job_booked;
        struct job_rescheduled job_rescheduled;
        struct job_completed job_completed;
        struct job_cancelled job_cancelled;
        struct set_status set_status;
        struct add_note add_note;
        struct assign assign;
        struct start_callback start_callback;
        struct dismiss dismiss;
        struct reopen reopen;
        struct change_settings change_settings;
        struct role_changed role_changed;
        struct roles_assigned roles_assigned;
        struct tenant_changed tenant_changed;
        struct number_changed number_changed;
        struct queue_changed queue_changed;
        struct agent_changed agent_changed;
        struct customer_changed customer_changed;
        struct activate_rules activate_rules;
        struct str subject; /* the first field of every body but change_settings and activate_rules: what it is about */
    } body;
};

/* The longest tenant, event, call, job, leg, queue, agent, customer, role or person id: they become keys. */
#define ID_BYTES_MAX 128

/*
 * Checks what a schema cannot: ids non-empty, at most ID_BYTES_MAX bytes and without control characters; occurred_at and other
 * times from 1970 to 9999; enums in range. Returns NULL, or a static text that names the field and what it should be.
 * The actor of a command is not looked at: the fold answers such a command MALFORMED.
 */
const char *event_check(const struct event *event);
bool id_is_valid(struct str id);

#endif
