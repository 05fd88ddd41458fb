"""A day of one account, small enough to know by heart: what tests/cli/test_cli.py folds and looks at.

Numbers are of the ranges kept for fiction. Times are 1 March 2025 in UTC.
"""
import json

TENANT = "acme"
PERSON = "kim"   # may edit follow-ups and settings, but not features
GUEST = "robin"   # may nothing
FORMULA = '=HYPERLINK("http://example.com";"click")'
ESCAPE = "Ada \x1b[31mLovelace"


def at(clock):
    return f"2025-03-01T{clock}Z"


def event(event_type, event_id, clock, **fields):
    return {"type": event_type, "tenant": TENANT, "event_id": event_id, "occurred_at": at(clock), **fields}


def call(call_id, clock, caller, ended, by, *between, customer=None):
    """The events of an inbound call to a queue; `between` are (type, clock, fields)."""
    start = {"customer": customer} if customer else {}
    yield event("CallStarted", f"{call_id}-start", clock, call_id=call_id, direction="INBOUND", kind="QUEUE", **{"from": caller},
                to="+12025550199", **start)
    yield event("QueueEntered", f"{call_id}-queue", clock, call_id=call_id, queue="sales")
    for n, (event_type, when, fields) in enumerate(between):
        yield event(event_type, f"{call_id}-{n}", when, call_id=call_id, **fields)
    if ended:
        yield event("CallEnded", f"{call_id}-end", ended, call_id=call_id, by=by)


def events():
    """Three abandoned calls (a customer named like a formula, one with an escape sequence, one withheld), one that was answered
    and booked, one that still goes on."""
    answered = ("AgentConnected", "09:20:10", {"leg": "l1", "agent": "sam"})
    yield event("TenantChanged", "d1", "08:00:00", name="Acme, Inc.", zone="America/New_York", week_start="SUNDAY")
    yield event("RoleChanged", "d2", "08:00:01", role="manager",
                permissions=["VIEW_AND_ACTION_ALL_FOLLOW_UPS", "EDIT_TI_FOLLOW_UP_AND_REPORTING_SETTINGS"])
    yield event("RolesAssigned", "d3", "08:00:02", person=PERSON, roles=["manager"])
    yield event("CustomerChanged", "d4", "08:00:03", customer="cu1", name=FORMULA, numbers=["+12025550101"])
    yield event("CustomerChanged", "d5", "08:00:04", customer="cu2", name=ESCAPE, numbers=["+12025550102"])
    yield event("QueueChanged", "d6", "08:00:05", queue="sales", name="Sales")
    yield event("NumberChanged", "d7", "08:00:06", number="+12025550199", kind="TRACKING", campaign="Spring \"25\"", texts=False)
    yield from call("c1", "09:00:00", "+12025550101", "09:02:05", "CALLER", customer="cu1")
    yield from call("c2", "09:10:00", "+12025550102", "09:10:45", "CALLER", customer="cu2")
    yield from call("c3", "09:15:00", "anonymous", "09:15:30", "CALLER")
    yield from call("c4", "09:20:00", "+12025550104", "09:30:00", "AGENT", answered,
                    ("CallClassified", "09:31:00", {"classification": "BOOKED", "reason": "New job"}))
    yield from call("c5", "10:00:00", "+12025550105", None, None)


def write(path):
    lines = sorted(events(), key=lambda each: each["occurred_at"])
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(json.dumps(line) + "\n" for line in lines)
