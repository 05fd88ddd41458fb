"""What the tests of operations stand on: the program, servers that are started once, a service that runs, events in bytes."""

import json
import os
import pathlib
import re
import subprocess
import sys
import time
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
for place in (HERE.parent / "kafka", HERE.parent, HERE):
    sys.path.insert(0, str(place))
import broker as kafka_broker  # noqa: E402
import secured  # noqa: E402
from program import Failed, Program  # noqa: E402

OUTPUTS = ("rejected", "calls-classified", "followups", "followup-events", "notices", "command-results")
SOURCES = ("calls", "jobs", "commands", "directory", "network")


def expect(condition, text):
    if not condition:
        raise Failed(text)


def has(text, *parts):
    for part in parts:
        expect(part in text, f'"{part}" is not in:\n{text}')


class Bench:
    """The program, a room, and servers that are started when the first test asks for them."""

    def __init__(self, room):
        self.room, self.program = pathlib.Path(room), Program()
        self.started = {}

    def server(self, name, make):
        if name not in self.started:
            self.started[name] = make()
        return self.started[name]

    @property
    def broker(self):
        return self.server("plain", lambda: kafka_broker.Broker(self.room / "plain").start(registry=True))

    @property
    def secured(self):
        return self.server("secured", lambda: secured.SecuredBroker(self.room / "secured").start())

    def stop(self):
        for server in self.started.values():
            server.stop()

    def config(self, name, brokers, prefix, more="", kafka=None, replication=1):
        path = self.room / f"{name}.yaml"
        path.write_text(
            f"brokers: {brokers}\napplication: {name}\npartitions: 2\n"
            f"topics: {{prefix: {prefix}, replication: {replication}, min_insync_replicas: {replication}}}\n"
            f"state: {{dir: {self.room / name}-state}}\n{more}"
            + "".join(f"{'kafka:' if not i else ''}\n  {key}: '{value}'" for i, (key, value) in enumerate((kafka or {}).items()))
            + "\n"
        )
        return path

    def ringback(self, *arguments, exits=(0,), **options):
        """Standard output and standard error as one text."""
        done = self.program.run(*arguments, exits=exits, **options)
        return done.stdout.decode() + done.stderr.decode()


class Service:
    """`ringback run`, and its pages. What it says goes into its log, or where `output` says."""

    def __init__(self, bench, name, config, environment=None, output=None):
        self.port = int(re.search(r"port: (\d+)", config.read_text()).group(1))
        self.log = bench.room / f"{name}.log"
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [bench.program.path, "run", "-c", config],
                stdin=subprocess.DEVNULL,
                stdout=output or log,
                stderr=output or log,
                env=os.environ | (environment or {}),
            )

    def get(self, path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as why:
            return why.code, why.read().decode()
        except OSError as why:
            return 0, str(why)

    def until(self, condition, what, seconds=60):
        deadline = time.monotonic() + seconds
        while not condition():
            expect(
                time.monotonic() < deadline and self.process.poll() is None,
                f"{what}: not within {seconds} s\n{self.log.read_text()[-3000:]}",
            )
            time.sleep(0.1)

    def ready(self):
        return self.get("/readyz")[0] == 200

    def stop(self):
        self.process.terminate()
        try:
            expect(self.process.wait(15) == 0, self.log.read_text()[-2000:])
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise Failed("it does not end within 15 s of SIGTERM") from None


def produce(bench, topic, tenant, value, headers=None, brokers=None):
    """One record in the tenant's partition."""
    import confluent_kafka

    producer = confluent_kafka.Producer({"bootstrap.servers": brokers or bench.broker.bootstrap, "partitioner": "murmur2"})
    producer.produce(topic, value, tenant, headers=headers)
    expect(producer.flush(10) == 0, "the record was not delivered")


def metric(text, line):
    """The sum of the series that begin so."""
    return sum(float(value) for value in re.findall(rf"^{re.escape(line)}[^ ]* (\S+)$", text, re.MULTILINE))


class EventWriter:
    """CallStarted events of one tenant in the bytes of our schema, or of one with a field more."""

    def __init__(self, bench):
        _, self.avro = kafka_broker.modules()
        import fastavro.schema as schema

        folder = bench.room / "event"
        bench.program.run(
            "fold",
            "--quiet",
            "--data",
            folder,
            "-",
            input=b'{"type":"QueueChanged","tenant":"a","event_id":"e","occurred_at":0,"queue":"q","name":"Q"}',
        )
        generated = bench.room / "one.avro"
        bench.program.run("generate", "--calls", 1, "--days", 1, "--format", "avro", "--out", generated)
        with open(generated, "rb") as file:
            self.text = self.avro.reader(file).metadata["avro.schema"]
        self.schema = json.loads(self.text)
        self.fingerprint = b"\xc3\x01" + bytes.fromhex(
            schema.fingerprint(schema.to_parsing_canonical_form(self.avro.parse_schema(self.schema)), "CRC-64-AVRO")
        )
        self.tenant = "acme"
        self.partition = murmur2(b"acme") % 2

    def wider(self):
        schema = json.loads(self.text)
        schema["fields"].append({"name": "trace", "type": ["null", "string"], "default": None})
        return schema

    def call(self, number, wider=False):
        import io

        out = io.BytesIO()
        body = {"call_id": f"c{number}", "direction": "INBOUND", "kind": "QUEUE", "from": "+12025550101", "to": "+12025550199"}
        record = {
            "tenant": self.tenant,
            "event_id": f"e{number}",
            "occurred_at": int(time.time() * 1000),
            "body": ("ringback.CallStarted", body),
        }
        if wider:
            record["trace"] = "t"
        self.avro.schemaless_writer(out, self.avro.parse_schema(self.wider() if wider else json.loads(self.text)), record)
        return out.getvalue()


def murmur2(key):
    """Kafka's hash of a key, positive."""
    m, mask = 0x5BD1E995, 0xFFFFFFFF
    h = (0x9747B28C ^ len(key)) & mask
    for i in range(0, len(key) - len(key) % 4, 4):
        k = int.from_bytes(key[i : i + 4], "little") * m & mask
        h = (h * m & mask) ^ ((k ^ k >> 24) * m & mask)
    rest = key[len(key) - len(key) % 4 :]
    if rest:
        h = (h ^ int.from_bytes(rest, "little")) * m & mask
    h = (h ^ h >> 13) * m & mask
    return (h ^ h >> 15) & 0x7FFFFFFF
