"""What goes over the wire: topics, events as a producer would send them, and what a reader with read_committed finds."""
import collections
import json
import pathlib
import sys
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent))
from broker import modules  # noqa: E402
from program import Failed, TOPICS  # noqa: E402

kafka, fastavro = modules()
import confluent_kafka.admin  # noqa: E402
import fastavro.schema  # noqa: E402

SOURCES = ("calls", "jobs", "commands", "directory", "network")
COMMANDS = {"SetStatus", "AddNote", "Assign", "StartCallback", "Dismiss", "Reopen", "ChangeSettings"}
DIRECTORY = {"RoleChanged", "RolesAssigned", "TenantChanged", "NumberChanged", "QueueChanged", "AgentChanged", "CustomerChanged"}
JOBS = {"JobBooked", "JobRescheduled", "JobCompleted", "JobCancelled"}
AWAY = (kafka.KafkaError._TIMED_OUT, kafka.KafkaError._TRANSPORT, kafka.KafkaError.NOT_COORDINATOR,  # retriable() is of producers alone
        kafka.KafkaError.COORDINATOR_NOT_AVAILABLE, kafka.KafkaError.COORDINATOR_LOAD_IN_PROGRESS)


def source_of(tenant, kind):
    """The topic of an event, as schemas/README.md has it."""
    if tenant == "*":
        return "network"
    return "commands" if kind in COMMANDS else "directory" if kind in DIRECTORY else "jobs" if kind in JOBS else "calls"


FRAME = b"\xc3\x01"  # of single-object encoding; the schema's fingerprint follows


def fingerprint(schema):
    """CRC-64-AVRO of the canonical form, as bytes on the wire: fastavro spells them in that order."""
    return bytes.fromhex(fastavro.schema.fingerprint(fastavro.schema.to_parsing_canonical_form(fastavro.parse_schema(schema)), "CRC-64-AVRO"))


class Producer(kafka.Producer):
    """What it was given is on the broker once it is flushed, or that has failed.

    One request at a time: where the first to a topic that is just being made is refused, and the second, on its way with it, is taken,
    librdkafka says that both were (docs/decisions/0024)."""

    def __init__(self, settings):
        self.lost = []
        super().__init__({"delivery.report.only.error": True, "on_delivery": self.failed, "max.in.flight.requests.per.connection": 1} | settings)

    def failed(self, error, message):
        if error:
            self.lost.append(f"{message.topic()}: {error}")

    def flush(self, seconds):  # pylint: disable=arguments-differ
        left = super().flush(seconds)
        if left or self.lost:
            raise Failed(f"the broker has not taken {left + len(self.lost)} messages: {self.lost[:3]}")


class Container:
    """The records of a container file as they lie there."""

    def __init__(self, path):
        self.path = path
        with open(path, "rb") as file:
            reader = fastavro.block_reader(file)
            self.schema = reader.writer_schema

    def records(self):
        """(bytes, decoded) of each."""
        with open(self.path, "rb") as file:
            for block in fastavro.block_reader(file, return_record_name=True):
                data, at = block.bytes_.getvalue(), 0
                for record in block:
                    end = block.bytes_.tell()
                    yield data[at:end], record
                    at = end


def datum(value):
    """What stands behind the framing of a value: an id of a registry, or a fingerprint."""
    return value[5:] if value[:1] == b"\x00" else value[10:]


Message = collections.namedtuple("Message", "topic key value tenant occurred_at")


def messages(path, prefix=""):
    """The events of a container file as messages, in single-object encoding."""
    events = Container(path)
    head = FRAME + fingerprint(events.schema)
    for data, event in events.records():
        kind = event["body"][0].rsplit(".", 1)[-1]
        topic = prefix + source_of(event["tenant"], kind)
        yield Message(topic, event["tenant"], head + data, event["tenant"], event["occurred_at"])


def with_ids(sent, registry):
    """The same messages by the ids that a registry has for the subjects of their topics, as Confluent frames them."""
    ids = {}
    for message in sent:
        if message.topic not in ids:
            with urllib.request.urlopen(f"{registry}/subjects/{message.topic}-value/versions/latest", timeout=10) as answer:
                ids[message.topic] = b"\x00" + json.load(answer)["id"].to_bytes(4, "big")
        yield message._replace(value=ids[message.topic] + datum(message.value))


