#!/usr/bin/env python3
"""Folds random journals with the program and with the model, and holds every output of one against the other's.

    run.py --program build/release/ringback --journals 20000
    run.py --program build/release/ringback --seed 1 --fold 17
    run.py --program build/release/ringback --replay journal.jsonl
"""
import argparse
import collections
import datetime
import functools
import itertools
import json
import multiprocessing
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from generate import journal  # noqa: E402
from model import TOPICS, Model  # noqa: E402
from words import COMMANDS  # noqa: E402

JOURNAL_ID = "0123456789abcdef0123456789abcdef"
ONLY_THE_PROGRAM_KNOWS = {"source", "source_name", "detail", "bytes", "size_bytes", "headers", "header_count"}
REJECTED_SOME = 65
WITHOUT = collections.defaultdict(set)  # fields of topics that are left out: --without
PATIENCE_SECONDS = 300
SIZES = (1, 1, 2, 5, 20, 60, 200)


@functools.cache
def is_time(name):
    return name.endswith("_at") or name in ("at", "append_time")


def milliseconds(text):
    moment = datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    return round((moment - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)) / datetime.timedelta(milliseconds=1))


def plain(record, left_out=()):
    """A record as both sides write it: no nulls, no empty lists, times in ms, nothing that only the program knows."""
    result = {}
    for name, value in record.items():
        if value is None or value == [] or name in ONLY_THE_PROGRAM_KNOWS or name in left_out:
            continue
        if isinstance(value, list):
            value = [plain(v) for v in value]
        elif is_time(name) and isinstance(value, str):
            value = milliseconds(value)
        result[name] = value
    return result


class Crashed(Exception):
    """The program did not do its work."""


def call(program, *arguments):
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, timeout=PATIENCE_SECONDS, check=False)
    if done.returncode not in (0, REJECTED_SOME):
        command = " ".join(map(str, arguments))
        raise Crashed(f"`ringback {command}` ended with {done.returncode}\n{done.stderr.decode(errors='replace')[-2000:]}")
    return done.stdout.decode()


@functools.cache
def one_event(program):
    """An Avro file of one event, which has no position among the outputs: printed after a topic it says that the topic ends."""
    command = [program, "generate", "--events", "1", "--format", "avro"]
    return subprocess.run(command, capture_output=True, timeout=PATIENCE_SECONDS, check=True).stdout


def as_line(event):
    """An event as a line of JSON; what is no event is given as its line."""
    if "line" in event:
        return event["line"]
    if event["type"] in COMMANDS:
        event = {("command_id" if name == "event_id" else name): value for name, value in event.items()}
    return json.dumps(event)


def by_program(program, runs, scratch):
    """What the program emits: [(topic, record)] in the order of the dense output number."""
    with tempfile.TemporaryDirectory(dir=scratch) as place:
        data = pathlib.Path(place) / "data"
        for number, run in enumerate(runs):
            file = pathlib.Path(place) / f"{number}.jsonl"
            file.write_text("".join(as_line(e) + "\n" for e in run["events"]))
            until = ["--until", run["until"]] if run["until"] is not None else []
            call(program, "fold", "--data", data, "--append-time", run["append_time"], "--journal-id", JOURNAL_ID, *until, file)
        found = dumped(program, data / "outputs", pathlib.Path(place) / "end")
    found.sort(key=lambda f: f[0]["position"]["number"])
    check_positions([record["position"] for record, _ in found])
    return [{"topic": topic, **plain(record, {"position", *WITHOUT[topic]})} for record, topic in found]


def dumped(program, outputs, end):
    """Pairs (record, topic), by one process for all topics: to start one costs more than to print."""
    end.write_bytes(one_event(program))
    topics = [topic for topic in TOPICS if (outputs / f"{topic}.avro").exists()]
    files = [file for topic in topics for file in (outputs / f"{topic}.avro", end)]
    found, ended = [], 0
    for record in map(json.loads, call(program, "dump", *files).splitlines() if files else ()):
        if "position" not in record:
            ended += 1
        elif ended < len(topics):
            found.append((record, topics[ended]))
    if ended != len(topics):
        raise Crashed(f"{ended} records without a position, expected one after each of {', '.join(topics)}")
    return found


