"""What the tests on Kafka share: a broker, the program, rooms, invented events."""
import datetime
import json
import pathlib
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
for place in (HERE, HERE.parent, HERE.parent / "bad_input"):
    if str(place) not in sys.path:
        sys.path.insert(0, str(place))
from broker import Broker  # noqa: E402
from program import Failed  # noqa: E402
from service import Instance, Ringback, caught_up, wait_until  # noqa: E402
from wire import Container, Wire, messages  # noqa: E402
import avro  # noqa: E402

HOUR = 3_600_000
DAY = 24 * HOUR


def now_ms():
    return int(time.time() * 1000)


def rfc3339(ms):
    return datetime.datetime.fromtimestamp(ms / 1000, datetime.timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def kind_of(event):
    return event["body"][0].rsplit(".", 1)[-1]


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


class Bench:
    """A broker, a program, a room; each test has topics of its own."""

    def __init__(self, room, options):
        self.room, self.options = pathlib.Path(room), options
        self.broker = Broker(self.room / "broker").start()
        self.program = Ringback(self.room)
        self.made = 0
        self.last, self.instances = None, []  # wire, and who was made for it

    def wire(self, partitions=4):
        """Topics of a test's own; who has those of the test before is done with them."""
        if self.last:
            self.last.close()
        self.made += 1
        self.last, self.instances = Wire(self.broker.bootstrap, f"t{self.made}.", partitions), []
        self.last.create()
        return self.last

    def instance(self, wire, room, name="one", settings="", program=None, disk=None, port=0, **environment):
        self.instances.append(Instance(program or self.program, wire, room, name, settings, environment, disk, port))
        return self.instances[-1]

    def at_end(self, wire, sent, seconds=180):
        """Waits until the group has committed all that was sent. A failure says what the coordinator and the broker said last."""
        try:
            wait_until("the group is not at the end", seconds, lambda: caught_up(wire, f"{wire.prefix}app", sent), can=self.somebody_runs)
        except Failed as why:
            raise Failed(f"{why}\n{self.last_words(wire)}") from why

    def somebody_runs(self):
        """Fails where nobody is left to wait for, and says how the last one ended."""
        if any(instance.is_running() for instance in self.instances):
            return
        last = self.instances[-1]
        raise Failed(f"nobody runs; {last.name} ended with {last.process and last.process.returncode}:\n{last.tail()}")

    def last_words(self, wire):
        """Of the group's coordinator, as who asked it last was told, and of the broker."""
        return f"{wire.away or 'the coordinator of the group answers'}\n{self.broker.tail()}"

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

    def change(self, message):
        """What a record of followup-events says."""
        return self.program.decode("followup-events", message)

    def event_schema(self):
        return avro.schema_of(self.generate("--events", 1).read_bytes())

    def encode(self, prefix, *events):
        """Flat JSON events as messages."""
        room = self.directory("encode")
        (room / "events.jsonl").write_text("".join(json.dumps(event) + "\n" for event in events))
        self.program.run("fold", "--quiet", "--data", room / "data", room / "events.jsonl")
        write_container(room / "events.avro", self.event_schema(), events_of(room / "data/journal.avro"))
        return list(messages(room / "events.avro", prefix))


def of_now(bench, days, *arguments):
    """Events that end a day ago."""
    return bench.generate("--seed", bench.options.seed, "--start", rfc3339(now_ms() - (days + 1) * DAY), "--days", days, *arguments)
