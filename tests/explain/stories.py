"""`ringback explain`: what it tells is what the files hold, and in the right words."""
import json
import pathlib

import fixture
from program import EXIT_DONE, EXIT_FAILED, EXIT_USAGE, Failed, TOPICS

CALLS = 40  # of an invented week whose whole stories are held against the outputs


def need(condition, text):
    if not condition:
        raise Failed(text)


def without(record, *names):
    return {name: value for name, value in record.items() if name not in names}


def explain(program, data, *arguments, exits=(EXIT_DONE,)):
    return program.run("explain", "--data", data, *arguments, exits=exits)


def story_of(program, data, call, tenant=None):
    options = ["--tenant", tenant] if tenant else []
    return json.loads(explain(program, data, "--json", *options, call).stdout)


def lines_of(program, data, *arguments):
    return explain(program, data, *arguments).stdout.decode()


# ---- against the outputs

def outputs_about(outputs, topic, tenant, call):
    rows = {f"ab-{call}", f"sc-{call}"}
    keys = {f"{tenant}/{each}" for each in (call, *rows)}
    for record in outputs[topic]:
        if record.get("tenant") == tenant and (record.get("call_id") == call or record.get("follow_up") in rows) or record.get("key") in keys:
            yield record


def check_outputs(outputs, story):
    tenant, call = story["tenant"], story["call_id"]
    told = [output for entry in story["story"] for output in entry.get("outputs", [])]
    for topic in TOPICS:
        if topic == "rejected":
            continue
        there = list(outputs_about(outputs, topic, tenant, call))
        here = [output for output in told if output["topic"] == topic.upper().replace("-", "_")]
        need([record["position"]["seal"] for record in there] == [output["seal"] for output in here], f"{call}: {topic}: other seals")
        for record, output in zip(there, here):
            need(without(record, "position") == output["record"], f"{call}: {topic}:\n{record}\n{output['record']}")


def check_end(calls, rows, story):
    call = calls[story["tenant"], story["call_id"]]
    need(story["call"] == call, f"{story['call_id']}: it ends otherwise than the state:\n{story['call']}\n{call}")
    for row in story["rows"]:
        need(row == without(rows[story["tenant"], row["follow_up"]], "age_ms"), f"{row['follow_up']}: it ends otherwise than the state")


def check_order(story):
    """Each event of the call is told once, and each output's own time is not before the entry's call began."""
    records = [entry["record"] for entry in story["story"] if entry["kind"] == "RECORD"]
    need(records == sorted(set(records)), f"{story['call_id']}: records {records}")


