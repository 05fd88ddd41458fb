"""Topics that are not keyed by tenant go in through `ringback rekey`, whatever happens to it, and time waits for it."""
import collections
import signal
import time

from bench import DAY, kind_of, now_ms, of_now, rfc3339, wait_until
from crashes import OF_A_TRANSACTION, crash, program_with_points
from idle import MINUTE, call, setting
import ledger
from program import EXIT_REJECTED, Failed
from service import Instance
from through import TOLD_BY_PLACE, same_rows, without_row_commands
from wire import SOURCES, Container, confluent_kafka, fingerprint, kafka, source_of

REKEYED = SOURCES[:4]
ORIGIN_PARTITIONS = 3
HEADERS = [("team", b"telephony"), ("trace", b"\x00\xff")]
SLOWLY = "commit:\n  records: 100\n"  # so that there is time for things to go wrong
HOLD_SECONDS = 5
LATENESS_SECONDS = 5


class Rekey(Instance):
    command = "rekey"

    def works(self):
        """Whether it is the one that works, by its own account."""
        told = [line["event"] for line in self.said() if line["event"] in ("rekey_works", "rekey_stands_by")]
        return self.is_running() and told[-1:] == ["rekey_works"]


def origins(wire):
    """Makes the topics of a team; the lines of configuration that name them."""
    new = confluent_kafka.admin.NewTopic
    wire.make([new(f"{wire.prefix}team.{name}", ORIGIN_PARTITIONS, 1) for name in REKEYED])
    return "rekey:\n" + "".join(f"  {name}: {wire.prefix}team.{name}\n" for name in REKEYED) + "seal_every: 1s\n"


def origin_of(wire, topic):
    return topic.replace(wire.prefix, f"{wire.prefix}team.", 1) if not topic.endswith("network") else topic


def produce(producer, *arguments, **named):
    while True:
        try:
            producer.produce(*arguments, **named)
            break
        except BufferError:
            producer.poll(0.05)
    producer.poll(0)


def send_by_call(wire, events):
    """The events of a container file into the team's topics, keyed by call, or by nothing. {source: [(value, time, tenant)]}"""
    producer, sent, container = wire.producer(), collections.defaultdict(list), Container(events)
    head = b"\xc3\x01" + fingerprint(container.schema)
    for data, event in container.records():
        at, topic = round(event["occurred_at"].timestamp() * 1000), source_of(event["tenant"], kind_of(event))
        sent[topic].append((head + data, at, event["tenant"]))
        key = event["body"][1].get("call_id") if topic == "calls" else None
        produce(producer, origin_of(wire, wire.prefix + topic), head + data, key, timestamp=at, headers=HEADERS)
    producer.flush(60)
    return sent


