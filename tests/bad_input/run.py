#!/usr/bin/env python3
"""Bad input is a verdict, never an accident: what cannot be accepted is in `rejected` with its place, reason and bytes, the rest is folded.

    tests/bad_input/run.py [WORD...]     only tests whose name holds one of the words
"""
import base64
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]
from program import EXIT_AGAIN, EXIT_CONFIGURATION, EXIT_DONE, EXIT_FAILED, EXIT_REJECTED, Failed, Program, Tap  # noqa: E402
import avro  # noqa: E402

START_MS = 1_740_819_600_000  # 1 March 2025, 09:00 UTC
PROGRAM = Program()


def need(condition, text):
    if not condition:
        raise Failed(text)


def flat(event_type, event_id, at="2025-03-01T09:00:00Z", **fields):
    return json.dumps({"type": event_type, "tenant": "acme", "event_id": event_id, "occurred_at": at, **fields}).encode()


BEFORE = flat("CallStarted", "s", call_id="c1", direction="INBOUND", kind="QUEUE", **{"from": "+12025550101", "to": "+12025550199"})
AFTER = flat("CallEnded", "e", at="2025-03-01T09:01:00Z", call_id="c1", by="CALLER")
QUEUE = {"call_id": "c1", "queue": "sales"}

# What is wrong, the line, the reasons it may be refused for, a word that the detail holds.
LINES = [
    ("no JSON", b"hello", ("MALFORMED",), ""),
    ("half a line", flat("QueueEntered", "x", **QUEUE)[:-9], ("MALFORMED",), ""),
    ("two objects in a line", flat("QueueEntered", "x", **QUEUE) * 2, ("MALFORMED",), ""),
    ("an array", b"[1,2]", ("MALFORMED",), ""),
    ("a number", b"17", ("MALFORMED",), ""),
    ("deep nesting", b"[" * 1000 + b"]" * 1000, ("MALFORMED", "TOO_LARGE"), ""),
    ("an unknown type", flat("QueueEnterd", "x", **QUEUE), ("MALFORMED",), "type"),
    ("no type", b'{"tenant":"acme","event_id":"x","occurred_at":1}', ("MALFORMED",), "type"),
    ("an unknown field", flat("QueueEntered", "x", colour="red", **QUEUE), ("MALFORMED",), "colour"),
    ("a missing field", flat("QueueEntered", "x", call_id="c1"), ("MALFORMED",), "queue"),
    ("no tenant", b'{"type":"QueueEntered","event_id":"x","occurred_at":1,"call_id":"c1","queue":"q"}', ("MALFORMED",), "tenant"),
    ("a repeated key", flat("QueueEntered", "x", **QUEUE)[:-1] + b',"queue":"other"}', ("MALFORMED",), "queue"),
    ("a wrong kind of value", flat("QueueEntered", "x", call_id="c1", queue=7), ("MALFORMED",), "queue"),
    ("an unknown symbol", flat("CallEnded", "x", call_id="c1", by="NOBODY"), ("MALFORMED",), "by"),
    ("a time that is none", flat("QueueEntered", "x", at="yesterday", **QUEUE), ("MALFORMED",), "occurred_at"),
    ("a time without offset", flat("QueueEntered", "x", at="2025-03-01T09:00:00", **QUEUE), ("MALFORMED",), "occurred_at"),
    ("a time before 1970", flat("QueueEntered", "x", at=-1, **QUEUE), ("INVALID", "MALFORMED"), "occurred_at"),
    ("an empty tenant", flat("QueueEntered", "x", **QUEUE).replace(b"acme", b""), ("INVALID",), "tenant"),
    ("an id of 129 bytes", flat("QueueEntered", "x", call_id="c" * 129, queue="q"), ("INVALID",), "call_id"),
    ("a control character in an id", flat("QueueEntered", "x", call_id="c\n1", queue="q"), ("INVALID",), "call_id"),
    ("a NUL in an id", flat("QueueEntered", "x", call_id="c\0", queue="q"), ("INVALID", "MALFORMED"), ""),
    ("invalid UTF-8", flat("QueueEntered", "x", **QUEUE).replace(b"sales", b"sa\xff\xfees"), ("MALFORMED",), ""),
    ("a lone surrogate", flat("QueueEntered", "x", **QUEUE).replace(b"sales", b"\\ud800"), ("MALFORMED",), ""),
    ("a string of more than 4 KiB", flat("QueueEntered", "x", call_id="c1", queue="q" * 4097), ("TOO_LARGE",), "queue"),
    ("a line of more than 256 KiB", flat("QueueEntered", "x", call_id="c1", queue="q" * 300_000), ("TOO_LARGE",), ""),
    ("a byte order mark", b"\xef\xbb\xbf" + flat("QueueEntered", "x", **QUEUE), ("MALFORMED",), ""),
]
LIMIT = 256 * 1024  # bytes of a record that are kept


