"""States, offsets and acknowledgements that contradict the journal: what can be built again is, what cannot is not guessed at."""
import fcntl
import shutil
import time

from bench import of_now, wait_until
from broker import free_ports
import ledger
from program import EXIT_AGAIN, EXIT_FAILED, Failed
from proxy import INVALID_RECORD, Proxy
from wire import SOURCES, kafka, messages


def states_of(instance, number):
    return [line["to"] for line in instance.said() if line["event"] == "partition_state" and line["partition"] == number]


def add(one, other):
    return {topic: one.get(topic, 0) + other.get(topic, 0) for topic in one.keys() | other.keys()}


def times_ready(instance):
    return sum(line["event"] == "partition_state" and line["because"] == "ready" for line in instance.said())


def run_to_end(bench, instance, wire, sent):
    """Until everything is read and each partition was taken over: where nothing is left to read, the one says nothing of the other."""
    before = times_ready(instance) if (instance.room / "log").exists() else 0
    instance.start()
    try:
        wait_until(f"{instance.name} takes over its partitions", 60, lambda: times_ready(instance) >= before + wire.partitions)
        bench.at_end(wire, sent)
        instance.stop()
    finally:
        instance.kill()


def foreign_state(bench):
    """Two partitions' state directories, exchanged by a clumsy hand, are built again from their journals; so is one that is gone."""
    wire, room = bench.wire(3), bench.directory("foreign")
    events = list(messages(of_now(bench, 3, "--tenants", 20, "--events", 6000), wire.prefix))
    instance = bench.instance(wire, room)
    sent = wire.send(events[:3000])
    run_to_end(bench, instance, wire, sent)
    state = instance.room / "state"
    (state / "0").rename(state / "kept")
    (state / "1").rename(state / "0")
    (state / "kept").rename(state / "1")
    (state / "2").rename(room / "gone")
    sent = add(sent, wire.send(events[3000:]))
    run_to_end(bench, instance, wire, sent)
    ledger.check(wire, bench.program, room, f"{wire.prefix}app")
    built = sum(line["event"] == "state_foreign" for line in instance.said())
    if not built:
        raise Failed(f"no state was found to be another's:\n{instance.tail()}")
    print(f"# {built} states found to be of another partition, all built again")


def repair_is_refused(bench, config, partition, why):
    """Whether it would change something or not."""
    for apply in ([], ["--apply"]):
        done = bench.program.run("repair", "-c", config, "--partition", partition, *apply, exits=(EXIT_AGAIN,))
        if done.stdout or why not in done.stderr.decode():
            raise Failed(f"repair does not say that {why}: {done.stdout}{done.stderr}")


def quarantine_and_repair(bench):
    """Somebody moves the group back: nothing is told twice; the partition waits for `ringback repair`, the other goes on, and is not fenced
    by a repair that was asked for too early, on whichever machine."""
    wire, room = bench.wire(2), bench.directory("quarantine")
    events = list(messages(of_now(bench, 3, "--tenants", 20, "--events", 6000), wire.prefix))
    instance = bench.instance(wire, room)
    sent = wire.send(events[:3000])
    run_to_end(bench, instance, wire, sent)
    consumer = wire.consumer(**{"group.id": f"{wire.prefix}app"})
    consumer.commit(offsets=[kafka.TopicPartition(f"{wire.prefix}calls", 0, 5)], asynchronous=False)
    consumer.close()
    sent = add(sent, wire.send(events[3000:4500]))
    instance.start()
    try:
        wait_until("the partition is not quarantined", 60, lambda: "QUARANTINED" in states_of(instance, 0))
        wait_until("the other partition does not write", 60, lambda: states_of(instance, 1)[-1:] == ["WRITING"])
        before = len(states_of(instance, 1))
        for config in (instance.config, bench.instance(wire, room, "elsewhere").config):
            for partition in (0, 1):
                repair_is_refused(bench, config, partition, f"the group {wire.prefix}app has members")
        sent = add(sent, wire.send(events[4500:]))
        calls = (f"{wire.prefix}calls", 1)
        wait_until("the other partition does not go on", 60, lambda: wire.group_offsets(f"{wire.prefix}app").get(calls) == wire.end("calls", 1))
        if states_of(instance, 1)[before:]:
            raise Failed(f"the other partition was disturbed:\n{instance.tail()}")
        instance.stop()
    finally:
        instance.kill()
    with open(instance.state / "0/state/OWNER", "rb") as owner:
        fcntl.flock(owner, fcntl.LOCK_EX)
        repair_is_refused(bench, instance.config, 0, "is owned by process")
    command = ["repair", "-c", instance.config, "--partition", 0]
    said = bench.program.run(*command, exits=(EXIT_FAILED,)).stdout.decode()
    if "the group is at offset 5" not in said:
        raise Failed(f"repair does not say what is wrong: {said}")
    bench.program.run(*command, "--apply")
    bench.program.run(*command)
    run_to_end(bench, instance, wire, sent)
    ledger.check(wire, bench.program, room, f"{wire.prefix}app")


