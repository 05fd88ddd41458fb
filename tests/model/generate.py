"""Random journals: small worlds of one tenant each, on one clock, whose times like to fall on the deadlines of the rules."""
from words import DAY, HOUR, MINUTE, SETTINGS

BASE = 1_772_355_600_000  # 2026-03-01T09:00:00Z
MAIN, DIRECT = "+12025550100", "+12025550101"
PARTIES = ["+12025550111"] * 8 + ["+12025550112"] * 3 + ["anonymous", "101", "+266696687", MAIN, None]
CUSTOMERS = [None, None, "ann", "ann", "bob"]
PEOPLE = ["boss"] * 6 + ["abe", "sue", "nobody", None]
TALKS = [1, 2000, 10_000, 29_999, 30_000, 30_001, 30_001, 30_002, 60_000, 200_000]
PAUSES = [0, 1, 999, 1000, 1001, 5000, 20_000, 30_000]
GAPS = [0, 1, 5000, MINUTE, 5 * MINUTE, 10 * MINUTE, 20 * MINUTE, 30 * MINUTE, HOUR, 4 * HOUR, 12 * HOUR, DAY, DAY + 1, 3 * DAY]
DELAYS = [0] * 30 + [1, 1000, 4999, 5000, 5001, 6000, 20_000, MINUTE, 5 * MINUTE, 10 * MINUTE, 11 * MINUTE, HOUR, 5 * HOUR,
          DAY, DAY + MINUTE, 3 * DAY, 7 * DAY, 15 * DAY]
ROLES = {
    "manager": ["VIEW_AND_ACTION_ALL_FOLLOW_UPS", "VIEW_AND_EDIT_FEATURE_MANAGEMENT", "EDIT_TI_FOLLOW_UP_AND_REPORTING_SETTINGS"],
    "abandoned": ["EDIT_ABANDONED_CALLS"],
    "leads": ["EDIT_SECOND_CHANCE_LEADS", "EDIT_TI_FOLLOW_UP_AND_REPORTING_SETTINGS"],
}
STATUSES = ["NEW", "CONTACT_ATTEMPTED", "FOLLOW_UP_NEEDED", "RESOLVED", "RESOLVED", "DISMISSED", "NOT_A_LEAD",
            "NOT_FOLLOWING_UP", "WITHDRAWN"]
VALUES = {  # favourites; anything else of the range is rare
    "second_chance.acw_minutes": [0, 1, 10, 30], "second_chance.cold_days": [1, 2, 3], "second_chance.min_call_seconds": [0, 20, 60],
    "link_days": [0, 1, 14], "short_abandon_seconds": [0, 10, 60], "stuck_call_hours": [1, 2, 4], "retention_days": [30, 31, 800],
    "allowed_lateness_ms": [0, 1000, 5000, 60_000],
}


