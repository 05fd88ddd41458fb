"""What an `expect` line asks of the outputs, and what every scenario's outputs must satisfy."""
import datetime
import re

from language import Mistake, show_time

# The short name that a scenario uses -> the field of the record, and how its value is written. Others are taken by their own name.
TIMES = {"closed": "closed_at", "opened": "opened_at", "cold": "went_cold_at", "reviewed": "reviewed_at", "converted": "converted_at",
         "changed": "changed_at", "first-attempt": "first_attempt_at", "check": "check_at", "started": "call_started_at",
         "ended": "call_ended_at", "at": "at", "job-created": "job_created_at", "job-scheduled": "job_scheduled_at",
         "job-completed": "job_completed_at", "job-cancelled": "job_cancelled_at"}
SECONDS = {"duration": "duration_ms", "wait": "wait_ms", "talk": "talk_ms"}
ALIASES = {"type": "call_type", "where": "abandoned_where", "lead": "is_lead", "short": "short_abandon", "phone": "phone_number",
           "resolved-by": "resolved_by_call", "note-count": "notes"}
OF_CALLS = {"type": "type", "started": "started_at", "ended": "ended_at"}
# Arrival order may show in these (SPEC 2: versions may differ) and in nothing else.
VOLATILE = ("position", "tenant", "version", "changed_at", "cause", "status_before", "at")


def ms(value):
    """A time of an output (RFC 3339) as ms since 1970."""
    if not isinstance(value, str):
        return value
    then = datetime.datetime.fromisoformat(value.replace("Z", "+00:00"))
    return (int(then.replace(microsecond=0).timestamp()) * 1000) + then.microsecond // 1000


def latest(records, tenant, field, identity):
    """The last record of this key; None: never written; {}: a tombstone was."""
    last = None
    for record in records:
        if is_tombstone(record):
            if record["key"] == f"{tenant}/{identity}":
                last = {}
        elif record.get("tenant") == tenant and record.get(field) == identity:
            last = record
    return last


def is_tombstone(record):
    return "tenant" not in record and "form" not in record


def check(w, tenant, output):
    """Yields a line for each thing that is otherwise than the words of `w` say. `output` gives the records of a topic."""
    negated = w.skip("no")
    what = w.take("what to expect")
    if what == "rejected":
        yield from check_rejected(w, output)
        return
    if what == "order":
        yield from check_order(w, tenant, output("followups"))
        return
    identity = w.take("an id")
    if what == "row":
        yield from check_record(w, negated, latest(output("followups"), tenant, "follow_up", identity), {})
    elif what == "call":
        yield from check_record(w, negated, latest(output("calls-classified"), tenant, "call_id", identity), OF_CALLS)
    elif what == "changes":
        events = [r for r in output("followup-events") if (r.get("tenant"), r.get("follow_up")) == (tenant, identity)]
        yield from compare_lists(w, [f"{r['change']}:{r['cause']}" for r in events], cut=":")
    elif what == "verdicts":
        calls = [r for r in output("calls-classified") if (r.get("tenant"), r.get("call_id")) == (tenant, identity)]
        yield from compare_lists(w, [r["type"] for r in calls])
    elif what == "notice":
        count = sum((r["tenant"], r["follow_up"]) == (tenant, identity) for r in output("notices"))
        if count != (0 if negated else 1):
            yield f"{count} notices of {identity} came"
    elif what == "result":
        yield from check_result(w, tenant, identity, output("command-results"))
    else:
        raise Mistake(f"'{what}' cannot be expected")


def compare_lists(w, got, cut=None):
    """With a `cut`, an expected word may leave out what follows it: OPENED for OPENED:CALL."""
    expected = []
    while w:
        expected.append(w.take())
    short = [word.partition(cut)[0] if cut else word for word in got]
    if len(got) != len(expected) or any(word not in came for word, came in zip(expected, zip(got, short))):
        yield f"got {' '.join(got) or 'none'}"


def check_record(w, negated, record, names):
    if negated:
        if record is not None:
            yield "it was written"
        return
    if w.skip("gone"):
        if record != {}:
            yield "no tombstone was written" if record is None else "it still stands"
        return
    if not record:
        yield "it was never written" if record is None else "it is gone (a tombstone)"
        while w:
            w.take()
        return
    while w:
        short = w.take()
        field = names.get(short) or TIMES.get(short) or SECONDS.get(short) or ALIASES.get(short) or short.replace("-", "_")
        expected, got = expected_value(w, short), got_value(record.get(field), short)
        if expected != got:
            yield f"{short}: expected {shown(expected, short)}, got {shown(got, short)}"


def expected_value(w, short):
    if w.peek() == "none":
        w.take()
        return None
    if short in TIMES:
        return w.time()
    word = w.take(f"the value of {short}")
    if short in SECONDS:
        seconds, _, fraction = word.partition(".")
        return int(seconds) * 1000 + int((fraction + "000")[:3])
    return {"yes": True, "no": False}.get(word, word)


def got_value(value, short):
    if short in TIMES:
        return ms(value)
    if short == "note-count":
        return str(len(value))
    if short == "notes" and isinstance(value, list):
        return "; ".join(f"{note['actor']}: {note['text']}" for note in value) or None
    return str(value) if isinstance(value, int) and not isinstance(value, bool) and short not in SECONDS else value


def shown(value, short):
    if value is None:
        return "none"
    if short in TIMES:
        return show_time(value)
    if short in SECONDS:
        return f"{value // 1000}.{value % 1000:03}"
    return {True: "yes", False: "no"}.get(value, value) if isinstance(value, bool) else value


