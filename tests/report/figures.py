"""The report counted again in Python from the events of invent.py, as plainly as can be: no state machine, no index, one look at each call.

What it may leave out, because invent.py does not make it: corrections, late events, several jobs of a call, customers.
"""

import collections
import datetime
import json
import zoneinfo

DAY, HOUR = 86_400_000, 3_600_000
ACW, COLD_ABANDONED, COLD_SECOND_CHANCE, LINK, STUCK, LATENESS = 10 * 60_000, DAY + 1, 3 * DAY, 14 * DAY, 4 * HOUR, 5_000
EPOCH = datetime.date(1970, 1, 1)
DATE_TYPES = ("call", "job-completion", "job-creation", "job-scheduled")
COMPARED = ("campaign", "queue", "agent", "hour", "day")
PRESETS = ("today", "yesterday", "this-week", "last-week", "this-month", "last-month", "this-year", "last-year")


class Call:
    __slots__ = (
        "tenant",
        "call_id",
        "started",
        "ended",
        "by",
        "direction",
        "from_",
        "to",
        "queue",
        "agent",
        "connected",
        "voicemail",
        "callback",
        "classified",
        "recording",
        "latest",
        "job",
        "attempted",
        "reviewed",
        "set_status",
        "reconnected",
        "type",
        "kind",
        "outcome",
        "status",
        "closed",
        "cold",
        "check",
        "dates",
    )

    def __init__(self, tenant, call_id):
        self.tenant, self.call_id = tenant, call_id
        self.ended = self.by = self.queue = self.agent = self.connected = self.classified = self.recording = self.job = None
        self.attempted = self.reviewed = self.set_status = self.reconnected = self.kind = self.outcome = self.status = self.closed = (
            self.check
        ) = self.cold = None
        self.voicemail = self.callback = False
        self.latest = 0


class Job:
    __slots__ = ("job_id", "booked", "created", "scheduled", "completed")


