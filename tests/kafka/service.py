"""Instances of `ringback run` on a wire: started, stopped, killed, frozen; and what they say."""
import io
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent))
sys.path.insert(0, str(HERE.parent / "bad_input"))
import avro  # noqa: E402
from program import Failed, Program  # noqa: E402
from wire import FRAME, datum, fastavro, fingerprint  # noqa: E402

EVENT = {"type": "QueueChanged", "tenant": "acme", "event_id": "e1", "occurred_at": 0, "queue": "q", "name": "Q"}


class Ringback(Program):
    """The program, with the schema of its journal."""

    def __init__(self, room, path=None):
        super().__init__(path)
        data = pathlib.Path(room) / "schema"
        self.run("fold", "--quiet", "--data", data, "-", input=json.dumps(EVENT).encode())
        self.journal_text = avro.schema_of((data / "journal.avro").read_bytes())
        schema = json.loads(self.journal_text)
        self.journal_schema = fastavro.parse_schema(schema)
        self.seal_frame, self.list_frame = FRAME + fingerprint(schema), FRAME + fingerprint({"type": "array", "items": schema})
        self.data, self.schemas = data, {}

    def journalled(self, message):
        """The records of a message of the journal, encoded and read: one seal, which has no key, or a list (docs/decisions/0027)."""
        value, is_seal = message.value(), message.key() is None
        if value[:len(FRAME) + 8] != (self.seal_frame if is_seal else self.list_frame):
            raise Failed(f"journal-{message.partition()}, offset {message.offset()}: only seals have no key, all else is a list: {value[:10].hex()}")
        stream, records = io.BytesIO(value), []
        stream.seek(len(FRAME) + 8)
        for _ in range(1 if is_seal else fastavro.schemaless_reader(stream, "long")):
            begin = stream.tell()
            record = fastavro.schemaless_reader(stream, self.journal_schema, None, return_record_name=True)
            kind, body = record["body"]
            records.append((value[begin:stream.tell()], record | {"kind": kind.rsplit(".", 1)[-1], "body": body}))
        if stream.read() != (b"" if is_seal else b"\x00") or is_seal != (records[-1][1]["kind"] == "Seal"):
            raise Failed(f"journal-{message.partition()}, offset {message.offset()}: neither one seal nor a list of others")
        return records

    def decode(self, topic, message):
        """What an output message says, in single-object encoding."""
        if topic not in self.schemas:
            self.schemas[topic] = fastavro.parse_schema(json.loads(avro.schema_of((self.data / f"outputs/{topic}.avro").read_bytes())))
        return fastavro.schemaless_reader(io.BytesIO(b"\x00" + datum(message.value())), self.schemas[topic])


class Instance:
    """One process."""

    command = "run"

    def __init__(self, program, wire, room, name, settings="", environment=None, disk=None, port=0):
        self.program, self.name, self.process = program, name, None
        self.room = pathlib.Path(room) / name
        self.room.mkdir(parents=True, exist_ok=True)
        self.environment, self.disk, self.port = environment or {}, disk, port
        self.state = (disk.seen if disk else self.room) / "state"
        self.config = self.room / "ringback.yaml"
        self.config.write_text(f"brokers: {wire.bootstrap}\napplication: {wire.prefix}app\npartitions: {wire.partitions}\n"
                               f"topics:\n  prefix: {wire.prefix}\nstate:\n  dir: {disk.mount if disk else self.room}/state\n"
                               f"http:\n  port: {port}\n{settings}")

    def start(self):
        command = [*(self.disk.enter if self.disk else []), self.program.path, self.command, "-c", str(self.config)]
        with open(self.room / "log", "ab") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=os.environ | self.environment)
        return self

    def page(self, path):
        """(status, text) of one of its pages; its port must have been given."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as answer:
            return answer.code, answer.read().decode()

    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def signal(self, number):
        if self.is_running():
            self.process.send_signal(number)

    def kill(self):
        self.signal(signal.SIGKILL)
        if self.process:
            self.process.wait()

    def stop(self, seconds=10):
        """SIGTERM; returns how long it took."""
        began = time.monotonic()
        self.signal(signal.SIGTERM)
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failed(f"{self.name} does not end within {seconds} s of SIGTERM") from None
        if code != 0:
            raise Failed(f"{self.name} ended with {code}: {self.tail()}")
        return time.monotonic() - began

    def said(self):
        """Its log lines as dictionaries."""
        for line in (self.room / "log").read_text(errors="replace").splitlines():
            try:
                yield json.loads(line)
            except ValueError:
                yield {"event": "text", "text": line}

    def count(self, event):
        """How many lines say so."""
        return sum(line["event"] == event for line in self.said())

    def tail(self, count=12):
        return "\n".join((self.room / "log").read_text(errors="replace").splitlines()[-count:])


def wait_until(what, seconds, true, every=0.2, can=lambda: None):
    """Waits until true() is; Failed with `what` if it never is, and before with what can() raises, which is asked while it is not."""
    deadline = time.monotonic() + seconds
    while not true():
        can()
        if time.monotonic() > deadline:
            raise Failed(f"after {seconds} s: {what}")
        time.sleep(every)


def caught_up(wire, group, counts):
    """True when the group has committed what was sent; counts by topic as Wire.send returns them."""
    offsets = wire.group_offsets(group)
    if not offsets:
        return False
    for name, count in counts.items():
        if name.endswith("network"):
            continue
        if sum(max(0, offset) for (topic, _), offset in offsets.items() if topic == name) < count:
            return False
    return True
