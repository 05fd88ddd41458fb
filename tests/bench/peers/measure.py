"""The runs of bench-peers: throughput, recovery, latency; and whether the rows that came out are the right ones."""
import json
import os
import pathlib
import re
import subprocess
import threading
import time

TICKS = os.sysconf("SC_CLK_TCK")
MEMORY_SECONDS = 0.5
LATENESS_MS = 5000  # ringback waits so long for late events: what is overtaken within it need not be told
RUN_SECONDS = 900
WARM = 1 / 3
LEAST_COMMITS = 3  # from the first to the last of them is measured; checkpoints without pause take seconds each when there is much to read


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def anonymous_mib(pid):
    """Memory that is the process's own: heap, stacks, buffers. Pages of mapped files belong to the page cache."""
    try:
        found = re.search(r"^Anonymous:\s+(\d+)", pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return int(found[1]) / 1024 if found else 0


def disk_mib(path):
    """What lies on the disk, holes not counted; files may vanish meanwhile."""
    size = 0
    for file in path.rglob("*"):
        try:
            size += file.stat().st_blocks * 512 if file.is_file() else 0
        except FileNotFoundError:
            pass
    return size / 1024 / 1024


class Progress:
    """What an engine's group has committed, sampled with the CPU time that the engine and the broker had used by then."""

    def __init__(self, bench, engine):
        self.bench, self.engine, self.samples, self.peak_mib = bench, engine, [], 0.0
        topics = ",".join(engine.group_topics())
        command = bench.peers.tool("Until", bootstrap=bench.bootstrap, group=engine.run, topics=topics, seconds=RUN_SECONDS)
        self.tool = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def first(self):
        """What is committed now."""
        return int(self.tool.stdout.readline().split()[1])

    def watch(self, process):
        """Memory; and there is nothing to wait for once the engine has died."""
        while self.tool.poll() is None:
            if process.poll() is not None:
                self.tool.kill()
            self.peak_mib = max(self.peak_mib, anonymous_mib(process.pid))
            time.sleep(MEMORY_SECONDS)

    def follow(self, enough=lambda records: False):
        """Until all is committed, or `enough` of it: then False."""
        threading.Thread(target=self.watch, args=(self.engine.process,), daemon=True).start()
        try:
            for line in self.tool.stdout:
                at, records = (int(word) for word in line.split())
                self.engine.check_alive()
                self.samples.append((at / 1000, records, cpu_seconds(self.engine.process.pid), cpu_seconds(self.bench.broker_pid)))
                if enough(records):
                    return False
            all_in = self.tool.wait() == 0
        finally:
            self.tool.kill()
            self.tool.wait()
        if not all_in:
            self.engine.check_alive()
            self.engine.fail(f"has not taken in all within {RUN_SECONDS} s")
        return True


def take_all_in(bench, engine):
    engine.make_topics()
    engine.start()
    progress = Progress(bench, engine)
    progress.follow()
    return progress


def rows(bench, kind, run, workers):
    """No figures: only whether the rows are right."""
    engine = kind(bench, run, workers)
    try:
        take_all_in(bench, engine)
        bench.compare(engine)
    finally:
        engine.clean()
    return {}


def throughput(bench, kind, run, workers):
    """Figures of the last two thirds: the start of a process is none of them, nor how Java compiles."""
    engine = kind(bench, run, workers)
    try:
        progress = take_all_in(bench, engine)
        warm = [sample for sample in progress.samples if sample[1] >= WARM * bench.loaded["events"]]
        if len(warm) < LEAST_COMMITS:
            engine.fail(f"had done all in {len(progress.samples)} commits; give more --events")
        first, last = warm[0], warm[-1]
        events = last[1] - first[1]
        figures = {
            "events_s": events / (last[0] - first[0]),
            "cpu_us": (last[2] - first[2]) * 1e6 / events,
            "broker_us": (last[3] - first[3]) * 1e6 / events,
            "memory_mib": progress.peak_mib,
            "state_mib": disk_mib(engine.state),
        }
        bench.compare(engine)
    finally:
        engine.clean()
    return figures


def seconds_to_ready(bench, engine):
    """From its start to its first commit."""
    progress = Progress(bench, engine)
    committed = progress.first()
    began = time.time()
    engine.start()
    if progress.follow(lambda records: records > committed):
        engine.fail("was done before it could be watched; give more --events")
    return progress.samples[-1][0] - began


def recovery(bench, kind, run, workers):
    """Killed at 60 % of the events, started again; killed at once, its local state lost, started again; and still the rows are right."""
    engine = kind(bench, run, workers)
    try:
        engine.make_topics()
        engine.start()
        if Progress(bench, engine).follow(lambda records: records > 0.6 * bench.loaded["events"]):
            engine.fail("was done before it could be killed; give more --events")
        engine.end(kill=True)
        figures = {"after_kill_s": seconds_to_ready(bench, engine)}
        engine.end(kill=True)
        engine.lose_state()
        figures["after_loss_s"] = seconds_to_ready(bench, engine)
        Progress(bench, engine).follow()
        bench.compare(engine)
    finally:
        engine.clean()
    return figures


def latency(bench, kind, run, workers):
    """At a steady rate, on topics of its own: events that happen when they are sent."""
    engine = kind(bench, run, workers, events=f"{run}.events", sources=f"{run}.in.")
    try:
        bench.make_sources(engine.events, engine.sources)
        engine.make_topics()
        engine.start()
        sources = engine.sources if kind.name == "ringback" else ""
        words = {"file": bench.file, "events": engine.events, "sources": sources, "partitions": bench.partitions, "rows": engine.rows,
                 "rate": bench.rate, "warm": bench.warm_seconds, "seconds": bench.latency_seconds}
        command = bench.peers.tool("Pace", bootstrap=bench.bootstrap, **words)
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=RUN_SECONDS)
        engine.check_alive()
        if done.returncode:
            engine.fail("told too little for a latency")
    finally:
        engine.clean()
    return json.loads(done.stdout)


