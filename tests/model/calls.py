"""One call: everything that follows from its own events, recomputed from the sorted list at each question (SPEC 2; D1.1, D1.7 to D1.20)."""
import bisect
import functools

from words import COUNT_AFTER_THE_END, TALK, greatest, order


def told_once(rule):
    """A rule that asks only a call's events and what its start fixed: what it tells is kept until one more event comes (Call.add)."""
    @functools.wraps(rule)
    def told(call, *about):
        asked = rule, *about
        if asked not in call.told:
            call.told[asked] = rule(call, *about)
        return call.told[asked]

    return told


class Call:
    """A call that started. `events` holds every accepted event, sorted; what else is kept is what the rules fix at a moment."""

    def __init__(self, start):
        self.id = start["call_id"]
        self.start = start
        self.events = []
        self.add(start)
        # Fixed when the start folds.
        self.caller = self.campaign = None
        self.external = True
        self.voice_agent_counts = self.callback_counts = False
        self.stuck_ms = 0
        # Fixed at the first decision, and at the first check.
        self.settings = self.rules = None
        self.check_settings = None
        self.acw_ms = self.retention_ms = None
        # No deadline moves before the change of settings that moved it.
        self.check_floor = self.stuck_floor = self.retain_floor = 0
        self.talk_fired = self.check_fired = self.stuck_fired = False
        self.published = None  # columns of calls-classified as last written

    def add(self, event):
        """Which end wins and which events count follows from the list alone, so it is told anew only here; and what was told is forgotten."""
        self.told = {}
        bisect.insort(self.events, event, key=order)
        self.winning_end = end = last_of(self.events, "CallEnded")
        self.that_count = [
            e for e in self.events
            if end is None or e["occurred_at"] <= end["occurred_at"] or e["type"] in COUNT_AFTER_THE_END
        ]

    def end(self):
        return self.winning_end

    def counting(self, as_of=None):
        """The events that count, sorted: what is later than the end only of some types; facts up to `as_of`."""
        return self.that_count if as_of is None else [e for e in self.that_count if e["occurred_at"] <= as_of]

    # Deadlines

    def stuck_at(self):
        return max(self.events[-1]["occurred_at"] + self.stuck_ms, self.stuck_floor)

    def check_at(self):
        """The check time; None while the call is in progress."""
        end = self.end()
        if end:
            return max(end["occurred_at"] + self.acw_ms, self.check_floor)
        return self.stuck_at() if self.stuck_fired else None

    def retain_at(self):
        end = self.end()
        return max((end["occurred_at"] if end else self.stuck_at()) + self.retention_ms, self.retain_floor)

    def decided(self):
        return self.end() is not None or self.stuck_fired

    # Single facts

    @told_once
    def classification(self, as_of=None):
        return last_of(self.counting(as_of), "CallClassified")

    @told_once
    def customer(self, as_of=None):
        linked = last_of(self.counting(as_of), "CustomerLinked")
        return (linked or self.start).get("customer")

    @told_once
    def last(self, kind, field):
        found = last_of(self.counting(), kind)
        return found[field] if found else None

    def duration(self):
        end = self.end()
        return end["occurred_at"] - self.start["occurred_at"] if end else None

    @told_once
    def columns(self):
        """Of calls-classified, those that its events alone say."""
        start, end = self.start, self.end()
        classified = self.classification() or {}
        return {
            "direction": start["direction"], "kind": start["kind"], "started_at": start["occurred_at"],
            "ended_at": end["occurred_at"] if end else None, "duration_ms": self.duration(),
            "from": start.get("from"), "to": start.get("to"), "customer": self.customer(),
            "queue": self.last("QueueEntered", "queue"), "agent": self.last("AgentConnected", "agent"),
            "ended_by": end["by"] if end else None, "wait_ms": self.wait_ms(), "talk_ms": self.talk_ms(), "no_message": self.no_message_left(),
            "classification": classified.get("classification"), "reason": classified.get("reason"), "is_lead": classified.get("is_lead"),
            "notes": classified.get("notes"), "recording": self.last("RecordingAvailable", "address"),
            "start_event": start["event_id"], "end_event": end["event_id"] if end else None,
        }

    @told_once
    def no_message_left(self):
        kinds = {e["type"] for e in self.counting()}
        return "VoicemailStarted" in kinds and "VoicemailLeft" not in kinds

    # The type (the table of SPEC 2)

    def type(self, jobs, as_of=None):
        """(type, event id at which its condition first held). `jobs`: those of the tenant."""
        check = self.check_at()
        if not self.decided():
            return "IN_PROGRESS", None
        if self.start["direction"] == "INTERNAL":
            return "INTERNAL", None
        if self.connected(as_of):
            booked = [
                j for j in jobs.values()
                if j.booked(check) and j.booked(check).get("call") == self.id and not j.cancelled_by(check)
            ]
            if booked:
                return "BOOKED", min(booked, key=lambda j: (j.booked_at(check), j.id.encode())).booked(check)["event_id"]
            classification = self.classification(as_of)
            verdict = self.classified_as(classification, jobs, check)
            if verdict:
                return verdict, self.classified_first(self.counting(as_of), classification)
        if self.end() is None:
            return "LOST", None
        return self.type_by_events(as_of)

    @told_once
    def connected(self, as_of):
        return any(is_connected(e) for e in self.counting(as_of))

    @told_once
    def type_by_events(self, as_of):
        """Where no booking and no classification says it."""
        events, end = self.counting(as_of), self.end()
        for name, first in (
            ("UNBOOKED", first_of(events, "AgentConnected")),
            ("VOICE_AGENT", voice_agent_only(events)),
            ("VOICEMAIL", first_of(events, "VoicemailStarted", "VoicemailLeft")),
            ("FORWARDED", first_of(events, "Forwarded")),
            ("CALLBACK_REQUESTED", first_of(events, "CallbackRequested")),
        ):
            if first:
                return name, first["event_id"]
        if end.get("cause") == "NO_ACTIVE_WORKFLOW":
            return "DISCONNECTED", None
        if self.start["direction"] == "OUTBOUND":
            return "OUTBOUND", None
        return ("ABANDONED" if end["by"] == "CALLER" else "MISSED"), None

    @staticmethod
    def classified_as(event, jobs, check):
        """The type that a classification gives a connected call, or None."""
        if event is None or event["classification"] == "UNBOOKED":
            return None
        if event["classification"] == "BOOKED":
            job = jobs.get(event.get("job"))
            return None if job and job.cancelled_by(check) else "BOOKED"
        return event["classification"]

    @staticmethod
    def classified_first(events, classification):
        """Where both its classification and a connection are in the list."""
        return max(next(e for e in events if is_connected(e)), classification, key=order)["event_id"]

    # Talk (D1.16)

    def talks(self, voice_agent):
        """Pairs (from, to) in which a leg talks, the Voice Agent's too where asked; to is None where it still does."""
        end = self.end()
        legs = {}
        spans = []
        all_held = False
        for event in self.counting():
            at = event["occurred_at"]
            kind = event["type"]
            if kind in ("AgentConnected", "AgentDisconnected", "HoldStarted", "HoldEnded"):
                ids = [event["leg"]] if event.get("leg") is not None else self.agent_legs()
                if event.get("leg") is None:
                    all_held = kind == "HoldStarted"
                for leg in ids:
                    machine = legs.setdefault(("agent", leg), Leg(spans))
                    connects = kind == "AgentConnected" and not machine.up
                    machine.step(kind, at)
                    if connects and all_held:
                        machine.step("HoldStarted", at)
            elif kind in ("VoiceAgentConnected", "VoiceAgentDisconnected") and voice_agent:
                legs.setdefault(("voice agent", event["leg"]), Leg(spans)).step(kind.replace("VoiceAgent", "Agent"), at)
        for machine in legs.values():
            machine.finish(end["occurred_at"] if end else None)
        return spans

    def agent_legs(self):
        return {e["leg"] for e in self.events if e["type"] == "AgentConnected"}

    @told_once
    def talk_ms(self):
        """What agents talked; without an end, up to the latest event."""
        latest = self.events[-1]["occurred_at"]
        return sum((latest if stop is None else stop) - start for start, stop in union(self.talks(False)))

    @told_once
    def talk_moment(self):
        """The first ms at which the union of talk reaches 30,001 ms; None where it never does."""
        if self.caller is None or (self.start["direction"] == "OUTBOUND" and not self.callback_counts):
            return None
        total = 0
        for start, stop in union(self.talks(self.voice_agent_counts)):
            if stop is None or total + stop - start >= TALK:
                return start + TALK - total
            total += stop - start
        return None

    # An abandoned call (D1.14, D1.15)

    @told_once
    def abandoned_where(self):
        """Where the last of the events that say so left the caller; ringing until no offer is open, then where it was before."""
        where, before, ringing = "PRE_ROUTING", None, set()
        for event in self.counting():
            kind = event["type"]
            if kind == "PreRoutingPlayed":
                where = "PRE_ROUTING"
            elif kind == "ModuleEntered" and event["module"] != "QUEUE":
                where = "IVR"
            elif kind == "QueueEntered":
                where = "QUEUE"
            elif kind == "QueueExited" and event["reason"] not in ("ANSWERED", "LEFT"):
                where = "IVR"
            elif kind == "AgentOffered":
                before = before if where == "RINGING" else where
                where = "RINGING"
                ringing.add(event["leg"])
            elif kind == "OfferEnded" and event["result"] != "CALLER_HUNG_UP" and event["leg"] in ringing:
                ringing.remove(event["leg"])
                if where == "RINGING" and not ringing:
                    where = before
        return where

    @told_once
    def wait_ms(self):
        """Time waited in queues; None where no queue was entered."""
        total, since = 0, None
        end = self.end()
        events = self.counting()
        if not any(e["type"] == "QueueEntered" for e in events):
            return None
        for event in events:
            kind = event["type"]
            if (kind in ("QueueEntered", "QueueExited", "AgentConnected") or event is end) and since is not None:
                total, since = total + event["occurred_at"] - since, None
            if kind == "AgentConnected":
                return total
            if kind == "QueueEntered":
                since = event["occurred_at"]
        return total

    @told_once
    def abandoned_in_transfer(self, kind):
        end = self.end()
        if kind != "UNBOOKED" or self.start["direction"] != "INBOUND" or end is None or end["by"] != "CALLER":
            return False
        events = self.counting()
        up = set()
        for event in events:
            if event["type"] == "AgentConnected":
                up.add(event["leg"])
            elif event["type"] == "AgentDisconnected":
                up.discard(event["leg"])
        if up:
            return False
        after = events[max(i for i, e in enumerate(events) if e["type"] == "AgentConnected"):]
        return any(e["type"] in ("Transferred", "QueueEntered") for e in after)


