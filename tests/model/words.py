"""Words of the rules: units, callers, settings, permissions (SPEC 1, 5)."""
import re

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
FUTURE = 5 * MINUTE
WEEK = 7 * DAY
TALK = 30_001
COLD_ABANDONED = DAY + 1
FIRST_RULES = 1
JOB_OF_THE_CALL = 2       # the version that lets a job match the rows of the very call that it names (D19.8)
CALLS_A_RECORD = 256      # looked at again at the end of a record (D19.6)
LONGEST_LINK = 90 * DAY
ALL = "*"

CALL_EVENTS = {
    "CallStarted", "PreRoutingPlayed", "ModuleEntered", "QueueEntered", "QueueExited", "CallbackRequested", "AgentOffered", "OfferEnded",
    "AgentConnected", "AgentDisconnected", "HoldStarted", "HoldEnded", "WrapUpStarted", "WrapUpEnded", "Transferred", "Forwarded",
    "VoicemailStarted", "VoicemailLeft", "VoiceAgentConnected", "VoiceAgentDisconnected", "CallEnded", "CallClassified", "CustomerLinked",
    "RecordingAvailable",
}
COUNT_AFTER_THE_END = {"CallStarted", "CallEnded", "WrapUpStarted", "WrapUpEnded", "CallClassified", "CustomerLinked", "RecordingAvailable"}
JOB_EVENTS = {"JobBooked", "JobRescheduled", "JobCompleted", "JobCancelled"}
ROW_COMMANDS = {"SetStatus", "AddNote", "Assign", "StartCallback", "Dismiss", "Reopen"}
COMMANDS = ROW_COMMANDS | {"ChangeSettings"}
DIRECTORY = {
    "RoleChanged": "role", "RolesAssigned": "person", "TenantChanged": "tenant", "NumberChanged": "number", "QueueChanged": "queue",
    "AgentChanged": "agent", "CustomerChanged": "customer", "ActivateRules": "rules",
}

E164 = re.compile(r"\+[1-9][0-9]{6,14}")
EXTENSION = re.compile(r"[0-9]{1,6}")
SENTINELS = {"+266696687", "+7378742833", "+86282452253", "+2562533", "+8656696"}

ON_OFF = None  # the range of a switch
SETTINGS = {  # key: default, range
    "second_chance.enabled": (False, ON_OFF),
    "second_chance.acw_minutes": (10, (0, 1440)),
    "second_chance.cold_days": (3, (1, 365)),
    "second_chance.min_call_seconds": (0, (0, 3600)),
    "follow_up_missed": (True, ON_OFF),
    "follow_up_callback": (True, ON_OFF),
    "follow_up_empty_voicemail": (False, ON_OFF),
    "resolve_on_booking": (True, ON_OFF),
    "voice_agent_talk_counts": (False, ON_OFF),
    "callback_talk_counts": (False, ON_OFF),
    "link_days": (14, (0, 90)),
    "short_abandon_seconds": (0, (0, 600)),
    "stuck_call_hours": (4, (1, 72)),
    "retention_days": (800, (30, 3650)),
    "allowed_lateness_ms": (5000, (0, 60000)),
}

VIEW_ALL = "VIEW_AND_ACTION_ALL_FOLLOW_UPS"
EDIT_ABANDONED = "EDIT_ABANDONED_CALLS"
EDIT_SECOND_CHANCE = "EDIT_SECOND_CHANCE_LEADS"
FEATURES = "VIEW_AND_EDIT_FEATURE_MANAGEMENT"
EDIT_SETTINGS = "EDIT_TI_FOLLOW_UP_AND_REPORTING_SETTINGS"
INCLUDES = {VIEW_ALL: {EDIT_ABANDONED, EDIT_SECOND_CHANCE}}


def parse_setting(key, text):
    """The value of a key's text; None where the text is no value of it."""
    if key not in SETTINGS:
        return None
    limits = SETTINGS[key][1]
    if limits is ON_OFF:
        return {"on": True, "true": True, "off": False, "false": False}.get(text)
    if not re.fullmatch(r"[0-9]+", text) or not limits[0] <= int(text) <= limits[1]:
        return None
    return int(text)


def order(event):
    """Of several values for one thing the greatest of this wins (SPEC 2)."""
    return event["occurred_at"], event["event_id"].encode()


def greatest(events):
    return max(events, key=order, default=None)