class Room:
    """A directory for one test."""

    def __init__(self, path):
        self.path, self.data = pathlib.Path(path), pathlib.Path(path) / "data"

    def write(self, name, content):
        path = self.path / name
        path.write_bytes(content)
        return path

    def rejected(self):
        return PROGRAM.output(self.data, "rejected")

    def types(self):
        return {record["call_id"]: record["type"] for record in PROGRAM.output(self.data, "calls-classified")}


def check_rejection(record, place, bad, reasons, word):
    got = base64.b64decode(record["bytes"])
    need(record["reason"] in reasons, f"rejected as {record['reason']} ({record['detail']}), not as {' or '.join(reasons)}")
    need(word in record["detail"], f"the detail '{record['detail']}' does not name {word}")
    need(record["offset"] == place, f"its place is {record['offset']}, not {place}")
    need(record["form"] == "ORIGINAL" and got == bad[:LIMIT], f"other bytes than came: {got[:80]}")
    need(record["size_bytes"] == len(bad), f"size {record['size_bytes']}, not {len(bad)}")
    need("key" not in record and (record["headers"], record["header_count"]) == ([], 0), f"a file's record has neither key nor headers: {record}")


def one_bad_line(room, bad, reasons, word):
    events = room.write("events.jsonl", b"\n".join((BEFORE, bad, AFTER)) + b"\n")
    done = PROGRAM.fold(room.data, events, exits=(EXIT_REJECTED,))
    rejected = room.rejected()
    need(len(rejected) == 1, f"{len(rejected)} records are rejected, not 1")
    check_rejection(rejected[0], 1, bad, reasons, word)
    need(rejected[0]["source_name"].endswith("events.jsonl"), f"its source is {rejected[0]['source_name']}")
    summary = done.stdout.decode()
    need(re.search(rf"rejected +1: {rejected[0]['reason']} 1", summary), f"the summary does not count it:\n{summary}")
    need(f"ringback dump {room.data}/outputs/rejected.avro\n" in summary, f"the summary does not say where it is:\n{summary}")
    need(room.types() == {"c1": "ABANDONED"}, f"the rest was not folded: {room.types()}")


def every_bad_line(room):
    lines = [bad for _, bad, _, _ in LINES]
    events = room.write("events.jsonl", b"\r\n".join((BEFORE, b"", *lines, b"   ", AFTER)))
    done = PROGRAM.fold(room.data, events, exits=(EXIT_REJECTED,))
    rejected = room.rejected()
    need(len(rejected) == len(lines), f"{len(rejected)} of {len(lines)} bad lines are rejected")
    for place, (record, (_, bad, reasons, word)) in enumerate(zip(rejected, LINES), 1):
        check_rejection(record, place, bad, reasons, word)
    summary = done.stdout.decode()
    need(re.search(rf"rejected +{len(lines)}:", summary), f"the summary does not count them:\n{summary}")
    need(room.types() == {"c1": "ABANDONED"}, f"the rest was not folded: {room.types()}")


ENTITY_BYTES = 1 << 20  # processors/facts.h


def more_than_it_holds(room, kind, much):
    """Events of one thing, 4 KB each, until it holds no more; the rest is rejected, one by one, and what it holds still counts."""
    count = ENTITY_BYTES // 4000 + 20
    lines = [flat(kind, f"x{n}", at=f"2025-03-01T09:00:{n % 60:02}.{n // 60:03}Z", **much) for n in range(count)]
    PROGRAM.fold(room.data, room.write("events.jsonl", b"\n".join((BEFORE, *lines, AFTER))), exits=(EXIT_REJECTED,))
    rejected = room.rejected()
    need(rejected and {each["reason"] for each in rejected} == {"TOO_LARGE"}, f"rejected are {[each['reason'] for each in rejected]}")
    first = len(lines) - len(rejected)
    need(0.9 < first * 4000 / ENTITY_BYTES <= 1, f"{first} were taken")
    need([each["event_id"] for each in rejected] == [f"x{n}" for n in range(first, count)], "others are rejected than the last")
    need(room.types() == {"c1": "ABANDONED"}, f"the rest was not folded: {room.types()}")