class Leg:
    """Talks when up and not on hold."""

    def __init__(self, spans):
        self.spans, self.up, self.hold, self.since = spans, False, False, None

    def step(self, kind, at):
        if kind == "AgentConnected":
            self.up = True
        elif kind == "AgentDisconnected" and self.up:
            self.up = self.hold = False
        elif kind == "HoldStarted":
            self.hold = True
        elif kind == "HoldEnded":
            self.hold = False
        talking = self.up and not self.hold
        if talking and self.since is None:
            self.since = at
        elif not talking and self.since is not None:
            self.spans.append((self.since, at))
            self.since = None

    def finish(self, at):
        if self.since is not None:
            self.spans.append((self.since, at))


def union(spans):
    """The spans joined and sorted; an open end stays None."""
    joined = []
    for start, stop in sorted(spans, key=lambda s: s[0]):
        if joined and (joined[-1][1] is None or start < joined[-1][1]):
            last = joined[-1][1]
            joined[-1][1] = None if last is None or stop is None else max(last, stop)
        else:
            joined.append([start, stop])
    return joined


def is_connected(event):
    return event["type"] in ("AgentConnected", "VoiceAgentConnected")


def first_of(events, *kinds):
    return next((e for e in events if e["type"] in kinds), None)


def last_of(events, kind):
    """Of sorted events: the greatest of a kind, which wins (SPEC 2)."""
    return next((e for e in reversed(events) if e["type"] == kind), None)


