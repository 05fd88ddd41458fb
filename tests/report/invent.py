"""A year of calls in which every kind of line of the report occurs, in time order: what tests/report/year.py folds and counts again.

Calls are strangers to one another but for those who dial again; so what becomes of each can be told from its own events alone
(figures.py). Numbers are of ranges kept for fiction, or under +999, which no country has.
"""

import datetime
import heapq
import random

DAY = 86_400_000
ACCOUNTS = (  # tenant, name, zone, week start, second chances
    ("atlas", "Atlas Roofing", "America/New_York", "SUNDAY", True),
    ("brook", "Brook Plumbing", "America/Havana", "MONDAY", True),
    ("cobalt", "Cobalt Électrique", "Europe/Paris", "MONDAY", False),
    ("delta", "Delta Heating", "Asia/Kolkata", "SATURDAY", True),
    ("ember", 'Ember "Gas", Ltd', "Australia/Lord_Howe", "MONDAY", True),
    ("fjord", "Fjord", "America/St_Johns", "SUNDAY", False),
)
CAMPAIGNS = ("Spring", 'Radio, "AM"', "=Web", "Yard Signs", None)
QUEUES = ("sales", "service", "billing")
AGENTS = ("kim", "lee", "max", "noa", "ola")
MANAGER = "boss"
GRANTED = ["VIEW_AND_ACTION_ALL_FOLLOW_UPS", "VIEW_AND_EDIT_FEATURE_MANAGEMENT", "EDIT_TI_FOLLOW_UP_AND_REPORTING_SETTINGS"]
# How calls go, and how often.
WAYS = (
    ("abandoned", 24),
    ("unbooked", 30),
    ("booked", 14),
    ("missed", 5),
    ("callback", 4),
    ("voicemail", 5),
    ("outbound", 6),
    ("called", 4),
    ("internal", 2),
    ("excused", 4),
    ("lost", 1),
    ("again", 3),
)


def ms(year, month, day):
    return round(datetime.datetime(year, month, day, tzinfo=datetime.timezone.utc).timestamp()) * 1000


def events(calls, start, days, seed):
    """The events in time order, as (ms, id, dict). Memory holds what is still to come."""
    dice, ahead, number = random.Random(seed), [], 0

    def later(at, what, **fields):
        nonlocal number
        number += 1
        heapq.heappush(ahead, (at, number, {"type": what, "occurred_at": at, **fields}))

    directory(later, start - DAY)
    times = sorted(start + dice.randrange(days * DAY) for _ in range(calls))
    for n, at in enumerate(times):
        while ahead and ahead[0][0] <= at:
            yield heapq.heappop(ahead)
        one_call(later, dice, n, at)
    while ahead:
        yield heapq.heappop(ahead)


def directory(later, at):
    later(at, "RoleChanged", tenant="*", role="manager", permissions=GRANTED)
    later(at, "RolesAssigned", tenant="*", person=MANAGER, roles=["manager"])
    for place, (tenant, name, zone, week_start, second_chances) in enumerate(ACCOUNTS):
        later(at, "TenantChanged", tenant=tenant, name=name, zone=zone, week_start=week_start)
        for which, campaign in enumerate(CAMPAIGNS):
            named = {"campaign": campaign} if campaign else {}
            later(at, "NumberChanged", tenant=tenant, number=dialled(place, which), kind="TRACKING", texts=False, **named)
        for queue in QUEUES[:2]:
            later(at, "QueueChanged", tenant=tenant, queue=queue, name=queue.title())
        later(at, "AgentChanged", tenant=tenant, agent="kim", name="Kim Ōta")
        if second_chances:
            later(at + 1, "ChangeSettings", tenant=tenant, actor=MANAGER, changes=[{"key": "second_chance.enabled", "value": "on"}])


def dialled(place, which):
    return f"+1202555{100 + place * 10 + which:04}"


