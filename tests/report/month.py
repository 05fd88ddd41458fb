#!/usr/bin/env python3
"""The report of one real month against the oracle of tests/real: counts by class, by hour and by day, what became of the abandoned calls.

tests/report/month.py [DIRECTORY]     with february_events.jsonl.gz and february_oracle.csv.gz (tests/real/README.md)
"""

import collections
import datetime
import importlib.util
import json
import pathlib
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent)]
from program import Failed, Program, Tap  # noqa: E402

DAYS = "1999-02-01", "1999-02-28"


def module_of(path):
    spec = importlib.util.spec_from_file_location("real_month", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


real = module_of(HERE.parent / "real/run.py")


class Month:
    def __init__(self, program, data, calls):
        self.program, self.data, self.calls = program, data, calls

    def report(self, *words):
        began = time.monotonic()
        done = self.program.run(
            "report", "unbooked-abandoned", "--data", self.data, "--from", DAYS[0], "--to", DAYS[1], "--format", "json", "--quiet", *words
        )
        print(f"# {' '.join(words) or 'the calls'}: {time.monotonic() - began:.2f} s")
        return [json.loads(line) for line in done.stdout.splitlines()]

    def listed(self):
        """Every call of class ABANDONED and UNBOOKED with its class; and the MISSED ones, which are worked."""
        expected = {identity: call["type"] for identity, call in self.calls.items()}
        got = {line["call_id"]: line["type"] for line in self.report()}
        if got != expected:
            raise Failed(f"{len(set(got.items()) ^ set(expected.items()))} of {len(expected)} calls differ")
        print(f"# by class: {dict(collections.Counter(got.values()))}: 0 differences")

    def groups(self, by, key_of):
        expected = collections.defaultdict(collections.Counter)
        for call in self.calls.values():
            count = expected[key_of(datetime.datetime.fromtimestamp(int(call["started"]), datetime.timezone.utc))]
            count["calls"] += 1
            count[call["type"].lower()] += 1
            count["reconnected"] += call["resolved_by"] != ""
        got = {
            line["group"]: collections.Counter({name: line[name] for name in ("calls", "abandoned", "unbooked", "missed")})
            for line in self.report("--compare", by)
        }
        for line in self.report("--compare", by, "--type", "abandoned"):  # the oracle knows nothing of the rows of missed calls
            got[line["group"]]["reconnected"] = line["reconnected"]
        wrong = sorted(key for key in expected.keys() | got.keys() if got.get(key) != expected[key])
        if wrong:
            raise Failed(f"{len(wrong)} groups differ: {wrong[0]} is {got.get(wrong[0])}, expected {expected[wrong[0]]}")
        print(f"# by {by}: {len(expected)} groups, 0 differences")


def main():
    directory = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else real.SHARED / "data/anonymous_bank"
    tap, program = Tap(), Program()
    if not (directory / "february_oracle.csv.gz").exists():
        tap.result("the data is there", f"{directory} does not hold february_events.jsonl.gz and february_oracle.csv.gz")
        tap.finish()
    calls = real.oracle(directory)
    with tempfile.TemporaryDirectory(prefix="ringback-month.") as room:
        events, data = pathlib.Path(room) / "events.jsonl", pathlib.Path(room) / "data"
        real.write_events(directory, events, calls)
        tap.check("the month is folded", lambda: program.fold(data, events, until="1999-03-08T00:00:00Z", exits=(0,)))
        month = Month(program, data, {identity: call for identity, call in calls.items() if call["type"] != "IGNORED"})
        tap.check("the calls, by class", month.listed)
        tap.check("by hour", month.groups, "hour", lambda moment: f"{moment:%H}")
        tap.check("by day", month.groups, "day", lambda moment: f"{moment:%Y-%m-%d}")
    tap.finish()


if __name__ == "__main__":
    main()
