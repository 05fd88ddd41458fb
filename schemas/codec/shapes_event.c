/* The bodies of schemas/events, in the order of enum event_type, and their envelope. */
#include "shape.h"

static const struct field setting[] = {
    STRING(setting, key),
    STRING(setting, value),
};
static const struct shape shape_setting = SHAPE("Setting", setting, RECORD_BYTES_MAX);

static const struct field call_started[] = {
    ID(call_started, call_id),
    ENUM(call_started, direction, ENUM_DIRECTION),
    ENUM(call_started, kind, ENUM_CALL_KIND),
    STRING_OR_NULL(call_started, from),
    STRING_OR_NULL(call_started, to),
    ID_OR_NULL(call_started, customer),
    STRING_OR_NULL(call_started, follow_up),
};
static const struct field pre_routing_played[] = {
    ID(pre_routing_played, call_id),
};
static const struct field module_entered[] = {
    ID(module_entered, call_id),
    STRING(module_entered, workflow),
    LONG_OR_NULL(module_entered, workflow_version),
    STRING(module_entered, module_id),
    ENUM(module_entered, module, ENUM_MODULE_KIND),
    STRING_OR_NULL(module_entered, branch),
};
static const struct field queue_entered[] = {
    ID(queue_entered, call_id),
    ID(queue_entered, queue),
};
static const struct field queue_exited[] = {
    ID(queue_exited, call_id),
    ID(queue_exited, queue),
    ENUM(queue_exited, reason, ENUM_QUEUE_EXIT),
};
static const struct field callback_requested[] = {
    ID(callback_requested, call_id),
    STRING_OR_NULL(callback_requested, number),
};
static const struct field agent_offered[] = {
    ID(agent_offered, call_id),
    ID(agent_offered, leg),
    ID(agent_offered, agent),
};
static const struct field offer_ended[] = {
    ID(offer_ended, call_id),
    ID(offer_ended, leg),
    ENUM(offer_ended, result, ENUM_OFFER_END),
};
static const struct field agent_connected[] = {
    ID(agent_connected, call_id),
    ID(agent_connected, leg),
    ID(agent_connected, agent),
};
static const struct field agent_disconnected[] = {
    ID(agent_disconnected, call_id),
    ID(agent_disconnected, leg),
};
static const struct field hold_started[] = {
    ID(hold_started, call_id),
    ID_OR_NULL(hold_started, leg),
};
static const struct field hold_ended[] = {
    ID(hold_ended, call_id),
    ID_OR_NULL(hold_ended, leg),
};
static const struct field wrap_up_started[] = {
    ID(wrap_up_started, call_id),
    ID_OR_NULL(wrap_up_started, leg),
    ID_OR_NULL(wrap_up_started, agent),
};
static const struct field wrap_up_ended[] = {
    ID(wrap_up_ended, call_id),
    ID_OR_NULL(wrap_up_ended, leg),
    ID_OR_NULL(wrap_up_ended, agent),
};
static const struct field transferred[] = {
    ID(transferred, call_id),
    ID_OR_NULL(transferred, leg),
    ENUM(transferred, to_kind, ENUM_TRANSFER_TO),
    STRING(transferred, to),
};
static const struct field forwarded[] = {
    ID(forwarded, call_id),
    STRING_OR_NULL(forwarded, to),
    ENUM(forwarded, destination, ENUM_FORWARD_DESTINATION),
    ENUM(forwarded, why, ENUM_FORWARD_WHY),
};
static const struct field voicemail_started[] = {
    ID(voicemail_started, call_id),
    STRING_OR_NULL(voicemail_started, box),
};
static const struct field voicemail_left[] = {
    ID(voicemail_left, call_id),
    STRING_OR_NULL(voicemail_left, recording),
    LONG_OR_NULL(voicemail_left, duration_ms),
};
static const struct field voice_agent_connected[] = {
    ID(voice_agent_connected, call_id),
    ID(voice_agent_connected, leg),
};
static const struct field voice_agent_disconnected[] = {
    ID(voice_agent_disconnected, call_id),
    ID(voice_agent_disconnected, leg),
    ENUM(voice_agent_disconnected, result, ENUM_VOICE_AGENT_RESULT),
    STRING_OR_NULL(voice_agent_disconnected, notes),
};
static const struct field call_ended[] = {
    ID(call_ended, call_id),
    ENUM(call_ended, by, ENUM_ENDED_BY),
    STRING_OR_NULL(call_ended, cause),
};
static const struct field call_classified[] = {
    ID(call_classified, call_id),
    STRING_OR_NULL(call_classified, by),
    ENUM(call_classified, classification, ENUM_CLASSIFICATION),
    STRING_OR_NULL(call_classified, reason),
    BOOLEAN_OR_NULL(call_classified, is_lead),
    STRING_OR_NULL(call_classified, notes),
    ID_OR_NULL(call_classified, job),
};
static const struct field customer_linked[] = {
    ID(customer_linked, call_id),
    ID(customer_linked, customer),
};
static const struct field recording_available[] = {
    ID(recording_available, call_id),
    STRING(recording_available, address),
};
static const struct field agent_status_changed[] = {
    ID(agent_status_changed, agent),
    STRING(agent_status_changed, status),
    ENUM(agent_status_changed, why, ENUM_AGENT_STATUS_WHY),
};
static const struct field job_booked[] = {
    ID(job_booked, job_id),
    ID_OR_NULL(job_booked, call),
    ID_OR_NULL(job_booked, customer),
    STRING_OR_NULL(job_booked, caller),
    TIME_OR_NULL(job_booked, created_at),
    TIME_OR_NULL(job_booked, scheduled_at),
};
static const struct field job_rescheduled[] = {
    ID(job_rescheduled, job_id),
    TIME(job_rescheduled, scheduled_at),
};
static const struct field job_completed[] = {
    ID(job_completed, job_id),
};
static const struct field job_cancelled[] = {
    ID(job_cancelled, job_id),
    STRING_OR_NULL(job_cancelled, reason),
};
static const struct field set_status[] = {
    ROW_ID(set_status, follow_up),
    LONG_OR_NULL(set_status, expected_version),
    ENUM(set_status, status, ENUM_STATUS),
};
static const struct field add_note[] = {
    ROW_ID(add_note, follow_up),
    LONG_OR_NULL(add_note, expected_version),
    STRING(add_note, note),
};
static const struct field assign[] = {
    ROW_ID(assign, follow_up),
    LONG_OR_NULL(assign, expected_version),
    STRING_OR_NULL(assign, assignee),
};
static const struct field start_callback[] = {
    ROW_ID(start_callback, follow_up),
    LONG_OR_NULL(start_callback, expected_version),
};
static const struct field dismiss[] = {
    ROW_ID(dismiss, follow_up),
    LONG_OR_NULL(dismiss, expected_version),
};
static const struct field reopen[] = {
    ROW_ID(reopen, follow_up),
    LONG_OR_NULL(reopen, expected_version),
};
static const struct field change_settings[] = {
    LONG_OR_NULL(change_settings, expected_version),
    RECORDS(change_settings, changes, setting, &shape_setting),
};
static const struct field role_changed[] = {
    ID(role_changed, role),
    ENUMS_OF(role_changed, permissions, ENUM_PERMISSION),
};
static const struct field roles_assigned[] = {
    ID(roles_assigned, person),
    IDS(roles_assigned, roles),
};
static const struct field tenant_changed[] = {
    STRING(tenant_changed, name),
    STRING(tenant_changed, zone),
    ENUM(tenant_changed, week_start, ENUM_WEEK_START),
};
static const struct field number_changed[] = {
    ID(number_changed, number),
    ENUM(number_changed, kind, ENUM_NUMBER_KIND),
    STRING_OR_NULL(number_changed, campaign),
    STRING_OR_NULL(number_changed, workflow),
    STRING_OR_NULL(number_changed, continuity_number),
    ID_OR_NULL(number_changed, agent),
    BOOLEAN(number_changed, texts),
};
static const struct field queue_changed[] = {
    ID(queue_changed, queue),
    STRING(queue_changed, name),
};
static const struct field agent_changed[] = {
    ID(agent_changed, agent),
    STRING(agent_changed, name),
};
static const struct field customer_changed[] = {
    ID(customer_changed, customer),
    STRING(customer_changed, name),
    IDS(customer_changed, numbers),
};
static const struct field activate_rules[] = {
    INT(activate_rules, version),
};

