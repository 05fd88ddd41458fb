"""What nobody should send: it is rejected with its reason, memory stays bounded, and the partition goes on."""
from bench import now_ms, wait_until
from idle import call
import ledger
from program import Failed
from wire import Message

MEMORY_KIB = 400 * 1024


def headers(message):
    return {name: value.decode() for name, value in message.headers() or []}


def rejected(wire, partition):
    return [headers(message) for message in wire.read("rejected", partition)]


def memory_kib(instance):
    status = open(f"/proc/{instance.process.pid}/status", encoding="utf-8").read()
    return int(status.split("VmHWM:")[1].split()[0])


def hostile_records(bench):
    wire, room, now = bench.wire(1), bench.directory("hostile"), now_ms()
    wire.allow("calls", 12_000_000)
    good = bench.encode(wire.prefix, *call("good", now - 60_000, now - 30_000))
    whole = good[0].value
    calls = wire.prefix + "calls"
    bad = {
        "no value": None, "nothing": b"", "text": b"hello", "a registry id, and no registry": b"\x00\x00\x00\x00\x07" + whole[10:],
        "unknown fingerprint": whole[:2] + bytes(8) + whole[10:], "only a frame": whole[:10], "cut": whole[:-3], "bytes behind": whole + b"\x00",
        "zeros": whole[:10] + bytes(100_000), "ones": whole[:10] + b"\xff" * 100_000, "10 MB, 10 KiB as gzip": whole + bytes(10_000_000),
    }
    producer = wire.producer(**{"message.max.bytes": 12_000_000, "compression.type": "gzip"})
    sent = wire.send([Message(calls, "acme", value, "acme", None) for value in bad.values()] + [
        Message(message.topic, None, message.value, "acme", None) for message in good], producer=producer)  # and those have no key
    instance = bench.instance(wire, room).start()
    try:
        bench.at_end(wire, sent)
        wait_until("the good call is not decided", 30, lambda: wire.read("calls-classified", 0))
        used = memory_kib(instance)
        instance.stop()
    finally:
        instance.kill()
    why = rejected(wire, 0)
    ledger.check(wire, bench.program, room, f"{wire.prefix}app")
    if len(why) != len(bad):
        raise Failed(f"{len(why)} of {len(bad)} records were rejected: {why}")
    for name, one in zip(bad, why):
        print(f"# {name}: {one['__ringback.errors.reason']}, {one['__ringback.errors.detail']}")
    print(f"# memory at most {used // 1024} MiB")
    if used > MEMORY_KIB:
        raise Failed(f"it took {used} KiB of memory, {MEMORY_KIB} at most")


def came_with(decoded):
    return decoded["key"], decoded["key_size_bytes"], decoded["headers"], decoded["header_count"]


def as_it_came(bench):
    """What is rejected has the key and the headers that it came with, up to the limits, and says how much there was."""
    wire, room, now = bench.wire(1), bench.directory("came-with"), now_ms()
    start, other = (bench.encode(wire.prefix, next(call("c1", now - 60_000 - later, now)) | {"event_id": f"s{later}", "to": f"+1202555019{later}"})[0]
                    for later in (0, 1))
    schema, trace, datum = ("__value_schema_id", b"\x00\x00\x00\x00\x07"), ("trace", b"\x00\xff"), start.value[10:]
    many, great, small = [("n", bytes([n])) for n in range(70)], ("great", bytes(20_000)), ("small", b"1")
    records = [  # key, value, headers; what is kept of them
        ("acme", b"hello", [trace, ("none", None), trace], (b"acme", 4, [trace, ("none", None), trace], 3)),
        (None, b"hello", None, (None, None, [], 0)),
        ("", None, [small], (b"", 0, [small], 1)),
        ("acme", datum, [*many, schema], (b"acme", 4, [*many[:63], schema], 71)),  # the one by which it is read
        (b"k" * 10_000, b"x" * 300_000, [great, small], (b"k" * 4096, 10_000, [small], 2)),
        ("acme", start.value, [trace], None),
        ("acme", other.value, [trace], (None, None, None, None)),  # an event that the fold refuses: as the journal has it
    ]
    producer = wire.producer()
    for key, value, some, _ in records:
        producer.produce(wire.prefix + "calls", value, key, headers=some)
    producer.flush(30)
    wanted = [kept for *_, kept in records if kept]
    instance = bench.instance(wire, room).start()
    try:
        wait_until("not all were rejected", 60, lambda: len(rejected(wire, 0)) == len(wanted))
        instance.stop()
    finally:
        instance.kill()
    ledger.check(wire, bench.program, room, f"{wire.prefix}app")
    bench.program.run("audit", "--quiet", "-c", instance.config)
    for message, (key, size, some, count) in zip(wire.read("rejected", 0), wanted):
        got = came_with(bench.program.decode("rejected", message))
        if got != (key, size, some and [{"name": name, "value": value} for name, value in some] if some else some, count):
            raise Failed(f"offset {headers(message)['__ringback.errors.offset']}: {str(got)[:500]}, not {str((key, size, some, count))[:500]}")


def wrong_places(bench):
    """Rights are given by topic, and a tenant lives in one partition."""
    wire, room, now = bench.wire(2), bench.directory("places"), now_ms()
    role = {"type": "RolesAssigned", "tenant": "acme", "event_id": "r1", "occurred_at": now, "person": "eve", "roles": ["owner"]}
    network = role | {"tenant": "*", "event_id": "r2"}
    start = next(call("c1", now - 60_000, now))
    events = bench.encode(wire.prefix, role, network, start)
    by_id = {message.topic.removeprefix(wire.prefix): message for message in events}
    producer = wire.producer()
    home = wire.home("acme")
    for topic, partition, message in (("calls", home, by_id["directory"]), ("calls", home, by_id["network"]), ("jobs", home, by_id["calls"]),
                                      ("network", 0, by_id["directory"]), ("calls", 1 - home, by_id["calls"])):
        producer.produce(wire.prefix + topic, message.value, message.key, partition)
    producer.flush(30)
    instance = bench.instance(wire, room).start()
    try:
        # what lies on the network is read, and rejected, by every partition
        wait_until("not all were rejected", 60, lambda: len(rejected(wire, home)) == 4 and len(rejected(wire, 1 - home)) == 2)
        instance.stop()
    finally:
        instance.kill()
    ledger.check(wire, bench.program, room, f"{wire.prefix}app")
    for one in rejected(wire, home) + rejected(wire, 1 - home):
        print(f"# {one['__ringback.errors.topic']}: {one['__ringback.errors.reason']}, {one['__ringback.errors.detail']}")
