"""The fold, slow and obvious: every accepted event is kept, and each step recomputes the whole tenant (SPEC 6, 7)."""
import heapq
import itertools
from operator import itemgetter

from calls import Call, Job
from clock import KINDS, Clock
from commands import Refused, judge
from rows import PREFIX, Row, should_stand
from words import (ALL, CALL_EVENTS, CALLS_A_RECORD, COMMANDS, DAY, DIRECTORY, E164, EXTENSION, FIRST_RULES, FUTURE, HOUR, JOB_EVENTS,
                   LONGEST_LINK, MINUTE, SENTINELS, SETTINGS, WEEK, order)

TOPICS = ("rejected", "calls-classified", "followups", "followup-events", "notices", "command-results")
NO_JOB = Job(None).columns()


class Rejected(Exception):
    """The event does not count; the text is the reason."""


class Tenant:
    def __init__(self, tenant_id):
        self.id = tenant_id
        self.calls, self.rows, self.jobs = {}, {}, {}
        self.gone_calls = []  # past their retention: what they did stays done
        self.waiting = {}     # call -> [(event, record, deadline)]
        self.seen = {}        # subject -> [ids, stream time at the last]
        self.directory = {}   # (what, id) -> the event that stands
        self.settings, self.settings_version = {}, 0
        self.results = {}     # command -> (result, when it was first given)

    def call(self, call_id):
        return self.calls.get(call_id) or next((c for c in self.gone_calls if c.id == call_id), None)


class Step:
    """One timer's or one record's application: collects outputs and hands them out in the order of SPEC 7."""

    def __init__(self, time, record=None, command=None, kind=None, about=None):
        self.time, self.record, self.command = time, record, command
        self.kind, self.about = kind, about  # of a timer
        self.outputs = []

    def emit(self, topic, key, body, then=()):
        self.outputs.append((TOPICS.index(topic), key.encode(), then, len(self.outputs), {"topic": topic, "key": key, **body}))

    def sorted(self):
        return [o[-1] for o in sorted(self.outputs, key=lambda o: o[:4])]


