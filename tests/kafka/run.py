#!/usr/bin/env python3
"""`ringback run` on a real broker: what goes in through topics is told once, as the fold of the journal, whatever happens on the way.

    tests/kafka/run.py [--long] [--seed N] [--keep] [NAME...]      NAME: part of a test's name
"""
import argparse
import collections
import datetime
import importlib
import json
import pathlib
import random
import shutil
import signal
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent))
sys.path.insert(0, str(HERE.parent / "bad_input"))
import avro  # noqa: E402
import ledger  # noqa: E402
from broker import Broker  # noqa: E402
from program import EXIT_AGAIN, EXIT_REJECTED, Failed, Tap  # noqa: E402
from service import Instance, Ringback, caught_up, wait_until  # noqa: E402
from wire import COMMANDS, Container, Wire, messages  # noqa: E402

real = importlib.import_module("real.run")
HOUR = 3_600_000
DAY = 24 * HOUR
TOLD_BY_PLACE = ("position", "version", "changed_at", "at", "cause", "status_before", "reviewed_at",  # where and when it was told, not what
                 "customer_name", "queue_name", "agent_name")  # as they were then (SPEC 5)


def now_ms():
    return int(time.time() * 1000)


def rfc3339(ms):
    return datetime.datetime.fromtimestamp(ms / 1000, datetime.timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Bench:
    """A broker, a program, a room; each test has topics of its own."""

    def __init__(self, room, options):
        self.room, self.options = pathlib.Path(room), options
        self.broker = Broker(self.room / "broker").start()
        self.program = Ringback(self.room)
        self.made = 0

    def wire(self, partitions=4):
        self.made += 1
        wire = Wire(self.broker.bootstrap, f"t{self.made}.", partitions)
        wire.create()
        return wire

    def directory(self, name):
        self.made += 1
        path = self.room / f"{self.made}-{name}"
        path.mkdir()
        return path

    def generate(self, *arguments):
        self.made += 1
        path = self.room / f"events-{self.made}.avro"
        self.program.run("generate", "--format", "avro", "--out", path, *arguments)
        return path


# ---- what goes in through Kafka and what goes in through files is the same ----

def last_of_each(outputs, field):
    last = {}
    for directory in outputs:
        for _, (_, record) in Container(directory).records():
            if field in record:
                last[record["tenant"], record[field]] = {key: value for key, value in record.items() if key not in TOLD_BY_PLACE}
    return last


def same_rows(what, ours, theirs, field):
    one, other = last_of_each(ours, field), last_of_each(theirs, field)
    differing = [key for key in one.keys() | other.keys() if one.get(key) != other.get(key)]
    if differing or not one:
        key = min(differing, default=None)
        raise Failed(f"{len(differing)} of {len(one)} {what} differ; {key}:\nKafka {one.get(key)}\nfiles {other.get(key)}")
    print(f"# {len(one)} {what}: 0 differences")


def as_of(partition):
    """The time up to which all sources of the last seal are told to be complete, ms."""
    ends = {source["end_as_of"] for source in partition.seals()[-1]["sources"] if source["source"] != 3}
    if len(ends) != 1 or None in ends:
        raise Failed(f"partition {partition.number}: the last seal's sources end as of {ends}")
    return int(ends.pop().timestamp() * 1000)


def through_both(bench, events, partitions):
    """Sends the events of a container file through Kafka, then folds the same file to the same time, and compares."""
    wire, room = bench.wire(partitions), bench.directory("both")
    sent = wire.send(messages(events, wire.prefix))
    began = time.monotonic()
    instance = Instance(bench.program, wire, room, "one", "seal_every: 1s\n").start()
    try:
        wait_until("the group is not at the end", 120, lambda: caught_up(wire, f"{wire.prefix}app", sent))
        took = time.monotonic() - began
        time.sleep(3)  # the ends are told
        drained = instance.stop()
    finally:
        instance.kill()
    counts, again = ledger.check(wire, bench.program, room, f"{wire.prefix}app")
    print(f"# {sum(sent.values())} events, {counts['records']} journalled, {counts['outputs']} outputs, {counts['seals']} seals; "
          f"{took:.1f} s from start to end; SIGTERM took {drained:.1f} s")
    until = min(as_of(ledger.Partition(wire, bench.program, number)) for number in range(partitions))
    data = room / "files"
    bench.program.run("fold", "--quiet", "--data", data, "--until", rfc3339(until), events, exits=(0, EXIT_REJECTED))
    for topic, field in (("calls-classified", "call_id"), ("followups", "follow_up")):
        same_rows(topic, [directory / f"{topic}.avro" for directory in again], [data / "outputs" / f"{topic}.avro"], field)


def kind_of(event):
    return event["body"][0].rsplit(".", 1)[-1]


def without_row_commands(path):
    """What persons do to rows depends on whether a timer had fired before it; and a backlog's clock is that of its slowest source, where a file
    has one clock. All else ends in the same rows, whatever the order (SPEC 2)."""
    kept = path.with_name(f"kept-{path.name}")
    source = Container(path)
    write_container(kept, avro.schema_of(path.read_bytes()),
                    (data for data, event in source.records() if kind_of(event) not in COMMANDS - {"ChangeSettings"}))
    return kept


def write_container(path, schema, records):
    with open(path, "wb") as file:
        file.write(avro.header(schema))
        batch = []
        for record in records:
            batch.append(record)
            if len(batch) == 1000:
                file.write(avro.block(*batch))
                batch = []
        if batch:
            file.write(avro.block(*batch))


def generated_week(bench):
    events = bench.generate("--seed", bench.options.seed, "--start", rfc3339(now_ms() - 8 * DAY), "--days", 7, "--tenants", 12, "--calls-per-day", 900,
                            "--late", 3, "--repeat", 2)
    through_both(bench, without_row_commands(events), 4)


def events_of(journal):
    """The bytes of each event in a journal file: behind four numbers of the record around it."""
    for data, record in Container(journal).records():
        if kind_of(record) != "Event":
            continue
        at = 0
        for _ in range(4):
            while data[at] & 0x80:
                at += 1
            at += 1
        yield data[at:]


def real_month(bench):
    directory = real.SHARED / "data/anonymous_bank"
    lines, data, month = bench.room / "month.jsonl", bench.room / "month", bench.room / "month.avro"
    real.write_events(directory, lines, real.oracle(directory))
    events = [json.loads(line) for line in lines.read_text().splitlines()]
    ahead = now_ms() - HOUR - max(event["occurred_at"] for event in events)
    lines.write_text("".join(json.dumps(event | {"occurred_at": event["occurred_at"] + ahead}) + "\n" for event in events))
    bench.program.run("fold", "--quiet", "--data", data, lines)
    write_container(month, json.dumps(Container(bench.generate("--events", 1)).schema), events_of(data / "journal.avro"))
    through_both(bench, month, 2)


# ---- whatever happens ----

class Faults:
    """Instances under load, and what is done to them."""

    def __init__(self, bench, events, partitions, count):
        self.bench, self.rng = bench, random.Random(bench.options.seed)
        self.wire, self.room = bench.wire(partitions), bench.directory("faults")
        self.messages = list(messages(events, self.wire.prefix))
        self.instances = [Instance(bench.program, self.wire, self.room, f"instance-{n}").start() for n in range(count)]
        self.done = collections.Counter()
        self.sent = collections.Counter()
        self.feeding = threading.Thread(target=self.feed)
        self.failed = None

    def feed(self):
        try:
            self.sent = self.wire.send(self.messages, rate=self.bench.options.rate)
        except Exception as why:  # told by whoever joins
            self.failed = why

    def one(self):
        return self.rng.choice([instance for instance in self.instances if instance.is_running()])

    def kill(self):
        victim = self.one()
        victim.kill()
        time.sleep(self.rng.uniform(0, 1))
        victim.start()

    def freeze(self):
        """Longer than the session's timeout: it comes back as a zombie, and must be fenced."""
        victim = self.one()
        victim.signal(signal.SIGSTOP)
        time.sleep(9)
        victim.signal(signal.SIGCONT)

    def leave_and_join(self):
        leaver = self.one()
        leaver.stop()
        time.sleep(1)
        leaver.start()

    def kill_broker(self):
        self.bench.broker.kill()
        time.sleep(2)
        self.bench.broker.start()

    def stop_broker(self):
        self.bench.broker.stop()
        time.sleep(60)
        self.bench.broker.start()

    def lose_state(self):
        victim = self.one()
        victim.kill()
        shutil.rmtree(victim.room / "state")
        victim.start()

    def run(self, plan):
        """plan: {what: how often}, in random order; restarts whoever ended by himself, as an init system does."""
        faults = [what for what, count in plan.items() for _ in range(count)]
        self.rng.shuffle(faults)
        self.feeding.start()
        for what in faults:
            time.sleep(self.rng.uniform(0.5, 4))
            what(self)
            self.done[what.__name__.replace("_", " ")] += 1
            self.restart_ended()
        self.feeding.join()
        if self.failed:
            raise self.failed

    def restart_ended(self):
        for instance in self.instances:
            if not instance.is_running():
                if instance.process.returncode != EXIT_AGAIN:
                    raise Failed(f"{instance.name} ended with {instance.process.returncode}: {instance.tail()}")
                self.done["ended by its watchdog"] += 1
                instance.start()

    def finish(self):
        def settled():
            self.restart_ended()
            return caught_up(self.wire, f"{self.wire.prefix}app", self.sent)
        try:
            wait_until("the group is not at the end\n" + "\n".join(instance.tail(4) for instance in self.instances), 180, settled, every=1)
            for instance in self.instances:
                instance.stop()
        finally:
            for instance in self.instances:
                instance.kill()
        counts, _ = ledger.check(self.wire, self.bench.program, self.room, f"{self.wire.prefix}app")
        events = collections.Counter(line["because"] for instance in self.instances for line in instance.said()
                                     if line["event"] == "partition_state")
        print(f"# {sum(self.sent.values())} events sent, {counts['records']} journalled, {counts['outputs']} outputs, {counts['seals']} seals")
        print(f"# done: {dict(self.done)}; partitions were told: {dict(events)}")


SHORT = {Faults.kill: 6, Faults.freeze: 1, Faults.leave_and_join: 2, Faults.kill_broker: 1, Faults.lose_state: 1}
LONG = {Faults.kill: 50, Faults.freeze: 10, Faults.leave_and_join: 5, Faults.kill_broker: 3, Faults.stop_broker: 1, Faults.lose_state: 1}


def faults(bench):
    long = bench.options.long
    events = bench.generate("--seed", bench.options.seed, "--start", rfc3339(now_ms() - 30 * DAY), "--days", 25, "--tenants", 40, "--calls-per-day", 3000,
                            "--events", 500_000 if long else 60_000, "--disorder", "--broken", 0)
    mix = Faults(bench, events, 4, 3)
    mix.run(LONG if long else SHORT)
    mix.finish()


TESTS = [generated_week, real_month, faults]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--long", action="store_true", help="the whole mix of faults, not the short one")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=int, default=2000, help="events a second while faults happen")
    parser.add_argument("--keep", action="store_true", help="leave the room for a look")
    parser.add_argument("names", nargs="*", metavar="NAME")
    options = parser.parse_args()
    tap, random_room = Tap(), tempfile.mkdtemp(prefix="ringback-kafka.")
    bench = Bench(random_room, options)
    try:
        for test in TESTS:
            if options.names and not any(name in test.__name__ for name in options.names):
                continue
            tap.check(test.__name__.replace("_", " "), test, bench)
    finally:
        bench.broker.stop()
    tap.finish()


if __name__ == "__main__":
    main()
