/* The symbols of every enum, in the order of the C enums: append only. */
#include "shape.h"

/* clang-format off: tables */
static const char *const direction[] = {"INBOUND", "OUTBOUND", "INTERNAL"};
static const char *const call_kind[] = {"QUEUE", "DIRECT", "INTERNAL"};
static const char *const module_kind[] = {"TEXT_TO_SPEECH", "SOUND_FILE",  "DATE_TIME_RULE",  "IVR",
                                          "QUEUE",          "VOICE_AGENT", "CALL_FORWARDING", "GROUP_VOICEMAIL"};
static const char *const queue_exit[] = {"ANSWERED", "ROLLOVER", "TIMEOUT", "OVERFLOW", "WITHDRAWN", "LEFT"};
static const char *const offer_end[] = {"ACCEPTED", "REJECTED", "MISSED", "CALLER_HUNG_UP", "CANCELLED"};
static const char *const transfer_to[] = {"AGENT", "QUEUE", "EXTERNAL"};
static const char *const forward_destination[] = {"VOICE_AGENT", "EXTERNAL"};
static const char *const forward_why[] = {"MODULE", "CONTINUITY", "TRANSFER"};
static const char *const voice_agent_result[] = {"BOOKED", "NOT_BOOKED", "SPAM"};
static const char *const ended_by[] = {"CALLER", "AGENT", "SYSTEM", "UNKNOWN"};
static const char *const classification[] = {"BOOKED", "UNBOOKED", "EXCUSED", "NOT_A_LEAD"};
static const char *const agent_status_why[] = {"PERSON", "MISSED", "REJECTED"};
static const char *const week_start[] = {"MONDAY", "SUNDAY", "SATURDAY"};
static const char *const number_kind[] = {"TRACKING", "DIRECT_DIAL"};
static const char *const status[] = {"NEW",       "CONTACT_ATTEMPTED", "FOLLOW_UP_NEEDED", "RESOLVED",
                                     "DISMISSED", "NOT_A_LEAD",        "NOT_FOLLOWING_UP", "WITHDRAWN"};
static const char *const permission[] = {"VIEW_AND_ACTION_ALL_FOLLOW_UPS",
                                         "EDIT_ABANDONED_CALLS",
                                         "EDIT_SECOND_CHANCE_LEADS",
                                         "VIEW_AND_EDIT_FEATURE_MANAGEMENT",
                                         "EDIT_TI_FOLLOW_UP_AND_REPORTING_SETTINGS",
                                         "EDIT_VOICE_AGENT_SETTINGS",
                                         "EDIT_ROUTING_WORKFLOWS",
                                         "PHONE_SETTINGS",
                                         "FORWARDING_NUMBER_SETTINGS"};
static const char *const source_kind[] = {"FILE", "CALLS", "JOBS", "COMMANDS", "DIRECTORY", "NETWORK"};
static const char *const reject_reason[] = {"MALFORMED", "INVALID",           "TOO_LARGE", "FUTURE_TIME",
                                            "BAD_TIME",  "CONFLICTING_START", "NO_START",  "EXPIRED"};
static const char *const bytes_form[] = {"ORIGINAL", "EVENT_AVRO"};
static const char *const topic[] = {"REJECTED", "CALLS_CLASSIFIED", "FOLLOWUPS", "FOLLOWUP_EVENTS", "NOTICES", "COMMAND_RESULTS"};
static const char *const call_type[] = {"INTERNAL",     "BOOKED",      "EXCUSED",   "NOT_A_LEAD", "LOST",
                                        "UNBOOKED",     "VOICE_AGENT", "VOICEMAIL", "FORWARDED",  "CALLBACK_REQUESTED",
                                        "DISCONNECTED", "ABANDONED",   "MISSED",    "OUTBOUND",   "IN_PROGRESS"};