FULL = [
    ("a call", "CallClassified", {"call_id": "c1", "classification": "UNBOOKED", "notes": "n" * 4000}),
    ("a job", "JobBooked", {"job_id": "j1", "caller": "1" * 4000}),
    ("an entry of the directory", "QueueChanged", {"queue": "q1", "name": "n" * 4000}),
]


def from_2038(room):
    future = flat("QueueEntered", "x", at="2038-01-19T03:14:08Z", **QUEUE)
    PROGRAM.fold(room.data, room.write("events.jsonl", b"\n".join((BEFORE, future, AFTER))), exits=(EXIT_REJECTED,))
    rejected = room.rejected()
    got = [(each["reason"], each["event_id"], each["offset"], each["form"]) for each in rejected]
    need(got == [("FUTURE_TIME", "x", 1, "EVENT_AVRO")], f"got {rejected}")
    need(b"sales" in base64.b64decode(rejected[0]["bytes"]), "the event's bytes are not there")
    need(room.types() == {"c1": "ABANDONED"}, "it moved the clock or stopped the rest")


def schema():
    """The schema that our own Avro files of events carry."""
    with tempfile.TemporaryDirectory() as path:
        return avro.schema_of(generated(Room(path), "avro", 1).read_bytes())


def good_avro():
    """The blocks of a call's start and end."""
    records = avro.call_started("c1", "s", START_MS), avro.call_ended("c1", "e", START_MS + 60_000)
    return tuple(avro.block(record) for record in records)


EVENTS = len(json.loads((pathlib.Path(__file__).parents[2] / "schemas/events/Event.avsc").read_text())["fields"][-1]["type"])  # branches
ENDED = avro.envelope("x", START_MS) + avro.long(avro.CALL_ENDED)
# What is wrong, the record (alone in its block), the reasons it may be refused for.
RECORDS = [
    ("a string that claims 2^34 bytes", avro.long(1 << 34) + b"acme", ("MALFORMED", "TOO_LARGE")),
    ("a string of negative size", avro.long(-5) + b"acme", ("MALFORMED",)),
    ("a string longer than the record", avro.long(100) + b"acme", ("MALFORMED",)),
    ("a string of 5 KiB", avro.string("a" * 5000), ("TOO_LARGE",)),
    ("an enum out of range", avro.call_ended("c1", "x", START_MS, by=4), ("MALFORMED",)),
    ("a negative enum", avro.call_ended("c1", "x", START_MS, by=-1), ("MALFORMED",)),
    ("an event of no branch", avro.envelope("x", START_MS) + avro.long(EVENTS) + avro.string("c1"), ("MALFORMED",)),
    ("a negative branch", avro.envelope("x", START_MS) + avro.long(-1) + avro.string("c1"), ("MALFORMED",)),
    ("a union out of range", ENDED + avro.string("c1") + avro.long(0) + avro.long(2), ("MALFORMED",)),
    ("a number of eleven bytes", b"\xff" * 10 + b"\x01", ("MALFORMED",)),
    ("invalid UTF-8", ENDED + avro.string(b"c\xc3\x28") + avro.long(0) + avro.long(0), ("MALFORMED", "INVALID")),
    ("an empty id", avro.call_ended("", "x", START_MS), ("INVALID",)),
    ("a control character in an id", avro.call_ended("c\x07", "x", START_MS), ("INVALID",)),
    ("a time before 1970", avro.call_ended("c1", "x", -1), ("INVALID",)),
    ("half a record", avro.call_ended("c1", "x", START_MS)[:9], ("MALFORMED",)),
]


def one_bad_record(room, bad, reasons):
    before, after = good_avro()
    room.write("events.avro", avro.header(schema()) + before + avro.block(bad) + after)
    PROGRAM.fold(room.data, room.path / "events.avro", exits=(EXIT_REJECTED,))
    rejected = room.rejected()
    need(len(rejected) == 1, f"{len(rejected)} records are rejected, not 1")
    check_rejection(rejected[0], 1, bad, reasons, "")
    need(room.types() == {"c1": "ABANDONED"}, f"the rest was not folded: {room.types()}")


