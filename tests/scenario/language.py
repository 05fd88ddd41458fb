"""The scenario language: lines of text into events of the flat JSON form (schemas/codec/codec.h). README.md explains it by example."""
import datetime
import re
import shlex

DAY_MS = 86_400_000
DATE = datetime.datetime(2026, 3, 2, tzinfo=datetime.timezone.utc)
MIDNIGHT = int(DATE.timestamp()) * 1000
CLOCK = re.compile(r"(\d\d):(\d\d)(?::(\d\d)(?:\.(\d{3}))?)?$")


class Mistake(Exception):
    """The scenario itself cannot be read."""


class Words:
    """The words of one line, taken from the left."""

    def __init__(self, line):
        try:
            self.words = shlex.split(line, comments=True)
        except ValueError as why:
            raise Mistake(f"{why}: {line}") from why
        self.at = 0

    def __bool__(self):
        return self.at < len(self.words)

    def peek(self):
        return self.words[self.at] if self else ""

    def take(self, what="a word"):
        if not self:
            raise Mistake(f"{what} is missing at the end of the line")
        self.at += 1
        return self.words[self.at - 1]

    def skip(self, *words):
        """Takes these words if they come next."""
        if tuple(self.words[self.at:self.at + len(words)]) != words:
            return False
        self.at += len(words)
        return True

    def need(self, *words):
        if not self.skip(*words):
            raise Mistake(f"expected '{' '.join(words)}' before '{self.peek()}'")

    def option(self, *words):
        """The word after these words, or None where they do not come next."""
        return self.take() if self.skip(*words) else None

    def time(self):
        """`09:00:05.250`, or on another day `+1d 09:00`; ms since 1970."""
        days = 0
        if re.match(r"[+-]\d+d$", self.peek()):
            days = int(self.take()[:-1])
        clock = CLOCK.match(self.take("a time"))
        if not clock:
            raise Mistake(f"'{self.words[self.at - 1]}' is no time of day")
        hours, minutes, seconds, ms = (int(part or 0) for part in clock.groups())
        return MIDNIGHT + days * DAY_MS + ((hours * 60 + minutes) * 60 + seconds) * 1000 + ms

    def end(self):
        if self:
            raise Mistake(f"'{self.peek()}' is too much")


def show_time(ms):
    """The time as a scenario writes it."""
    days, rest = divmod(ms - MIDNIGHT, DAY_MS)
    clock = f"{rest // 3_600_000:02}:{rest // 60_000 % 60:02}:{rest // 1000 % 60:02}.{rest % 1000:03}"
    return f"{days:+}d {clock}" if days else clock


def symbol(word):
    return word.upper().replace("-", "_")


def number(word):
    return None if word == "withheld" else word


def starts(w):
    direction = symbol(w.take("a direction"))
    event = {"type": "CallStarted", "direction": direction, "kind": "INTERNAL" if direction == "INTERNAL" else "QUEUE"}
    w.need("from")
    event["from"] = number(w.take())
    w.need("to")
    event["to"] = number(w.take())
    if w.skip("kind"):
        event["kind"] = symbol(w.take())
    event["customer"] = w.option("customer")
    event["follow_up"] = w.option("calling", "back")
    return event


def enters(w):
    if w.skip("queue"):
        return {"type": "QueueEntered", "queue": w.take()}
    w.need("module")
    event = {"type": "ModuleEntered", "workflow": "main", "module": symbol(w.take()), "module_id": w.take()}
    event["branch"] = w.option("branch")
    return event


def leaves(w):
    w.need("queue")
    return {"type": "QueueExited", "queue": w.take(), "reason": symbol(w.take("a reason"))}


def connects(w):
    if w.skip("voice-agent"):
        return {"type": "VoiceAgentConnected", "leg": w.option("leg") or "va"}
    agent = w.take("an agent")
    return {"type": "AgentConnected", "agent": agent, "leg": w.option("leg") or agent}


