"""A row: what its call, the persons and the automatics make of it, recomputed at each question (SPEC 3, 4, 6; D1.21 to D1.31)."""
from words import COLD_ABANDONED, DAY, JOB_OF_THE_CALL

DONE = {"RESOLVED", "DISMISSED", "NOT_A_LEAD", "NOT_FOLLOWING_UP"}
BY_HAND_FOR_GOOD = {"DISMISSED", "NOT_A_LEAD", "NOT_FOLLOWING_UP"}
STATUSES = {
    "ABANDONED": {"NEW", "CONTACT_ATTEMPTED", "FOLLOW_UP_NEEDED", "RESOLVED", "DISMISSED"},
    "SECOND_CHANCE": {"NEW", "CONTACT_ATTEMPTED", "FOLLOW_UP_NEEDED", "RESOLVED", "NOT_A_LEAD", "NOT_FOLLOWING_UP"},
}
PREFIX = {"ABANDONED": "ab-", "SECOND_CHANCE": "sc-"}


class Closing:
    """A ground to close a row by itself: when, as what, and what it is."""

    def __init__(self, at, outcome, cause, cause_id, job=None, call=None):
        self.at, self.outcome, self.cause, self.cause_id, self.job, self.call = at, outcome, cause, cause_id, job, call
        self.status = "NOT_A_LEAD" if outcome == "NOT_A_LEAD" else "RESOLVED"


class Row:
    """One follow-up. Commands are kept in the order of the journal, as the effect that they had at their place."""

    def __init__(self, call, kind, attempt):
        self.call, self.kind, self.attempt = call, kind, attempt
        self.id = PREFIX[kind] + call.id
        self.version = 0
        self.sets = []     # of a status: time, stream time then, status, whether it left DONE, closed_at
        self.reviews = []  # of what persons did: time, stream time then
        self.attempts = [] # times
        self.notes = []
        self.assignee = None
        self.withdrawn = False
        self.cold_fired = False
        self.cold_days_ms = COLD_ABANDONED if kind == "ABANDONED" else None
        self.cold_floor = 0
        self.ground = None     # what closed it by itself, as last written
        self.pinned = None     # the automatic closure after which a person acted
        self.kept = None       # the same and its closed_at, once its ground has gone: as if that person had closed the row (D1.27)
        self.shown = None      # fields as last written
        self.frozen = None     # status, outcome and the like before the withdrawal

    def opened_at(self):
        return self.call.end()["occurred_at"] if self.kind == "ABANDONED" else self.call.check_at()

    def cold_at(self):
        return max(self.opened_at() + self.cold_days_ms, self.cold_floor)

    # What persons did

    def base(self, as_of=None):
        """(status, closed_at) that persons last set."""
        sets = [s for s in self.sets if comes_by(s, as_of)]
        return (sets[-1]["status"], sets[-1]["closed_at"]) if sets else ("NEW", None)

    def last_open_status(self):
        found = [s["status"] for s in self.sets if s["status"] not in DONE]
        return found[-1] if found else "NEW"

    def reopened_at(self, as_of=None):
        return max((s["at"] for s in self.sets if s["leaves_done"] and comes_by(s, as_of)), default=None)

    def stands_against(self, moment, as_of=None):
        """Whether a command that set a status stands against talk at this moment (D1.23)."""
        return any(
            not (moment > s["at"] or (moment == s["at"] and moment > s["stream_time"]))
            for s in self.sets if comes_by(s, as_of)
        )

    # What the automatics found

    def talk(self, tenant, as_of=None):
        if self.kind != "ABANDONED" or self.call.caller is None:
            return None
        found = []
        for other in [*tenant.calls.values(), *tenant.gone_calls]:
            if other.caller != self.call.caller or not other.talk_fired:
                continue
            if other.start["occurred_at"] <= self.call.start["occurred_at"]:
                continue
            moment = other.talk_moment()
            if (as_of is None or moment <= as_of) and not self.stands_against(moment, as_of):
                found.append((moment, other.id.encode(), other.id))
        if not found:
            return None
        moment, _, call = min(found)
        return Closing(max(moment, self.opened_at()), "RECONNECTED", "TALK", call, call=call)

    def conversion(self, tenant, as_of=None):
        if self.call.settings["resolve_on_booking"] is False:
            job = None
        else:
            job = self.converting_job(tenant, as_of)
        found = []
        if job:
            found.append(Closing(max(job.booked_at(as_of), self.opened_at()), "CONVERTED", "JOB", job.id, job=job.id))
        booked = self.later_classification(as_of)
        if booked and booked["classification"] == "BOOKED":
            found.append(Closing(booked["occurred_at"], "CONVERTED", "CLASSIFICATION", booked["event_id"]))
        return min(found, key=lambda c: c.at, default=None)

    def converting_job(self, tenant, as_of):
        reopened = self.reopened_at(as_of)
        found = [
            j for j in tenant.jobs.values()
            if job_matches(self.call, j, tenant, as_of)
            and (reopened is None or j.booked_at(as_of) > reopened)
            and (self.kind == "ABANDONED" or j.booked_at(as_of) > self.call.check_at())
        ]
        return min(found, key=lambda j: (j.booked_at(as_of), j.id.encode()), default=None)

    def later_classification(self, as_of=None):
        """Of a second chance row: the call's classification where it came after the check and after the row was reopened."""
        event = self.call.classification(as_of) if self.kind == "SECOND_CHANCE" else None
        reopened = self.reopened_at(as_of)
        if event and event["occurred_at"] > self.call.check_at() and (reopened is None or event["occurred_at"] > reopened):
            return event
        return None

    def no_lead(self, as_of=None):
        event = self.later_classification(as_of)
        if event and event["classification"] in ("EXCUSED", "NOT_A_LEAD"):
            return Closing(event["occurred_at"], "NOT_A_LEAD", "CLASSIFICATION", event["event_id"])
        return None

    def by_person(self, closed_at):
        """A closure as that of a person, of which no more is known than when."""
        return Closing(closed_at, "RESOLVED", "COMMAND", None), closed_at

    # The order of force (D1.25)

    def state(self, tenant, as_of=None, automatics=True):
        """The row as it should be, were it not withdrawn; and the ground that closed it by itself."""
        status, closed_at = self.base(as_of)
        by_hand = {"status": status, "outcome": status if status in DONE else None, "closed_at": closed_at,
                   "converted_at": None, "job": None, "resolved_by_call": None}
        if status in BY_HAND_FOR_GOOD or not automatics:
            return by_hand, None
        conversion, no_lead, talk = self.conversion(tenant, as_of), self.no_lead(as_of), self.talk(tenant, as_of)
        kept, kept_at = self.kept or (None, None) if as_of is None else (None, None)
        if kept and kept.status in BY_HAND_FOR_GOOD:
            conversion = None
        if status == "RESOLVED" or kept:
            no_lead = talk = None
        ground = conversion or no_lead or talk or kept
        if ground is None and status != "RESOLVED" and as_of is None:
            ground = self.pinned
        if ground is None:
            return by_hand, None
        by_person = [closed_at] if status == "RESOLVED" else [kept_at] if kept else []
        closings = [c.at for c in (conversion, no_lead, talk, None if kept else ground) if c] + by_person
        return {
            "status": ground.status,
            "outcome": ground.outcome,
            "closed_at": min(closings),
            "converted_at": ground.at if ground.outcome == "CONVERTED" else None,
            "job": ground.job,
            "resolved_by_call": ground.call,
        }, ground

    def went_cold_at(self, tenant):
        """The deadline, where by it the row was open, not DONE and not reviewed (D1.30)."""
        if not self.cold_fired:
            return None
        deadline = self.cold_at()
        state, _ = self.state(tenant, as_of=deadline)
        reviewed = any(comes_by(r, deadline) for r in self.reviews)
        return None if state["status"] in DONE or reviewed else deadline

    def tab(self, status, went_cold_at):
        if status == "WITHDRAWN":
            return None
        if status in DONE:
            return "DONE"
        reviewed_since = went_cold_at is not None and not all(comes_by(r, went_cold_at) for r in self.reviews)
        return "COLD" if went_cold_at is not None and not reviewed_since else "OPEN"


