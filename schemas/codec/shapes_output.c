/* The records of schemas/outputs, and the unions that the files of the topics hold. */
#include "shape.h"

static const struct field position[] = {
    STRING(position, journal_id), INT(position, partition), LONG(position, seal), INT(position, index), LONG(position, number),
};
const struct shape shape_position = SHAPE("Position", position, OWN_RECORD_BYTES_MAX);

static const struct field note[] = {
    TIME(note, at),
    STRING(note, actor),
    STRING(note, text),
};
static const struct shape shape_note = SHAPE("Note", note, OWN_RECORD_BYTES_MAX);

static const struct field followup[] = {
    RECORD(followup, position, &shape_position),
    STRING(followup, tenant),
    STRING(followup, follow_up),
    STRING(followup, call_id),
    ENUM(followup, kind, ENUM_FOLLOWUP_KIND),
    LONG(followup, version),
    ENUM_OR_NULL(followup, tab, ENUM_TAB),
    ENUM(followup, status, ENUM_STATUS),
    ENUM_OR_NULL(followup, outcome, ENUM_OUTCOME),
    ENUM_OR_NULL(followup, outcome_before, ENUM_OUTCOME),
    ENUM_OR_NULL(followup, status_before, ENUM_STATUS),
    TIME(followup, changed_at),
    ENUM(followup, cause, ENUM_CAUSE),
    TIME(followup, opened_at),
    TIME_OR_NULL(followup, closed_at),
    TIME_OR_NULL(followup, went_cold_at),
    TIME_OR_NULL(followup, first_attempt_at),
    TIME_OR_NULL(followup, reviewed_at),
    TIME_OR_NULL(followup, converted_at),
    STRING_OR_NULL(followup, resolved_by_call),
    STRING_OR_NULL(followup, job),
    INT(followup, attempt),
    STRING_OR_NULL(followup, assignee),
    RECORDS(followup, notes, note, &shape_note),
    ENUM(followup, call_type, ENUM_CALL_TYPE),
    ENUM(followup, direction, ENUM_DIRECTION),
    STRING_OR_NULL(followup, caller),
    STRING_OR_NULL(followup, phone_number),
    STRING_OR_NULL(followup, customer),
    STRING_OR_NULL(followup, customer_name),
    STRING_OR_NULL(followup, queue),
    STRING_OR_NULL(followup, queue_name),
    STRING_OR_NULL(followup, campaign),
    STRING_OR_NULL(followup, agent),
    STRING_OR_NULL(followup, agent_name),
    STRING_OR_NULL(followup, reason),
    STRING_OR_NULL(followup, call_notes),
    TIME(followup, call_started_at),
    TIME_OR_NULL(followup, call_ended_at),
    LONG_OR_NULL(followup, duration_ms),
    LONG_OR_NULL(followup, wait_ms),
    ENUM_OR_NULL(followup, abandoned_where, ENUM_ABANDONED_WHERE),
    INT(followup, rules_version),
};
const struct shape shape_followup = SHAPE("Followup", followup, OWN_RECORD_BYTES_MAX);

static const struct field followup_event[] = {
    RECORD(followup_event, position, &shape_position),
    STRING(followup_event, tenant),
    STRING(followup_event, follow_up),
    LONG(followup_event, version),
    TIME(followup_event, at),
    ENUM(followup_event, change, ENUM_CHANGE),
    ENUM(followup_event, cause, ENUM_CAUSE),
    STRING_OR_NULL(followup_event, cause_id),
    STRING_OR_NULL(followup_event, actor),
    ENUM_OR_NULL(followup_event, status_before, ENUM_STATUS),
    ENUM(followup_event, status, ENUM_STATUS),
    ENUM_OR_NULL(followup_event, outcome, ENUM_OUTCOME),
    ENUM_OR_NULL(followup_event, tab, ENUM_TAB),
    STRING_OR_NULL(followup_event, note),
    STRING_OR_NULL(followup_event, assignee),
};
const struct shape shape_followup_event = SHAPE("FollowupEvent", followup_event, OWN_RECORD_BYTES_MAX);