def bad_block(room, bad):
    """Whatever a block claims, the blocks after the next sync marker are read."""
    before, after = good_avro()
    room.write("events.avro", avro.header(schema()) + before + bad + after)
    PROGRAM.fold(room.data, room.path / "events.avro", exits=(EXIT_REJECTED,))
    need(room.types() == {"c1": "ABANDONED"}, f"the rest was not folded: {room.types()}")
    need(len(room.rejected()) == 1, f"{len(room.rejected())} rejected, not 1")


BLOCKS = [
    ("a block of 2^40 bytes", avro.block(b"x" * 20, size=1 << 40)),
    ("a block of negative size", avro.block(b"x" * 20, size=-1)),
    ("a block of 2^40 records", avro.block(b"x" * 20, count=1 << 40)),
    ("a block of a negative count", avro.block(b"x" * 20, count=-3)),
    ("a wrong sync marker", avro.block(b"x" * 20, sync=b"?" * 16) + avro.SYNC),
    ("bytes behind the last record", avro.block(avro.call_ended("c2", "x", START_MS), b"rest", count=1)),
]


def deflate_bomb(room):
    """A block that would inflate to 1 GiB is damage, not memory."""
    header = avro.header(schema(), codec="deflate")
    bomb = avro.deflated(bytes(1 << 30), count=1 << 29)
    started, ended = avro.call_started("c1", "s", START_MS), avro.call_ended("c1", "e", START_MS + 60_000)
    room.write("events.avro", header + avro.deflated(started) + bomb + avro.deflated(ended))
    PROGRAM.fold(room.data, room.path / "events.avro", exits=(EXIT_REJECTED,))
    need(room.types() == {"c1": "ABANDONED"}, f"the rest was not folded: {room.types()}")


def generated(room, form, calls=300):
    path = room.path / f"generated.{form}"
    PROGRAM.run("generate", "--seed", 5, "--calls", calls, "--format", form, "--out", path)
    return path