class Wire:
    """A broker's topics, by a prefix."""

    def __init__(self, bootstrap, prefix="", partitions=4):
        self.bootstrap, self.prefix, self.partitions = bootstrap, prefix, partitions
        self.away = None  # why a group's offsets were not told last
        self.kept = {}    # consumers and producers that are asked again and again
        self.admin = confluent_kafka.admin.AdminClient({"bootstrap.servers": bootstrap})

    def create(self):
        new = confluent_kafka.admin.NewTopic
        sources = [new(self.prefix + name, 1 if name == "network" else self.partitions, 1) for name in SOURCES]
        outputs = [new(self.prefix + name, self.partitions, 1) for name in (*TOPICS, "scratch")]
        journal = new(self.prefix + "journal", self.partitions, 1,
                      config={"message.timestamp.type": "LogAppendTime", "retention.ms": "-1", "max.message.bytes": "1100000"})
        self.make(sources + outputs + [journal])

    def make(self, topics):
        """Makes topics: done when the broker tells of them, which is some time after it has taken the order."""
        for future in self.admin.create_topics(topics).values():
            future.result(30)
        wanted, deadline = {topic.topic for topic in topics}, time.monotonic() + 30
        while wanted - self.led():
            if time.monotonic() > deadline:
                raise Failed(f"30 s after they were made, nobody leads {sorted(wanted - self.led())}")
            time.sleep(0.05)

    def led(self):
        """The topics of which each partition has a leader."""
        topics = self.admin.list_topics(timeout=30).topics.values()
        return {topic.topic for topic in topics if not topic.error and all(place.leader >= 0 for place in topic.partitions.values())}

    def allow(self, name, size):
        """A topic that takes greater messages than it should."""
        resource = confluent_kafka.admin.ConfigResource("topic", self.prefix + name, set_config={"max.message.bytes": str(size)})
        for future in self.admin.alter_configs([resource]).values():
            future.result(30)

    def home(self, tenant):
        """The partition that a producer chooses for a tenant."""
        producer, found = self.keep(self.producer, **{"delivery.report.only.error": False}), []
        producer.produce(self.prefix + "scratch", b"x", tenant, on_delivery=lambda error, message: found.append(message.partition()))
        producer.flush(30)
        return found[0]

    def producer(self, **settings):
        return Producer({"bootstrap.servers": self.bootstrap, "partitioner": "murmur2_random", "linger.ms": 2, "acks": "all",
                         "enable.idempotence": True, **settings})

    def send(self, sent, rate=None, producer=None):
        """Sends messages, `rate` a second (None: as fast as it goes). Returns how many of each topic."""
        producer, counts, began = producer or self.producer(), collections.Counter(), time.monotonic()
        for number, message in enumerate(sent):
            if rate and number % 10 == 0:
                time.sleep(max(0, began + number / rate - time.monotonic()))
            while True:
                try:
                    producer.produce(message.topic, message.value, message.key)
                    break
                except BufferError:
                    producer.poll(0.05)
            producer.poll(0)
            counts[message.topic] += 1
        producer.flush(60)
        return counts

    def consumer(self, **settings):
        return kafka.Consumer({"bootstrap.servers": self.bootstrap, "group.id": f"reader-{self.prefix}", "enable.auto.commit": False,
                               "isolation.level": "read_committed", "enable.partition.eof": True, "auto.offset.reset": "earliest", **settings})

    def keep(self, make, **settings):
        """What `make` makes with these settings, once for all who ask: beginning and ending one takes longer than what it is asked."""
        key = make.__name__, *sorted(settings.items())
        if key not in self.kept:
            self.kept[key] = make(**settings, log_level=0)  # that its broker is killed is no news
        return self.kept[key]

    def close(self):
        """Ends those that were kept."""
        self.kept.clear()

    def read(self, topic, partition):
        """Every committed message of a partition, up to its high watermark."""
        consumer = self.keep(self.consumer, **{"fetch.wait.max.ms": 10})  # so late the broker says that there is no more
        consumer.list_topics(self.prefix + topic, timeout=30)             # else it looks for it half a second later
        consumer.assign([kafka.TopicPartition(self.prefix + topic, partition, kafka.OFFSET_BEGINNING)])
        deadline, found = time.monotonic() + 120, []
        while time.monotonic() < deadline:
            for message in consumer.consume(1000, 0.02):  # it waits for all 1000
                if not message.error():
                    found.append(message)
                elif message.error().code() == kafka.KafkaError._PARTITION_EOF:
                    consumer.unassign()
                    return found
                elif not message.error().retriable():
                    raise Failed(f"{topic}-{partition}: {message.error()}")
        raise Failed(f"{topic}-{partition} has no end")

    def bounds(self, topic, partition):
        """Offsets of the first record that is left, and behind the last."""
        consumer = self.keep(self.consumer, **{"isolation.level": "read_uncommitted"})
        return consumer.get_watermark_offsets(kafka.TopicPartition(self.prefix + topic, partition), 10)

    def begin(self, topic, partition):
        return self.bounds(topic, partition)[0]

    def end(self, topic, partition):
        return self.bounds(topic, partition)[1]

    def delete_before(self, topic, partition, offset):
        """What retention does in its time."""
        place = kafka.TopicPartition(self.prefix + topic, partition, offset)
        for future in self.admin.delete_records([place]).values():
            future.result(30)

    def group_offsets(self, group):
        """{(source, partition): the group's committed offset}"""
        places = [kafka.TopicPartition(self.prefix + name, number) for name in SOURCES[:4] for number in range(self.partitions)]
        try:
            consumer = self.keep(self.consumer, **{"group.id": group})
            offsets = {(place.topic, place.partition): place.offset for place in consumer.committed(places, 10)}
            self.away = None
            return offsets
        except kafka.KafkaException as why:  # the coordinator is still coming up, or moved
            if why.args[0].code() not in AWAY:
                raise
            self.away = f"the group's offsets: {why.args[0]}"
            return {}