static const struct field classified_call[] = {
    RECORD(classified_call, position, &shape_position),
    STRING(classified_call, tenant),
    STRING(classified_call, call_id),
    ENUM(classified_call, type, ENUM_CALL_TYPE),
    ASIDE(classified_call, at, AS_INT64(classified_call, at, FIELD_TIME), false, 0),
    ENUM(classified_call, direction, ENUM_DIRECTION),
    ENUM(classified_call, kind, ENUM_CALL_KIND),
    TIME(classified_call, started_at),
    TIME_OR_NULL(classified_call, ended_at),
    LONG_OR_NULL(classified_call, duration_ms),
    ASIDE(classified_call, check_at, AS_INT64(classified_call, check_at, FIELD_TIME), true, 0), /* a change of settings moves it for many calls at once */
    STRING_OR_NULL(classified_call, from),
    STRING_OR_NULL(classified_call, to),
    STRING_OR_NULL(classified_call, caller),
    STRING_OR_NULL(classified_call, customer),
    TEXT_ASIDE(classified_call, customer_name),
    STRING_OR_NULL(classified_call, campaign),
    STRING_OR_NULL(classified_call, queue),
    TEXT_ASIDE(classified_call, queue_name),
    STRING_OR_NULL(classified_call, agent),
    TEXT_ASIDE(classified_call, agent_name),
    ENUM_OR_NULL(classified_call, ended_by, ENUM_ENDED_BY),
    ENUM_OR_NULL(classified_call, abandoned_where, ENUM_ABANDONED_WHERE),
    LONG_OR_NULL(classified_call, wait_ms),
    LONG(classified_call, talk_ms),
    BOOLEAN(classified_call, short_abandon),
    BOOLEAN(classified_call, no_message),
    BOOLEAN(classified_call, abandoned_in_transfer),
    ENUM_OR_NULL(classified_call, classification, ENUM_CLASSIFICATION),
    STRING_OR_NULL(classified_call, reason),
    BOOLEAN_OR_NULL(classified_call, is_lead),
    STRING_OR_NULL(classified_call, notes),
    STRING_OR_NULL(classified_call, recording),
    STRING_OR_NULL(classified_call, job),
    TIME_OR_NULL(classified_call, job_created_at),
    TIME_OR_NULL(classified_call, job_scheduled_at),
    TIME_OR_NULL(classified_call, job_completed_at),
    TIME_OR_NULL(classified_call, job_cancelled_at),
    ASIDE(classified_call, rules_version, FIELD_INT, false, 2), /* as of version 1: which rules say it is nothing else said */
    STRING(classified_call, start_event),
    STRING_OR_NULL(classified_call, end_event),
    STRING_OR_NULL(classified_call, condition_event),
};
const struct shape shape_classified_call = SHAPE("ClassifiedCall", classified_call, OWN_RECORD_BYTES_MAX);

static const struct field command_result[] = {
    RECORD(command_result, position, &shape_position),
    STRING(command_result, tenant),
    STRING(command_result, command_id),
    STRING_OR_NULL(command_result, actor),
    STRING_OR_NULL(command_result, follow_up),
    TIME(command_result, at),
    ENUM(command_result, verdict, ENUM_COMMAND_VERDICT),
    ENUM_OR_NULL(command_result, reason, ENUM_COMMAND_REASON),
    LONG_OR_NULL(command_result, version),
};
const struct shape shape_command_result = SHAPE("CommandResult", command_result, OWN_RECORD_BYTES_MAX);

static const struct field notice[] = {
    RECORD(notice, position, &shape_position), STRING(notice, tenant), STRING(notice, follow_up), STRING(notice, call_id), TIME(notice, at),
};
const struct shape shape_notice = SHAPE("Notice", notice, OWN_RECORD_BYTES_MAX);

static const struct field rejected[] = {
    RECORD(rejected, position, &shape_position),
    STRING_OR_NULL(rejected, tenant),
    STRING_OR_NULL(rejected, event_id),
    INT(rejected, source),
    STRING(rejected, source_name),
    LONG(rejected, offset),
    TIME(rejected, append_time),
    ENUM(rejected, reason, ENUM_REJECT_REASON),
    STRING(rejected, detail),
    ENUM(rejected, form, ENUM_BYTES_FORM),
    BYTES(rejected, bytes),
    LONG(rejected, size_bytes),
    BYTES_OR_NULL(rejected, key),
    LONG_OR_NULL(rejected, key_size_bytes),
    RECORDS_OR_NULL(rejected, headers, record_header, &shape_record_header),
    LONG_OR_NULL(rejected, header_count),
};
const struct shape shape_rejected = SHAPE_WITH_ADDED("Rejected", rejected, OWN_RECORD_BYTES_MAX, 4);

static const struct field tombstone[] = {
    RECORD(tombstone, position, &shape_position),
    STRING(tombstone, key),
};
const struct shape shape_tombstone = SHAPE("Tombstone", tombstone, OWN_RECORD_BYTES_MAX);

/* The tag is is_tombstone: branch 0 the record, branch 1 the tombstone. */
#define TOPIC(record)                                                                                                                      \
    {                                                                                                                                      \
        .name = "Output", .size_max = OWN_RECORD_BYTES_MAX, .branches = (const struct shape *const[]){&record, &shape_tombstone},          \
        .branch_count = 2, .tag_offset = offsetof(struct output, is_tombstone), .body_offset = offsetof(struct output, body)               \
    }

static const struct shape topics[TOPICS] = {
    [TOPIC_REJECTED] = TOPIC(shape_rejected),  [TOPIC_CALLS_CLASSIFIED] = TOPIC(shape_classified_call),
    [TOPIC_FOLLOWUPS] = TOPIC(shape_followup), [TOPIC_FOLLOWUP_EVENTS] = TOPIC(shape_followup_event),
    [TOPIC_NOTICES] = TOPIC(shape_notice),     [TOPIC_COMMAND_RESULTS] = TOPIC(shape_command_result),
};

const struct shape *shape_of_topic(enum topic topic) { return &topics[topic]; }
