"""Calls that are known by heart, of two accounts that use the same call ids. Times are 2 March 2026 in UTC; acme is in Denver, 7 h behind."""
import json


def at(clock, day=2):
    return f"2026-03-{day:02}T{clock}Z"


def event(event_type, event_id, when, tenant="acme", **fields):
    name = "command_id" if event_type in COMMANDS else "event_id"
    return {"type": event_type, "tenant": tenant, name: event_id, "occurred_at": when, **fields}


COMMANDS = {"SetStatus", "AddNote", "Assign", "StartCallback", "Dismiss", "Reopen", "ChangeSettings"}


def start(call, when, caller, tenant="acme", **fields):
    return event("CallStarted", f"{call}-s", when, tenant, call_id=call, direction="INBOUND", kind="QUEUE", **{"from": caller}, to="+12025550199", **fields)


def end(call, when, by="CALLER", tenant="acme"):
    return event("CallEnded", f"{call}-e", when, tenant, call_id=call, by=by)


def directory():
    yield event("TenantChanged", "d1", at("08:00:00"), name="Acme, Inc.", zone="America/Denver", week_start="MONDAY")
    yield event("RoleChanged", "d2", at("08:00:01"), role="manager",
                permissions=["VIEW_AND_ACTION_ALL_FOLLOW_UPS", "EDIT_TI_FOLLOW_UP_AND_REPORTING_SETTINGS", "VIEW_AND_EDIT_FEATURE_MANAGEMENT"])
    yield event("RolesAssigned", "d3", at("08:00:02"), person="kim", roles=["manager"])
    yield event("ChangeSettings", "k1", at("08:00:03"), actor="kim",
                changes=[{"key": "second_chance.enabled", "value": "on"}, {"key": "second_chance.acw_minutes", "value": "5"}])


def calls():
    # c1 is abandoned, a person calls back, the caller reconnects in c2, which gets a second chance and converts.
    yield start("c1", at("09:00:00"), "+12025550101")
    yield event("QueueEntered", "c1-q", at("09:00:05"), call_id="c1", queue="sales")
    yield end("c1", at("09:01:10"))
    yield event("StartCallback", "k2", at("09:05:00"), actor="kim", follow_up="ab-c1")
    yield event("SetStatus", "k3", at("09:06:00"), actor="robin", follow_up="ab-c1", status="RESOLVED")
    yield start("c2", at("10:30:00"), "+12025550101")
    yield event("AgentConnected", "c2-a", at("10:30:12"), call_id="c2", leg="l1", agent="kim")
    yield event("AgentConnected", "c2-a", at("10:30:12"), call_id="c2", leg="l1", agent="kim")
    yield end("c2", at("10:34:00"), "AGENT")
    yield event("JobBooked", "j1-b", at("10:50:00"), job_id="j1", call="c2", caller="+12025550101")
    # c3 goes cold; a file that comes later says that an agent had spoken: the row is withdrawn.
    yield start("c3", at("11:00:00"), "+12025550103")
    yield end("c3", at("11:00:40"))
    # c4 never ends; c5's start never comes in this file.
    yield start("c4", at("11:10:00"), "+12025550104")
    yield end("c5", at("11:20:00"))
    # c6 is short, its caller's name tries to speak to the terminal
    yield start("c6", at("11:30:00"), "\x1b[31manonymous")
    yield end("c6", at("11:30:20"))
    # The same ids in another account, without a second chance.
    yield start("c1", at("09:00:00"), "+12025550101", tenant="other")
    yield event("AgentConnected", "c1-a", at("09:00:10"), tenant="other", call_id="c1", leg="l1", agent="lee")
    yield end("c1", at("09:05:00"), "AGENT", tenant="other")
    yield start("o2", at("12:00:00", 4), "+12025550109", tenant="other")


def refused():
    yield event("CallStarted", "c1-x", at("09:10:00"), call_id="c1", direction="OUTBOUND", kind="DIRECT", **{"from": "+12025550199"}, to="+12025550101")


def late():
    yield event("AgentConnected", "c3-a", at("11:00:20"), call_id="c3", leg="l1", agent="kim")
    yield start("o3", at("12:01:00", 4), "+12025550109", tenant="other")


def write(path, events):
    lines = sorted(events, key=lambda each: each["occurred_at"])
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)
