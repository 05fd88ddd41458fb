"""Instances, brokers, a registry and a disk killed, frozen, stopped, filled under load."""
import collections
import os
import random
import shutil
import signal
import threading
import time

from bench import caught_up, of_now, wait_until
from disk import SmallDisk
import ledger
from program import EXIT_AGAIN, Failed
from wire import messages, with_ids


class Faults:
    """Instances under load, and what is done to them."""

    def __init__(self, bench, events, rate, partitions, count):
        self.bench, self.rng = bench, random.Random(bench.options.seed)
        self.wire, self.room = bench.wire(partitions), bench.directory("faults")
        self.registry = bench.broker.start(registry=True).registry
        self.disk = SmallDisk(self.room, 1024)  # of the first
        settings = f"registry:\n  url: {self.registry}\n  timeout: 5s\n"
        self.instances = [bench.instance(self.wire, self.room, f"instance-{n}", settings, disk=self.disk if n == 0 else None) for n in range(count)]
        bench.program.run("schemas", "register", "-c", self.instances[0].config)
        self.messages = list(with_ids(messages(events, self.wire.prefix), self.registry))
        for instance in self.instances:
            instance.start()
        self.rate, self.done = rate, collections.Counter()
        self.sent = collections.Counter()
        self.feeding = threading.Thread(target=self.feed)
        self.failed = None

    def feed(self):
        try:
            self.sent = self.wire.send(self.messages, rate=self.bench.options.rate or self.rate)
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
        self.bench.broker.end("kafka", signal.SIGTERM)  # the registry stays
        time.sleep(60)
        self.bench.broker.start()

    def lose_state(self):
        victim = self.one()
        victim.kill()
        shutil.rmtree(victim.state)
        victim.start()

    def fill_disk(self):
        """Under what runs on it, and is then started while it is full, which it cannot overlook."""
        victim = self.instances[0]
        self.disk.fill()
        time.sleep(5)
        victim.kill()
        refused, back = victim.count("disk_refused"), victim.count("disk_back")
        victim.start()
        wait_until(f"it began on a full disk, and does not say so:\n{victim.tail()}", 60, lambda: victim.count("disk_refused") > refused)
        self.disk.free()
        wait_until(f"its disk has room again, and it does not come back:\n{victim.tail()}", 60, lambda: victim.count("disk_back") > back)

    def silence_registry(self):
        """It takes connections, and answers none; an instance that is started meanwhile knows its schemas still."""
        registry = self.bench.broker.places["pids"]["registry"]
        os.kill(registry, signal.SIGSTOP)
        try:
            self.kill()
            time.sleep(20)
        finally:
            os.kill(registry, signal.SIGCONT)

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

    def end(self):
        for instance in self.instances:
            instance.kill()
        self.disk.remove()

    def restart_ended(self):
        for instance in self.instances:
            if not instance.is_running():
                if instance.process.returncode != EXIT_AGAIN:
                    raise Failed(f"{instance.name} ended with {instance.process.returncode}: {instance.tail()}")
                self.done["ended by its watchdog"] += 1
                instance.start()

    def settle(self, seconds):
        def settled():
            self.restart_ended()
            return caught_up(self.wire, f"{self.wire.prefix}app", self.sent)
        wait_until("the group is not at the end", seconds, settled, every=1)

    def finish(self):
        try:
            try:
                self.settle(180)
            except Failed as why:
                hanging = self.bench.broker.end_hanging()
                if not hanging:
                    said = [*(instance.tail(4) for instance in self.instances), self.bench.last_words(self.wire)]
                    raise Failed("\n".join([str(why), *said])) from why
                self.done["transactions that a broker left hanging"] += hanging
                self.settle(180)
            for instance in self.instances:
                instance.stop()
        finally:
            self.end()
        counts, _ = ledger.check(self.wire, self.bench.program, self.room, f"{self.wire.prefix}app")
        events = collections.Counter(line["because"] for instance in self.instances for line in instance.said()
                                     if line["event"] == "partition_state")
        print(f"# {sum(self.sent.values())} events sent, {counts['records']} journalled, {counts['outputs']} outputs, {counts['seals']} seals")
        print(f"# done: {dict(self.done)}; partitions were told: {dict(events)}")


SHORT = {Faults.kill: 6, Faults.freeze: 1, Faults.leave_and_join: 2, Faults.kill_broker: 1, Faults.fill_disk: 1, Faults.lose_state: 1,
         Faults.silence_registry: 1}
LONG = SHORT | {Faults.kill: 50, Faults.freeze: 10, Faults.leave_and_join: 5, Faults.kill_broker: 3, Faults.stop_broker: 1}


def faults(bench):
    long = bench.options.long
    events = of_now(bench, 25, "--tenants", 40, "--calls-per-day", 3000, "--events", 500_000 if long else 60_000, "--disorder", "--broken", 0)
    mix = Faults(bench, events, 1000 if long else 600, 4, 3)  # for about as long as the faults take
    try:
        mix.run(LONG if long else SHORT)
        mix.finish()
    finally:
        mix.end()
