#include "explain_rules.h"

#include <stddef.h>
#include <string.h>

static const struct rule types[CALL_TYPES] = {
    [TYPE_INTERNAL] = {"2", "its direction is INTERNAL", READ_NOW, {NULL}},
    [TYPE_BOOKED] = {"2",
                     "somebody was connected, and a job that names the call was booked by check time and not cancelled by then, or it was "
                     "classified as BOOKED",
                     READ_AT_DECISION,
                     {"second_chance.acw_minutes"}},
    [TYPE_EXCUSED] = {"2", "somebody was connected, and the call was classified as EXCUSED", READ_NOW, {NULL}},
    [TYPE_NOT_A_LEAD] = {"2", "somebody was connected, and the call was classified as NOT_A_LEAD", READ_NOW, {NULL}},
    [TYPE_LOST] = {"2", "no end came within stuck_call_hours of its latest event", READ_AT_START, {"stuck_call_hours"}},
    [TYPE_UNBOOKED] = {"2",
                       "somebody was connected, and nothing says that a job was booked by check time",
                       READ_AT_DECISION,
                       {"second_chance.acw_minutes"}},
    [TYPE_VOICE_AGENT] = {"2", "the Voice Agent was connected, no agent was, and no queue was entered after it", READ_NOW, {NULL}},
    [TYPE_VOICEMAIL] = {"2", "nobody was connected, and voicemail was entered", READ_NOW, {NULL}},
    [TYPE_FORWARDED] = {"2", "nobody was connected, and the call was forwarded", READ_NOW, {NULL}},
    [TYPE_CALLBACK_REQUESTED] = {"2", "nobody was connected, and the caller asked in the queue to be called back", READ_NOW, {NULL}},
    [TYPE_DISCONNECTED] = {"2", "the number had no active workflow", READ_NOW, {NULL}},
    [TYPE_ABANDONED] = {"2", "it is inbound, nobody was connected, and the caller hung up", READ_NOW, {NULL}},
    [TYPE_MISSED] = {"2", "it is inbound, nobody was connected, and it was not the caller who ended it", READ_NOW, {NULL}},
    [TYPE_OUTBOUND] = {"2", "it is outbound, and the far party did not answer", READ_NOW, {NULL}},
    [TYPE_IN_PROGRESS] = {"2", "a late fact took back what was decided: the call has not ended, or not yet", READ_NOW, {NULL}},
};

const struct rule *rule_of_type(enum call_type type) { return (unsigned)type < CALL_TYPES ? &types[type] : NULL; }

static const struct rule opened_by_type[CALL_TYPES] = {
    [TYPE_ABANDONED] = {"3", "an abandoned call opens a row", READ_NOW, {NULL}},
    [TYPE_MISSED] = {"3", "missed calls are followed up where follow_up_missed is on", READ_AT_DECISION, {"follow_up_missed"}},
    [TYPE_CALLBACK_REQUESTED] = {"3",
                                 "callbacks that were asked for are followed up where follow_up_callback is on",
                                 READ_AT_DECISION,
                                 {"follow_up_callback"}},
    [TYPE_VOICEMAIL] = {"3",
                        "a voicemail without a message is followed up where follow_up_empty_voicemail is on",
                        READ_AT_DECISION,
                        {"follow_up_empty_voicemail"}},
};

static const struct rule not_worked = {"3", "calls of this type open no abandoned row", READ_NOW, {NULL}};

const struct rule *rule_of_no_row(enum call_type type) {
    if (type == TYPE_IN_PROGRESS || type == TYPE_ABANDONED) return NULL;
    return opened_by_type[type].text ? &opened_by_type[type] : &not_worked;
}

