#!/usr/bin/env python3
"""Stops a fold before every call that changes or syncs a file, by kill -9 and by power cuts, and shows that the next one goes on as if
nothing had happened: the same journal and the same outputs, byte for byte (ARCHITECTURE 1; runtime/README.md).

    tests/crash/run.py [--seed N] [--calls N] [--disk PATH]
"""
import argparse
import concurrent.futures
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from program import EXIT_REJECTED, Failed, Program, Tap, TOPICS, output_file  # noqa: E402

JOURNAL_ID = "00112233445566778899aabbccddeeff"
START, UNTIL, APPEND_TIME = "2025-03-03T00:00:00Z", "2025-06-01T00:00:00Z", "2026-01-01T00:00:00Z"
SIGKILL = 9
FIRST, SECOND = 0, 1  # files of events, folded one after the other

KILL = "killed"
POWER_CUT = "power cut, all that no sync made last is lost"
LUCKY_POWER_CUT = "power cut, what no sync made last is lost by chance"


class Machine:
    """A data directory, and a boot id that changes with every power cut."""

    def __init__(self, program, disk, inputs, room):
        self.program, self.disk, self.inputs = program, disk, inputs
        self.room = pathlib.Path(tempfile.mkdtemp(dir=room)).resolve()
        self.data = self.room / "data"
        self.boots = 0
        self.boot()

    def boot(self):
        self.boots += 1
        (self.room / "boot_id").write_text(f"boot-{self.boots}\n")

    def fold(self, place, stop=None, loses="nothing"):
        """Folds a file; stops before call number `stop` where that is given. Returns the number of calls, None where it was stopped."""
        counted = self.room / "count"
        environment = {**os.environ, "LD_PRELOAD": str(self.disk), "DISK_UNDER": str(self.data), "DISK_COUNT": str(counted),
                       "DISK_BOOT": str(self.room / "boot_id"), "DISK_STOP": str(stop), "DISK_LOSES": str(loses)}
        command = [self.program.path, "fold", "--quiet", "--data", self.data, "--journal-id", JOURNAL_ID, "--append-time", APPEND_TIME,
                   "--batch", 60, "--until", UNTIL, self.inputs[place]]
        done = subprocess.run([*map(str, command)], env=environment, capture_output=True, timeout=60, check=False)
        if done.returncode == -SIGKILL and stop is not None:
            return None
        if done.returncode not in (0, EXIT_REJECTED):
            raise Failed(f"the fold of file {place} ended with {done.returncode}: {done.stderr.decode(errors='replace')[-1000:]}")
        return int(counted.read_text())

    def bytes(self):
        """What must be the same in the end: the journal and the outputs."""
        files = [self.data / "journal.avro", *(output_file(self.data, topic) for topic in TOPICS)]
        return {file.name: file.read_bytes() for file in files if file.exists()}


def compare(expected, got, when):
    differing = sorted(name for name in expected.keys() | got.keys() if expected.get(name) != got.get(name))
    if differing:
        raise Failed(f"{when}: other bytes in {', '.join(differing)}")


class Sweep:
    def __init__(self, program, disk, inputs, room, seed):
        self.program, self.disk, self.inputs, self.room, self.seed = program, disk, inputs, room, seed
        whole = self.machine()
        self.calls, self.expected = {}, {}
        for place in (FIRST, SECOND):
            self.calls[place] = whole.fold(place)
            self.expected[place] = whole.bytes()
        if not all(self.calls.values()) or self.expected[FIRST] == self.expected[SECOND]:
            raise Failed("nothing was written at all")

    def machine(self):
        return Machine(self.program, self.disk, self.inputs, self.room)

    def stop_at(self, place, how, number):
        """Stops the fold of one of the files before a call, goes on (half of the time through a second stop), and compares."""
        machine = self.machine()
        rng = random.Random(f"{self.seed} {place} {how} {number}")
        loses = {KILL: "nothing", POWER_CUT: "everything"}.get(how, rng.randrange(1, 1 << 32))
        for earlier in range(place):
            machine.fold(earlier)
        again = [rng.randrange(1, self.calls[place])] if rng.random() < 0.5 else []
        when = f"{how} before call {number} of file {place}" + (f", then {again[0]}" if again else "")
        try:
            for stop in [number, *again]:
                machine.fold(place, stop, loses)
                if how != KILL:
                    machine.boot()
            machine.fold(place)
            compare(self.expected[place], machine.bytes(), when)
            if place == FIRST:
                machine.fold(SECOND)
                compare(self.expected[SECOND], machine.bytes(), f"{when}, one file later")
        except Failed as why:
            raise Failed(f"{when}: {why}") from why
        finally:
            shutil.rmtree(machine.room)

    def every_call(self, how):
        places = [(place, number) for place in (FIRST, SECOND) for number in range(1, self.calls[place] + 1)]
        with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
            running = [pool.submit(self.stop_at, place, how, number) for place, number in places]
            try:
                for one in concurrent.futures.as_completed(running):
                    one.result()
            finally:
                pool.shutdown(cancel_futures=True)
        print(f"# {how}: stopped before each of {len(places)} calls")

    def what_ended_lasts(self):
        """A fold that said it is done has nothing left to lose."""
        for loses in ["everything", *range(1, 9)]:
            machine = self.machine()
            for place in (FIRST, SECOND):
                machine.fold(place, "end", loses)
                machine.boot()
                compare(self.expected[place], machine.bytes(), f"power cut after the fold of file {place} had ended")
            shutil.rmtree(machine.room)


def generate(program, room, seed, calls):
    """Two files of events of an invented network, disorderly."""
    inputs = [pathlib.Path(room) / f"{place}.jsonl" for place in (FIRST, SECOND)]
    for place, file in enumerate(inputs):
        size = ["--calls", calls, "--calls-per-day", 600]
        program.run("generate", "--seed", seed + place, *size, "--start", START, "--disorder", "--out", file)
    return inputs


def disk_of(given, program):
    """The path of disk.c, built."""
    disk = pathlib.Path(given or pathlib.Path(program.path).parent / "tests/libcrash_disk.so").resolve()
    if not disk.exists():
        sys.exit(f"{disk} is not there: build it (cmake --build), or say where it is with --disk")
    return disk


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--calls", type=int, default=16, help="telephone calls in each file (default: %(default)s)")
    parser.add_argument("--disk", help="disk.c, built (default: tests/libcrash_disk.so beside the program)")
    options = parser.parse_args()
    tap, program = Tap(), Program()
    disk = disk_of(options.disk, program)
    with tempfile.TemporaryDirectory(prefix="ringback-crash.") as room:
        inputs = generate(program, room, options.seed, options.calls)
        sweep = tap.check("two files are folded", Sweep, program, disk, inputs, room, options.seed)
        if sweep:
            tap.check("what a fold that ended has written lasts", sweep.what_ended_lasts)
            for how in (KILL, POWER_CUT, LUCKY_POWER_CUT):
                tap.check(f"{how}: nothing lost, nothing twice, seed {options.seed}", sweep.every_call, how)
    tap.finish()


if __name__ == "__main__":
    main()
