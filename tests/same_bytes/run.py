#!/usr/bin/env python3
"""Same journal, same bytes out; and a fold that is killed at any moment goes on as if it had not been (ARCHITECTURE 1).

    tests/same_bytes/run.py [--seed N] [--calls N] [--kills N]
"""
import argparse
import filecmp
import json
import pathlib
import random
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from program import EXIT_REJECTED, Failed, Program, Tap, TOPICS, output_file  # noqa: E402

JOURNAL_ID = "00112233445566778899aabbccddeeff"
APPEND_TIME = "2026-01-01T00:00:00Z"
START, UNTIL = "2025-03-03T00:00:00Z", "2025-06-01T00:00:00Z"
BATCHES = (1, 7, 1_000, 100_000)
HIDDEN_CALLS = 600  # that version 2 of the rules judges otherwise: more than one record's share of them (docs/decisions/0019)
LATER_CALLS = 10    # just behind the activation


def hidden_call(number, at):
    """An abandoned call of a withheld number, and the job that somebody booked on it: version 1 does not bring them together."""
    common = {"tenant": "hidden", "occurred_at": at}
    call = common | {"call_id": f"c{number}"}
    yield call | {"type": "CallStarted", "event_id": "s", "direction": "INBOUND", "kind": "QUEUE", "to": "+12025550199"}
    yield call | {"type": "CallEnded", "event_id": "e", "by": "CALLER"}
    yield common | {"type": "JobBooked", "event_id": "b", "job_id": f"j{number}", "call": f"c{number}"}