def disconnects(w):
    if w.skip("voice-agent"):
        event = {"type": "VoiceAgentDisconnected", "result": symbol(w.take("a result")), "leg": w.option("leg") or "va"}
        return event | {"notes": w.option("notes")}
    agent = w.take("an agent")
    return {"type": "AgentDisconnected", "leg": w.option("leg") or agent}


def offered(w):
    w.need("to")
    agent = w.take()
    return {"type": "AgentOffered", "agent": agent, "leg": w.option("leg") or agent}


def offer(w):
    return {"type": "OfferEnded", "leg": w.take("a leg"), "result": symbol(w.take("a result"))}


def of_leg(event_type):
    return lambda w: {"type": event_type, "leg": w.option("leg")}


def wrap_up(w):
    kind = {"starts": "WrapUpStarted", "ends": "WrapUpEnded"}.get(w.take("starts or ends"))
    return {"type": kind, "leg": w.option("leg")}


def transfers(w):
    w.need("to")
    return {"type": "Transferred", "to_kind": symbol(w.take()), "to": w.take(), "leg": w.option("leg")}


def forwards(w):
    w.need("to")
    return {"type": "Forwarded", "destination": symbol(w.take()), "why": symbol(w.option("by") or "module"), "to": w.option("number")}


def voicemail(w):
    return {"type": {"starts": "VoicemailStarted", "left": "VoicemailLeft"}.get(w.take("starts or left"))}


def ends(w):
    w.need("by")
    return {"type": "CallEnded", "by": symbol(w.take()), "cause": w.option("cause")}


def classified(w):
    event = {"type": "CallClassified", "classification": symbol(w.take("a classification")), "reason": w.option("reason")}
    lead = w.option("lead")
    event["is_lead"] = None if lead is None else lead == "yes"
    event["notes"] = w.option("notes")
    event["job"] = w.option("job")
    event["by"] = w.option("by")
    return event


OF_CALL = {
    "starts": starts, "pre-routing": lambda w: {"type": "PreRoutingPlayed"}, "enters": enters, "leaves": leaves,
    "asks-for-callback": lambda w: {"type": "CallbackRequested", "number": w.option("on")}, "offered": offered, "offer": offer,
    "connects": connects, "disconnects": disconnects, "holds": of_leg("HoldStarted"), "resumes": of_leg("HoldEnded"),
    "wrap-up": wrap_up, "transfers": transfers, "forwards": forwards, "voicemail": voicemail, "ends": ends, "classified": classified,
    "customer": lambda w: {"type": "CustomerLinked", "customer": w.take()},
    "recording": lambda w: {"type": "RecordingAvailable", "address": w.take()},
}


def booked(w):
    event = {"type": "JobBooked"}
    for field, word in (("call", "for"), ("caller", "caller"), ("customer", "customer")):
        event[field] = w.option(word)
    for field in ("created", "scheduled"):
        event[f"{field}_at"] = w.time() if w.skip(field) else None
    return event


def rescheduled(w):
    w.need("to")
    return {"type": "JobRescheduled", "scheduled_at": w.time()}


OF_JOB = {
    "booked": booked, "rescheduled": rescheduled, "completed": lambda w: {"type": "JobCompleted"},
    "cancelled": lambda w: {"type": "JobCancelled", "reason": w.option("because")},
}


def command(w):
    """command k1 by kim sets ab-c1 RESOLVED expecting 2"""
    event = {"event_id": w.take("a command id"), "actor": w.option("by")}
    verb = w.take("a verb")
    if verb == "changes":
        changes = []
        while "=" in w.peek():
            key, value = w.take().split("=", 1)
            changes.append({"key": key, "value": value})
        event |= {"type": "ChangeSettings", "changes": changes}
    else:
        event["follow_up"] = w.take("a row")
        event |= {
            "sets": lambda: {"type": "SetStatus", "status": symbol(w.take("a status"))},
            "notes": lambda: {"type": "AddNote", "note": w.take("a note")},
            "assigns": lambda: {"type": "Assign", "assignee": w.option("to")},
            "calls-back": lambda: {"type": "StartCallback"},
            "dismisses": lambda: {"type": "Dismiss"},
            "reopens": lambda: {"type": "Reopen"},
        }[verb]()
    expected = w.option("expecting")
    event["expected_version"] = None if expected is None else int(expected)
    return event