/* By the cause of a change; what is more exact stands below. */
static const struct rule causes[] = {
    [CAUSE_CALL] = {"7", "what the row shows of its call is otherwise", READ_NOW, {NULL}},
    [CAUSE_CHECK] = {"4",
                     "at check time the call is UNBOOKED, inbound, from outside and long enough, its reason is a lead, and no matching job "
                     "was booked",
                     READ_AT_CHECK,
                     {"second_chance.enabled", "second_chance.min_call_seconds"}},
    [CAUSE_TALK] = {"3",
                    "the same caller was in contact again, in a call begun later, and has talked for more than 30 s",
                    READ_NOW,
                    {"voice_agent_talk_counts", "callback_talk_counts"}},
    [CAUSE_JOB] = {"3",
                   "a job of the caller or customer was booked between the call's start and link_days after its end",
                   READ_AT_DECISION,
                   {"resolve_on_booking", "link_days"}},
    [CAUSE_CLASSIFICATION] = {"4", "after the check a classification says that it was booked, or that there is no lead", READ_NOW, {NULL}},
    [CAUSE_COLD] = {"3", "24 h after the call's end the row was open, and no person had reviewed it", READ_NOW, {NULL}},
    [CAUSE_COMMAND] = {"5", "a person did it", READ_NOW, {NULL}},
    [CAUSE_CORRECTION] = {"6", "a late fact took away, or moved, the ground of what automatics had done", READ_NOW, {NULL}},
    [CAUSE_RULES] = {"6", "another version of the rules was activated, and judges the call again", READ_NOW, {NULL}},
};
static const struct rule second_chance_cold = {
    "4", "cold_days after check time the row was open, and no person had reviewed it", READ_AT_CHECK, {"second_chance.cold_days"}};
static const struct rule withdrawn = {"6", "a late fact shows that the row should not have been opened", READ_NOW, {NULL}};
static const struct rule returned = {"6", "what the row was opened for is true again", READ_NOW, {NULL}};

const struct rule *rule_of_change(const struct followup_event *event, enum followup_kind kind, enum call_type type) {
    if (event->change == CHANGE_WITHDRAWN) return &withdrawn;
    if (event->change == CHANGE_RETURNED) return &returned;
    if (event->change == CHANGE_OPENED && kind == KIND_ABANDONED) return opened_by_type[type].text ? &opened_by_type[type] : NULL;
    if (event->cause == CAUSE_COLD && kind == KIND_SECOND_CHANCE) return &second_chance_cold;
    return (size_t)event->cause < sizeof causes / sizeof *causes ? &causes[event->cause] : NULL;
}

static const struct {
    const char *timer;
    int8_t row;
    struct rule rule;
} timers[] = {
    {"TALK",
     -1,
     {"3", "then the caller has talked for more than 30 s", READ_AT_START, {"voice_agent_talk_counts", "callback_talk_counts"}}},
    {"CHECK", -1, {"2", "the call's end and acw_minutes", READ_AT_DECISION, {"second_chance.acw_minutes"}}},
    {"COLD", KIND_ABANDONED, {"3", "the call's end, 24 h and 1 ms", READ_NOW, {NULL}}},
    {"COLD", KIND_SECOND_CHANCE, {"4", "check time and cold_days", READ_AT_CHECK, {"second_chance.cold_days"}}},
    {"STUCK", -1, {"2", "the call's latest event and stuck_call_hours", READ_AT_START, {"stuck_call_hours"}}},
    {"START", -1, {"2", "7 days after an event came whose CallStarted had not", READ_NOW, {NULL}}},
    {"RETAIN", -1, {"6", "the call's end and retention_days: then call and rows go", READ_AT_DECISION, {"retention_days"}}},
};

const struct rule *rule_of_timer(const char *timer, int8_t row) {
    for (size_t n = 0; n < sizeof timers / sizeof *timers; n++)
        if (strcmp(timers[n].timer, timer) == 0 && timers[n].row == row) return &timers[n].rule;
    return NULL;
}

static const struct rule refusals[] = {
    [COMMAND_MALFORMED] = {"5", "it has no valid actor, or its time is more than 5 minutes ahead", READ_NOW, {NULL}},
    [COMMAND_NOT_PERMITTED] = {"5", "the actor has no role that permits it", READ_NOW, {NULL}},
    [COMMAND_UNKNOWN_FOLLOW_UP] = {"5", "there was no such row", READ_NOW, {NULL}},
    [COMMAND_WITHDRAWN] = {"5", "the row was withdrawn", READ_NOW, {NULL}},
    [COMMAND_VERSION_CONFLICT] = {"5", "the row had another version than the one expected", READ_NOW, {NULL}},
    [COMMAND_INVALID_VALUE] = {"5", "the value is none that this row takes", READ_NOW, {NULL}},
};

const struct rule *rule_of_refusal(enum command_reason reason) {
    return (size_t)reason < sizeof refusals / sizeof *refusals ? &refusals[reason] : NULL;
}
