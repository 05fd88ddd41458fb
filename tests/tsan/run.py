#!/usr/bin/env python3
"""The service under the thread sanitizer: whatever two of its threads touch has an order, and no two locks are taken both ways.

    tests/tsan/run.py [--keep] [NAME...]      needs build/tsan (preset tsan)
"""
import argparse
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
for place in (HERE.parent / "kafka", HERE.parent):
    sys.path.insert(0, str(place))
import ledger  # noqa: E402
from bench import Bench, of_now, wait_until  # noqa: E402
from broker import free_ports  # noqa: E402
from program import ROOT, Failed, Program, Tap  # noqa: E402
from wire import messages, with_ids  # noqa: E402

BUILD = ROOT / "build/tsan"
UNITS = ("threads", "http", "registry", "metrics", "kafka_edge")
PARTITIONS = 4
EVENTS, RATE = 9_000, 250
SNAPSHOT_SECONDS = 60  # the shortest that the configuration takes
SHOWN = 3              # reports of a failure


class Watched:
    """Where what the sanitizer says of a set of processes ends up, kill -9 or not."""

    def __init__(self, room, name):
        self.place = room / name
        self.place.mkdir()
        options = {"log_path": self.place / "report", "exitcode": 0, "second_deadlock_stack": 1, "history_size": 4}
        self.environment = {"TSAN_OPTIONS": ":".join(f"{key}={value}" for key, value in options.items())}

    def reports(self):
        text = "".join(file.read_text(errors="replace") for file in sorted(self.place.iterdir()))
        return [part for part in text.split("==================\n") if part.startswith("WARNING: ThreadSanitizer")]

    def must_be_silent(self):
        found = self.reports()
        if found:
            raise Failed(f"{len(found)} reports\n" + "\n".join(found[:SHOWN]))


def a_race_is_seen(room):
    watched = Watched(room, "race")
    subprocess.run([BUILD / "tests/race"], env=os.environ | watched.environment, check=True, stdout=subprocess.DEVNULL)
    if not any("data race" in report for report in watched.reports()):
        raise Failed("two threads count without a lock, and nothing is reported: the sanitizer does not work here")


def unit_tests(room):
    watched = Watched(room, "unit")
    for name in UNITS:
        done = subprocess.run([BUILD / f"tests/unit_{name}"], env=os.environ | watched.environment, capture_output=True, text=True, check=False,
                              timeout=120)
        if done.returncode:
            raise Failed(f"unit_{name} ended with {done.returncode}\n{done.stdout}{done.stderr}")
    watched.must_be_silent()


class Service:
    """Two instances under load, looked at all the while."""

    def __init__(self, room):
        self.bench = Bench(room / "kafka", argparse.Namespace(seed=1))
        self.watched, self.program = Watched(room, "service"), Program(BUILD / "ringback")
        self.wire, self.room = self.bench.wire(PARTITIONS), self.bench.directory("service")
        registry = self.bench.broker.start(registry=True).registry
        settings = (f"registry:\n  url: {registry}\nseal_every: 1s\ncommit:\n  records: 200\nworkers: 2\n"
                    f"snapshot:\n  dir: {self.room}/snapshots\n  every: {SNAPSHOT_SECONDS}s\n")
        self.pair = [self.bench.instance(self.wire, self.room, name, settings, program=self.program, port=port, **self.watched.environment)
                     for name, port in zip(("stays", "suffers"), free_ports(2))]
        self.bench.program.run("schemas", "register", "-c", self.pair[0].config)
        events = of_now(self.bench, 2, "--tenants", 40, "--events", EVENTS, "--disorder")
        self.messages = list(with_ids(messages(events, self.wire.prefix), registry))
        self.sent, self.looked, self.ended = {}, 0, threading.Event()
        self.others = [threading.Thread(target=self.feed), threading.Thread(target=self.look)]

    def feed(self):
        self.sent = self.wire.send(self.messages, rate=RATE)

    def look(self):
        while not self.ended.wait(0.1):
            for instance in self.pair:
                try:
                    self.looked += all(instance.page(page)[0] for page in ("/metrics", "/readyz", "/livez"))
                except OSError:
                    pass  # it is stopped, killed or frozen just now

    def suffer(self):
        """A stop, a kill, and what comes back from a freeze longer than its session: a zombie that is fenced."""
        victim = self.pair[1]
        time.sleep(8)
        victim.stop(60)
        time.sleep(4)
        victim.start()
        time.sleep(8)
        victim.kill()
        time.sleep(1)
        victim.start()
        time.sleep(6)
        victim.signal(signal.SIGSTOP)
        time.sleep(8)
        victim.signal(signal.SIGCONT)

    def run(self):
        for instance in self.pair:
            instance.start()
        for other in self.others:
            other.start()
        self.suffer()
        self.others[0].join()
        self.bench.at_end(self.wire, self.sent)
        wait_until("no snapshot is taken", 2 * SNAPSHOT_SECONDS, lambda: self.pair[0].count("snapshot_taken"))
        for instance in self.pair:
            instance.stop(60)

    def end(self):
        self.ended.set()
        for instance in self.pair:
            instance.kill()
        for other in self.others:
            if other.is_alive():
                other.join()
        self.bench.broker.stop()


def service(room):
    """Four partitions, records, looks at its pages, snapshots, take-overs: then nothing was told twice, and no report was written."""
    played = Service(room)
    try:
        played.run()
        counts, _ = ledger.check(played.wire, played.bench.program, played.room, f"{played.wire.prefix}app")
    finally:
        played.end()
        played.watched.must_be_silent()
    taken = sum(line["event"] == "partition_state" and line["to"] == "WRITING" for instance in played.pair for line in instance.said())
    print(f"# {counts['records']} records, {counts['seals']} seals, {taken} take-overs, {played.looked} looks at its pages")


TESTS = (a_race_is_seen, unit_tests, service)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", action="store_true", help="leave the room for a look")
    parser.add_argument("names", nargs="*", metavar="NAME")
    options = parser.parse_args()
    tap, room = Tap(), pathlib.Path(tempfile.mkdtemp(prefix="ringback-tsan."))
    try:
        for test in TESTS:
            if not options.names or any(name in test.__name__ for name in options.names):
                tap.check(test.__name__.replace("_", " "), test, room)
    finally:
        if options.keep:
            print(f"# left in {room}")
        else:
            shutil.rmtree(room)
    tap.finish()


if __name__ == "__main__":
    main()