static const char *const followup_kind[] = {"ABANDONED", "SECOND_CHANCE"};
static const char *const tab[] = {"OPEN", "COLD", "DONE"};
static const char *const outcome[] = {"CONVERTED", "RECONNECTED", "RESOLVED", "DISMISSED", "NOT_A_LEAD", "NOT_FOLLOWING_UP", "WITHDRAWN"};
static const char *const abandoned_where[] = {"PRE_ROUTING", "IVR", "QUEUE", "RINGING"};
static const char *const change[] = {"OPENED", "STATUS", "NOTE", "ASSIGNED", "WENT_COLD", "WITHDRAWN", "RETURNED", "UPDATED"};
static const char *const cause[] = {"CALL", "CHECK", "TALK", "JOB", "CLASSIFICATION", "COLD", "COMMAND", "CORRECTION", "RULES"};
static const char *const command_verdict[] = {"ACCEPTED", "REJECTED"};
static const char *const command_reason[] = {"MALFORMED", "NOT_PERMITTED",    "UNKNOWN_FOLLOW_UP",
                                             "WITHDRAWN", "VERSION_CONFLICT", "INVALID_VALUE"};

#define SYMBOLS(avro_name, texts)                                                                                                          \
    { avro_name, texts, COUNT(texts) }

const struct symbols symbols[ENUMS] = {
    [ENUM_DIRECTION] = SYMBOLS("Direction", direction),
    [ENUM_CALL_KIND] = SYMBOLS("CallKind", call_kind),
    [ENUM_MODULE_KIND] = SYMBOLS("ModuleKind", module_kind),
    [ENUM_QUEUE_EXIT] = SYMBOLS("QueueExit", queue_exit),
    [ENUM_OFFER_END] = SYMBOLS("OfferEnd", offer_end),
    [ENUM_TRANSFER_TO] = SYMBOLS("TransferTo", transfer_to),
    [ENUM_FORWARD_DESTINATION] = SYMBOLS("ForwardDestination", forward_destination),
    [ENUM_FORWARD_WHY] = SYMBOLS("ForwardWhy", forward_why),
    [ENUM_VOICE_AGENT_RESULT] = SYMBOLS("VoiceAgentResult", voice_agent_result),
    [ENUM_ENDED_BY] = SYMBOLS("EndedBy", ended_by),
    [ENUM_CLASSIFICATION] = SYMBOLS("Classification", classification),
    [ENUM_AGENT_STATUS_WHY] = SYMBOLS("AgentStatusWhy", agent_status_why),
    [ENUM_WEEK_START] = SYMBOLS("WeekStart", week_start),
    [ENUM_NUMBER_KIND] = SYMBOLS("NumberKind", number_kind),
    [ENUM_STATUS] = SYMBOLS("Status", status),
    [ENUM_PERMISSION] = SYMBOLS("Permission", permission),
    [ENUM_SOURCE_KIND] = SYMBOLS("SourceKind", source_kind),
    [ENUM_REJECT_REASON] = SYMBOLS("RejectReason", reject_reason),
    [ENUM_BYTES_FORM] = SYMBOLS("BytesForm", bytes_form),
    [ENUM_TOPIC] = SYMBOLS("Topic", topic),
    [ENUM_CALL_TYPE] = SYMBOLS("CallType", call_type),
    [ENUM_FOLLOWUP_KIND] = SYMBOLS("FollowupKind", followup_kind),
    [ENUM_TAB] = SYMBOLS("Tab", tab),
    [ENUM_OUTCOME] = SYMBOLS("Outcome", outcome),
    [ENUM_ABANDONED_WHERE] = SYMBOLS("AbandonedWhere", abandoned_where),
    [ENUM_CHANGE] = SYMBOLS("Change", change),
    [ENUM_CAUSE] = SYMBOLS("Cause", cause),
    [ENUM_COMMAND_VERDICT] = SYMBOLS("CommandVerdict", command_verdict),
    [ENUM_COMMAND_REASON] = SYMBOLS("CommandReason", command_reason),
};

/* clang-format on */

static const struct symbols *find(const char *name) {
    for (size_t i = 0; i < ENUMS; i++)
        if (strcmp(symbols[i].name, name) == 0) return &symbols[i];
    return NULL;
}

const char *symbol_text(const char *enum_name, int value) {
    const struct symbols *of = find(enum_name);
    return of && value >= 0 && value < of->count ? of->texts[value] : "?";
}

int symbol_value(const char *enum_name, struct str symbol) {
    const struct symbols *of = find(enum_name);
    for (int i = 0; of && i < of->count; i++)
        if (str_equal(symbol, str_of(of->texts[i]))) return i;
    return -1;
}