class Row:
    """What is compared of a row: when it opened, as the how manieth, and its last state before the end of the events."""

    def __init__(self, opened_at, attempt):
        self.opened_at, self.attempt = opened_at, attempt
        self.state = self.state_at = None
        self.moves_at_end = False  # so late that not every engine's clock has come to it

    def as_text(self):
        return f"opened at {self.opened_at}, since {self.state_at} {'/'.join(self.state)}"


def rows_of(lines, last_at):
    """{(tenant, row): Row} from the lines of the tool Rows. How a row came to its last state is not compared: a clock that stands back, for
    late events or for a source that is read later, lets a job overtake talk."""
    rows = {}
    for line in lines:
        tenant, name, tab, status, outcome, changed_at, opened_at, attempt = line.split("\t")[:8]
        if int(changed_at) > last_at:
            continue
        row = rows.setdefault((tenant, name), Row(int(opened_at), int(attempt)))
        if int(changed_at) >= last_at - LATENESS_MS:
            row.moves_at_end = True
        elif row.state != (tab, status, outcome):
            row.state, row.state_at = (tab, status, outcome), int(changed_at)
    return {name: row for name, row in rows.items() if row.state}


def same(expected, found):
    if not expected or not found or expected.opened_at != found.opened_at:
        return False
    ends = expected.moves_at_end or found.moves_at_end
    return ends or (expected.state, expected.state_at) == (found.state, found.state_at)


def differences(expected, found):
    """Lines that say how the rows differ, and how many were given another number of attempt."""
    lines, attempts = [], 0
    for name in sorted(expected.keys() | found.keys()):
        here, there = expected.get(name), found.get(name)
        if not same(here, there):
            lines.append(f"{'/'.join(name)}: {here.as_text() if here else 'no row'}, is told as {there.as_text() if there else 'no row'}")
        elif here.attempt != there.attempt:
            attempts += 1
    return lines, attempts
