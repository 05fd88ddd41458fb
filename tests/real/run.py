#!/usr/bin/env python3
"""One real month of a call centre through the program, every call and every abandoned row against an oracle made without it.

    tests/real/run.py [DIRECTORY]     with february_events.jsonl.gz and february_oracle.csv.gz (README.md)
"""
import collections
import csv
import gzip
import json
import os
import pathlib
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from program import Failed, Program, ROOT, Tap  # noqa: E402
sys.path.insert(0, str(HERE.parent / "scenario"))
from expectations import ms  # noqa: E402

SHARED = pathlib.Path(os.environ.get("RINGBACK_SHARED", ROOT.parent / "shared"))
TENANT = "bank"
SHOWN = 8  # differences that are printed of each kind


def oracle(directory):
    with gzip.open(directory / "february_oracle.csv.gz", "rt", newline="") as file:
        return {row["call_id"]: row for row in csv.DictReader(file)}


def body(event, caller, answered):
    """The event's type and fields; `answered`: an agent connects in its call."""
    kind = event["event"]
    if kind == "call_started":
        return {"type": "CallStarted", "direction": "INBOUND", "kind": "QUEUE", "from": caller, "to": "+9990000000000"}
    if kind == "queue_entered":
        return {"type": "QueueEntered", "queue": "bank"}
    if kind == "queue_left":
        return {"type": "QueueExited", "queue": "bank", "reason": "ANSWERED" if answered else "LEFT"}
    if kind == "agent_connected":
        return {"type": "AgentConnected", "agent": event.get("agent") or "unknown", "leg": "1"}
    if kind == "agent_disconnected":
        return {"type": "AgentDisconnected", "leg": "1"}
    return {"type": "CallEnded", "by": "CALLER" if event["by"] == "caller" else "UNKNOWN"}


def write_events(directory, path, calls):
    """The month as flat JSON lines, calls that the oracle ignores left out. Returns how many."""
    with gzip.open(directory / "february_events.jsonl.gz", "rt") as file:
        events = [event for event in map(json.loads, file) if calls[event["call_id"]]["type"] != "IGNORED"]
    answered = {event["call_id"] for event in events if event["event"] == "agent_connected"}
    numbers = {None: None}  # each caller of the bank becomes a number under +999, which no country has
    with open(path, "w", encoding="utf-8") as out:
        for event in events:
            call, caller = event["call_id"], event.get("caller")
            line = {"tenant": TENANT, "event_id": str(event["seq"]), "occurred_at": event["ts"] * 1000, "call_id": call}
            line |= body(event, numbers.setdefault(caller, f"+999{len(numbers):010}"), call in answered)
            out.write(json.dumps({key: value for key, value in line.items() if value is not None}) + "\n")
    return len(events)


def last_of_each(records, field):
    return {record[field]: record for record in records}


def compare(what, pairs):
    """pairs: (id, expected, got). Raises with the first differences; else returns how many were equal."""
    pairs = list(pairs)
    differing = [f"{identity}: oracle {expected}, got {got}" for identity, expected, got in pairs if expected != got]
    if differing or not pairs:
        raise Failed(f"{len(differing)} of {len(pairs)} {what} differ\n" + "\n".join(differing[:SHOWN]))
    print(f"# {len(pairs)} {what}: 0 differences")
    return len(pairs)


def second(time_text):
    return None if time_text is None else str(ms(time_text) // 1000)


def main():
    directory = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else SHARED / "data/anonymous_bank"
    tap, program = Tap(), Program()
    if not (directory / "february_oracle.csv.gz").exists():
        tap.result("the data is there", f"{directory} does not hold february_events.jsonl.gz and february_oracle.csv.gz")
        tap.finish()
    calls = oracle(directory)
    counted = collections.Counter(call["type"] for call in calls.values())
    print(f"# the oracle: {dict(counted)}")
    with tempfile.TemporaryDirectory(prefix="ringback-real.") as room:
        events, data = pathlib.Path(room) / "events.jsonl", pathlib.Path(room) / "data"
        count = write_events(directory, events, calls)
        began = time.monotonic()
        tap.check("the month is folded, nothing rejected", lambda: program.fold(data, events, until="1999-03-08T00:00:00Z", exits=(0,)))
        print(f"# {count} events in {time.monotonic() - began:.2f} s")
        verdicts = last_of_each(program.output(data, "calls-classified"), "call_id")
        rows = last_of_each(program.output(data, "followups"), "call_id")
    real = {identity: call for identity, call in calls.items() if call["type"] != "IGNORED"}
    abandoned = {identity: call for identity, call in real.items() if call["type"] == "ABANDONED"}
    standing = {identity: row for identity, row in rows.items() if row["status"] != "WITHDRAWN"}
    listed = {identity for identity, row in standing.items() if row["call_type"] == "ABANDONED"}

    def of_rows(what, expected, got):
        pairs = ((identity, expected(call), got(standing.get(identity, {}))) for identity, call in abandoned.items())
        tap.check(what, compare, what, pairs)

    tap.check("types of calls", compare, "types of calls",
              ((identity, call["type"], verdicts.get(identity, {}).get("type")) for identity, call in real.items()))
    tap.check("abandoned rows", compare, "abandoned rows",
              ((identity, identity in abandoned, identity in listed) for identity in sorted(abandoned.keys() | listed)))
    of_rows("rows: resolved by which call", lambda call: call["resolved_by"] or None, lambda row: row.get("resolved_by_call"))
    of_rows("rows: resolved at which second", lambda call: call["resolved_at"] or None, lambda row: second(row.get("closed_at")))
    of_rows("rows: outcome", lambda call: "RECONNECTED" if call["resolved_by"] else None, lambda row: row.get("outcome"))
    of_rows("rows: went cold", lambda call: call["cold24"] == "1", lambda row: "went_cold_at" in row)
    tap.finish()


if __name__ == "__main__":
    main()
