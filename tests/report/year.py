#!/usr/bin/env python3
"""A generated year: every preset and date type, calls and comparisons, against figures.py, which counts the same events. 0 differences.

tests/report/year.py [--calls N] [--seed N] [--keep DIR]      prints how long reports take and how much memory they need
"""

import argparse
import json
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
import figures  # noqa: E402
import invent  # noqa: E402
from program import Failed, Program, Tap  # noqa: E402

SHOWN = 5
FROM, DAYS = invent.ms(2025, 3, 1), 365  # so that this year and last year both have calls
NOW = invent.ms(2026, 2, 12) + 5 * 3_600_000  # what presets are counted from


def write(path, calls, seed):
    with open(path, "w", encoding="utf-8") as file:
        for _, number, event in invent.events(calls, FROM, DAYS, seed):
            identity = "command_id" if "actor" in event else "event_id"
            file.write(json.dumps({**event, identity: str(number)}) + "\n")


class Year:
    def __init__(self, program, data, events):
        self.program, self.data = program, data
        self.accounts, self.calls, self.stream_time = figures.read(events)
        figures.judge(self.accounts, self.calls, self.stream_time)
        self.today = {tenant: account.wall(NOW).date() for tenant, account in self.accounts.items()}

    def report(self, *words):
        began, cpu = time.monotonic(), cpu_seconds()
        with tempfile.TemporaryFile() as out:
            fixed = ["report", "unbooked-abandoned", "--data", self.data, "--format", "json", "--quiet", "--now", str(NOW)]
            process = subprocess.Popen([self.program.path, *fixed, *words], stdout=out)
            self.kib = most_memory(process)
            self.seconds, self.cpu = time.monotonic() - began, cpu_seconds() - cpu
            if process.returncode != 0:
                raise Failed(f"report {' '.join(words)} ended with {process.returncode}")
            out.seek(0)
            return [json.loads(line) for line in out]

    def ranges(self, preset):
        of = {}
        for tenant, account in self.accounts.items():
            both = [figure(preset, self.today[tenant], account.week_start) for figure in (figures.range_of, figures.range_before)]
            of[tenant] = tuple(tuple(map(figures.day_number, days)) for days in both)
        return of


def most_memory(process):
    """KiB of its own, looked at until it ends; what is mapped of the state is shared with everybody who reads it, and not counted."""
    most = 0
    while process.poll() is None:
        try:
            most = max(
                [most]
                + [int(line.split()[1]) for line in open(f"/proc/{process.pid}/status", encoding="ascii") if line.startswith("RssAnon")]
            )
        except OSError:
            pass
        time.sleep(0.005)
    return most


def cpu_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def differ(what, expected, got):
    """Both are {key: line}. Fields that the expected line has not are not looked at, but those that are null in it."""
    wrong = [f"{key}: expected, not there" for key in expected.keys() - got.keys()] + [
        f"{key}: there, not expected" for key in got.keys() - expected.keys()
    ]
    for key in expected.keys() & got.keys():
        fields = [name for name in expected[key] if expected[key][name] != got[key].get(name)]
        wrong += [f"{key}: {name} is {got[key].get(name)}, expected {expected[key][name]}" for name in fields]
    if wrong:
        raise Failed(f"{len(wrong)} differences in {what} of {len(expected)}\n" + "\n".join(map(str, sorted(map(str, wrong))[:SHOWN])))
    return len(expected)


NULLABLE = {
    "agent",
    "campaign",
    "recording",
    "queue",
    "follow_up",
    "status",
    "outcome",
    "closed_at",
    "went_cold_at",
    "first_attempt_at",
    "job",
    "job_completed_at",
}


def chosen(year, placed, preset):
    """Those of the period or of the one before."""
    ranges = year.ranges(preset)
    return [each for each in placed if any(first <= each[2] <= last for first, last in ranges[each[0].tenant])]


def check_calls(year, placed, preset, date_type):
    ranges = year.ranges(preset)
    expected = {}
    for call, account, day, _ in placed:
        first, last = ranges[call.tenant][0]
        if first <= day <= last and figures.is_listed(call):
            expected[call.tenant, call.call_id] = dict.fromkeys(NULLABLE) | figures.line(call, account)
    lines = year.report("--range", preset, "--date-type", date_type)
    order = [(line["tenant"], line["started_at"], line["call_id"]) for line in lines]
    if order != sorted(order):
        raise Failed("the lines are not in the order of account, start, id")
    return differ("calls", expected, {(line["tenant"], line["call_id"]): line for line in lines})


def check_groups(year, placed, preset, date_type, by):
    expected = figures.groups(placed, by, year.ranges(preset))
    lines = year.report("--range", preset, "--date-type", date_type, "--compare", by)
    return differ(f"groups by {by}", expected, {(line.get("tenant"), line.get("group")): line for line in lines})


def check_sorting(year):
    """Other orders give the same lines, sorted."""
    plain = year.report("--range", "last-month")
    keys = {
        "duration": lambda line: line["duration_ms"],
        "date": lambda line: line["started_at"],
        "campaign": lambda line: (line.get("campaign") is None, (line.get("campaign") or "").casefold()),
    }
    for sort, key in keys.items():
        got = year.report("--range", "last-month", "--sort", sort)
        if [key(line) for line in got] != sorted(key(line) for line in plain) or sorted(map(str, got)) != sorted(map(str, plain)):
            raise Failed(f"--sort {sort}: other lines, or another order")
    limited = year.report("--range", "last-month", "--sort", "-duration", "--limit", "7")
    if [line["duration_ms"] for line in limited] != sorted((line["duration_ms"] for line in plain), reverse=True)[:7]:
        raise Failed("--sort -duration --limit 7 are not the seven longest")


def figures_of():
    """Reports whose cost is printed."""
    for account in (["--account", "atlas"], []):
        for preset in ("last-month", "last-year"):
            for more in ([], ["--compare", "campaign"], ["--sort", "duration"]):
                yield ["--range", preset, *account, *more]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", metavar="DIR", help="keep the events and the data directory there, and use them again")
    options = parser.parse_args()
    tap, program = Tap(), Program()
    with tempfile.TemporaryDirectory(prefix="ringback-report.") as room:
        place = pathlib.Path(options.keep or room)
        events, data = place / "events.jsonl", place / "data"
        if not data.exists():
            place.mkdir(exist_ok=True)
            write(events, options.calls, options.seed)
            tap.check("the year is folded, nothing rejected", lambda: program.fold(data, events, exits=(0,)))
        year = Year(program, data, events)
        print(f"# {len(year.calls)} calls of {len(year.accounts)} accounts, seed {options.seed}")
        for date_type in figures.DATE_TYPES:
            placed = figures.place(year.accounts, year.calls, date_type)
            for preset in figures.PRESETS:
                within = chosen(year, placed, preset)
                tap.check(f"{preset} by {date_type}: calls", check_calls, year, within, preset, date_type)
                for by in figures.COMPARED:
                    tap.check(f"{preset} by {date_type}: compare {by}", check_groups, year, within, preset, date_type, by)
        tap.check("sorted otherwise", check_sorting, year)
        for words in figures_of():
            lines = year.report(*words)
            print(
                f"# {' '.join(words)}: {len(lines):,} lines, {year.seconds:.2f} s,"
                f" {year.cpu:.2f} s of CPU, {year.kib // 1024} MiB of its own"
            )
    tap.finish()


if __name__ == "__main__":
    main()