def metrics(instance):
    try:
        return instance.page("/metrics")[1]
    except OSError:  # it is still starting
        return ""


def source_gap(bench):
    """Records that retention deleted while nobody was there: named in the journal, counted, said in reports; what is left is read."""
    wire, room, (port,) = bench.wire(2), bench.directory("gap"), free_ports(1)
    events = list(messages(of_now(bench, 3, "--tenants", 20, "--events", 6000), wire.prefix))
    instance = bench.instance(wire, room, port=port)
    sent = wire.send(events[:2000])
    run_to_end(bench, instance, wire, sent)
    read = wire.end("calls", 0)
    sent = add(sent, wire.send(events[2000:4000]))
    left = (read + wire.end("calls", 0)) // 2
    wire.delete_before("calls", 0, left)
    instance.start()
    try:
        wait_until("the gap is not counted", 60, lambda: instance.is_running() and 'gaps_total{partition="0",source="CALLS"} 1\n' in metrics(instance))
        bench.at_end(wire, sent)
        instance.stop()
    finally:
        instance.kill()
    sent = add(sent, wire.send(events[4000:]))
    run_to_end(bench, instance, wire, sent)
    ledger.check(wire, bench.program, room, f"{wire.prefix}app")
    partition = ledger.Partition(wire, bench.program, 0)
    gaps = [(record["source"], record["body"]["lost_from"], record["body"]["lost_to"]) for record in partition.records if record["kind"] == "Gap"]
    if gaps != [(1, read, left)]:
        raise Failed(f"offsets {read} to {left} of calls-0 are lost; the journal says {gaps}")
    said = [(line["partition"], line["source"], line["from"], line["to"]) for line in instance.said() if line["event"] == "source_gap"]
    if said != [(0, "CALLS", read, left)]:
        raise Failed(f"it says {said}")
    report = bench.program.run("report", "unbooked-abandoned", "--data", instance.state / "0").stdout.decode()
    if "gaps in sources: 1" not in report:
        raise Failed(f"the report does not say that something is missing:\n{report[:1000]}")
    print(f"# offsets {read} to {left} were deleted: one gap, said once")


def markers_are_no_gap(bench):
    """A source ends with the markers of a producer's transactions. Once what was sealed reaches behind them they may be deleted: nothing was lost."""
    wire, room = bench.wire(1), bench.directory("markers")
    events = list(messages(of_now(bench, 3, "--tenants", 5, "--events", 2000), wire.prefix))
    instance = bench.instance(wire, room, settings="seal_every: 1s\n")
    producer = wire.producer(**{"transactional.id": f"{wire.prefix}team", "log_level": 0})
    producer.init_transactions(30)
    producer.begin_transaction()
    sent = wire.send(events[:1000], producer=producer)
    producer.commit_transaction(30)
    instance.start()
    try:
        bench.at_end(wire, sent)
        time.sleep(3)  # a seal that is due by time alone
        instance.stop()
    finally:
        instance.kill()
    ends = {name: wire.end(name, 0) for name in SOURCES}
    for name, end in ends.items():
        wire.delete_before(name, 0, end)
    sent = add(sent, wire.send(events[1000:]))
    run_to_end(bench, instance, wire, sent)
    ledger.check(wire, bench.program, room, f"{wire.prefix}app")
    gaps = [record["body"] for record in ledger.Partition(wire, bench.program, 0).records if record["kind"] == "Gap"]
    if gaps or instance.count("source_gap"):
        raise Failed(f"the journal says of {ends} that something is lost: {gaps}")


