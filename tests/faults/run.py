#!/usr/bin/env python3
"""Makes every allocation, file call and LMDB call of a run fail once, in turn. tests/faults/README.md says what must come of it.

    tests/faults/run.py [--every] [--seed N] [KIND [CASE [NUMBER]]]
"""
import argparse
import collections
import concurrent.futures
import errno
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "explain")]
import fixture  # noqa: E402
from program import EXIT_AGAIN, EXIT_DONE, EXIT_FAILED, EXIT_REJECTED, Failed, Program, Tap, TOPICS, output_file  # noqa: E402

MAP_FULL, CORRUPTED = -30792, -30796  # lmdb.h
# kind -> {what it fails with: the calls that can fail so; None: all}
ERRORS = {
    "memory": {"": None},
    "file": {errno.EIO: None, errno.ENOSPC: {"write", "writev", "sync", "truncate", "mkdir", "open", "openat", "rename"}, "short": {"write"}},
    "lmdb": {errno.EIO: None, MAP_FULL: {"mdb_put", "mdb_cursor_put", "mdb_cursor_del", "mdb_txn_commit"},
             CORRUPTED: {"mdb_get", "mdb_put", "mdb_cursor_get", "mdb_cursor_put", "mdb_cursor_del", "mdb_dbi_open"}},
}
SOME_MORE = 40  # allocations besides the first of each chain of callers, by chance
# The ends that libraries and the fold's cache make where there is no memory, each with a message.
MEMORY_ENDS = {-signal.SIGABRT, -signal.SIGTRAP}
MEMORY_WORDS = ("memory", "failed to allocate")


class Case:
    """A run, what it starts from, and what it leads to when nothing fails."""

    def __init__(self, name, program, faults, room, template, arguments, folds):
        self.name, self.program, self.faults, self.template, self.arguments, self.folds = name, program, faults, template, arguments, folds
        self.room = room
        work = self.begin()
        done = self.run(work)
        self.code, self.out = done.returncode, done.stdout
        if self.code not in (EXIT_DONE, EXIT_REJECTED):
            raise Failed(f"{name}: ends with {self.code}: {done.stderr.decode(errors='replace')}")
        self.expected = self.bytes(work)
        self.view = self.state(work)
        shutil.rmtree(work)
        self.start = self.tree(self.template) if template else {}

    def begin(self):
        work = pathlib.Path(tempfile.mkdtemp(dir=self.room))
        if self.template:
            shutil.copytree(self.template, work / "data")
        return work

    def run(self, work, kind=None, number=0, error="", report=None):
        environment = dict(os.environ)
        if kind:
            environment.update(LD_PRELOAD=str(self.faults), FAULT_KIND=kind, FAULT_AT=str(number), FAULT_ERROR=str(error))
        if report:
            environment["FAULT_REPORT"] = str(report)
        arguments = [str(word).replace("{work}", str(work)) for word in self.arguments]
        return subprocess.run([self.program.path, *arguments], env=environment, capture_output=True, timeout=120, check=False)

    def bytes(self, work):
        data = work / "data"
        files = [data / "journal.avro", *(output_file(data, topic) for topic in TOPICS)] if self.folds else []
        return {file.name: file.read_bytes() for file in files if file.exists()}

    @staticmethod
    def tree(directory):
        return {str(file.relative_to(directory)): file.read_bytes() for file in directory.rglob("*") if file.is_file()}

    def is_untouched(self, work):
        """Everything lies there as at the start: then the next run is the one that is known."""
        data = work / "data"
        return self.tree(data) == self.start if data.exists() else not self.template

    def state(self, work):
        """What the readers show, so what the state holds."""
        if not self.folds:
            return None
        return [self.program.run(command, "--data", work / "data", "--format", "json").stdout for command in ("followups", "calls")]

    def calls(self, kind):
        """The calls of a run in which nothing fails: [(name, callers)]."""
        work = self.begin()
        report = work / "report"
        self.run(work, kind, report=report)
        lines = [tuple(line.split()) for line in report.read_text().splitlines()]
        shutil.rmtree(work)
        if not lines:
            raise Failed(f"{self.name}: no call of kind {kind}; is {self.faults} preloaded?")
        return lines

    def differs(self, work):
        got = self.bytes(work)
        return sorted(name for name in self.expected.keys() | got.keys() if self.expected.get(name) != got.get(name))

    def one(self, kind, name, number, error):
        """Lets one call fail. Returns what came of it in a word."""
        work = self.begin()
        try:
            done = self.run(work, kind, number, error)
            said = done.stderr.decode(errors="replace").strip()
            where = f"{name}, {kind} call {number} failing with {error or 'no memory'}: exit code {done.returncode}\n{said[-600:]}"
            how = self.judge(kind, error, done, said, work, where)
            if self.folds and not self.is_untouched(work):
                again = self.run(work)
                if again.returncode not in (EXIT_DONE, EXIT_REJECTED):
                    raise Failed(f"{where}\nand the next run: {again.returncode}\n{again.stderr.decode(errors='replace')[-600:]}")
                if self.differs(work):
                    raise Failed(f"{where}\nand after the next run other bytes in {', '.join(self.differs(work))}")
                if self.state(work) != self.view:
                    raise Failed(f"{where}\nand after the next run the state is otherwise")
            return how
        finally:
            shutil.rmtree(work)

    def judge(self, kind, error, done, said, work, where):
        if done.returncode == self.code:
            if done.stdout != self.out or self.differs(work):
                raise Failed(f"{where}\nsays that it is done, but is not: {', '.join(self.differs(work)) or 'other words'}")
            return "done all the same"
        if not said:
            raise Failed(f"{where}\nwithout a word")
        if kind == "memory" and done.returncode in MEMORY_ENDS and any(word in said for word in MEMORY_WORDS):
            return "ended by a library, or the cache, with a message"
        allowed = {EXIT_FAILED, EXIT_AGAIN}
        if done.returncode not in allowed:
            raise Failed(f"{where}\nwhich is none of {sorted(allowed)}")
        return f"exit code {done.returncode}"


