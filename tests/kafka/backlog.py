"""A day that nobody read: in the end it is told as if it had been read as it came."""
import time

from bench import DAY, caught_up, kind_of, now_ms, rfc3339, wait_until, write_container
import avro
import ledger
from program import EXIT_DONE, EXIT_REJECTED, Failed
from through import as_of
from wire import Container, JOBS, messages

KILLS, BETWEEN_KILLS = 3, 28  # of the journal's offsets: eight transactions of 500 records
MINUTE = 60_000


def told(directories):
    """The rows that were opened, and those that were withdrawn."""
    opened, withdrawn = set(), set()
    for directory in directories:
        for _, (_, change) in Container(directory / "followup-events.avro").records():
            row = change["tenant"], change["follow_up"]
            if change["change"] == "OPENED":
                opened.add(row)
            if change["status"] == "WITHDRAWN":
                withdrawn.add(row)
    return opened, withdrawn


def only(path, name, wanted):
    """A file of those of the file's events that are wanted."""
    part = path.with_name(f"{name}-{path.name}")
    write_container(part, avro.schema_of(path.read_bytes()), (data for data, event in Container(path).records() if wanted(event)))
    return part


def up_to_now(path):
    """What had happened by now. One later event of one tenant moves the time of a file, on Kafka that of its partition alone."""
    now = now_ms()
    return only(path, "past", lambda event: event["occurred_at"].timestamp() * 1000 <= now)


def split(path):
    """The file without jobs, and the jobs."""
    return only(path, "but", lambda event: kind_of(event) not in JOBS), only(path, "jobs", lambda event: kind_of(event) in JOBS)


def on_files(bench, data, until, *files):
    """What is told where the files are read one after the other, each up to then."""
    for file in files:
        bench.program.run("fold", "--quiet", "--data", data, "--until", rfc3339(until), file, exits=(EXIT_DONE, EXIT_REJECTED))
    return told([data / "outputs"])


def journalled(wire):
    """How far the journal is."""
    return sum(wire.end("journal", number) for number in range(wire.partitions))


def backlog(bench):
    """A day up to now lies in all topics before the first instance begins, which is killed time and again: no timer fires early."""
    wire, room = bench.wire(4), bench.directory("backlog")
    day = up_to_now(bench.generate("--format", "avro", "--seed", bench.options.seed, "--start", rfc3339(now_ms() - DAY), "--days", 1, "--tenants", 40,
                                   "--calls-per-day", 6_000))
    sent = wire.send(messages(day, wire.prefix))
    instance, read = bench.instance(wire, room, settings="seal_every: 1s\ncommit:\n  records: 500\n"), []
    try:
        for _ in range(KILLS):
            least = journalled(wire) + BETWEEN_KILLS
            instance.start()
            wait_until("it does not read", 60, lambda: journalled(wire) > least, every=0.01)  # pylint: disable=cell-var-from-loop
            instance.kill()
            read.append(journalled(wire))
        left = not caught_up(wire, f"{wire.prefix}app", sent)
        instance.start()
        bench.at_end(wire, sent)
        time.sleep(3)  # the ends are told
        instance.stop()
    finally:
        instance.kill()
    _, again = ledger.check(wire, bench.program, room, f"{wire.prefix}app")
    ends = [as_of(ledger.Partition(wire, bench.program, number)) for number in range(wire.partitions)]
    opened, withdrawn = told(again)
    on_time, on_time_withdrawn = on_files(bench, room / "on-time", min(ends) - MINUTE, day)  # not what fell due as it was stopped
    at_last, at_last_withdrawn = on_files(bench, room / "at-last", max(ends), day)
    _, early_withdrawn = on_files(bench, room / "early", min(ends), *split(day))
    print(f"# {sum(sent.values())} events, killed when the journal had {read}: {len(opened)} rows opened, {len(withdrawn)} withdrawn; "
          f"on time {len(on_time)} and {len(on_time_withdrawn)}; had timers fired before jobs were read, {len(early_withdrawn)} withdrawn")
    if not left:
        raise Failed("it had read all when it was killed last")
    if not early_withdrawn - on_time_withdrawn:
        raise Failed("timers that fire early would not be noticed")
    for what, least, ours, most in (("opened", on_time, opened, at_last), ("withdrawn", on_time_withdrawn, withdrawn, at_last_withdrawn)):
        if least - ours or ours - most:
            raise Failed(f"{what}, but not on time: {sorted(ours - most)[:3]}; not, but on time: {sorted(least - ours)[:3]}")