def summary(text):
    """The counts of calls in what `ringback fold` prints: started, in-progress, and each type."""
    lines = re.findall(r"^ *(calls started|in progress|[A-Z_]+) +([\d,]+)$", text, re.MULTILINE)
    return {word.removeprefix("calls ").replace(" ", "-"): int(count.replace(",", "")) for word, count in lines}


def check_counts(w, counts):
    """counts started 4 in-progress 1 ABANDONED 3: of all tenants, as of the last fold; what is not named is 0."""
    expected = {}
    while w:
        word = w.take()
        expected[word] = int(w.take("a count"))
    got = {word: count for word, count in counts.items() if count}
    if got != expected:
        yield f"got {' '.join(f'{word} {count}' for word, count in got.items())}"


def check_order(w, tenant, rows):
    """The rows' last versions were written in this order; `bell/ab-c1` is another tenant's."""
    numbers = []
    while w:
        owner, _, row = w.take().rpartition("/")
        last = latest(rows, owner or tenant, "follow_up", row)
        numbers.append(last["position"]["number"] if last else -1)
    if numbers != sorted(numbers) or -1 in numbers:
        yield f"their output numbers are {numbers}"


def check_rejected(w, output):
    if w.skip("none"):
        if output("rejected"):
            yield f"got {[(r.get('event_id'), r['reason']) for r in output('rejected')]}"
        return
    if w.skip("order"):
        yield from compare_lists(w, [r.get("event_id") or "-" for r in output("rejected")])
        return
    identity, reason = w.take("an event id, or - for none"), w.take("a reason")
    matching = [r for r in output("rejected") if (r.get("event_id") or "-") == identity]
    if reason not in [r["reason"] for r in matching]:
        yield f"got {[r['reason'] for r in matching] or 'nothing rejected of it'}"


def check_result(w, tenant, identity, results):
    """result k1 ACCEPTED version 2 | result k1 REJECTED NOT_PERMITTED; with `times 2` it was given twice, always the same."""
    mine = [r for r in results if (r["tenant"], r["command_id"]) == (tenant, identity)]
    expected = {"verdict": w.take("a verdict")}
    if expected["verdict"] == "REJECTED":
        expected["reason"] = w.take("a reason")
    if w.skip("version"):
        expected["version"] = int(w.take())
    if w.skip("at"):
        expected["at"] = w.time()
    times = int(w.option("times") or 1)
    if len(mine) != times:
        yield f"{len(mine)} results came, expected {times}"
    for result in mine:
        got = {key: ms(result.get(key)) if key == "at" else result.get(key) for key in expected}
        if got != expected:
            yield f"got {got}"


def invariants(outputs):
    """SPEC 7: outputs are numbered densely over all topics; a row's versions are dense, and each is one row and one event; each that talk resolved names
    the call, each that is converted says when."""
    wrong = []
    numbers = sorted(record["position"]["number"] for records in outputs.values() for record in records)
    if numbers != list(range(len(numbers))):
        wrong.append(f"output numbers are not dense: {len(numbers)} outputs, numbers up to {numbers[-1]}")
    rows = [row for row in outputs["followups"] if not is_tombstone(row)]
    events = outputs["followup-events"]
    changes = sorted((row["tenant"], row["follow_up"], row["version"]) for row in rows)
    if changes != sorted((event["tenant"], event["follow_up"], event["version"]) for event in events):
        wrong.append("followups and followup-events do not tell the same changes")
    versions = {}
    for row in rows:
        key = (row["tenant"], row["follow_up"])
        if row["version"] != versions.get(key, 0) + 1:
            wrong.append(f"row {key}: version {row['version']} follows {versions.get(key, 0)}")
        versions[key] = row["version"]
        done = row["status"] in ("RESOLVED", "DISMISSED", "NOT_A_LEAD", "NOT_FOLLOWING_UP")
        tab = None if row["status"] == "WITHDRAWN" else "DONE" if done else row.get("tab")
        if row.get("tab") != tab or (done and not row.get("outcome")):
            wrong.append(f"row {key} version {row['version']}: {row['status']}, tab {row.get('tab')}, outcome {row.get('outcome')}")
        if (row.get("outcome") == "RECONNECTED") != bool(row.get("resolved_by_call")) and row["status"] != "WITHDRAWN":
            wrong.append(f"row {key} version {row['version']}: {row.get('outcome')}, resolved by the call {row.get('resolved_by_call')}")
        if (row.get("outcome") == "CONVERTED") != bool(row.get("converted_at")) and row["status"] != "WITHDRAWN":
            wrong.append(f"row {key} version {row['version']}: {row.get('outcome')}, converted at {row.get('converted_at')}")
    return wrong


def agreement(tenants, outputs):
    """All tenants of a permutation end with the same calls and rows, but for what only tells how they came about."""
    def ends(tenant):
        last = {}
        for topic in ("calls-classified", "followups"):
            for record in outputs[topic]:
                if record.get("tenant") == tenant:
                    lasting = {key: value for key, value in record.items() if key not in VOLATILE}
                    last[record.get("follow_up") or record["call_id"]] = lasting
        return {key: record for key, record in last.items() if record.get("status") != "WITHDRAWN"}  # in no tab: as good as never opened

    first = ends(tenants[0])
    others = [tenant for tenant in tenants[1:] if ends(tenant) != first]
    if not others:
        return []
    differing = ends(others[0])
    lines = [f"{len(others)} of {len(tenants)} orders end otherwise than the first; {others[0]}:"]
    for key in sorted(first.keys() | differing.keys()):
        one, other = first.get(key, {}), differing.get(key, {})
        lines += [f"    {key} {field}: {one.get(field)} / {other.get(field)}"
                  for field in sorted(one.keys() | other.keys()) if one.get(field) != other.get(field)]
    return lines