def stories_hold_the_outputs(program, data):
    outputs = {topic: program.output(data, topic) for topic in TOPICS}
    calls = {(call["tenant"], call["call_id"]): call for call in map(json.loads, program.run("calls", "--data", data, "--format", "json").stdout.splitlines())}
    rows = {(row["tenant"], row["follow_up"]): row
            for row in map(json.loads, program.run("followups", "--data", data, "--tab", "open,cold,done,withdrawn", "--format", "json").stdout.splitlines())}
    ids = sorted(calls)
    with_rows = sorted({(tenant, row[3:]) for tenant, row in rows})
    chosen = ids[::max(1, len(ids) // (CALLS // 2))] + with_rows[::max(1, len(with_rows) // (CALLS // 2))]
    for tenant, call in chosen:
        story = story_of(program, data, call, tenant)
        check_outputs(outputs, story)
        check_end(calls, rows, story)
        check_order(story)
    print(f"# {len(chosen)} stories")


# ---- in words

def has(text, *phrases):
    """The phrases stand in the text, one behind the other, whatever the line ends."""
    text, at = " ".join(text.split()), 0
    for phrase in phrases:
        found = text.find(phrase, at)
        need(found >= 0, f"{phrase!r} is not in (the rest of)\n{text[at:]}")
        at = found + len(phrase)


def abandoned_and_back(program, data):
    text = lines_of(program, data, "--tenant", "acme", "c1")
    has(text, "Call c1 of acme (Acme, Inc.)", "Times are those of America/Denver", "2026-03-02",
        "02:00:00.000 CallStarted", "timer STUCK set for 06:00:00.000", "stuck_call_hours = 4 by default",
        "02:01:10.000 CallEnded", "type ABANDONED, was IN_PROGRESS", "the caller hung up (SPEC 2)", "ab-c1 version 1, OPENED", "(SPEC 3)",
        "timer CHECK set for 02:06:10.000", "second_chance.acw_minutes = 5 for this tenant", "emitted with seal 0",
        "02:05:00.000 StartCallback by kim", "version 2, STATUS", "CONTACT_ATTEMPTED, was NEW", "a person did it (SPEC 5)",
        "SetStatus by robin", "the actor has no role that permits it (SPEC 5)", "02:06:10.000 timer CHECK", "nothing changes",
        "03:30:42.001 timer TALK of call c2", "status RESOLVED, was CONTACT_ATTEMPTED", "talked for more than 30 s (SPEC 3",
        "03:50:00.000 JobBooked", "outcome CONVERTED, was RECONNECTED")


def second_chance(program, data):
    text = lines_of(program, data, "--utc", "c2")
    has(text, "10:30:12.000 AgentConnected", "timer TALK set for 10:30:42.001", "AgentConnected", "dropped: its id was known already (SPEC 6)",
        "timer TALK", "ab-c1 of another call: RESOLVED, RECONNECTED", "type UNBOOKED, was IN_PROGRESS", "10:39:00.000 timer CHECK",
        "sc-c2 version 1, OPENED", "at check time the call is UNBOOKED", "(SPEC 4; second_chance.enabled = on for this tenant",
        "timer COLD of the second chance set for 2026-03-05 10:39:00.000", "10:50:00.000 JobBooked: job id j1", "sc-c2 version 2, STATUS", "outcome CONVERTED")


def no_second_chance(program, data):
    has(lines_of(program, data, "--tenant", "other", "c1"), "Times are those of UTC", "timer CHECK",
        "no second chance: the tenant has not switched it on (SPEC 4; second_chance.enabled = off by default)")


def late_and_withdrawn(program, data):
    has(lines_of(program, data, "ab-c3"), "ab-c3: WITHDRAWN", "version 1, OPENED", "timer COLD", "went cold at 2026-03-03 04:00:40.001",
        "24 h after the call's end", "04:00:20.000 AgentConnected", "It came late: the clock stood at 2026-03-04 04:59:55.000",
        "type UNBOOKED, was ABANDONED", "version 3, WITHDRAWN", "should not have been opened (SPEC 6)")


def rejected(program, data):
    """Why is said, of an event that is refused at once and of one whose call's start never came."""
    has(lines_of(program, data, "--utc", "c1", "--tenant", "acme"), "OUTBOUND", "c1-x was rejected, CONFLICTING_START: direction")
    has(lines_of(program, data, "--utc", "c5"), "it waits for the call's CallStarted", "timer START", "timer START", "c5-e was rejected, NO_START")


def lost_and_waiting(program, data):
    has(lines_of(program, data, "--utc", "c4"), "15:10:00.000 timer STUCK", "type LOST, was IN_PROGRESS", "(SPEC 2; stuck_call_hours = 4 by default)")
    has(lines_of(program, data, "c5"), "The state holds no such call", "it waits for the call's CallStarted (SPEC 2)", "timer START set for 2026-03-09")


def row_alone(program, data):
    story = json.loads(explain(program, data, "--json", "sc-c2").stdout)
    has(lines_of(program, data, "ab-c2"), "sc-c2: DONE", "ab-c2: there is no such row")
    for row, others in (("ab-c2", ("of the second chance", "no second chance", "notices", "sc-c2 version")),
                        ("sc-c6", ("of the abandoned row", "timer COLD", "ab-c6 version"))):
        text = " ".join(lines_of(program, data, row).split())
        has(text, "timer CHECK", f"nothing changes for {row}")
        for other in others:
            need(other not in text, f"{row}: {other!r} is of the other row, in\n{text}")
    need(story["follow_up"] == "sc-c2" and [row["follow_up"] for row in story["rows"]] == ["sc-c2"], f"{story['rows']}")


def which_call(program, data):
    def said(code, *arguments):
        return explain(program, data, *arguments, exits=(code,)).stderr.decode()
    has(said(EXIT_USAGE, "c1"), "c1 is a call of several tenants: acme, other. Say which with --tenant.")
    has(said(EXIT_FAILED, "c9"), "no event of a call c9")
    has(said(EXIT_FAILED, "ab-c9"), "no event of a call c9")
    has(said(EXIT_FAILED, "--tenant", "nobody", "c1"), "no event of a call c1 of nobody")
    has(said(EXIT_USAGE, "--zone", "Nowhere/At_All", "c2"), "--zone Nowhere/At_All: there is no such zone")
    has(said(EXIT_USAGE), "CALL|FOLLOW-UP is missing")
    has(program.run("explain", "--data", pathlib.Path(data) / "none", "c1", exits=(EXIT_FAILED,)).stderr.decode(), "no such directory")


def no_escapes(program, data):
    need("\x1b" not in lines_of(program, data, "c6"), "an escape sequence reached the terminal")
    has(lines_of(program, data, "c6"), "?[31manonymous")


def tests(tap, program, work):
    week = work / "week"
    program.run("generate", "--days", 7, "--calls-per-day", 60, "--start", "2025-03-06T18:00:00Z", "--out", work / "week.jsonl")
    program.fold(week, work / "week.jsonl", batch=2000)
    tap.check("explain: stories hold every output about a call, and end as the state does", stories_hold_the_outputs, program, week)
    data = work / "known"
    fixture.write(work / "known.jsonl", [*fixture.directory(), *fixture.calls()])
    program.fold(data, work / "known.jsonl")
    fixture.write(work / "late.jsonl", fixture.late())
    program.fold(data, work / "late.jsonl")
    for test in (abandoned_and_back, second_chance, no_second_chance, late_and_withdrawn, lost_and_waiting, row_alone, which_call, no_escapes):
        tap.check(f"explain: {test.__name__.replace('_', ' ')}", test, program, data)
    fixture.write(work / "refused.jsonl", [*fixture.directory(), *fixture.calls(), *fixture.refused()])
    program.fold(work / "refused", work / "refused.jsonl", until="2026-03-20T00:00:00Z")
    tap.check("explain: rejected", rejected, program, work / "refused")