def comes_by(act, deadline):
    """Whether a person's act comes before the timer of this deadline (D1.30a)."""
    return deadline is None or (act["at"] <= deadline and act["stream_time"] < deadline)


def job_matches(call, job, tenant, as_of=None):
    """SPEC 3, Converted: the job is the caller's, and was booked from the call's start to its end + link_days."""
    booked = job.booked(as_of)
    end = call.end()
    if booked is None or end is None:
        return False
    if not call.start["occurred_at"] <= booked["occurred_at"] <= end["occurred_at"] + call.settings["link_days"] * DAY:
        return False
    named = tenant.call(booked.get("call"))
    by_caller = call.caller is not None and (booked.get("caller") == call.caller or (named is not None and named.caller == call.caller))
    if call.rules >= JOB_OF_THE_CALL and booked.get("call") == call.id:
        return True
    customer = call.customer(as_of)
    return by_caller or (customer is not None and booked.get("customer") == customer)


def should_stand(kind, call, tenant):
    """Whether the call should have a row of this kind now."""
    if call.end() is None or call.start["direction"] != "INBOUND":
        return False
    if kind == "ABANDONED":
        found, _ = call.type(tenant.jobs)
        settings = call.settings
        no_message = found == "VOICEMAIL" and call.no_message_left()
        return (found == "ABANDONED" or (found == "MISSED" and settings["follow_up_missed"])
                or (found == "CALLBACK_REQUESTED" and settings["follow_up_callback"])
                or (no_message and settings["follow_up_empty_voicemail"]))
    return call.check_fired and second_chance(call, tenant)


def second_chance(call, tenant):
    """The judgement at check time: only facts up to then."""
    check = call.check_at()
    settings = call.check_settings
    if not settings["second_chance.enabled"] or not call.external:
        return False
    if call.type(tenant.jobs, as_of=check)[0] != "UNBOOKED" or call.duration() < settings["second_chance.min_call_seconds"] * 1000:
        return False
    classified = call.classification(check)
    if classified and classified.get("is_lead") is False:
        return False
    return not any(
        job_matches(call, j, tenant, check) and not j.cancelled_by(check) for j in tenant.jobs.values()
    )