swept = set()  # chains of callers of which an allocation has failed, in any case


def chosen(calls, kind, error, options):
    """The numbers of the calls to fail."""
    names = ERRORS[kind][error]
    numbers = [number for number, (name, _) in enumerate(calls, 1) if names is None or name in names]
    if kind != "memory" or options.every or options.number:
        return numbers
    first, rest = [], []
    for number in numbers:
        (rest if calls[number - 1] in swept else first).append(number)
        swept.add(calls[number - 1])
    return sorted([*first, *random.Random(options.seed).sample(rest, min(SOME_MORE, len(rest)))])


def sweep(case, kind, options):
    calls = case.calls(kind)
    outcomes, failures, total = collections.Counter(), [], 0
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        running = {}
        for error in ERRORS[kind]:
            for number in chosen(calls, kind, error, options):
                if options.number is None or number == options.number:
                    running[pool.submit(case.one, kind, calls[number - 1][0], number, error)] = number
        for future in concurrent.futures.as_completed(running):
            total += 1
            try:
                outcomes[future.result()] += 1
            except (Failed, subprocess.TimeoutExpired) as why:
                failures.append(str(why))
    print(f"# {case.name}, {kind}: {len(calls)} calls, {total} failed in turn: " + "; ".join(f"{count} {how}" for how, count in outcomes.most_common()))
    if failures:
        raise Failed(f"{len(failures)} of {total}:\n" + "\n".join(sorted(failures)[:options.show]))


def prepare(program, room):
    """Three files of events; and a directory with a torn tail, whose state is behind."""
    events = sorted([*fixture.directory(), *fixture.calls()], key=lambda each: each["occurred_at"])
    for number, part in enumerate((events[:14], events[14:], list(fixture.late()))):
        fixture.write(room / f"{number}.jsonl", part)
    fixture.write(room / "all.jsonl", events)
    fold = ["fold", "--quiet", "--journal-id", "00112233445566778899aabbccddeeff", "--append-time", "2026-04-01T00:00:00Z", "--batch", 6]
    behind, whole = room / "behind", room / "whole"
    program.run(*fold, "--data", behind, room / "0.jsonl", exits=(EXIT_DONE, EXIT_REJECTED))
    shutil.copytree(behind / "state", room / "state")
    program.run(*fold, "--data", behind, room / "1.jsonl", exits=(EXIT_DONE, EXIT_REJECTED))
    shutil.copytree(behind, whole)
    shutil.rmtree(behind / "state")
    (room / "state").rename(behind / "state")
    for file in ("journal.avro", "outputs/followups.avro"):
        with open(behind / file, "ab") as out:
            out.write(b"\x02\x40torn")
    return fold, behind, whole


def cases(program, faults, room):
    fold, behind, whole = prepare(program, room)
    data = ["--data", "{work}/data"]
    return [
        ("a first fold", None, [*fold, *data, room / "all.jsonl"], True),
        ("a fold that recovers", behind, [*fold, *data, room / "2.jsonl"], True),
        ("followups", whole, ["followups", *data, "--format", "json"], False),
        ("calls", whole, ["calls", *data, "--balance"], False),
        ("explain", whole, ["explain", *data, "--json", "c2"], False),
        ("refold", whole, ["refold", *data, "--into", "{work}/again"], False),
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kind", nargs="?", choices=list(ERRORS))
    parser.add_argument("case", nargs="?")
    parser.add_argument("number", nargs="?", type=int)
    parser.add_argument("--every", action="store_true", help="every allocation")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=6, help="failures to show of a sweep")
    options = parser.parse_args()
    tap, program = Tap(), Program()
    faults = pathlib.Path(program.path).parent / "tests/libfaults.so"
    if not faults.exists():
        sys.exit(f"{faults} is not there: build it (cmake --build)")
    with tempfile.TemporaryDirectory(prefix="ringback-faults.") as directory:
        room = pathlib.Path(directory)
        for name, template, arguments, folds in cases(program, faults, room):
            if options.case and options.case != name:
                continue
            case = tap.check(f"{name}: as it should be", Case, name, program, faults, room, template, arguments, folds)
            for kind in ERRORS:
                if case and options.kind in (None, kind):
                    tap.check(f"{name}: every {kind} call fails once", sweep, case, kind, options)
    tap.finish()


if __name__ == "__main__":
    main()
