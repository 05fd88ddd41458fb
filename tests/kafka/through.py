"""What goes in through Kafka and what goes in through files is the same."""
import importlib
import json
import time

from bench import HOUR, events_of, kind_of, now_ms, of_now, rfc3339, write_container
import avro
import ledger
from program import EXIT_FAILED, EXIT_REJECTED, Failed
from wire import COMMANDS, Container, messages

real = importlib.import_module("real.run")
TOLD_BY_PLACE = ("position", "version", "changed_at", "at", "cause", "status_before", "reviewed_at",  # where and when it was told, not what
                 "customer_name", "queue_name", "agent_name")  # as they were then (SPEC 5)


# Such a row stays as it was last told: no more is written of it. What its call's start fixed is in it all the same.
WITHDRAWN = ("tenant", "follow_up", "call_id", "kind", "status", "direction", "caller", "phone_number", "campaign", "call_started_at")


def last_of_each(outputs, field, ignored):
    last = {}
    for directory in outputs:
        for _, (_, record) in Container(directory).records():
            if field in record:
                known = WITHDRAWN if record.get("status") == "WITHDRAWN" else record.keys() - set(ignored)
                last[record["tenant"], record[field]] = {key: record[key] for key in known}
    return last


def same_rows(what, ours, theirs, field, ignored):
    one, other = last_of_each(ours, field, ignored), last_of_each(theirs, field, ignored)
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


def audited(bench, wire, instance):
    """`ringback audit` finds nothing, and then what somebody else wrote into an output."""
    bench.program.run("audit", "--quiet", "-c", instance.config)
    number = next(number for number in range(wire.partitions) if wire.end("followup-events", number))
    told = wire.read("followup-events", number)[-1]
    producer = wire.producer()
    producer.produce(told.topic(), told.value(), told.key(), number)
    producer.flush(30)
    bench.program.run("audit", "--quiet", "-c", instance.config, "--partition", number, exits=(EXIT_FAILED,))


def through_both(bench, events, partitions, ignored=TOLD_BY_PLACE):
    """Sends the events of a container file through Kafka, then folds the same file to the same time, and compares."""
    wire, room = bench.wire(partitions), bench.directory("both")
    sent = wire.send(messages(events, wire.prefix))
    began = time.monotonic()
    instance = bench.instance(wire, room, settings="seal_every: 1s\n").start()
    try:
        bench.at_end(wire, sent)
        took = time.monotonic() - began
        time.sleep(3)  # the ends are told
        drained = instance.stop()
    except Failed as why:
        raise Failed(f"{why}\n{instance.tail()}") from why
    finally:
        instance.kill()
    counts, again = ledger.check(wire, bench.program, room, f"{wire.prefix}app")
    print(f"# {sum(sent.values())} events, {counts['records']} journalled, {counts['outputs']} outputs, {counts['seals']} seals; "
          f"{took:.1f} s from start to end; SIGTERM took {drained:.1f} s")
    audited(bench, wire, instance)
    until = min(as_of(ledger.Partition(wire, bench.program, number)) for number in range(partitions))
    data = room / "files"
    bench.program.run("fold", "--quiet", "--data", data, "--until", rfc3339(until), events, exits=(0, EXIT_REJECTED))
    for topic, field in (("calls-classified", "call_id"), ("followups", "follow_up")):
        same_rows(topic, [directory / f"{topic}.avro" for directory in again], [data / "outputs" / f"{topic}.avro"], field, ignored)


def without_row_commands(path):
    """What persons do to rows depends on whether a timer had fired before it; and a backlog's clock is that of its slowest source, where a file
    has one clock. All else ends in the same rows, whatever the order (SPEC 2)."""
    kept = path.with_name(f"kept-{path.name}")
    source = Container(path)
    write_container(kept, avro.schema_of(path.read_bytes()),
                    (data for data, event in source.records() if kind_of(event) not in COMMANDS - {"ChangeSettings"}))
    return kept


def generated_week(bench):
    events = of_now(bench, 7, "--tenants", 12, "--calls-per-day", 900, "--late", 3, "--repeat", 2)
    through_both(bench, without_row_commands(events), 4, (*TOLD_BY_PLACE, "attempt"))  # counted as the row opens, see above


def real_month(bench):
    directory = real.SHARED / "data/anonymous_bank"
    lines, data, month = bench.room / "month.jsonl", bench.room / "month", bench.room / "month.avro"
    real.write_events(directory, lines, real.oracle(directory))
    events = [json.loads(line) for line in lines.read_text().splitlines()]
    ahead = now_ms() - HOUR - max(event["occurred_at"] for event in events)
    lines.write_text("".join(json.dumps(event | {"occurred_at": event["occurred_at"] + ahead}) + "\n" for event in events))
    bench.program.run("fold", "--quiet", "--data", data, lines)
    write_container(month, bench.event_schema(), events_of(data / "journal.avro"))
    through_both(bench, month, 2)