def one_call(later, dice, n, at):
    way = dice.choices([way for way, _ in WAYS], [often for _, often in WAYS])[0]
    place = min(int(dice.expovariate(0.6)), len(ACCOUNTS) - 1)
    tenant, call_id = ACCOUNTS[place][0], f"c{n}"
    number, caller = dialled(place, dice.randrange(len(CAMPAIGNS))), f"+999{n:010}" if dice.random() < 0.9 else None

    def call(when, what, **fields):
        later(when, what, tenant=tenant, call_id=call_id, **fields)

    def command(when, what, **fields):
        later(when, what, tenant=tenant, actor=MANAGER, follow_up=("ab-" if way != "unbooked" else "sc-") + call_id, **fields)

    if way == "internal":
        call(at, "CallStarted", direction="INTERNAL", kind="INTERNAL", **{"from": "101"}, to="102")
        call(at + 60_000, "CallEnded", by="AGENT")
        return
    out = way in ("outbound", "called")
    ends = {"from": number, "to": caller or "+9990"} if out else {"from": caller or "anonymous", "to": number}
    call(at, "CallStarted", direction="OUTBOUND" if out else "INBOUND", kind="QUEUE", **ends)
    if not out and dice.random() < 0.8:
        call(at + 2_000, "QueueEntered", queue=dice.choice(QUEUES))
    if way == "lost":
        return
    end = at + dice.randrange(5_000, 400_000)
    if way in ("unbooked", "booked", "excused", "called"):
        end += 40_000
        call(at + 4_000, "AgentConnected", leg="1", agent=dice.choice(AGENTS))
        call(end + 3_000, "RecordingAvailable", address=f"https://recordings.example/{call_id}")
    if way == "voicemail":
        call(at + 4_000, "VoicemailStarted")
        call(at + 5_000, "VoicemailLeft")
    if way == "callback":
        call(at + 4_000, "CallbackRequested")
    call(end, "CallEnded", by="SYSTEM" if way in ("missed", "callback", "voicemail") else "CALLER")
    if way == "booked":
        job(later, dice, tenant, call_id, end + dice.randrange(-30_000, 500_000))
    elif way == "excused":
        call(
            end + 60_000,
            "CallClassified",
            classification=dice.choice(("EXCUSED", "NOT_A_LEAD", "BOOKED")),
            reason="Wrong number",
            is_lead=False,
        )
    elif way == "again":
        again(later, dice, tenant, call_id, ends, end)
    elif way in ("abandoned", "unbooked", "missed", "callback"):
        what_becomes(later, dice, tenant, call_id, end, way, command)


def again(later, dice, tenant, call_id, ends, end):
    """The caller dials again and talks: for more than 30 s, or not quite."""
    second, at = {"tenant": tenant, "call_id": call_id + "b"}, end + dice.randrange(60_000, 3 * DAY)
    later(at, "CallStarted", direction="INBOUND", kind="QUEUE", **second, **ends)
    later(at + 1_000, "AgentConnected", leg="1", agent=dice.choice(AGENTS), **second)
    later(at + 1_000 + dice.choice((30_000, 30_001, 90_000)), "CallEnded", by="AGENT", **second)


def what_becomes(later, dice, tenant, call_id, end, way, command):
    at = end + 660_000 + dice.randrange(2 * DAY)  # behind after-call work
    chance = dice.random()
    if chance < 0.35:
        command(at, "StartCallback")
    elif chance < 0.40:
        command(at, "SetStatus", status="FOLLOW_UP_NEEDED")
    if dice.random() < 0.3:
        job(later, dice, tenant, call_id, end + 700_000 + dice.randrange(16 * DAY))  # some too late to be linked
    elif dice.random() < 0.4:
        closing = (
            dice.choice(("NOT_A_LEAD", "NOT_FOLLOWING_UP", "RESOLVED")) if way == "unbooked" else dice.choice(("RESOLVED", "DISMISSED"))
        )
        command(at + dice.randrange(3 * DAY), "SetStatus", status=closing)


def job(later, dice, tenant, call_id, at):
    """Ids of jobs are of their account alone: the same one may come in two."""
    mine = {"tenant": tenant, "job_id": "j" + call_id}
    created = {"created_at": at - 1_000} if dice.random() < 0.5 else {}
    later(at, "JobBooked", call=call_id, scheduled_at=at + dice.randrange(1, 20) * DAY, **mine, **created)
    if dice.random() < 0.3:
        later(at + DAY // 2, "JobRescheduled", scheduled_at=at + dice.randrange(1, 40) * DAY, **mine)
    if dice.random() < 0.7:
        later(at + dice.randrange(1, 21) * DAY, "JobCompleted", **mine)