def check_positions(positions):
    seal, index = None, 0
    for number, position in enumerate(positions):
        index = index + 1 if position["seal"] == seal else 0
        if seal is not None and position["seal"] < seal:
            raise Crashed(f"output {number} goes back to seal {position['seal']}")
        seal = position["seal"]
        expected = {"journal_id": JOURNAL_ID, "partition": 0, "seal": seal, "index": index, "number": number}
        if position != expected:
            raise Crashed(f"output {number} stands at {position}, expected {expected}")


def by_model(runs):
    model = Model()
    append_time = 0  # never goes back
    source = 0       # each file is one
    for run in runs:
        source += bool(run["events"])
        append_time = max(append_time, run["append_time"])
        for offset, event in enumerate(run["events"]):
            record = {"source": source, "offset": offset, "append_time": append_time}
            model.fold({**record, "bad": event["reason"]} if "line" in event else {**record, "event": event})
        model.seal(run["until"])
    return [as_dumped(output) for output in model.outputs]


def as_dumped(output):
    """A tombstone is its key; other records have theirs in their fields."""
    if output.get("tombstone"):
        return {"topic": output["topic"], "key": output["key"]}
    return plain(output, {"key", *WITHOUT[output["topic"]]})


def first_difference(expected, got):
    """(place, what differs) or None. Differences of one tenant are told before differences of order."""
    if expected == got:
        return None
    tenant_of = lambda output: output.get("tenant") or output.get("key", "").partition("/")[0]
    for tenant in sorted({tenant_of(o) for o in expected + got}, reverse=True):  # what names no tenant comes last
        ours = [o for o in expected if tenant_of(o) == tenant]
        theirs = [o for o in got if tenant_of(o) == tenant]
        if ours != theirs:
            place = next((i for i, (a, b) in enumerate(zip(ours, theirs)) if a != b), min(len(ours), len(theirs)))
            return tenant, at(ours, place), at(theirs, place)
    place = next((i for i, (a, b) in enumerate(zip(expected, got)) if a != b), min(len(expected), len(got)))
    return "order", at(expected, place), at(got, place)


def at(outputs, place):
    return outputs[place] if place < len(outputs) else None


def signature(difference):
    """Differences that look alike are told once."""
    where, ours, theirs = difference
    if isinstance(theirs, str):
        return "crash", re.sub(r"[0-9]+", "n", theirs.splitlines()[-1] if theirs else "")
    kind = lambda o: (o["topic"], o.get("type") or o.get("change") or o.get("verdict") or o.get("status"), o.get("cause")) if o else None
    same = ours and theirs and ours["topic"] == theirs["topic"]
    fields = tuple(sorted(k for k in {**ours, **theirs} if ours.get(k) != theirs.get(k))) if same else ()
    if same and "version" not in fields and "call_id" not in fields:
        return kind(ours)[:1] + fields
    return "order" if where == "order" else "", kind(ours), kind(theirs), fields


def difference_of(program, runs, scratch):
    return difference_from(by_model(runs), program, runs, scratch)


def difference_from(expected, program, runs, scratch):
    try:
        return first_difference(expected, by_program(program, runs, scratch))
    except (Crashed, subprocess.TimeoutExpired) as why:
        return ("crash", None, str(why))