class Model:
    def __init__(self):
        self.clock = Clock()
        self.tenants = {ALL: Tenant(ALL)}
        self.network_time = None  # greatest occurred_at of what is for all tenants
        self.outputs = []
        self.next_timer = {}      # tenant -> its earliest timer, or None
        self.to_ask = set()       # tenants whose earliest timer may be another since
        self.in_order = []        # a heap of earliest timers; one that is its tenant's no more is passed over
        self.asked = itertools.count()
        self.rules = FIRST_RULES
        self.looking_again = None # after an activation: since when, and behind which call it goes on

    # Records

    def fold(self, record):
        """A record: {"event": ...} or {"bad": reason}, with offset and append_time."""
        self.fold_record(record)
        self.look_again()

    def fold_record(self, record):
        event = record.get("event")
        if event is None:
            step = Step(record["append_time"])
            self.reject(step, {}, record, record["bad"])
            self.finish(step)
            return
        tenant = self.tenants.setdefault(event["tenant"], Tenant(event["tenant"]))
        if event["type"] in COMMANDS:
            self.fold_command(tenant, event, record)
            return
        step = Step(event["occurred_at"], record)
        try:
            if event["occurred_at"] > record["append_time"] + FUTURE:
                raise Rejected("FUTURE_TIME")
            if self.is_duplicate(tenant, event):
                return
            expires = event["occurred_at"] + self.setting(tenant.id, "retention_days") * DAY
            if self.subject(event)[0] in ("call", "job") and self.clock.time is not None and expires < self.clock.time:
                raise Rejected("EXPIRED")
        except Rejected as why:
            self.reject(step, event, record, str(why))
            self.finish(step)
            return
        self.clock.event(event["occurred_at"], record["append_time"], self.setting(ALL, "allowed_lateness_ms"))
        if tenant.id == ALL:
            self.network_time = max(self.network_time or 0, event["occurred_at"])
        self.fire_due()
        step = Step(event["occurred_at"], record)
        try:
            self.apply(tenant, event, record, step)
        except Rejected as why:
            self.reject(step, event, record, str(why))
        self.settle(tenant, step)
        self.finish(step)
        self.fire_due()

    def seal(self, end_as_of=None):
        if end_as_of is not None:
            self.clock.end_of_source(end_as_of, self.setting(ALL, "allowed_lateness_ms"))
            self.fire_due()
        while self.looking_again:  # seals without records follow
            self.look_again()

    @staticmethod
    def subject(event):
        kind = event["type"]
        if kind in CALL_EVENTS:
            return "call", event["call_id"]
        if kind in JOB_EVENTS:
            return "job", event["job_id"]
        if kind == "AgentStatusChanged":
            return "agent status", event["agent"]
        what = DIRECTORY[kind]
        return what, event.get(what, event["tenant"])

    def is_duplicate(self, tenant, event):
        seen = tenant.seen.get(self.subject(event))
        return seen is not None and event["event_id"] in seen[0] and self.clock.time <= seen[1] + WEEK

    def remember(self, tenant, event):
        seen = tenant.seen.setdefault(self.subject(event), [set(), None])
        seen[0].add(event["event_id"])
        seen[1] = self.clock.time

    def forget(self, tenant, event):
        tenant.seen[self.subject(event)][0].discard(event["event_id"])

    def apply(self, tenant, event, record, step):
        kind = event["type"]
        if kind in CALL_EVENTS:
            self.apply_call(tenant, event, record, step)
        elif kind in JOB_EVENTS:
            job = tenant.jobs.setdefault(event["job_id"], Job(event["job_id"]))
            job.events.append(event)
        elif kind == "ActivateRules":
            if tenant.id != ALL or event["version"] <= self.rules:
                raise Rejected("INVALID")
            self.rules = event["version"]
            self.looking_again = {"since": None, "behind": ()}
        elif kind in DIRECTORY:
            subject = self.subject(event)
            standing = tenant.directory.get(subject)
            if standing is None or order(event) > order(standing):
                tenant.directory[subject] = event
        self.remember(tenant, event)

    def apply_call(self, tenant, event, record, step):
        call = tenant.calls.get(event["call_id"])
        if event["type"] == "CallStarted":
            if call:
                if any(event.get(f) != call.start.get(f) for f in ("direction", "from", "to")):
                    raise Rejected("CONFLICTING_START")
                call.add(event)  # the first stands
                return
            call = tenant.calls[event["call_id"]] = Call(event)
            self.fix_at_start(tenant, call)
            for waiting, its_record, _ in sorted(tenant.waiting.pop(call.id, []), key=lambda w: order(w[0])):
                if waiting["type"] == "CallEnded" and waiting["occurred_at"] < event["occurred_at"]:
                    self.reject(step, waiting, its_record, "BAD_TIME")
                    self.forget(tenant, waiting)
                else:
                    call.add(waiting)
        elif call is None:
            tenant.waiting.setdefault(event["call_id"], []).append((event, record, self.clock.time + WEEK))
        else:
            if event["type"] == "CallEnded" and event["occurred_at"] < call.start["occurred_at"]:
                raise Rejected("BAD_TIME")
            call.add(event)

    def fix_at_start(self, tenant, call):
        start = call.start
        party = {"INBOUND": start.get("from"), "OUTBOUND": start.get("to")}.get(start["direction"])
        own = lambda number: self.entry(tenant.id, "number", number)
        if party is not None and E164.fullmatch(party) and party not in SENTINELS and not own(party):
            call.caller = party
        call.external = start["kind"] != "INTERNAL" and not (party is not None and (own(party) or EXTENSION.fullmatch(party)))
        if start["direction"] == "INBOUND" and own(start.get("to")):
            call.campaign = own(start.get("to")).get("campaign")
        call.voice_agent_counts = self.setting(tenant.id, "voice_agent_talk_counts")
        call.callback_counts = self.setting(tenant.id, "callback_talk_counts")
        call.stuck_ms = self.setting(tenant.id, "stuck_call_hours") * HOUR

    def reject(self, step, event, record, reason):
        step.emit("rejected", f"{record['source']}/{record['offset']}", {
            "tenant": event.get("tenant"), "event_id": event.get("event_id"), "offset": record["offset"],
            "append_time": record["append_time"], "reason": reason, "form": "EVENT_AVRO" if event else "ORIGINAL",
        })

    # Commands

    def fold_command(self, tenant, command, record):
        now = self.network_time if tenant.id == ALL else self.clock.time
        at = command["occurred_at"] if now is None else max(command["occurred_at"], now)
        if tenant.id == ALL:
            self.network_time = now = at
        step = Step(at, record, command)
        known = tenant.results.get(command["event_id"])
        if known and now <= known[1] + WEEK:
            step.emit("command-results", f"{tenant.id}/{command['event_id']}", known[0])
            self.finish(step)
            return
        result = {"tenant": tenant.id, "command_id": command["event_id"], "actor": command.get("actor"),
                  "follow_up": command.get("follow_up"), "at": at, "verdict": "ACCEPTED", "reason": None, "version": None}
        try:
            row = judge(self, tenant, command, record["append_time"], at)
            self.settle(tenant, step)
            result["version"] = row.version if row else tenant.settings_version
            if tenant.id == ALL:  # settings of all
                self.to_ask.update(self.tenants)
        except Refused as why:
            result.update(verdict="REJECTED", reason=str(why))
        tenant.results[command["event_id"]] = (result, now)
        step.emit("command-results", f"{tenant.id}/{command['event_id']}", result)
        self.finish(step)
        self.fire_due()

    # Timers

    def timers(self, tenant):
        """Every armed timer of a tenant: (deadline, kind, tenant, id), what fires."""
        def timer(deadline, kind, timer_id, *what):
            return (deadline, KINDS[kind], tenant.id.encode(), timer_id.encode()), kind, what

        for call in tenant.calls.values():
            if not call.talk_fired:
                moment = call.talk_moment()
                if moment is not None:
                    yield timer(moment, "TALK", call.id, call)
            if call.end() and not call.check_fired:
                yield timer(call.check_at(), "CHECK", call.id, call)
            if not call.end() and not call.stuck_fired:
                yield timer(call.stuck_at(), "STUCK", call.id, call)
            if call.decided():
                yield timer(call.retain_at(), "RETAIN", call.id, call)
        for row in tenant.rows.values():
            if not row.cold_fired and not row.withdrawn:
                yield timer(row.cold_at(), "COLD", row.id, row)
        for call_id, events in tenant.waiting.items():
            if events:
                yield timer(min(deadline for _, _, deadline in events), "START", call_id, call_id)

    def fire_due(self):
        while self.clock.time is not None:
            first = self.first_timer()
            if first is None or first[0][0] > self.clock.time:
                return
            self.fire(self.tenants[first[0][2].decode()], *first)

    def first_timer(self):
        for tenant_id in self.to_ask:
            self.next_timer[tenant_id] = first = min(self.timers(self.tenants[tenant_id]), key=itemgetter(0), default=None)
            if first:
                heapq.heappush(self.in_order, (first[0], next(self.asked), tenant_id, first))
        self.to_ask.clear()
        while self.in_order:
            _, _, tenant_id, first = self.in_order[0]
            if self.next_timer[tenant_id] is first:
                return first
            heapq.heappop(self.in_order)
        return None

    def fire(self, tenant, key, kind, what):
        step = Step(key[0], kind=kind, about=key[3].decode())
        if kind == "TALK":
            what[0].talk_fired = True
        elif kind == "CHECK":
            self.check(tenant, what[0])
        elif kind == "STUCK":
            what[0].stuck_fired = True
            self.check(tenant, what[0])
        elif kind == "COLD":
            what[0].cold_fired = True
        elif kind == "START":
            due = [w for w in tenant.waiting[what[0]] if w[2] <= key[0]]
            tenant.waiting[what[0]] = [w for w in tenant.waiting[what[0]] if w[2] > key[0]]
            for event, record, _ in due:
                self.forget(tenant, event)
                self.reject(step, event, record, "NO_START")
        elif kind == "RETAIN":
            self.retain(tenant, what[0], step)
        self.settle(tenant, step)
        self.finish(step)

    def check(self, tenant, call):
        call.check_fired = True
        if call.check_settings is None:
            call.check_settings = self.settings(tenant.id)

    def retain(self, tenant, call, step):
        del tenant.calls[call.id]
        tenant.gone_calls.append(call)
        tenant.seen.pop(("call", call.id), None)
        if call.published:
            step.emit("calls-classified", f"{tenant.id}/{call.id}", {"tombstone": True})
        for row in [r for r in tenant.rows.values() if r.call is call]:
            del tenant.rows[row.id]
            step.emit("followups", f"{tenant.id}/{row.id}", {"tombstone": True})

    # Other rules (docs/decisions/0019)

    def look_again(self):
        """Some calls more that older rules decided, each judged again in a step of its own."""
        if not self.looking_again or self.clock.time is None:
            return
        if self.looking_again["since"] is None:
            self.looking_again["since"] = self.clock.time
        since = self.looking_again["since"]
        calls = sorted(
            ((tenant.id.encode(), call.start["occurred_at"], call.id.encode()), tenant, call)
            for tenant in self.tenants.values() for call in tenant.calls.values()
            if call.settings is not None and call.rules < self.rules and call.start["occurred_at"] >= since - LONGEST_LINK
        )
        calls = [c for c in calls if c[0] > self.looking_again["behind"]][:CALLS_A_RECORD]
        for _, tenant, call in calls:
            if call.start["occurred_at"] + call.settings["link_days"] * DAY >= since:
                call.rules = self.rules
                step = Step(self.clock.time, kind="RULES")
                self.settle(tenant, step)
                self.finish(step)
        self.looking_again = {"since": since, "behind": calls[-1][0]} if len(calls) == CALLS_A_RECORD else None
        self.fire_due()

    # Settling: what is shown follows what is known

    def settle(self, tenant, step):
        self.to_ask.add(tenant.id)
        if tenant.id == ALL or (not tenant.calls and not tenant.rows):
            return
        for call in tenant.calls.values():
            self.settle_call(tenant, call)
        stands = {(call.id, kind): should_stand(kind, call, tenant) for call in tenant.calls.values() for kind in PREFIX}
        rows = list(tenant.rows.values())
        for call in tenant.calls.values():
            for kind, prefix in PREFIX.items():
                if stands[call.id, kind] and prefix + call.id not in tenant.rows:
                    self.open_row(tenant, call, kind, rows, step)
        for row in rows:
            self.settle_row(tenant, row, stands[row.call.id, row.kind], step)
        for call in tenant.calls.values():
            self.publish_call(tenant, call, step)

    def settle_call(self, tenant, call):
        """Captures the settings of a first decision; takes back what new facts moved behind stream time."""
        now = self.clock.time
        if call.talk_fired:
            moment = call.talk_moment()
            call.talk_fired = moment is not None and moment <= now
        if call.stuck_fired and not call.end() and call.stuck_at() > now:
            call.stuck_fired = call.check_fired = False
        if call.decided() and call.settings is None:
            call.settings = self.settings(tenant.id)
            call.rules = self.rules
            call.acw_ms = call.settings["second_chance.acw_minutes"] * MINUTE
            call.retention_ms = call.settings["retention_days"] * DAY
        if call.check_fired and call.end() and call.check_at() > now:
            call.check_fired = False

    def open_row(self, tenant, call, kind, rows, step):
        ahead = [r for r in rows if r.kind == "ABANDONED" and r.call.caller == call.caller and r.shown["tab"] in ("OPEN", "COLD")]
        row = Row(call, kind, 1 + (len(ahead) if kind == "ABANDONED" and call.caller is not None else 0))
        tenant.rows[row.id] = row
        if kind == "SECOND_CHANCE":
            row.cold_days_ms = call.check_settings["second_chance.cold_days"] * DAY
        at = self.open_or_return(tenant, row, "OPENED", step)
        if kind == "SECOND_CHANCE":
            step.emit("notices", f"{tenant.id}/{row.id}", {"tenant": tenant.id, "follow_up": row.id, "call_id": call.id, "at": at})

    def open_or_return(self, tenant, row, change, step):
        """Written as opened, or as it was before it was withdrawn, first, then as it is (D1.26)."""
        if change == "OPENED":
            at = row.opened_at()
            first, _ = row.state(tenant, automatics=False)
        else:
            at = step.time if step.record is None else self.clock.time
            first = {name: row.frozen[name] for name in
                     ("status", "outcome", "closed_at", "converted_at", "job", "resolved_by_call", "went_cold_at")}
        cause = "CORRECTION" if change == "RETURNED" else "CALL" if row.kind == "ABANDONED" else "CHECK"
        self.write(tenant, row, first, change, cause, None, at, step)
        state = self.find(tenant, row, first["closed_at"])
        ground = row.ground
        now = {**state, "went_cold_at": row.went_cold_at(tenant)} if change == "RETURNED" else state
        if now == first:
            return at
        then = "STATUS" if any(state[name] != first[name] for name in ("status", "outcome")) else "UPDATED"
        if ground and not row.kept:
            self.write(tenant, row, state, then, ground.cause, ground.cause_id, max(at, ground.at), step)
        else:
            self.write(tenant, row, state, then, "CORRECTION", None, at, step)
        return at

    def settle_row(self, tenant, row, stands, step):
        if row.withdrawn and stands:
            row.withdrawn = False
            row.cold_fired = row.frozen["went_cold_at"] == row.cold_at()  # else it goes cold after it has returned (D1.30)
            self.open_or_return(tenant, row, "RETURNED", step)
            return
        if not row.withdrawn and not stands:
            row.withdrawn = True
            row.frozen = row.shown
            self.write(tenant, row, None, "WITHDRAWN", "CORRECTION", None, self.clock.time, step)
            return
        if row.withdrawn:
            return  # in no tab: it is written again when it returns
        self.settle_cold(row)
        before, ground_before = row.shown, row.ground
        state = self.find(tenant, row, before["closed_at"])
        after = self.fields(tenant, row, state)
        if after == before:
            return
        command = step.command if step.command and step.command.get("follow_up") == row.id else None
        differs = lambda *names: any(after[n] != before[n] for n in names)
        change = ("STATUS" if differs("status", "outcome") else "WENT_COLD" if before["went_cold_at"] is None and differs("went_cold_at")
                  else "NOTE" if differs("notes") else "ASSIGNED" if differs("assignee") else "UPDATED")
        at, cause, cause_id = step.time, "CALL", None
        if command:
            cause, cause_id = "COMMAND", command["event_id"]
        elif change == "STATUS":
            if row.ground is None or (row.kept and row.ground is row.kept[0]):
                cause, at = "CORRECTION", self.clock.time
            else:
                cause, cause_id = row.ground.cause, row.ground.cause_id
        elif change == "WENT_COLD" and step.kind == "COLD":
            cause = "COLD"
        elif step.kind == "TALK":
            cause, cause_id = "TALK", step.about
        elif differs("closed_at", "went_cold_at"):
            cause, at = "CORRECTION", self.clock.time
        elif row.ground and (ground_before is None or row.ground.cause_id != ground_before.cause_id):
            cause, cause_id = row.ground.cause, row.ground.cause_id
        self.write(tenant, row, state, change, cause, cause_id, at, step, command)

    def find(self, tenant, row, closed_at):
        """What the row is now, and row.ground; `closed_at`: what it was until now."""
        state, row.ground = row.state(tenant)
        if row.ground and row.ground is row.pinned and not row.kept:  # nothing else was found
            row.kept = row.ground, closed_at
            state, row.ground = row.state(tenant)
        elif row.ground and row.kept and row.ground is not row.kept[0]:  # what was kept is known no longer where this goes, too
            row.kept = row.by_person(row.kept[1])
        if row.ground and row.pinned and row.ground is not row.pinned:  # closed anew since a person acted, or as before
            row.pinned = row.ground if row.ground.outcome == row.pinned.outcome and not row.kept else None
        return state

    def settle_cold(self, row):
        if row.cold_fired and row.cold_at() > self.clock.time:
            row.cold_fired = False

    def fields(self, tenant, row, state):
        """The published fields of a row; state None: withdrawn."""
        call = row.call
        if state is None:
            own = {name: row.frozen[name] for name in ("closed_at", "converted_at", "job", "resolved_by_call", "opened_at", "went_cold_at")}
            own.update(status="WITHDRAWN", outcome="WITHDRAWN", tab=None)
        else:
            cold = state["went_cold_at"] if "went_cold_at" in state else row.went_cold_at(tenant)
            own = {**state, "opened_at": row.opened_at(), "went_cold_at": cold, "tab": row.tab(state["status"], cold)}
        found, _ = call.type(tenant.jobs)
        classified = call.classification() or {}
        return {
            **own,
            "first_attempt_at": row.attempts[0] if row.attempts else None, "reviewed_at": row.reviews[-1]["at"] if row.reviews else None,
            "attempt": row.attempt, "assignee": row.assignee, "notes": row.notes,
            "call_type": found, "direction": call.start["direction"], "caller": call.caller,
            "phone_number": call.start.get({"INBOUND": "from"}.get(call.start["direction"], "to")),
            "customer": call.customer(), "queue": call.last("QueueEntered", "queue"), "campaign": call.campaign,
            "agent": call.last("AgentConnected", "agent"), "reason": classified.get("reason"), "call_notes": classified.get("notes"),
            "call_started_at": call.start["occurred_at"], "call_ended_at": call.end()["occurred_at"], "duration_ms": call.duration(),
            "wait_ms": call.wait_ms(), "abandoned_where": call.abandoned_where() if found == "ABANDONED" else None,
        }

    def write(self, tenant, row, state, change, cause, cause_id, at, step, command=None):
        if step.kind == "RULES":
            cause, cause_id, at = "RULES", None, step.time
        before = row.shown
        row.shown = fields = self.fields(tenant, row, state)
        row.version += 1
        withdrawn = fields["status"] == "WITHDRAWN"
        status_before = (row.frozen if withdrawn else before or {}).get("status")
        step.emit("followups", f"{tenant.id}/{row.id}", {
            **fields, **self.names(tenant, fields), "tenant": tenant.id, "follow_up": row.id, "call_id": row.call.id, "kind": row.kind,
            "version": row.version, "outcome_before": row.frozen["outcome"] if withdrawn else None, "status_before": status_before,
            "changed_at": at, "cause": cause, "rules_version": row.call.rules,
        }, (row.version,))
        step.emit("followup-events", tenant.id, {
            "tenant": tenant.id, "follow_up": row.id, "version": row.version, "at": at,
            "change": change, "cause": cause, "cause_id": cause_id, "actor": command["actor"] if command else None,
            "status_before": (before or {}).get("status"), "status": fields["status"],
            "outcome": fields["outcome"], "tab": fields["tab"], "note": command.get("note") if change == "NOTE" else None,
            "assignee": fields["assignee"] if change == "ASSIGNED" else None,
        }, (row.id.encode(), row.version))

    def publish_call(self, tenant, call, step):
        found, condition = call.type(tenant.jobs)
        if found == "IN_PROGRESS" and call.published is None:
            return
        abandoned = found == "ABANDONED"
        job_id = self.job_of(tenant, call)
        job = tenant.jobs.get(job_id)
        columns = {
            **call.columns(), "type": found, "check_at": call.check_at(), "caller": call.caller, "campaign": call.campaign,
            "abandoned_where": call.abandoned_where() if abandoned else None,
            "short_abandon": abandoned and call.duration() < call.settings["short_abandon_seconds"] * 1000,
            "abandoned_in_transfer": call.abandoned_in_transfer(found), "job": job_id,
            **(job.columns() if job else NO_JOB), "rules_version": call.rules, "condition_event": condition,
        }
        no_columns = {"check_at": None, "rules_version": None}
        if call.published and ({**columns, **no_columns} == {**call.published, **no_columns}
                               or (found == "IN_PROGRESS" and call.published["type"] == found)):
            return
        undone = found == "IN_PROGRESS"
        call.published = columns
        step.emit("calls-classified", f"{tenant.id}/{call.id}", {
            **columns, **self.names(tenant, columns), "tenant": tenant.id, "call_id": call.id,
            "at": self.clock.time if undone else step.time,
        })

    @staticmethod
    def job_of(tenant, call):
        for prefix in PREFIX.values():
            row = tenant.rows.get(prefix + call.id)
            if row and row.shown["outcome"] == "CONVERTED" and row.shown["job"] is not None:
                return row.shown["job"]
        classified = call.classification()
        if classified and classified.get("job") is not None:
            return classified["job"]
        naming = [j for j in tenant.jobs.values() if j.booked() and j.booked().get("call") == call.id]
        first = min(naming, key=lambda j: (j.booked_at(), j.id.encode()), default=None)
        return first.id if first else None

    def names(self, tenant, of):
        return {f"{what}_name": (self.entry(tenant.id, what, of[what]) or {}).get("name") for what in ("customer", "queue", "agent")}

    def finish(self, step):
        self.outputs += step.sorted()

    # Settings and directory

    def setting(self, tenant_id, key):
        for scope in (self.tenants.get(tenant_id), self.tenants[ALL]):
            if scope and key in scope.settings:
                return scope.settings[key]
        return SETTINGS[key][0]

    def settings(self, tenant_id):
        return {key: self.setting(tenant_id, key) for key in SETTINGS}

    def entry(self, tenant_id, what, entry_id):
        tenant = self.tenants.get(tenant_id)
        return tenant.directory.get((what, entry_id)) if tenant else None
