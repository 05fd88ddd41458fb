"""A journal and outputs by the schemas of before are read, held against the fold, and written on."""
import json

from bench import now_ms, wait_until
from idle import call
from program import Failed, ROOT
from wire import FRAME, confluent_kafka, datum, fingerprint

OLDER = ROOT / "schemas/older/JournalRecord-1.avsc"
NULLS = b"\x00" * 4  # of the fields that Rejected had not then


def copy(wire, producer, topic, written):
    """The messages of a topic, as they would have been written then, in one of their own."""
    config = {"message.timestamp.type": "LogAppendTime", "retention.ms": "-1", "max.message.bytes": "1100000"} if topic == "journal" else {}
    new = confluent_kafka.admin.NewTopic(f"{wire.prefix}older.{topic}", 1, 1, config=config)
    wire.make([new])
    count = 0
    for message in wire.read(topic, 0):
        for value in written(message):
            producer.produce(new.topic, value, message.key(), headers=message.headers())
            count += 1
    producer.flush(30)
    return count


def without_nulls(value):
    if not value.endswith(NULLS):
        raise Failed(f"what was rejected has headers: {value[-20:]}")
    return value[:-len(NULLS)]


def older_schemas(bench):
    """But for bad records, the journal's records are the same by both schemas: only their frame says which it was."""
    wire, room, now = bench.wire(1), bench.directory("older"), now_ms()
    starts = [next(call("c1", now - 60_000 - later, now)) | {"event_id": f"s{later}", "to": f"+1202555019{later}"} for later in (0, 1)]
    wire.send([message for start in starts for message in bench.encode(wire.prefix, start)])  # the second is refused
    first = bench.instance(wire, room).start()
    try:
        wait_until("nothing was rejected", 60, lambda: wire.read("rejected", 0))
        first.stop()
    finally:
        first.kill()

    producer, frame = wire.producer(), FRAME + fingerprint(json.loads(OLDER.read_text()))
    records = copy(wire, producer, "journal", lambda message: [frame + data for data, _ in bench.program.journalled(message)])
    copy(wire, producer, "rejected", lambda message: [FRAME + bytes(8) + without_nulls(datum(message.value()))])
    prefix = f"  prefix: {wire.prefix}\n"
    second = bench.instance(wire, room, "two")
    second.config.write_text(second.config.read_text().replace(
        prefix, prefix + "".join(f"  {topic}: {wire.prefix}older.{topic}\n" for topic in ("journal", "rejected"))))
    bench.program.run("audit", "--quiet", "-c", second.config)
    producer.produce(wire.prefix + "calls", b"hello", "acme", headers=[("team", b"telephony")])
    producer.flush(30)
    second.start()
    try:
        wait_until("it does not write on", 60, lambda: len(wire.read("older.rejected", 0)) == 2)
        second.stop()
    finally:
        second.kill()
    bench.program.run("audit", "--quiet", "-c", second.config)
    told = bench.program.decode("rejected", wire.read("older.rejected", 0)[-1])
    frames = {message.value()[:10] == frame for message in wire.read("older.journal", 0)}
    print(f"# {records} journal records of before; {told['key']}, {told['headers']}")
    if frames != {True, False} or told["headers"] != [{"name": "team", "value": b"telephony"}] or told["key"] != b"acme":
        raise Failed(f"frames of before: {frames}; what was rejected since: {told}")