def truncated(room):
    whole = generated(room, "avro").read_bytes()
    for cut in (len(whole) - 1, len(whole) * 2 // 3, len(whole) // 3):
        shutil.rmtree(room.data, ignore_errors=True)
        PROGRAM.fold(room.data, room.write("cut.avro", whole[:cut]), exits=(EXIT_REJECTED,))
        reasons = [record["reason"] for record in room.rejected()]
        need(reasons == ["MALFORMED"], f"cut at {cut}: rejected {reasons}")
    done = PROGRAM.fold(room.path / "header", room.write("header.avro", whole[:100]), exits=(EXIT_FAILED,))
    need(b"header.avro" in done.stderr, f"it does not say which file: {done.stderr.decode()}")


def flipped(room):
    whole, rng = generated(room, "avro").read_bytes(), random.Random(38)
    began = time.monotonic()
    for turn in range(60):
        if time.monotonic() - began > 60:
            raise Failed(f"only {turn} of 60 files within a minute")
        bits = bytearray(whole)
        for _ in range(rng.choice((1, 1, 8))):
            bits[rng.randrange(len(bits))] ^= 1 << rng.randrange(8)
        shutil.rmtree(room.data, ignore_errors=True)
        done = PROGRAM.fold(room.data, room.write("flipped.avro", bytes(bits)), exits=(EXIT_DONE, EXIT_REJECTED, EXIT_FAILED))
        if done.returncode != EXIT_FAILED:  # then it was the file's header that was hit
            PROGRAM.run("refold", "--quiet", "--data", room.data)


def garbage(room):
    rng = random.Random(7)
    for size in (1, 3, 100, 70_000):
        shutil.rmtree(room.data, ignore_errors=True)
        PROGRAM.fold(room.data, room.write("garbage", rng.randbytes(size)), exits=(EXIT_REJECTED, EXIT_FAILED))


def evolved(room, old, new, exits):
    """A file whose schema is not ours, field by field."""
    text = schema()
    need(old in text, f"the schema does not hold {old}")
    before, after = good_avro()
    room.write("events.avro", avro.header(text.replace(old, new, 1)) + before + after)
    PROGRAM.fold(room.data, room.path / "events.avro", exits=exits)


def stepped_over(room):
    """Of a block only the records that are bad are rejected, each with its own bytes."""
    text, played = schema(), avro.envelope("p", START_MS) + avro.long(avro.PRE_ROUTING_PLAYED) + avro.string("c1")
    large = avro.call_ended("c" * 5000, "x", START_MS)
    started, ended = avro.call_started("c1", "s", START_MS), avro.call_ended("c1", "e", START_MS + 60_000)
    blocks = avro.block(started, played, large, ended)
    room.write("events.avro", avro.header(text.replace('"PreRoutingPlayed"', '"CallParked"')) + blocks)
    PROGRAM.fold(room.data, room.path / "events.avro", exits=(EXIT_REJECTED,))
    rejected = room.rejected()
    need(len(rejected) == 2, f"{len(rejected)} rejected, not 2")
    check_rejection(rejected[0], 1, played, ("MALFORMED",), "CallParked")
    check_rejection(rejected[1], 2, large, ("TOO_LARGE",), "call_id")
    need(room.types() == {"c1": "ABANDONED"}, f"the rest was not folded: {room.types()}")


def unreadable(room):
    good = room.write("good.jsonl", BEFORE + b"\n" + AFTER)
    done = PROGRAM.fold(room.data, room.path / "missing.jsonl", good, room.path, exits=(EXIT_FAILED,))
    need(b"missing.jsonl" in done.stderr, f"it does not say which file: {done.stderr.decode()}")
    need(room.types() == {"c1": "ABANDONED"}, "the file that can be read was not folded")


def empty(room):
    PROGRAM.fold(room.data, room.write("empty.jsonl", b""), room.write("blank.jsonl", b"\n \n"), exits=(EXIT_DONE,))


def in_use(room):
    events = room.write("events.jsonl", BEFORE + b"\n" + AFTER)
    first = subprocess.Popen([PROGRAM.path, "fold", "--quiet", "--data", room.data, "-"], stdin=subprocess.PIPE)
    try:
        for _ in range(200):
            if (room.data / "inbox").exists() and any((room.data / "inbox").iterdir()):
                break
            time.sleep(0.02)
        done = PROGRAM.fold(room.data, events, exits=(EXIT_AGAIN,))
        need(str(first.pid).encode() in done.stderr, f"it does not say who uses it: {done.stderr.decode()}")
    finally:
        first.communicate(BEFORE + b"\n" + AFTER)
    need(first.returncode == EXIT_DONE, f"the first fold ended with {first.returncode}")
    need(room.types() == {"c1": "ABANDONED"}, "the first fold was disturbed")


def on_tmpfs(room, script):
    """Runs a shell script in a mount namespace of its own; $M is where it may mount, $R the program, $E a file of many events."""
    unshare = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user", "--mount"]
    mount = room.path / "mount"
    mount.mkdir()
    environment = os.environ | {"M": str(mount), "R": PROGRAM.path, "E": str(generated(room, "jsonl", 3000))}
    preamble = "set -u; mount -t tmpfs -o size=3m none $M || { echo cannot mount a tmpfs: needs root or user namespaces; exit 99; }; "
    done = subprocess.run([*unshare, "sh", "-c", preamble + script], env=environment, capture_output=True, timeout=120, check=False)
    said = (done.stdout + done.stderr).decode(errors="replace")
    need(done.returncode == 0, f"ended with {done.returncode}\n{said[-1500:]}")


FULL_DISK = """
$R fold --quiet --data $M/data $E; code=$?
[ $code = 75 ] || { echo "on a full disk it ended with $code, not 75"; exit 1; }
$R fold --quiet --data $M/data $E; code=$?
[ $code = 75 ] || { echo "still full, it ended with $code, not 75"; exit 1; }
mount -o remount,size=900m $M || exit 99
$R fold --quiet --data $M/data $E || { echo "with room again it ended with $?"; exit 1; }
$R refold --quiet --data $M/data --outputs $M/again || { echo "refold ended with $?"; exit 1; }
diff -r $M/data/outputs $M/again || exit 1
"""
READ_ONLY = """
mount -o remount,size=900m $M || exit 99
$R fold --quiet --data $M/data $E || { echo "fold ended with $?"; exit 1; }
cp -r $M/data $M/before
mount -o remount,ro $M || exit 99
$R fold --quiet --data $M/data $E; code=$?
[ $code = 1 ] || { echo "on a read-only disk it ended with $code, not 1"; exit 1; }
diff -r $M/data/outputs $M/before/outputs && cmp $M/data/journal.avro $M/before/journal.avro || exit 1
"""


def replaced(path, old, new):
    content = path.read_bytes()
    need(old in content, f"{path.name} does not hold {old}")
    path.write_bytes(content.replace(old, new))


def newer_journal(room):
    events = room.write("events.jsonl", BEFORE)
    PROGRAM.fold(room.data, events)
    replaced(room.data / "journal.avro", b'"append_time"', b'"append_tick"')
    done = PROGRAM.fold(room.data, room.write("more.jsonl", AFTER), exits=(EXIT_CONFIGURATION,))
    need(b"journal.avro" in done.stderr and b"version" in done.stderr, f"it says: {done.stderr.decode()}")


def newer_state(room):
    PROGRAM.fold(room.data, room.write("events.jsonl", BEFORE))
    for path in (room.data / "state").iterdir():
        content = path.read_bytes()
        path.write_bytes(re.sub(rb"ringback\0\0\0[\x01-\x20]", b"ringback\0\0\0\x63", content))
    done = PROGRAM.fold(room.data, room.write("more.jsonl", AFTER), exits=(EXIT_CONFIGURATION,))
    need(b"newer" in done.stderr, f"it says: {done.stderr.decode()}")


def damaged_journal(room):
    """Damage before the last seal is told, never guessed away; behind it, it is a torn tail."""
    PROGRAM.fold(room.data, generated(room, "jsonl"), batch=50)
    journal = room.data / "journal.avro"
    whole = journal.read_bytes()
    journal.write_bytes(whole + b"torn")
    PROGRAM.fold(room.data, room.write("one.jsonl", BEFORE), exits=(EXIT_DONE, EXIT_REJECTED))
    PROGRAM.run("refold", "--quiet", "--data", room.data)
    shutil.rmtree(room.data / "state")
    journal.write_bytes(whole[:len(whole) // 2] + bytes([whole[len(whole) // 2] ^ 0xFF]) + whole[len(whole) // 2 + 1:])
    done = PROGRAM.fold(room.data, room.write("two.jsonl", AFTER), exits=(EXIT_FAILED,))
    need(b"journal.avro" in done.stderr, f"it says: {done.stderr.decode()}")


TESTS = [
    *((f"a line: {name}", one_bad_line, bad, reasons, word) for name, bad, reasons, word in LINES),
    ("all bad lines in one file", every_bad_line),
    ("a line: from 2038", from_2038),
    *((f"more events than {name} holds", more_than_it_holds, kind, much) for name, kind, much in FULL),
    *((f"Avro: {name}", one_bad_record, bad, reasons) for name, bad, reasons in RECORDS),
    *((f"Avro: {name}", bad_block, bad) for name, bad in BLOCKS),
    ("Avro: bad records between good ones", stepped_over),
    ("Avro: a block that inflates to 1 GiB", deflate_bomb),
    ("Avro: truncated files", truncated),
    ("Avro: 60 files with flipped bits", flipped),
    ("Avro: a schema with a field more than ours", evolved, '"name":"occurred_at"', '"name":"occurred_at"', (EXIT_DONE,)),
    ("Avro: a schema without a field that we need", evolved, '"occurred_at"', '"happened_at"', (EXIT_FAILED,)),
    ("files of random bytes", garbage),
    ("files that cannot be read, and one that can", unreadable),
    ("files without any record", empty),
    ("a data directory in use", in_use),
    ("a full disk", on_tmpfs, FULL_DISK),
    ("a read-only disk", on_tmpfs, READ_ONLY),
    ("a journal of a newer version", newer_journal),
    ("a state of a newer version", newer_state),
    ("a torn and a damaged journal", damaged_journal),
]


def in_room(test, *arguments):
    with tempfile.TemporaryDirectory(prefix="ringback-bad.") as path:
        test(Room(path), *arguments)


def main():
    tap, words = Tap(), sys.argv[1:]
    for name, *test in TESTS:
        if not words or any(word in name for word in words):
            tap.check(name, in_room, *test)
    tap.finish()


if __name__ == "__main__":
    main()