class Account:
    def __init__(self, event):
        self.tenant, self.name, self.week_start = event["tenant"], event["name"], event["week_start"]
        self.zone = zoneinfo.ZoneInfo(event["zone"])
        self.second_chances, self.campaigns, self.queues, self.agents = False, {}, {}, {}

    def wall(self, at):
        return datetime.datetime.fromtimestamp(at // 1000, self.zone)


def read(path):
    """The accounts, and every call with what its events and commands say, from the file that the program folds."""
    accounts, calls, jobs, stream_time = {}, {}, {}, 0
    with open(path, encoding="utf-8") as file:
        for line in file:
            event = json.loads(line)
            what, at, tenant = event["type"], event["occurred_at"], event["tenant"]
            if "actor" not in event:
                stream_time = max(stream_time, at)
            if "call_id" in event:
                see_call(calls, event, what, at, tenant)
            elif "job_id" in event:
                see_job(jobs, calls, event, what, at, tenant)
            elif "follow_up" in event:
                see_command(calls[tenant, event["follow_up"][3:]], event, what, at, stream_time - LATENESS)
            else:
                see_directory(accounts, event, what, tenant)
    return accounts, calls, stream_time - LATENESS


def see_directory(accounts, event, what, tenant):
    if what == "TenantChanged":
        accounts[tenant] = Account(event)
    elif what == "NumberChanged":
        accounts[tenant].campaigns[event["number"]] = event.get("campaign")
    elif what == "QueueChanged":
        accounts[tenant].queues[event["queue"]] = event["name"]
    elif what == "AgentChanged":
        accounts[tenant].agents[event["agent"]] = event["name"]
    elif what == "ChangeSettings":
        accounts[tenant].second_chances = True


def see_call(calls, event, what, at, tenant):
    key = tenant, event["call_id"]
    if what == "CallStarted":
        call = calls[key] = Call(*key)
        call.started, call.direction, call.from_, call.to = at, event["direction"], event["from"], event["to"]
    call = calls[key]
    call.latest = max(call.latest, at)
    if what == "QueueEntered":
        call.queue = event["queue"]
    elif what == "AgentConnected":
        call.agent, call.connected = event["agent"], at
    elif what == "VoicemailStarted":
        call.voicemail = True
    elif what == "CallbackRequested":
        call.callback = True
    elif what == "CallEnded":
        call.ended, call.by = at, event["by"]
    elif what == "CallClassified":
        call.classified = event["classification"]
    elif what == "RecordingAvailable":
        call.recording = event["address"]


def see_job(jobs, calls, event, what, at, tenant):
    key = tenant, event["job_id"]
    if what == "JobBooked":
        job = jobs[key] = Job()
        job.job_id, job.booked, job.created, job.scheduled, job.completed = (
            event["job_id"],
            at,
            event.get("created_at", at),
            event["scheduled_at"],
            None,
        )
        calls[tenant, event["call"]].job = job
    elif what == "JobRescheduled":
        jobs[key].scheduled = event["scheduled_at"]
    elif what == "JobCompleted":
        jobs[key].completed = at


def see_command(call, event, what, at, stream_time):
    if event["follow_up"].startswith("sc-") and stream_time < call.ended + ACW:
        return  # a quiet time: no event had moved the clock to the check, and there was no row yet
    call.reviewed = call.reviewed or at
    if what == "StartCallback":
        call.attempted = at
    elif what == "SetStatus":
        call.set_status = event["status"], at


def has_caller(call):
    number = call.from_ if call.direction == "INBOUND" else call.to
    return number.startswith("+999") and len(number) > 8


def judge(accounts, calls, stream_time):
    """Type and row of every call (SPEC 2 to 4)."""
    for call in calls.values():
        call.check = None if call.ended is None else call.ended + ACW
        call.type = type_of(call, stream_time)
    for call in calls.values():  # the second of those who dialled again ends in b
        talked = call.call_id.endswith("b") and has_caller(call) and call.ended - call.connected >= 30_001
        if talked and call.connected + 30_001 <= stream_time:
            calls[call.tenant, call.call_id[:-1]].reconnected = call.connected + 30_001
    for call in calls.values():
        row_of(accounts[call.tenant], call, stream_time)


def type_of(call, stream_time):
    if call.direction == "INTERNAL":
        return "INTERNAL"
    if call.connected and call.job and call.job.booked <= call.check:
        return "BOOKED"
    if call.connected and call.classified:
        return call.classified
    if call.ended is None:
        return "LOST" if call.latest + STUCK <= stream_time else "IN_PROGRESS"
    if call.connected:
        return "UNBOOKED"
    if call.voicemail:
        return "VOICEMAIL"
    if call.callback:
        return "CALLBACK_REQUESTED"
    if call.direction == "OUTBOUND":
        return "OUTBOUND"
    return "ABANDONED" if call.by == "CALLER" else "MISSED"


def row_of(account, call, stream_time):
    if call.type in ("ABANDONED", "MISSED", "CALLBACK_REQUESTED"):
        call.kind, deadline = "ABANDONED", call.ended + COLD_ABANDONED
    elif call.type == "UNBOOKED" and call.direction == "INBOUND" and account.second_chances and call.check <= stream_time:
        call.kind, deadline = "SECOND_CHANCE", call.check + COLD_SECOND_CHANCE
    else:
        return
    status, set_at = call.set_status or ("CONTACT_ATTEMPTED" if call.attempted else "NEW", None)
    linked = call.job and has_caller(call) and call.job.booked <= call.ended + LINK
    done_by_then = linked and call.job.booked <= deadline
    if status == "FOLLOW_UP_NEEDED" and linked and call.job.booked < set_at:
        linked = False  # a person has reopened it since
    if status in ("DISMISSED", "NOT_A_LEAD", "NOT_FOLLOWING_UP"):
        call.outcome, call.closed = status, set_at
    elif linked:
        by_hand = [set_at] if status == "RESOLVED" else []  # it stays closed since then
        call.outcome, call.closed, status = "CONVERTED", min([call.job.booked, *by_hand]), "RESOLVED"
    elif status == "RESOLVED":
        call.outcome, call.closed = "RESOLVED", set_at
    elif call.reconnected and call.kind == "ABANDONED":
        call.outcome, call.closed, status = "RECONNECTED", call.reconnected, "RESOLVED"
    call.status = status
    done_by_then = done_by_then or (call.closed is not None and call.closed <= deadline)
    reviewed_by_then = call.reviewed is not None and call.reviewed <= deadline
    call.cold = deadline if deadline <= stream_time and not done_by_then and not reviewed_by_then else None


# ---- ranges


def day_number(date):
    return (date - EPOCH).days


def month_after(date):
    return (date.replace(day=28) + datetime.timedelta(days=4)).replace(day=1)


def range_of(preset, today, week_start):
    """First and last day."""
    one = datetime.timedelta(days=1)
    week = today - one * ((today.weekday() - {"MONDAY": 0, "SUNDAY": 6, "SATURDAY": 5}[week_start]) % 7)
    month = today.replace(day=1)
    last_month = (month - one).replace(day=1)
    return {
        "today": (today, today),
        "yesterday": (today - one, today - one),
        "this-week": (week, week + 6 * one),
        "last-week": (week - 7 * one, week - one),
        "this-month": (month, month_after(month) - one),
        "last-month": (last_month, month - one),
        "this-year": (today.replace(month=1, day=1), today.replace(month=12, day=31)),
        "last-year": (today.replace(year=today.year - 1, month=1, day=1), today.replace(year=today.year - 1, month=12, day=31)),
    }[preset]


def range_before(preset, today, week_start):
    """What it is compared with: one unit earlier, and of a unit under way as many days as have begun."""
    first, last = range_of(preset, today, week_start)
    unit = preset.split("-")[-1]
    before = range_of({"today": "today", "yesterday": "today"}.get(preset, "this-" + unit), first - datetime.timedelta(days=1), week_start)
    if first <= today <= last:
        return before[0], min(before[1], before[0] + (today - first))
    return before


# ---- the report


def date_of(call, date_type):
    if date_type == "call":
        return call.started
    if call.outcome != "CONVERTED":
        return None
    return {"job-completion": call.job.completed, "job-creation": call.job.created, "job-scheduled": call.job.scheduled}[date_type]


def place(accounts, calls, date_type):
    """(call, account, day number, hour) of every call that has such a date, by account and start."""
    placed = []
    for call in calls.values():
        at = date_of(call, date_type)
        if at is None:
            continue
        wall = accounts[call.tenant].wall(at)
        placed.append((call, accounts[call.tenant], day_number(wall.date()), wall.hour))
    return placed


def is_listed(call):
    return call.type in ("UNBOOKED", "ABANDONED") or (call.type in ("MISSED", "CALLBACK_REQUESTED") and call.kind is not None)


def text(at):
    moment = datetime.datetime.fromtimestamp(at // 1000, datetime.timezone.utc)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{at % 1000:03}Z"


def line(call, account):
    """What --format json says of a call, as far as events say it."""
    wall = account.wall(call.started)
    inbound = call.direction == "INBOUND"
    fields = {
        "tenant": call.tenant,
        "account": account.name,
        "call_id": call.call_id,
        "call_date": f"{wall:%Y-%m-%d}",
        "call_time": f"{wall:%H:%M:%S}",
        "zone": account.zone.key,
        "started_at": text(call.started),
        "ended_at": text(call.ended),
        "type": call.type,
        "direction": call.direction,
        "agent": call.agent,
        "agent_name": account.agents.get(call.agent),
        "campaign": account.campaigns.get(call.to) if inbound else None,
        "phone_number": call.from_ if inbound else call.to,
        "recording": call.recording,
        "queue": call.queue,
        "queue_name": account.queues.get(call.queue),
        "duration_ms": call.ended - call.started,
        "talk_ms": call.ended - call.connected if call.connected else 0,
    }
    if call.kind:
        prefix = "ab-" if call.kind == "ABANDONED" else "sc-"
        fields |= {
            "follow_up": prefix + call.call_id,
            "status": call.status,
            "outcome": call.outcome,
            "closed_at": call.closed and text(call.closed),
            "went_cold_at": call.cold and text(call.cold),
            "first_attempt_at": call.attempted and text(call.attempted),
            "time_to_first_attempt_ms": call.attempted and call.attempted - call.ended,
        }
    if call.outcome == "CONVERTED":
        fields |= {
            "job": call.job.job_id,
            "job_created_at": text(call.job.created),
            "job_scheduled_at": text(call.job.scheduled),
            "job_completed_at": call.job.completed and text(call.job.completed),
        }
    return {name: value for name, value in fields.items() if value is not None}


class Figures:
    def __init__(self):
        self.count, self.jobs, self.waits = collections.Counter(), set(), []

    def add(self, call):
        if call.type not in ("INTERNAL", "IN_PROGRESS"):
            self.count["calls"] += 1
            self.count["inbound"] += call.direction == "INBOUND"
        if not is_listed(call):
            return
        self.count[{"ABANDONED": "abandoned", "UNBOOKED": "unbooked"}.get(call.type, "missed")] += 1
        if not call.kind:
            return
        self.count["rows"] += 1
        self.count["went_cold"] += call.cold is not None
        if call.outcome:
            self.count[call.outcome.lower()] += 1
            self.count["recovered"] += call.outcome in ("CONVERTED", "RECONNECTED")
        if call.outcome == "CONVERTED":
            self.jobs.add((call.tenant, call.job.job_id))
        if call.attempted:
            self.waits.append(call.attempted - call.ended)

    def rate(self, part, whole):
        parts, wholes = self.count[part], self.count[whole]
        return None if wholes == 0 else (parts * 10000 * 2 + wholes) // (2 * wholes)


COUNTED = (
    "calls",
    "inbound",
    "abandoned",
    "unbooked",
    "missed",
    "rows",
    "recovered",
    "converted",
    "reconnected",
    "resolved",
    "dismissed",
    "not_a_lead",
    "not_following_up",
    "withdrawn",
    "went_cold",
)
RATES = (("abandoned", "inbound"), ("unbooked", "calls"), ("recovered", "rows"))


def group_line(now, before):
    waits = sorted(now.waits)
    fields = {name: now.count[name] for name in COUNTED} | {"jobs": len(now.jobs), "attempted": len(waits)}
    for part, whole in RATES:
        rate, then = now.rate(part, whole), before.rate(part, whole)
        fields[part + "_rate_bp"] = rate
        fields[part + "_rate_change_bp"] = None if rate is None or then is None else rate - then
    for name in ("calls", "abandoned", "unbooked", "recovered"):
        fields[name + "_before"] = before.count[name]
    if waits:
        fields["first_attempt_median_ms"] = waits[(len(waits) - 1) // 2]
        fields["first_attempt_p90_ms"] = waits[-(-len(waits) * 9 // 10) - 1]
    return {name: value for name, value in fields.items() if value is not None}


def groups(placed, by, ranges):
    """{(tenant or None, group): the line}. ranges: tenant -> (first, last), (first, last) as day numbers."""
    found = collections.defaultdict(lambda: (Figures(), Figures()))
    for call, account, day, hour in placed:
        (first, last), (first_before, last_before) = ranges[call.tenant]
        is_before = not first <= day <= last
        if is_before and not first_before <= day <= last_before:
            continue
        group = {
            "campaign": account.campaigns.get(call.to) if call.direction == "INBOUND" else None,
            "queue": call.queue,
            "agent": call.agent,
            "hour": f"{hour:02}",
            "day": None,
        }[by]
        if by == "day":
            group = str(EPOCH + datetime.timedelta(days=day + (first - first_before if is_before else 0)))
        found[call.tenant if by in ("campaign", "queue", "agent") else None, group][is_before].add(call)
    return {key: group_line(*both) for key, both in found.items()}