def hostile(wire, whole):
    """Records that have no tenant to be keyed by: {what: value}, sent to the origin of calls."""
    tenant = whole[10] // 2
    records = {"no value": None, "text": b"hello", "cut in the tenant": whole[:11 + tenant // 2], "an empty tenant": whole[:10] + b"\x00" + whole[11 + tenant:],
               "a tenant of 129 bytes": whole[:10] + b"\x82\x02" + b"t" * 129 + whole[11 + tenant:], "300 KB": whole + bytes(300_000)}
    producer = wire.producer()
    for number, value in enumerate(records.values()):
        produce(producer, f"{wire.prefix}team.calls", value, f"key-{number}", number % ORIGIN_PARTITIONS, headers=HEADERS)
    produce(producer, f"{wire.prefix}team.calls", None, "forged", 0, headers=[("__ringback.rekey", b"9999999,9999999,9999999")])
    producer.flush(30)
    return [*records, "a forged report"]


def end_of_origins(wire):
    return {(name, number): wire.end(f"team.{name}", number) for name in REKEYED for number in range(ORIGIN_PARTITIONS)}


def rekeyed_up_to(wire, ends):
    """Whether the re-keying group has committed up to these ends."""
    places = [kafka.TopicPartition(f"{wire.prefix}team.{name}", number) for name, number in ends]
    try:
        consumer = wire.keep(wire.consumer, **{"group.id": f"{wire.prefix}app.rekey"})
        committed = {(place.topic.rsplit(".", 1)[-1], place.partition): place.offset for place in consumer.committed(places, 10)}
    except kafka.KafkaException:
        return False
    return all(committed[place] >= end for place, end in ends.items())


def the_one(instances):
    wait_until("no instance of rekey works", 30, lambda: any(one.works() for one in instances))
    return next(one for one in instances if one.works())


def at_work(wire, instances, ends):
    """The instance that works, some time into its work."""
    one = the_one(instances)
    time.sleep(1)
    if rekeyed_up_to(wire, ends):
        raise Failed("all was re-keyed before anything went wrong")
    return one


def disturb(wire, instances, ends):
    """The one that works is killed; the next is frozen for longer than its session, and comes back as a zombie."""
    victim = at_work(wire, instances, ends)
    victim.kill()
    victim.start()
    frozen = at_work(wire, instances, ends)
    frozen.signal(signal.SIGSTOP)
    the_one([one for one in instances if one is not frozen])
    frozen.signal(signal.SIGCONT)


def check_copies(wire, sent, refused):
    """Every record of the origins is in its source once, with its bytes, headers and time, in its tenant's partition. Returns how many reports."""
    reports, homes = 0, {}
    for name in REKEYED:
        wanted, got = collections.Counter((value, at) for value, at, _ in sent[name]), collections.Counter()
        tenants = {value: tenant for value, _, tenant in sent[name]}
        for number in range(wire.partitions):
            for message in wire.read(name, number):
                if ledger.is_report(message):
                    reports += 1
                elif message.value() in tenants:
                    tenant = tenants[message.value()]
                    got[message.value(), message.timestamp()[1]] += 1
                    if tenant not in homes:
                        homes[tenant] = wire.home(tenant)
                    if message.key() != tenant.encode() or number != homes[tenant] or message.headers() != HEADERS:
                        raise Failed(f"{name}-{number}, offset {message.offset()}: a record of {tenant} has the key {message.key()} and the headers "
                                     f"{message.headers()}")
                else:
                    refused -= 1
        if got != wanted:
            raise Failed(f"{name}: {len(wanted - got)} records are missing, {len(got - wanted)} are there too often")
    if refused:
        raise Failed(f"{refused} of the records without a tenant are missing")
    return reports


def check_refused(wire, program, why):
    """They are rejected with the headers that they had before rekey; a forged report's are left out."""
    got = [message for number in range(wire.partitions) for message in wire.read("rejected", number)]
    details = [dict(message.headers())["__ringback.errors.detail"].decode() for message in got]
    came_with = sorted((one["key"], [(header["name"], header["value"]) for header in one["headers"]])
                       for one in (program.decode("rejected", message) for message in got))
    wanted = [(b"forged", []), *((f"key-{number}".encode(), HEADERS) for number in range(len(why) - 1))]
    if came_with != wanted:
        raise Failed(f"rejected with {came_with}, not {wanted}")
    for detail in details:
        print(f"# rejected: {detail}")
    if len(got) != len(why):
        raise Failed(f"{len(got)} records were rejected, not {len(why)}: {why}")


def ended(wire, program):
    """The least time as of which a source of a partition is told to be at its end, ms."""
    seals = [ledger.Partition(wire, program, number).seals()[-1] for number in range(wire.partitions)]
    ends = [source["end_as_of"] for seal in seals for source in seal["sources"] if source["source"] != 3]
    if None in ends:
        raise Failed(f"the last seals' sources end as of {ends}")
    return int(min(ends).timestamp() * 1000)


def rekeyed_topics(bench):
    """Five days through topics keyed by call in 3 partitions, with rekey killed and frozen and `run` going: the rows are those of the file."""
    wire, room = bench.wire(4), bench.directory("rekey")
    settings = origins(wire)
    events = without_row_commands(of_now(bench, 5, "--tenants", 8, "--calls-per-day", 400, "--late", 3, "--repeat", 2))
    whole = bench.encode(wire.prefix, *call("x", now_ms() - DAY, now_ms() - DAY))[0].value
    why, sent = hostile(wire, whole), send_by_call(wire, events)
    after, ends = now_ms(), end_of_origins(wire)
    instance = bench.instance(wire, room, settings=settings).start()
    rekeys = [Rekey(bench.program, wire, room, f"rekey-{n}", settings + SLOWLY).start() for n in range(2)]
    try:
        disturb(wire, rekeys, ends)
        wait_until("rekey is not at the end", 60, lambda: rekeyed_up_to(wire, ends))
        time.sleep(4)  # the ends are told
        drained = [one.stop() for one in (*rekeys, instance)]
    finally:
        for one in (*rekeys, instance):
            one.kill()
    until = ended(wire, bench.program)
    if until < after:
        raise Failed(f"time stands {after - until} ms before the end of the origins")
    reports = check_copies(wire, sent, len(why))
    check_refused(wire, bench.program, why)
    counts, again = ledger.check(wire, bench.program, room, f"{wire.prefix}app")
    print(f"# {sum(map(len, sent.values()))} records re-keyed once, {reports} reports; {counts['records']} journalled, {counts['outputs']} outputs; "
          f"SIGTERM took {max(drained):.1f} s")
    bench.program.run("audit", "--quiet", "-c", instance.config)
    data = room / "files"
    bench.program.run("fold", "--quiet", "--data", data, "--until", rfc3339(until), events, exits=(0, EXIT_REJECTED))
    for topic, field in (("calls-classified", "call_id"), ("followups", "follow_up")):
        same_rows(topic, [directory / f"{topic}.avro" for directory in again], [data / "outputs" / f"{topic}.avro"], field,
                  (*TOLD_BY_PLACE, "attempt"))


def rekey_crash_points(bench):
    """`rekey` is killed at each step of a transaction that is not its first: each record is copied once all the same."""
    program, wire, room = program_with_points(bench), bench.wire(2), bench.directory("rekey-crashes")
    settings = origins(wire) + SLOWLY
    sent = send_by_call(wire, of_now(bench, 1, "--tenants", 8, "--events", 3000))
    ends = end_of_origins(wire)
    for point in OF_A_TRANSACTION:
        crash(Rekey(program, wire, room, "doomed", settings, {"RINGBACK_CRASH": f"{point}:2"}), f"rekey, at {point}")
    survivor = Rekey(bench.program, wire, room, "survivor", settings).start()
    try:
        wait_until("rekey is not at the end", 60, lambda: rekeyed_up_to(wire, ends))
        survivor.stop()
    finally:
        survivor.kill()
    reports = check_copies(wire, sent, 0)
    print(f"# {len(OF_A_TRANSACTION)} crashes; {sum(map(len, sent.values()))} records re-keyed once, {reports} reports")


def origins_markers_are_no_gap(bench):
    """An origin ends with the marker of a producer's transaction, which is deleted once it was passed: rekey has lost nothing."""
    wire, room = bench.wire(1), bench.directory("markers")
    settings = origins(wire)
    rekey = Rekey(bench.program, wire, room, "rekey", settings)
    origin = origin_of(wire, f"{wire.prefix}calls")
    producer = wire.producer(**{"transactional.id": f"{wire.prefix}team", "log_level": 0})
    producer.init_transactions(30)

    def transaction():
        producer.begin_transaction()
        for message in bench.encode(wire.prefix, *call("c1", now_ms() - MINUTE, now_ms())):
            produce(producer, origin, message.value, None, 0)
        producer.flush(30)
        producer.commit_transaction(30)

    def copied():
        return sum(not ledger.is_report(message) for message in wire.read("calls", 0))

    try:
        transaction()
        rekey.start()
        wait_until("nothing is copied", 60, copied)
        time.sleep(3)  # a report is due each second
        rekey.stop()
        wire.delete_before("team.calls", 0, wire.end("team.calls", 0))
        before = copied()
        transaction()
        rekey.start()
        wait_until("nothing more is copied", 60, lambda: copied() == 2 * before)
        rekey.stop()
    finally:
        rekey.kill()
    if rekey.count("origin_gap"):
        raise Failed(f"it says that something is lost:\n{rekey.tail()}")


def rekey_holds_time(bench):
    """A call is judged ten minutes after its end: not before a booking of that time, which rekey still has before it, is read. An origin's events lie in
    one partition: what comes into several at once may be copied in another order, which would be corrected. A command that is read before the roles
    it needs would not: those come first."""
    wire, room, now = bench.wire(1), bench.directory("held"), now_ms()
    settings = origins(wire)
    due = now + 15_000
    end = due - 10 * MINUTE
    other = [event | ({"from": "+12025550103"} if "from" in event else {}) for event in call("idle", end - MINUTE, end, "jo")]
    *roles, switch = setting(now)
    kept = [switch, *call("booked", end - MINUTE, end, "jo"), *other]
    booking = {"type": "JobBooked", "tenant": "acme", "event_id": "j1", "occurred_at": due - 1000, "job_id": "j1", "call": "booked"}
    producer = wire.producer()

    def send(*events):
        for message in bench.encode(wire.prefix, *events):
            produce(producer, origin_of(wire, message.topic), message.value, "one partition")
        producer.flush(30)

    def journalled():
        return sum(record["kind"] == "Event" for message in wire.read("journal", 0) for _, record in bench.program.journalled(message))

    instance = bench.instance(wire, room, settings=settings).start()
    rekey = Rekey(bench.program, wire, room, "rekey", settings).start()
    try:
        send(*roles)
        wait_until("the roles are not journalled", 10, lambda: journalled() == len(roles))
        send(*kept)
        wait_until("the calls are not decided", 10, lambda: len(wire.read("calls-classified", 0)) >= 2)
        rekey.signal(signal.SIGSTOP)
        time.sleep(1)
        send(booking)
        time.sleep(max(0, due / 1000 + LATENESS_SECONDS + HOLD_SECONDS - time.time()))
        early = [bench.change(message) for message in wire.read("followup-events", 0)]
        rekey.signal(signal.SIGCONT)
        wait_until("the other call is not judged", 30, lambda: wire.read("followup-events", 0))
        instance.stop()
        rekey.stop()
    except Failed as why:
        raise Failed(f"{why}\n{rekey.tail()}\n{instance.tail()}") from why
    finally:
        instance.kill()
        rekey.kill()
    told = [(change["follow_up"], change["change"]) for change in map(bench.change, wire.read("followup-events", 0))]
    ledger.check(wire, bench.program, room, f"{wire.prefix}app")
    print(f"# while rekey was frozen: {len(early)} changes; then: {told}")
    if early or told != [("sc-idle", "OPENED")]:
        raise Failed(f"while rekey was frozen {early} were told, in the end {told}")