#define BODY(avro_name, table) &(const struct shape)SHAPE(avro_name, table, RECORD_BYTES_MAX)

const struct shape *const event_shapes[EVENT_TYPES] = {
    [EVENT_CALL_STARTED] = BODY("CallStarted", call_started),
    [EVENT_PRE_ROUTING_PLAYED] = BODY("PreRoutingPlayed", pre_routing_played),
    [EVENT_MODULE_ENTERED] = BODY("ModuleEntered", module_entered),
    [EVENT_QUEUE_ENTERED] = BODY("QueueEntered", queue_entered),
    [EVENT_QUEUE_EXITED] = BODY("QueueExited", queue_exited),
    [EVENT_CALLBACK_REQUESTED] = BODY("CallbackRequested", callback_requested),
    [EVENT_AGENT_OFFERED] = BODY("AgentOffered", agent_offered),
    [EVENT_OFFER_ENDED] = BODY("OfferEnded", offer_ended),
    [EVENT_AGENT_CONNECTED] = BODY("AgentConnected", agent_connected),
    [EVENT_AGENT_DISCONNECTED] = BODY("AgentDisconnected", agent_disconnected),
    [EVENT_HOLD_STARTED] = BODY("HoldStarted", hold_started),
    [EVENT_HOLD_ENDED] = BODY("HoldEnded", hold_ended),
    [EVENT_WRAP_UP_STARTED] = BODY("WrapUpStarted", wrap_up_started),
    [EVENT_WRAP_UP_ENDED] = BODY("WrapUpEnded", wrap_up_ended),
    [EVENT_TRANSFERRED] = BODY("Transferred", transferred),
    [EVENT_FORWARDED] = BODY("Forwarded", forwarded),
    [EVENT_VOICEMAIL_STARTED] = BODY("VoicemailStarted", voicemail_started),
    [EVENT_VOICEMAIL_LEFT] = BODY("VoicemailLeft", voicemail_left),
    [EVENT_VOICE_AGENT_CONNECTED] = BODY("VoiceAgentConnected", voice_agent_connected),
    [EVENT_VOICE_AGENT_DISCONNECTED] = BODY("VoiceAgentDisconnected", voice_agent_disconnected),
    [EVENT_CALL_ENDED] = BODY("CallEnded", call_ended),
    [EVENT_CALL_CLASSIFIED] = BODY("CallClassified", call_classified),
    [EVENT_CUSTOMER_LINKED] = BODY("CustomerLinked", customer_linked),
    [EVENT_RECORDING_AVAILABLE] = BODY("RecordingAvailable", recording_available),
    [EVENT_AGENT_STATUS_CHANGED] = BODY("AgentStatusChanged", agent_status_changed),
    [EVENT_JOB_BOOKED] = BODY("JobBooked", job_booked),
    [EVENT_JOB_RESCHEDULED] = BODY("JobRescheduled", job_rescheduled),
    [EVENT_JOB_COMPLETED] = BODY("JobCompleted", job_completed),
    [EVENT_JOB_CANCELLED] = BODY("JobCancelled", job_cancelled),
    [EVENT_SET_STATUS] = BODY("SetStatus", set_status),
    [EVENT_ADD_NOTE] = BODY("AddNote", add_note),
    [EVENT_ASSIGN] = BODY("Assign", assign),
    [EVENT_START_CALLBACK] = BODY("StartCallback", start_callback),
    [EVENT_DISMISS] = BODY("Dismiss", dismiss),
    [EVENT_REOPEN] = BODY("Reopen", reopen),
    [EVENT_CHANGE_SETTINGS] = BODY("ChangeSettings", change_settings),
    [EVENT_ROLE_CHANGED] = BODY("RoleChanged", role_changed),
    [EVENT_ROLES_ASSIGNED] = BODY("RolesAssigned", roles_assigned),
    [EVENT_TENANT_CHANGED] = BODY("TenantChanged", tenant_changed),
    [EVENT_NUMBER_CHANGED] = BODY("NumberChanged", number_changed),
    [EVENT_QUEUE_CHANGED] = BODY("QueueChanged", queue_changed),
    [EVENT_AGENT_CHANGED] = BODY("AgentChanged", agent_changed),
    [EVENT_CUSTOMER_CHANGED] = BODY("CustomerChanged", customer_changed),
    [EVENT_ACTIVATE_RULES] = BODY("ActivateRules", activate_rules),
};

const struct shape shape_event_body = {
    .name = "EventBody",
    .size_max = RECORD_BYTES_MAX,
    .branches = event_shapes,
    .branch_count = EVENT_TYPES,
    .tag_offset = offsetof(struct event, type),
    .body_offset = offsetof(struct event, body),
};

static const struct field event[] = {
    ID(event, tenant), ID(event, event_id), TIME(event, occurred_at), STRING_OR_NULL(event, actor), UNION(body, &shape_event_body),
};
const struct shape shape_event = SHAPE("Event", event, RECORD_BYTES_MAX);

const char *event_type_text(enum event_type type) { return (unsigned)type < EVENT_TYPES ? event_shapes[type]->name : "?"; }