class World:
    """One tenant's events, each with the time at which it arrives."""

    def __init__(self, rng, name, origin):
        self.rng, self.name, self.now = rng, name, origin
        self.arrivals = []  # (arrival time, event)
        self.ids = 0
        self.calls = []     # (call id, start, end, party, prefix of the row that it may have)
        self.wild = rng.random() < 0.5  # disorder
        self.booked = set()

    def make(self):
        rng = self.rng
        self.directory()
        for _ in range(rng.choice([1, 2, 2, 3, 3, 4, 5])):
            self.call()
            for _ in range(rng.choice([0, 1, 1, 2])):
                rng.choice([self.job, self.job, self.command, self.command, self.command, self.settings])()
            self.now += rng.choice(GAPS)
            if rng.random() < 0.1:  # the next call begins when an earlier one did
                self.now = rng.choice(self.calls)[1] + rng.choice([-1, 0, 0, 1])
        for _ in range(rng.choice([0, 1, 2, 4, 6])):
            rng.choice([self.job, self.command, self.command, self.late_fact, self.other_customer])()
        for _ in range(rng.choice([0, 2, 5])):
            self.tick()
        if rng.random() < 0.01:
            self.add("ActivateRules", self.some_time(), 0, version=2)  # not a tenant's to activate
        self.repeat_some()
        return self.arrivals

    def add(self, kind, at, delay=None, /, **fields):
        rng = self.rng
        self.ids += 1
        event = {"type": kind, "tenant": self.name, "event_id": f"{rng.choice('aez')}{self.ids}", "occurred_at": max(at, BASE - 400 * DAY)}
        event.update({k: v for k, v in fields.items() if v is not None})
        if delay is None:
            delay = rng.choice(DELAYS) if self.wild and rng.random() < 0.3 else 0
        self.arrivals.append((at + delay, event))
        return event

    # Directory, people, settings

    def directory(self):
        rng, at = self.rng, self.now - MINUTE
        for number, campaign in ((MAIN, "spring"), (DIRECT, None)):
            self.add("NumberChanged", at, 0, number=number, kind="TRACKING", campaign=campaign, texts=False)
        self.add("QueueChanged", at, 0, queue="sales", name="Sales")
        self.add("CustomerChanged", at, 0, customer="ann", name="Ann", numbers=[])
        self.add("AgentChanged", at, 0, agent="kim", name="Kim")
        for role, permissions in ROLES.items():
            self.add("RoleChanged", at, 0, role=role, permissions=permissions)
        for person, role in (("boss", "manager"), ("abe", "abandoned"), ("sue", "leads")):
            self.add("RolesAssigned", at, 0, person=person, roles=[role])
        self.arrivals = [(at + i, {**e, "occurred_at": at}) for i, (_, e) in enumerate(self.arrivals)]
        if rng.random() < 0.85:
            self.change(at + 1000, "boss", [("second_chance.enabled", "on")])
        if rng.random() < 0.15:
            self.change(at + 1500, "boss", [("retention_days", "30")])
        while rng.random() < 0.4:
            self.change(at + 2000, "boss", [self.some_setting()])

    def some_setting(self):
        rng = self.rng
        key = rng.choice([k for k in SETTINGS if k != "allowed_lateness_ms"])
        limits = SETTINGS[key][1]
        if limits is None:
            return key, rng.choice(["on", "off", "true", "false"])
        return key, str(rng.choice(VALUES[key]))

    def change(self, at, actor, changes, **fields):
        self.add("ChangeSettings", at, 0, actor=actor, changes=[{"key": k, "value": v} for k, v in changes], **fields)

    def settings(self):
        rng = self.rng
        changes = [self.some_setting() for _ in range(rng.choice([1, 1, 1, 2, 0]))]
        if rng.random() < 0.15:
            changes.append(rng.choice([("no_such_key", "on"), ("link_days", "91"), ("link_days", "x"), ("allowed_lateness_ms", "0")]))
        self.change(self.some_time(), rng.choice(PEOPLE), changes, expected_version=rng.choice([None, None, None, 0, 1, 2]))

    # Calls

    def some_time(self):
        """Near a moment that a rule knows."""
        rng = self.rng
        if not self.calls:
            return self.now
        _, start, end, *_ = rng.choice(self.calls)
        span = rng.choice([0, 1000, 30_001, 5 * MINUTE, 10 * MINUTE, 20 * MINUTE, HOUR, 4 * HOUR, DAY, DAY + 1, 2 * DAY,
                           3 * DAY + 10 * MINUTE, 7 * DAY, 14 * DAY])
        return rng.choice([start, end, end, end]) + span + rng.choice([-1, 0, 0, 1, 60_000])

    def call(self):
        rng = self.rng
        call = f"c{len(self.calls) + 1}"
        start = self.now
        party = rng.choice(PARTIES)
        direction = rng.choice(["INBOUND"] * 8 + ["OUTBOUND"] * 2 + ["INTERNAL"])
        kind = rng.choice(["QUEUE", "QUEUE", "DIRECT", "INTERNAL"] if direction == "INBOUND" else ["DIRECT"])
        ends = (party, rng.choice([MAIN, MAIN, DIRECT, "+12025550199"]))
        from_, to = ends if direction == "INBOUND" else ends[::-1]
        fields = {"direction": direction, "kind": kind, "from": from_, "to": to, "customer": rng.choice(CUSTOMERS)}
        shape = rng.choice([self.abandoned] * 5 + [self.answered] * 6 + [self.transferred, self.voicemail, self.forwarded, self.callback,
                           self.voice_agent, self.voice_agent, self.short, self.chaos])
        begun = len(self.arrivals)
        if rng.random() < 0.97:
            self.add("CallStarted", start, call_id=call, **fields)
        at, by, cause = shape(call, start)
        end = at + rng.choice(PAUSES)
        prefix = {self.answered: "sc-", self.transferred: "sc-", self.abandoned: "ab-", self.callback: "ab-"}.get(shape)
        prefix = prefix if direction == "INBOUND" else None
        self.calls.append((call, start, end, party, prefix))
        if rng.random() < 0.93:
            self.add("CallEnded", end, call_id=call, by=by, cause=cause)
        if rng.random() < 0.08:
            self.add("CallEnded", end + rng.choice([-40_000, -1, 0, 1, 5000, 11 * MINUTE, HOUR]), call_id=call, by=rng.choice(
                ["CALLER", "AGENT", "SYSTEM", "UNKNOWN"]), cause=None)
        if rng.random() < 0.05:
            self.add("CallStarted", start + rng.choice([-1, 0, 1000, HOUR]), call_id=call, **fields)
        if rng.random() < 0.03:
            self.add("CallStarted", start + 1, call_id=call, **{**fields, "direction": "OUTBOUND"})
        while rng.random() < 0.25:
            self.classify(call, end)
        if rng.random() < 0.15:
            self.add("CustomerLinked", end + rng.choice(GAPS), call_id=call, customer=rng.choice(["ann", "bob"]))
        if rng.random() < 0.1:
            self.add("RecordingAvailable", end + rng.choice(GAPS), call_id=call, address=f"s3://{call}")
        if rng.random() < 0.05:  # the whole call comes late
            delay = rng.choice(DELAYS[30:])
            self.arrivals[begun:] = [(at + delay, e) for at, e in self.arrivals[begun:]]
        self.now = max(self.now, end if rng.random() < 0.8 else start)

    def classify(self, call, end):
        rng = self.rng
        at = end + rng.choice([-5000, 0, 1000, 10 * MINUTE - 1, 10 * MINUTE, 10 * MINUTE + 1, 11 * MINUTE, HOUR, DAY, DAY + 2, 4 * DAY])
        self.add("CallClassified", at, call_id=call, by=rng.choice(["kim", None]),
                 classification=rng.choice(["BOOKED", "UNBOOKED", "UNBOOKED", "EXCUSED", "NOT_A_LEAD"]),
                 reason=rng.choice([None, "price", "hours"]), is_lead=rng.choice([None, None, True, False]),
                 notes=rng.choice([None, "call again"]), job=rng.choice([None, None, "j1", "j2"]))

    def abandoned(self, call, at):
        rng = self.rng
        if rng.random() < 0.5:
            self.add("PreRoutingPlayed", at, call_id=call)
        depth = rng.choice([0, 1, 2, 3, 3])
        if depth >= 1:
            at += rng.choice(PAUSES)
            self.add("ModuleEntered", at, call_id=call, workflow="w", module_id="m", module=rng.choice(["IVR", "SOUND_FILE", "QUEUE"]))
        if depth >= 2:
            at = self.queue(call, at)
        if depth >= 3:
            at += rng.choice(PAUSES)
            self.add("AgentOffered", at, call_id=call, leg="l1", agent="kim")
            if rng.random() < 0.6:
                at += rng.choice(PAUSES)
                self.add("OfferEnded", at, call_id=call, leg="l1", result=rng.choice(["REJECTED", "MISSED", "CALLER_HUNG_UP", "CANCELLED"]))
            if rng.random() < 0.3:
                self.add("QueueExited", at, call_id=call, queue="sales", reason=rng.choice(["LEFT", "TIMEOUT", "ANSWERED"]))
        return at, rng.choice(["CALLER"] * 6 + ["SYSTEM", "UNKNOWN", "AGENT"]), None

    def queue(self, call, at):
        at += self.rng.choice(PAUSES)
        self.add("QueueEntered", at, call_id=call, queue=self.rng.choice(["sales", "sales", "help"]))
        return at

    def leg(self, call, at, leg):
        """An agent's leg, perhaps with a hold; the time at which it ends."""
        rng = self.rng
        self.add("AgentConnected", at, call_id=call, leg=leg, agent=rng.choice(["kim", "lee"]))
        talk = rng.choice(TALKS)
        stop = at + talk
        if rng.random() < 0.3:
            hold = rng.choice([1, 1000, 10_000])
            one = rng.choice([leg, leg, None])
            self.add("HoldStarted", at + rng.choice([0, 500, talk // 2]), call_id=call, leg=one)
            if rng.random() < 0.8:
                self.add("HoldEnded", at + talk // 2 + hold, call_id=call, leg=rng.choice([one, one, leg, None]))
            stop += rng.choice([0, hold])
        if rng.random() < 0.8:
            self.add("AgentDisconnected", stop, call_id=call, leg=leg)
        return stop

    def answered(self, call, at):
        rng = self.rng
        if rng.random() < 0.7:
            at = self.queue(call, at)
        if rng.random() < 0.6:
            self.add("QueueExited", at, call_id=call, queue="sales", reason="ANSWERED")
        at += rng.choice(PAUSES)
        stop = self.leg(call, at, "l1")
        if rng.random() < 0.3:
            stop = max(stop, self.leg(call, rng.choice([at, at + 1000, stop]), rng.choice(["l1", "l2"])))
        if rng.random() < 0.2:
            self.add("WrapUpStarted", stop + 1, call_id=call)
        return stop, rng.choice(["CALLER", "AGENT", "AGENT", "SYSTEM"]), None

    def transferred(self, call, at):
        stop, _, _ = self.answered(call, at)
        self.add("Transferred", stop + self.rng.choice([-1, 0, 1]), call_id=call, leg="l1",
                 to_kind=self.rng.choice(["AGENT", "QUEUE", "EXTERNAL"]), to="x")
        if self.rng.random() < 0.5:
            stop = self.queue(call, stop)
        return stop, self.rng.choice(["CALLER", "CALLER", "AGENT"]), None

    def voicemail(self, call, at):
        self.add("VoicemailStarted", at + 1000, call_id=call)
        if self.rng.random() < 0.4:
            self.add("VoicemailLeft", at + 5000, call_id=call, recording="s3://v")
        return at + 6000, "CALLER", None

    def forwarded(self, call, at):
        self.add("Forwarded", at + 1000, call_id=call, destination=self.rng.choice(["EXTERNAL", "VOICE_AGENT"]), why="MODULE")
        return at + 2000, "CALLER", None

    def callback(self, call, at):
        at = self.queue(call, at)
        self.add("CallbackRequested", at + 1000, call_id=call)
        return at + 1000, "CALLER", None

    def voice_agent(self, call, at):
        rng = self.rng
        self.add("VoiceAgentConnected", at, call_id=call, leg="v1")
        stop = at + rng.choice(TALKS)
        if rng.random() < 0.7:
            self.add("VoiceAgentDisconnected", stop, call_id=call, leg="v1", result="NOT_BOOKED")
        if rng.random() < 0.3:
            stop = self.queue(call, stop)
        return stop, "CALLER", None

    def short(self, call, at):
        return at, self.rng.choice(["SYSTEM", "CALLER"]), self.rng.choice(["NO_ACTIVE_WORKFLOW", "BUSY"])

    def chaos(self, call, at):
        """Events in no order that a switch would send."""
        rng = self.rng
        for _ in range(rng.choice([2, 5, 10])):
            when = at + rng.choice([0, 1, 1000, 10_000, 40_000, 40_001, 70_000, HOUR])
            kind = rng.choice([
                "AgentConnected", "AgentDisconnected", "HoldStarted", "HoldEnded", "QueueEntered", "QueueExited", "AgentOffered",
                "OfferEnded", "VoiceAgentConnected", "VoiceAgentDisconnected", "Transferred", "VoicemailStarted", "VoicemailLeft",
                "ModuleEntered", "PreRoutingPlayed"])
            leg = rng.choice(["l1", "l2"])
            more = {
                "AgentConnected": {"leg": leg, "agent": "lee"}, "AgentDisconnected": {"leg": leg},
                "HoldStarted": {"leg": rng.choice([leg, None])},
                "HoldEnded": {"leg": rng.choice([leg, None])}, "QueueEntered": {"queue": "help"},
                "QueueExited": {"queue": "help", "reason": rng.choice(["ANSWERED", "LEFT"])}, "AgentOffered": {"leg": leg, "agent": "lee"},
                "OfferEnded": {"leg": leg, "result": rng.choice(["MISSED", "CALLER_HUNG_UP"])}, "VoiceAgentConnected": {"leg": leg},
                "VoiceAgentDisconnected": {"leg": leg, "result": "SPAM"}, "Transferred": {"to_kind": "QUEUE", "to": "help"},
                "ModuleEntered": {"workflow": "w", "module_id": "m", "module": rng.choice(["IVR", "QUEUE"])},
            }.get(kind, {})
            self.add(kind, when, call_id=call, **more)
        return at + rng.choice([10_000, 40_000, 70_000]), rng.choice(["CALLER", "SYSTEM"]), None

    # What comes after a call

    def job(self):
        rng = self.rng
        job = rng.choice(["j1", "j2", "j3"])
        if job in self.booked and rng.random() < 0.9:
            job = f"j{len(self.booked) + 1}"
        call, _, _, party, _ = rng.choice(self.calls)
        link = rng.choice([{"call": call}, {"call": call}, {"caller": party}, {"customer": "ann"}, {"call": "c9"}, {}])
        at = self.some_time()
        self.booked.add(job)
        kind = rng.choice(["JobBooked"] * 6 + ["JobCancelled"] * 2 + ["JobRescheduled", "JobCompleted"])
        more = {"JobBooked": {**link, "created_at": rng.choice([None, at]), "scheduled_at": rng.choice([None, at + DAY])},
                "JobRescheduled": {"scheduled_at": at + 2 * DAY}}.get(kind, {})
        self.add(kind, at, job_id=job, **more)
        if kind == "JobBooked" and rng.random() < 0.2:
            self.add("JobCancelled", at + rng.choice([1, MINUTE, HOUR]), job_id=job)

    def other_customer(self):
        """A call is found to be somebody else's; and a job of one of the two, perhaps told of long after."""
        rng = self.rng
        call, start, end, *_ = rng.choice(self.calls)
        first, second = rng.sample(["ann", "bob"], 2)
        found = rng.choice([start + 1, end, end + MINUTE, end + 10 * MINUTE - 1, end + 10 * MINUTE, end + 11 * MINUTE, end + DAY])
        if rng.random() < 0.5:
            self.add("CustomerLinked", start, 0, call_id=call, customer=first)
        self.add("CustomerLinked", found, 0, call_id=call, customer=second)
        job = f"j{len(self.booked) + 1}"
        self.booked.add(job)
        booked = rng.choice([start - 1, start, end, end + MINUTE, found, end + 10 * MINUTE, end + 10 * MINUTE + 1, end + HOUR])
        self.add("JobBooked", booked, rng.choice([0, 0, 1, 20 * MINUTE, HOUR, 2 * DAY]), job_id=job, customer=rng.choice([first, first, second]))
        if rng.random() < 0.2:
            self.add("JobCancelled", booked + rng.choice([1, MINUTE, DAY]), rng.choice([0, 2 * DAY]), job_id=job)

    def command(self, again=None):
        rng = self.rng
        kind = rng.choice(["SetStatus"] * 5 + ["AddNote", "Assign", "StartCallback", "StartCallback", "Dismiss", "Reopen", "Reopen"])
        call, _, end, _, prefix = again or rng.choice([c for c in self.calls if c[4]] or self.calls)
        row = rng.choice([prefix or "ab-"] * 12 + ["ab-", "sc-", "xx-"]) + call
        more = {"SetStatus": {"status": rng.choice(STATUSES)}, "AddNote": {"note": rng.choice(["called", "called", ""])},
                "Assign": {"assignee": rng.choice([None, "kim", "lee"])}}.get(kind, {})
        version = rng.choice([None] * 6 + [1, 2, 3])
        at = rng.choice([self.some_time()] + [end + rng.choice([6000, 11 * MINUTE, HOUR, DAY, 2 * DAY, 4 * DAY])] * 3)
        delay = rng.choice([0, 0, 0, 0, 1, 5000, HOUR]) if self.wild else 0
        self.add(kind, at, delay, actor=rng.choice(PEOPLE), follow_up=row, expected_version=version, **more)
        if rng.random() < 0.5:
            self.command(again=(call, None, at, None, prefix))

    def tick(self):
        """Moves the clock to a moment that a rule knows, allowed lateness taken off, and means nothing else."""
        self.add("AgentStatusChanged", self.some_time() + 5000, 0, agent="kim", status="READY", why="PERSON")

    def late_fact(self):
        """Something about an earlier call, long after it."""
        rng = self.rng
        call, start, end, *_ = rng.choice(self.calls)
        delay = rng.choice(DELAYS[30:] + [30 * DAY, 30 * DAY + HOUR, 32 * DAY])
        kind, more = rng.choice([
            ("AgentConnected", {"leg": "l9", "agent": "kim"}), ("AgentDisconnected", {"leg": "l1"}), ("HoldStarted", {}),
            ("CallEnded", {"by": rng.choice(["CALLER", "SYSTEM"])}),
            ("CallClassified", {"classification": rng.choice(["BOOKED", "UNBOOKED", "EXCUSED"])}),
            ("CustomerLinked", {"customer": "ann"}), ("VoicemailStarted", {}), ("AgentConnected", {"leg": "l1", "agent": "kim"}),
        ])
        at = rng.choice([start, (start + end) // 2, end, end + 1, end + MINUTE])
        self.add(kind, at, delay, call_id=call, **more)

    def repeat_some(self):
        rng = self.rng
        for arrival, event in list(self.arrivals):
            if rng.random() < 0.02 and event["type"] not in ("AgentStatusChanged",):
                again = dict(event)
                if rng.random() < 0.3:  # the same id says something else
                    again["occurred_at"] += rng.choice([1, 1000, HOUR, DAY])
                self.arrivals.append((arrival + rng.choice([0, 1, HOUR, 7 * DAY, 7 * DAY + 5000, 8 * DAY]), again))


def for_all(rng):
    """What concerns all tenants."""
    world = World(rng, "*", BASE)
    world.add("RoleChanged", BASE - HOUR, 0, role="root", permissions=ROLES["manager"])
    world.add("RolesAssigned", BASE - HOUR, 0, person="root", roles=["root"])
    if rng.random() < 0.3:
        world.change(BASE - HOUR + 1, "root", [("allowed_lateness_ms", str(rng.choice(VALUES["allowed_lateness_ms"])))])
    for _ in range(rng.choice([0, 0, 1, 2]) if rng.random() < 0.3 else 0):
        world.change(BASE + rng.choice(GAPS), rng.choice(["root", "root", "boss"]), [world.some_setting()])
    if rng.random() < 0.6:
        begun = rng.choice(GAPS + [5 * DAY, 14 * DAY, 15 * DAY, 20 * DAY, 40 * DAY])
        for version in rng.choice([[2], [2], [2], [1, 2], [2, 2]]):
            world.add("ActivateRules", BASE + begun, rng.choice([0, 0, HOUR]), version=version)
            begun += rng.choice(GAPS)
    return world.arrivals


def journal(rng, worlds):
    """Runs of fold: [{"append_time", "until", "events"}] of so many small worlds that share one clock."""
    arrivals = for_all(rng)
    for index in range(worlds):
        origin = BASE + rng.choice([0, 0, 1, 1000, MINUTE, HOUR]) + rng.randrange(0, 3) * rng.choice([0, 997])
        arrivals += World(rng, f"w{index}", origin).make()
    arrivals.sort(key=lambda a: a[0])
    return runs_of_arrivals(rng, arrivals)


def runs_of_arrivals(rng, arrivals):
    """Several folds, one after the other, of what arrived in this order."""
    last = arrivals[-1][0]
    cuts = sorted(rng.sample(range(len(arrivals)), min(len(arrivals), rng.choice([0, 0, 1, 2, 3])))) + [len(arrivals)]
    runs, begin = [], 0
    for cut in cuts:
        part = arrivals[begin:cut]
        begin = cut
        if not part:
            continue
        reach = max(e["occurred_at"] for _, e in part)
        append = reach + rng.choice([0, 0, 5000, 5000, -300_000, -300_001, HOUR])
        until = rng.choice([None, None, part[-1][0], part[-1][0] + 5000, part[-1][0] + rng.choice(GAPS)])
        if cut == len(arrivals):
            until = rng.choice([None, last + 5000, last + DAY, last + DAY + 5001, last + 8 * DAY, last + 45 * DAY, last + 900 * DAY])
        events = [e for _, e in part]
        if rng.random() < 0.1:
            events.insert(rng.randrange(len(events) + 1), {"line": "{", "reason": "MALFORMED"})
        runs.append({"append_time": append, "until": until, "events": events})
    return runs