def shrink(program, runs, scratch, wanted, seconds=180):
    """Takes away whole tenants, then chunks of events, then runs and settings of runs, while a difference like the first one stays."""
    stop = time.monotonic() + seconds

    def differs(candidate):
        if time.monotonic() > stop or not any(r["events"] for r in candidate):
            return False
        found = difference_of(program, candidate, scratch)
        return found is not None and signature(found) == wanted

    def without(runs, gone):
        kept = [{**run, "events": [e for i, e in enumerate(run["events"]) if (n, i) not in gone]} for n, run in enumerate(runs)]
        return [run for run in kept if run["events"]]

    def of(tenants):
        return {(n, i) for n, r in enumerate(runs) for i, e in enumerate(r["events"]) if e.get("tenant") in tenants}

    tenants = sorted({e["tenant"] for r in runs for e in r["events"] if "tenant" in e} - {"*"})
    size = len(tenants)
    while size > 1:
        size = (size + 1) // 2
        for begin in reversed(range(0, len(tenants), size)):
            candidate = without(runs, of(tenants[begin:begin + size]))
            if len(candidate) == len(runs) and differs(candidate):
                runs, tenants = candidate, tenants[:begin] + tenants[begin + size:]
    size = sum(len(r["events"]) for r in runs)
    while size >= 1:
        size = max(size // 2, 1)
        places = [(n, i) for n, r in enumerate(runs) for i in range(len(r["events"]))]
        removed = False
        for begin in reversed(range(0, len(places), size)):
            candidate = without(runs, set(places[begin:begin + size]))
            if len(candidate) == len(runs) and differs(candidate):
                runs, removed = candidate, True
        if size == 1 and not removed:
            break
    for n in reversed(range(len(runs) - 1)):
        joined = runs[:n] + [{**runs[n + 1], "events": runs[n]["events"] + runs[n + 1]["events"]}] + runs[n + 2:]
        runs = joined if differs(joined) else runs
    for n, run in enumerate(runs):
        if run["until"] is not None:
            candidate = runs[:n] + [{**run, "until": None}] + runs[n + 1:]
            runs = candidate if differs(candidate) else runs
    return runs


def save(runs, file):
    """One line `{"run": ...}` a fold, its events after it."""
    with open(file, "w", encoding="utf-8") as out:
        for run in runs:
            out.write(json.dumps({"run": {"append_time": run["append_time"], "until": run["until"]}}) + "\n")
            out.writelines(json.dumps(e) + "\n" for e in run["events"])


def load(file):
    runs = []
    for line in pathlib.Path(file).read_text(encoding="utf-8").splitlines():
        value = json.loads(line)
        if "run" in value:
            runs.append({**value["run"], "events": []})
        else:
            runs[-1]["events"].append(value)
    return runs


def tell(difference, runs, file, program):
    where, ours, theirs = difference
    print(f"\nThey differ ({'all tenants together' if where == 'order' else where}). The journal:")
    print(pathlib.Path(file).read_text(encoding="utf-8"), end="")
    if isinstance(theirs, str):
        print(theirs)
    else:
        print("  model:  ", json.dumps(ours))
        print("  program:", json.dumps(theirs))
        if ours and theirs and ours["topic"] == theirs["topic"]:
            for name in sorted({**ours, **theirs}):
                if ours.get(name) != theirs.get(name):
                    print(f"    {name}: model {ours.get(name)!r}, program {theirs.get(name)!r}")
    print(f"Again: {pathlib.Path(__file__)} --program {program} --replay {file}", flush=True)


def folds(seed, journals):
    """At least so many small journals: (number, worlds) of each fold. What is in it depends on the seed and its number alone."""
    done = 0
    for number in itertools.count():
        if done >= journals:
            return
        worlds = random_of(seed, number).choice(SIZES)
        done += worlds
        yield number, worlds


def random_of(seed, number):
    return random.Random(seed * 1_000_003 + number)


def runs_of(seed, number):
    rng = random_of(seed, number)
    return journal(rng, rng.choice(SIZES))


def compare(program, scratch, seed, number):
    """One fold on both sides: (events, outputs, what they cover, difference or None)."""
    runs = runs_of(seed, number)
    expected = by_model(runs)
    return sum(len(r["events"]) for r in runs), len(expected), coverage_of(expected), difference_from(expected, program, runs, scratch)


def coverage_of(outputs):
    coverage = collections.Counter()
    for output in outputs:
        topic = output["topic"]
        if "key" in output:
            coverage[topic, "tombstone"] += 1
        elif topic == "followups":
            coverage[topic, output["kind"], output["status"], output.get("outcome", "-")] += 1
        elif topic == "followup-events":
            coverage[topic, output.get("change", "-"), output["cause"]] += 1
        elif topic == "command-results":
            coverage[topic, output.get("reason", output["verdict"])] += 1
        else:
            coverage[topic, output.get("type") or output.get("reason") or ""] += 1
        if topic == "calls-classified":
            for name in ("abandoned_where", "short_abandon", "no_message", "abandoned_in_transfer", "classification"):
                if output.get(name):
                    coverage[topic, name, str(output[name])] += 1
    return coverage


def options():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", required=True, help="the ringback to test")
    parser.add_argument("--journals", type=int, default=20_000, help="how many small journals at least (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="where the random journals begin (default: %(default)s)")
    parser.add_argument("--fold", type=int, metavar="N", help="only the Nth fold of the seed")
    parser.add_argument("--replay", metavar="FILE", help="only this journal")
    parser.add_argument("--jobs", type=int, default=len(os.sched_getaffinity(0)), help="folds at a time (default: %(default)s)")
    parser.add_argument("--minutes", type=float, help="stop after this time, whatever was done (default: never)")
    parser.add_argument("--failures", type=int, default=5, help="stop after this many different differences (default: %(default)s)")
    parser.add_argument("--keep", default=tempfile.gettempdir(), help="where journals that differ are kept (default: %(default)s)")
    parser.add_argument("--scratch", help="where data directories are made (default: that of temporary files)")
    parser.add_argument("--without", action="append", default=[], metavar="TOPIC.FIELD",
                        help="a field that is not compared, while it is being mended")
    return parser.parse_args()


def replay(program, arguments):
    runs = load(arguments.replay)
    difference = difference_of(program, runs, arguments.scratch)
    if difference:
        tell(difference, runs, arguments.replay, program)
    print("differ" if difference else "agree")
    sys.exit(1 if difference else 0)


def found(program, difference, number, arguments):
    """Shrinks, keeps and tells a difference of a sort that was not seen yet."""
    print(f"\nA difference. Again, whole: {sys.argv[0]} --program {arguments.program} --seed {arguments.seed} --fold {number}", flush=True)
    runs = shrink(program, runs_of(arguments.seed, number), arguments.scratch, signature(difference))
    file = pathlib.Path(arguments.keep) / f"ringback-model-{arguments.seed}-{number}.jsonl"
    save(runs, file)
    tell(difference_of(program, runs, arguments.scratch) or difference, runs, file, program)


def main():
    arguments = options()
    for field in arguments.without:
        topic, _, name = field.partition(".")
        WITHOUT[topic].add(name)
    program = str(pathlib.Path(arguments.program).resolve())
    if arguments.replay:
        replay(program, arguments)

    begun = time.monotonic()
    journals = events = compared = done = 0
    seen = collections.Counter()
    coverage = collections.Counter()
    if arguments.fold is None:
        plan = list(folds(arguments.seed, arguments.journals))
    else:
        plan = [(arguments.fold, random_of(arguments.seed, arguments.fold).choice(SIZES))]
    with multiprocessing.Pool(min(arguments.jobs, len(plan))) as pool:
        work = functools.partial(compare, program, arguments.scratch, arguments.seed)
        for (number, worlds), result in zip(plan, pool.imap(work, (number for number, _ in plan))):
            done, journals, events, compared = done + 1, journals + worlds, events + result[0], compared + result[1]
            coverage.update(result[2])
            difference = result[3]
            if difference:
                seen[signature(difference)] += 1
                if seen[signature(difference)] == 1:
                    found(program, difference, number, arguments)
            too_long = arguments.minutes and time.monotonic() > begun + arguments.minutes * 60
            if too_long or len(seen) >= arguments.failures:
                break

    print(f"\n{journals} journals in {done} folds, {events} events, {compared} outputs compared, {sum(seen.values())} folds differ, "
          f"{time.monotonic() - begun:.0f} s")
    for key, times in sorted(coverage.items()):
        print(f"{times:9} {' '.join(key)}")
    for wanted, times in seen.most_common():
        print(f"{times:9} folds differ in {wanted}")
    sys.exit(1 if seen or not compared else 0)


if __name__ == "__main__":
    main()