def names(word):
    return [part for part in word.split(",") if part]


def directory(noun, w):
    """role edit grants A,B | person kim has edit,other | number N ... | queue sales named Sales | agent, customer, tenant
    | rules 2 activated"""
    if noun == "role":
        role = w.take()
        w.need("grants")
        return {"type": "RoleChanged", "role": role, "permissions": names(w.take())}
    if noun == "person":
        person = w.take()
        w.need("has")
        return {"type": "RolesAssigned", "person": person, "roles": names(w.take())}
    if noun == "number":
        event = {"type": "NumberChanged", "number": w.take(), "kind": symbol(w.option("kind") or "tracking"), "texts": False}
        return event | {"campaign": w.option("campaign")}
    if noun == "tenant":
        tenant = w.take()
        w.need("named")
        event = {"type": "TenantChanged", "tenant": tenant, "name": w.take(), "zone": w.option("zone") or "UTC"}
        return event | {"week_start": symbol(w.option("week") or "monday")}
    if noun == "rules":
        event = {"type": "ActivateRules", "tenant": "*", "version": int(w.take("a version"))}
        w.need("activated")
        return event
    if noun == "status":
        return {"type": "AgentStatusChanged", "agent": w.take(), "status": w.take(), "why": symbol(w.option("why") or "person")}
    identity = w.take()
    w.need("named")
    event = {"type": noun.capitalize() + "Changed", noun: identity, "name": w.take()}
    if noun == "customer":
        event["numbers"] = names(w.option("numbers") or "")
    return event


def given(w):
    """`kim may A,B` and `settings k=v ...` as event lines of 08:00; with `in TENANT` at the end, of that tenant."""
    who = w.take()
    if who == "settings":
        grants, lines = "VIEW_AND_EDIT_FEATURE_MANAGEMENT,EDIT_TI_FOLLOW_UP_AND_REPORTING_SETTINGS", []
        while "=" in w.peek():
            lines.append(w.take())
        who, changes = "given-boss", " ".join(lines)
    else:
        w.need("may")
        grants, changes = w.take(), None
    tenant = w.option("in")
    w.end()
    where = f" in {tenant}" if tenant else ""
    yield f"08:00 role may-{who} grants {grants}{where}"
    yield f"08:00 person {who} has may-{who}{where}"
    if changes:
        yield f"08:00 command given-{changes.replace(' ', '-').replace('=', '-')} by {who} changes {changes}{where}"


DIRECTORY = ("role", "person", "number", "tenant", "rules", "status", "queue", "agent", "customer")


def event(line, order):
    """One event line into a dict; `order` makes its event_id where the line gives none (`id e7`)."""
    w = Words(line)
    occurred_at = w.time()
    noun = w.take("what it is about")
    if noun == "command":
        made = command(w)
    elif noun in DIRECTORY:
        made = directory(noun, w)
    else:
        verb = w.take("a verb")
        if verb in OF_CALL:
            made = OF_CALL[verb](w) | {"call_id": noun}
        elif verb in OF_JOB:
            made = OF_JOB[verb](w) | {"job_id": noun}
        else:
            raise Mistake(f"'{verb}' is no verb of a call or a job")
    made = {"tenant": "acme", "event_id": f"e{order:03}"} | made | {"occurred_at": occurred_at}
    while w.peek() in ("in", "id"):
        field = "tenant" if w.take() == "in" else "event_id"
        made[field] = w.take()
    w.end()
    if made["type"] in ("SetStatus", "AddNote", "Assign", "StartCallback", "Dismiss", "Reopen", "ChangeSettings"):
        made["command_id"] = made.pop("event_id")
    return {key: value for key, value in made.items() if value is not None}