def voice_agent_only(events):
    """The first VoiceAgentConnected that no QueueEntered follows."""
    found = None
    for event in events:
        if event["type"] == "VoiceAgentConnected":
            found = found or event
        elif event["type"] == "QueueEntered":
            found = None
    return found


class Job:
    """A job: its first booking, and the greatest event of each other sort."""

    def __init__(self, job_id):
        self.id = job_id
        self.events = []
        self.retention_ms = None
        self.retain_floor = 0

    def booked(self, as_of=None):
        """A job is booked once: the least of its bookings (D1.47b)."""
        found = (e for e in self.events if e["type"] == "JobBooked" and (as_of is None or e["occurred_at"] <= as_of))
        return min(found, key=order, default=None)

    def booked_at(self, as_of=None):
        return self.booked(as_of)["occurred_at"]

    def cancelled_by(self, at):
        return any(e["type"] == "JobCancelled" and e["occurred_at"] <= at for e in self.events)

    def retain_at(self):
        base = self.booked_at() if self.booked() else max(e["occurred_at"] for e in self.events)
        return max(base + self.retention_ms, self.retain_floor)

    def columns(self):
        booked = self.booked() or {}
        scheduled = greatest(e for e in self.events if e.get("scheduled_at") is not None and (e is booked or e["type"] == "JobRescheduled"))
        time_of = lambda kind: (greatest(e for e in self.events if e["type"] == kind) or {}).get("occurred_at")
        return {
            "job_created_at": booked.get("created_at", booked.get("occurred_at")),
            "job_scheduled_at": scheduled["scheduled_at"] if scheduled else None,
            "job_completed_at": time_of("JobCompleted"),
            "job_cancelled_at": time_of("JobCancelled"),
        }