def refused(bench, told, **refusal):
    """A request to write to an output is refused by a proxy, with others on their way: it is said once, as `told` has it, and nothing is missing."""
    wire, room = bench.wire(1), bench.directory("refused")
    sent = wire.send(messages(of_now(bench, 2, "--tenants", 5, "--events", 2000), wire.prefix))
    proxy = Proxy(bench.broker, f"{wire.prefix}calls-classified", **refusal)
    instance = bench.instance(wire, room, settings="kafka:\n  batch.num.messages: 2\n  linger.ms: 0\n")
    instance.config.write_text(instance.config.read_text().replace(wire.bootstrap, proxy.bootstrap))
    try:
        run_to_end(bench, instance, wire, sent)
    finally:
        proxy.close()
    if not proxy.refused:
        raise Failed("nothing was refused: there were no two requests at once")
    counts, _ = ledger.check(wire, bench.program, room, f"{wire.prefix}app")
    said = [line["error"] for line in instance.said() if line["event"] == "partition_state" and line["because"] == "failed"]
    if len(said) != 1 or not told(said[0]):
        raise Failed(f"it says {said}")
    print(f"# {counts['outputs']} outputs, none missing: {said[0]}")


def refused_first(bench):
    """The first request is refused, as by a leader that is just coming, and the second, on its way with it, is taken. librdkafka 2.0.2 reports both as
    written. The transaction must not be committed: what was refused would be missing for ever."""
    refused(bench, lambda said: "acknowledged without its place" in said)


def refused_for_good(bench):
    """librdkafka 2.0.2 tells nothing more of some of the others. Who waited for all would fail 8 s later, of a timeout."""
    refused(bench, lambda said: "_TIMED_OUT" not in said, error=INVALID_RECORD, after=3)


def snapshots(bench):
    """A state that is lost is restored from a snapshot that was taken beside the fold, and the journal is read on from there."""
    wire, room = bench.wire(2), bench.directory("snapshots")
    events = list(messages(of_now(bench, 3, "--tenants", 20, "--events", 6000), wire.prefix))
    instance = bench.instance(wire, room, settings=f"snapshot:\n  dir: {room}/snapshots\n")
    sent = wire.send(events[:3000])
    instance.start()
    try:
        bench.at_end(wire, sent)
        bench.program.run("snapshot", "-c", instance.config)
        sent = add(sent, wire.send(events[3000:4500]))
        bench.at_end(wire, sent)
        instance.kill()
        shutil.rmtree(instance.room / "state")
        sent = add(sent, wire.send(events[4500:]))
        run_to_end(bench, instance, wire, sent)
    finally:
        instance.kill()
    ledger.check(wire, bench.program, room, f"{wire.prefix}app")
    restored = {line["partition"]: line["seal"] for line in instance.said() if line["event"] == "snapshot_restored"}
    if len(restored) != 2:
        raise Failed(f"{len(restored)} of 2 partitions were restored:\n{instance.tail()}")
    print(f"# restored as of seals {restored}")
    command = ["restore", "-c", instance.config, "--partition", 0]
    said = bench.program.run(*command, exits=(EXIT_FAILED,)).stderr.decode()
    if f"the newest snapshot at seal {restored[0]}: nothing was changed" not in said:
        raise Failed(f"restore does not say that the state is newer: {said}")
    bench.program.run(*command, "--discard-newer")
    run_to_end(bench, instance, wire, sent)