def activated(lines):
    """The lines, and in their middle hidden calls and the activation of version 2."""
    starts = '{"type":"CallStarted"'
    middle = next(n for n in range(len(lines) // 2, len(lines)) if lines[n].startswith(starts) and lines[n].endswith("}\n"))
    at = json.loads(lines[middle])["occurred_at"]
    added = [event for number in range(HIDDEN_CALLS) for event in hidden_call(number, at)]
    added.append({"type": "ActivateRules", "tenant": "*", "event_id": "rules-2", "occurred_at": at, "version": 2})
    added += [event for number in range(LATER_CALLS) for event in hidden_call(f"-later-{number}", at)]
    return lines[:middle] + [json.dumps(event) + "\n" for event in added] + lines[middle:]


class Bench:
    """The program, and a room for its directories."""

    def __init__(self, program, room):
        self.program, self.room, self.made = program, pathlib.Path(room), 0

    def directory(self, name):
        self.made += 1
        return self.room / f"{self.made}-{name}"

    def generate(self, seed, calls):
        """A disorderly network: late, repeated and broken records, jobs, commands, settings; and in its middle other rules."""
        path = self.directory("events.jsonl")
        size = ["--calls", calls, "--calls-per-day", 600]
        self.program.run("generate", "--seed", seed, *size, "--start", START, "--disorder", "--out", path)
        with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
            lines = file.readlines()
        with path.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
            file.writelines(activated(lines))
        return path

    def fold_arguments(self, data, events, batch):
        repeatable = ["--journal-id", JOURNAL_ID, "--append-time", APPEND_TIME]
        return ["fold", "--quiet", "--data", data, *repeatable, "--batch", batch, "--until", UNTIL, events]

    def fold(self, events, batch=1_000):
        data = self.directory("data")
        self.program.run(*self.fold_arguments(data, events, batch), exits=(0, EXIT_REJECTED))
        return data

    def refold(self, data, into, batch):
        """Reads the journal of `data` again, from its beginning; returns the directory of the outputs."""
        outputs = self.directory("outputs")
        into = into if into == ":memory:" else self.directory(into)
        self.program.run("refold", "--quiet", "--data", data, "--into", into, "--batch", batch, "--outputs", outputs)
        return outputs

    def meaning(self, data):
        """All outputs, but for where the seals fell."""
        told = []
        for topic in TOPICS:
            for record in self.program.output(data, topic):
                position = record.pop("position")
                told.append((position["number"], topic, record))
        return sorted(told, key=lambda output: output[0])


def rules_are_spread(bench, data):
    """Version 2 judged every hidden call again, some with each of several records: other outputs lie between."""
    told = bench.meaning(data)
    by_rules = [number for number, topic, record in told if topic == "followups" and record.get("cause") == "RULES"]
    if len(by_rules) < HIDDEN_CALLS:
        raise Failed(f"{len(by_rules)} rows were changed by the rules, {HIDDEN_CALLS} expected at least")
    if by_rules[-1] - by_rules[0] == 2 * len(by_rules) - 2:  # each is a row and its change
        raise Failed("all of them with one record: nothing lies between")


def same_files(one, other):
    names = [f"{topic}.avro" for topic in TOPICS]
    _, differing, missing = filecmp.cmpfiles(one, other, names, shallow=False)
    there = [name for name in missing if (one / name).exists() != (other / name).exists()]
    if differing or there:
        raise Failed(f"{one.name} and {other.name} differ in {', '.join(differing + there)}")
    if all(not (one / name).exists() for name in names):
        raise Failed("nothing came out at all")


def read_again(bench, data, into, batch):
    same_files(output_file(data, TOPICS[0]).parent, bench.refold(data, into, batch))


def same_meaning(bench, expected, data):
    got = bench.meaning(data)
    for one, other in zip(expected, got):
        if one != other:
            raise Failed(f"output {one[0]} differs\n{one}\n{other}")
    if len(expected) != len(got):
        raise Failed(f"{len(expected)} outputs expected, {len(got)} came")
    if not expected:
        raise Failed("nothing came out at all")


def fold_killed(bench, rng, events, kills, longest, batch):
    """Starts and kills the fold at most `kills` times, each after up to `longest` seconds, then lets it end. Returns (directory, kills)."""
    data, done = bench.directory("killed"), 0
    arguments = [bench.program.path, *map(str, bench.fold_arguments(data, events, batch))]
    while done < kills:
        running = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        time.sleep(rng.uniform(0, longest))
        running.kill()
        error = running.communicate()[1].decode(errors="replace")
        if running.returncode >= 0:
            if running.returncode not in (0, EXIT_REJECTED):
                raise Failed(f"after {done} kills it ended with {running.returncode}: {error[-1000:]}")
            break
        done += 1
    bench.program.run(*arguments[1:], exits=(0, EXIT_REJECTED))
    return data, done


def killed_often(bench, rng, events, kills, batch):
    """Counts only kills that hit a fold at work: where it ends first, the next directory is begun."""
    began = time.monotonic()
    whole = bench.fold(events, batch)
    longest = (time.monotonic() - began) / 12
    expected, left, directories = bench.meaning(whole), kills, 0
    while left > 0:
        data, done = fold_killed(bench, rng, events, left, longest, batch)
        same_meaning(bench, expected, data)
        read_again(bench, data, ":memory:", 1_000)
        left, directories = left - done, directories + 1
        if directories > kills:
            raise Failed("the fold ends before it can be killed: give it more calls")
    print(f"# {kills} kills within {directories} directories, each after at most {longest:.3f} s")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--calls", type=int, default=4_000)
    parser.add_argument("--kills", type=int, default=30)
    options = parser.parse_args()
    tap = Tap()
    with tempfile.TemporaryDirectory(prefix="ringback-same.") as room:
        bench = Bench(Program(), room)
        events = tap.check("a network is generated", bench.generate, options.seed, options.calls)
        data = events and tap.check("and folded", bench.fold, events)
        if not data:
            tap.finish()
        tap.check("calls were judged again by rules that were activated, with several records", rules_are_spread, bench, data)
        for into in ("lmdb", ":memory:"):
            for batch in BATCHES:
                name = f"the journal read again into {into} in batches of {batch} gives the same bytes"
                tap.check(name, read_again, bench, data, into, batch)
        few = bench.generate(options.seed + 1, max(options.calls // 20, 20))
        expected = bench.meaning(bench.fold(few, 1))
        for batch in (50, 50_000):
            name = f"transactions of {batch} records tell the same as of 1"
            tap.check(name, lambda size=batch: same_meaning(bench, expected, bench.fold(few, size)))
        rng = random.Random(options.seed)
        name = f"killed {options.kills} times, seed {options.seed}: nothing lost, nothing twice"
        tap.check(name, killed_often, bench, rng, events, options.kills, 200)
    tap.finish()


if __name__ == "__main__":
    main()
