#!/usr/bin/env python3
"""The program as a person or a script meets it: words, exit codes, formats.

    python3 tests/cli/test_cli.py PATH_TO_RINGBACK [unittest's arguments]

What needs a tool that is missing fails, unless it is switched off by name: RINGBACK_WITHOUT=mandoc. zsh and fish are checked where
they are installed.
"""
import csv
import fcntl
import gzip
import io
import json
import os
import pty
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import fixture  # noqa: E402

RINGBACK = None  # set by main
CODES = (0, 1, 2, 65, 75, 78)


class Result:
    def __init__(self, done):
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr


def ringback(*words, stdin=b"", stdout=subprocess.PIPE, **process):
    done = subprocess.run([RINGBACK, *words], input=stdin, stdout=stdout, stderr=subprocess.PIPE, timeout=120, check=False, **process)
    done.stdout = (done.stdout or b"").decode()
    done.stderr = done.stderr.decode()
    return Result(done)


def commands():
    """The names that --help lists."""
    part = ringback("--help").out.split("Commands:\n")[1].split("\n\n")[0]
    return [line.split()[0] for line in part.splitlines()]


class Cli(unittest.TestCase):
    def good(self, *words, **more):
        result = ringback(*words, **more)
        self.assertEqual((result.code, result.err), (0, ""), words)
        return result.out

    def bad(self, code, pattern, *words, **more):
        """It ends with `code`, and one line of standard error matches."""
        result = ringback(*words, **more)
        self.assertEqual(result.code, code, (words, result.err))
        self.assertRegex(result.err, pattern)
        self.assertEqual(len(result.err.splitlines()), 1, result.err)
        return result

    def tool(self, name):
        path = shutil.which(name)
        if path:
            return path
        if name in os.environ.get("RINGBACK_WITHOUT", "").split(","):
            self.skipTest(f"{name} is switched off")
        self.fail(f"{name} is not installed; RINGBACK_WITHOUT={name} switches this test off")


class Words(Cli):
    def test_help_of_all(self):
        text = self.good("--help")
        for name in ("fold", "followups", "calls", "command", "dump", "schemas", "generate", "completion", "man"):
            self.assertIn(name, commands())
        self.assertNotIn("refold", commands())
        self.assertEqual(text, self.good("help"))
        for code in CODES:
            self.assertRegex(text, rf"(?m)^ +{code}  \S")

    def test_switches_for_tests_are_hidden(self):
        shown = [self.good("fold", "--help"), self.good("man").replace("\\", "")]
        shown += [self.good("completion", shell) for shell in ("bash", "zsh", "fish")]
        for name in ("batch", "append-time", "journal-id"):
            self.assertEqual([name in text for text in shown], [False] * 5, name)
            self.bad(2, rf"--{name} needs a value", "fold", f"--{name}")

    def test_summaries_look_alike(self):
        for name in [*commands(), "refold"]:
            self.assertRegex(self.good(name, "--help").splitlines()[0], rf"^ringback {name}: [a-z]")

    def test_help_of_each(self):
        for name in [*commands(), "refold"]:
            with self.subTest(name):
                text = self.good(name, "--help")
                self.assertEqual(text, self.good("help", name))
                self.assertEqual(text, self.good(name, "--help", "--no-such-option"))
                self.assertRegex(text, rf"(?s)Usage: ringback {name}.*Options:.*--help.*Examples:\n  [^\n]*ringback {name}.*Exit codes:")
                self.assertLessEqual(max(len(line) for line in text.split("Examples:")[0].splitlines()), 100)
                self.assertNotRegex(text, r"(?m)[ \t]+$")

    def test_version(self):
        first, second = self.good("--version").splitlines()
        self.assertRegex(first, r"^ringback \d+\.\d+\.\d+$")
        for library in ("Avro C", "LMDB", "Jansson", "GLib"):
            self.assertRegex(second, rf"{library} \d")

    def test_some_of_the_cores(self):
        """A process that may use some of the cores, as in a container, says no more than another."""
        one = {min(os.sched_getaffinity(0))}
        self.good("--version", preexec_fn=lambda: os.sched_setaffinity(0, one))

    def test_no_command(self):
        result = ringback()
        self.assertEqual((result.code, result.out), (2, ""))
        self.assertIn("Usage:", result.err)

    def test_wrong_words(self):
        self.bad(2, r'unknown command "follow-ups"\. Did you mean followups\?', "follow-ups")
        self.bad(2, r'unknown command "zzz"\. See ringback --help', "zzz")
        self.bad(2, r"unknown option --data\. Options come after a command", "--data", "x")
        self.bad(2, r"^ringback calls: unknown option --dta\. Did you mean --data\?", "calls", "--dta", "x")
        self.bad(2, r"--data DIR is required: the data directory that ringback fold writes\.", "calls")
        self.bad(2, r"--data DIR is required: the data directory\.", "fold")
        self.bad(2, r'--limit must be a whole number from 0, not "few"', "calls", "--data", "x", "--limit", "few")
        self.bad(2, r'--format must be one of table, json, csv, not "xml"', "calls", "--data", "x", "--format", "xml")
        self.bad(2, r'--from must be a time such as .*; not "noon"', "calls", "--data", "x", "--from", "noon")
        self.bad(2, r"--age-min 2h is longer than --age-max 1h", "followups", "--data", "x", "--age-min", "2h", "--age-max", "1h")
        self.bad(2, r'--age-min must be a duration such as .*, not "2"', "followups", "--data", "x", "--age-min", "2")
        self.bad(2, r'unexpected argument "extra"', "calls", "--data", "x", "extra")

    def test_every_option_is_checked(self):
        for name in commands():
            with self.subTest(name):
                self.bad(2, rf"^ringback {name}: unknown option --no-such-option", name, "--no-such-option")

    def test_no_data_directory(self):
        for name in ("followups", "calls"):
            self.bad(1, r"/no/such/place: no such directory\. ringback fold --data", name, "--data", "/no/such/place")
        with tempfile.TemporaryDirectory() as empty:
            result = ringback("followups", "--data", empty)
            self.assertNotEqual(result.code, 0)
            self.assertIn(empty, result.err)
            self.assertEqual(os.listdir(empty), [])

    def test_nothing_is_made_for_nothing(self):
        with tempfile.TemporaryDirectory() as room:
            data, table = os.path.join(room, "data"), os.path.join(room, "table.txt")
            with open(table, "w", encoding="utf-8") as file:
                file.write("id;tenant\n1;acme\n")
            self.bad(1, r"missing\.jsonl", "fold", "--data", data, os.path.join(room, "missing.jsonl"))
            self.assertEqual(len(ringback("fold", "--data", data, room + "/missing.jsonl", table).err.splitlines()), 2)
            self.assertEqual(os.listdir(room), ["table.txt"])
            self.bad(2, r"holds other files and no data of ringback's\. Give a new or an empty directory", "fold", "--data", room, "-")
            self.assertEqual(os.listdir(room), ["table.txt"])
            os.mkdir(data)
            os.mkdir(os.path.join(data, "lost+found"))
            self.assertEqual(ringback("fold", "--data", data, "-").code, 0)

    def test_what_is_no_input(self):
        with tempfile.TemporaryDirectory() as room:
            data, events, packed = (os.path.join(room, name) for name in ("data", "events.jsonl", "events.jsonl.gz"))
            fixture.write(events)
            with open(events, "rb") as plain, gzip.open(packed, "wb") as file:
                file.write(plain.read())
            ringback("fold", "--data", data, events)
            again = r"To fold the events of a journal again: ringback dump --event-form \S*journal\.avro \| ringback fold --data NEW -$"
            fold = ("fold", "--data", os.path.join(room, "new"))
            self.bad(1, r"missing: no such file\. Check the path", *fold, os.path.join(room, "missing"))
            self.bad(1, r"is a journal, not a file of events\. " + again, *fold, os.path.join(data, "journal.avro"))
            self.bad(1, r"is what a fold wrote, not a file of events\. " + again, *fold, os.path.join(data, "outputs", "followups.avro"))
            self.bad(1, r"is compressed\. Fold what is in it: zcat \S*\.gz \| ringback fold --data DIR -$", *fold, packed)
            self.bad(1, r"not an Avro container file\. ringback dump prints", "dump", events)
            self.bad(1, r"/no: no such directory\. ringback fold --data \S* FILE makes one", "refold", "--data", room + "/no")

    @unittest.skipUnless(os.geteuid() == 0, "only root can be somebody else")
    def test_without_rights(self):
        with tempfile.TemporaryDirectory() as room:
            os.chmod(room, 0o755)
            data, events, foreign = (os.path.join(room, name) for name in ("data", "events.jsonl", "foreign"))
            fixture.write(events)
            os.mkdir(foreign, 0o755)
            self.assertEqual(ringback("fold", "--data", data, events).code, 0)
            denied = r": Permission denied\. Run as the user who owns it"
            self.bad(1, r"cannot read \S*/data/state" + denied, "followups", "--data", data, user=65534)
            self.bad(1, r"cannot write in the data directory \S*" + denied, "fold", "--data", foreign, events, user=65534)
            self.bad(1, r"cannot open \S*journal\.avro" + denied, "refold", "--data", data, user=65534)

    def test_closed_pipe_is_quiet(self):
        for inherited in (signal.SIG_DFL, signal.SIG_IGN):
            read, write = os.pipe()
            os.close(read)
            with os.fdopen(write, "wb") as out:
                done = subprocess.run([RINGBACK, "man"], stdout=out, stderr=subprocess.PIPE, timeout=60, check=False, restore_signals=False,
                                      preexec_fn=lambda: signal.signal(signal.SIGPIPE, inherited))
            self.assertIn(done.returncode, (0, -signal.SIGPIPE))
            self.assertEqual(done.stderr, b"")

    def test_full_disk_is_said(self):
        with open("/dev/full", "wb") as full:
            self.bad(1, r"^ringback man: cannot write to standard output: No space left on device", "man", stdout=full)


class Made(Cli):
    """The man page and the completions, made from the same tables."""

    def test_man(self):
        page = self.good("man")
        lint = subprocess.run([self.tool("mandoc"), "-T", "lint", "-W", "style"], input=page.encode(), stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False)
        self.assertEqual((lint.returncode, lint.stdout.decode()), (0, ""))
        for name in commands():
            escaped = name.replace("-", "\\-")
            self.assertIn(f".SS ringback {escaped} ", page)
            for option in re.findall(r"--([a-z-]+)", self.good(name, "--help").split("Options:")[1].split("Examples:")[0]):
                self.assertIn("\\-\\-" + option.replace("-", "\\-"), page, name)
        for code in CODES:
            self.assertIn(f".TP\n{code}\n", page)

    def parses(self, shell, path, check):
        with tempfile.NamedTemporaryFile("w", suffix="." + shell) as file:
            file.write(self.good("completion", shell))
            file.flush()
            done = subprocess.run([path, check, file.name], stderr=subprocess.PIPE, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, b""))

    def test_bash_parses(self):
        self.parses("bash", self.tool("bash"), "-n")

    @unittest.skipUnless(shutil.which("zsh"), "zsh is not installed")
    def test_zsh_parses(self):
        self.parses("zsh", "zsh", "-n")

    @unittest.skipUnless(shutil.which("fish"), "fish is not installed")
    def test_fish_parses(self):
        self.parses("fish", "fish", "--no-execute")

    def complete(self, *words):
        """What bash offers for the last word."""
        script = self.good("completion", "bash") + """
            COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _ringback 2>/dev/null; printf "%s\\n" "${COMPREPLY[@]}" """
        done = subprocess.run([self.tool("bash"), "--norc", "-c", script, "bash", *words], stdout=subprocess.PIPE, check=True)
        return done.stdout.decode().split()

    def test_bash_completes(self):
        self.assertEqual(self.complete("ringback", "foll"), ["followups"])
        self.assertEqual(set(self.complete("ringback", "")), {*commands(), "help", "--help", "--version"})
        self.assertEqual(self.complete("ringback", "followups", "--age-"), ["--age-min", "--age-max"])
        self.assertEqual(self.complete("ringback", "followups", "--format", ""), ["table", "json", "csv"])
        self.assertEqual(self.complete("ringback", "calls", "-f", "c"), ["csv"])
        self.assertEqual(self.complete("ringback", "completion", ""), ["bash", "zsh", "fish"])
        self.assertEqual(self.complete("ringback", "command", "set"), ["set-status"])

    def test_unknown_shell(self):
        self.bad(2, r'unknown "tcsh"\. Did you mean .*Choose bash, zsh or fish\.', "completion", "tcsh")
        self.bad(2, r"SHELL is missing", "completion")


class Schemas(Cli):
    def test_list_and_print(self):
        names = [line.split()[0] for line in self.good("schemas").splitlines()]
        self.assertEqual(self.good("schemas"), self.good("schemas", "--list"))
        for name in ("Event", "JournalRecord", "Followup", "CommandResult"):
            self.assertIn(name, names)
        for name in names:
            self.assertEqual(json.loads(self.good("schemas", name))["name"].split(".")[-1], name)

    def test_write(self):
        with tempfile.TemporaryDirectory() as out:
            text = self.good("schemas", "--out", os.path.join(out, "new"))
            files = [os.path.join(place, name) for place, _, names in os.walk(out) for name in names]
            self.assertIn(f"{len(files)} schemas written", text)
            for file in files:
                with open(file, encoding="utf-8") as opened:
                    self.assertIn("type", json.load(opened), file)

    def test_unknown(self):
        self.bad(2, r'there is no schema "Nothing"\. There are: .*Event', "schemas", "Nothing")
        self.bad(2, r"not two of them", "schemas", "Event", "--out", "x")


class Data(Cli):
    """One data directory, folded once from fixture.py and only read."""

    @classmethod
    def setUpClass(cls):
        cls.room = tempfile.TemporaryDirectory()
        cls.data = os.path.join(cls.room.name, "data")
        cls.events = os.path.join(cls.room.name, "events.jsonl")
        fixture.write(cls.events)
        result = ringback("fold", "--data", cls.data, cls.events)
        assert result.code == 0, result.err

    @classmethod
    def tearDownClass(cls):
        cls.room.cleanup()

    def followups(self, *words):
        text = self.good("followups", "--data", self.data, "--format", "json", *words)
        return [json.loads(line) for line in text.splitlines()]

    def ids(self, *words):
        return [row["follow_up"] for row in self.followups(*words)]

    def test_json(self):
        newest, _, oldest = self.followups()
        self.assertEqual((newest["follow_up"], oldest["follow_up"]), ("ab-c3", "ab-c1"))
        self.assertEqual((oldest["status"], oldest["tab"], oldest["duration_ms"]), ("NEW", "OPEN", 125000))
        self.assertEqual(oldest["customer_name"], fixture.FORMULA)
        self.assertNotIn("position", oldest)
        self.assertEqual(oldest["age_ms"] - newest["age_ms"], (15 * 60 + 30 - 125) * 1000)

    def test_filters(self):
        for words, ids in (
            (("--tab", "cold,done"), []),
            (("--tab", "open", "--kind", "abandoned"), ["ab-c3", "ab-c2", "ab-c1"]),
            (("--kind", "second-chance"), []),
            (("--status", "new"), ["ab-c3", "ab-c2", "ab-c1"]),
            (("--status", "RESOLVED", "--status", "dismissed"), []),
            (("--duration-min", "45s"), ["ab-c2", "ab-c1"]),
            (("--duration-min", "30s", "--duration-max", "45s"), ["ab-c3", "ab-c2"]),
            (("--age-max", "48m"), ["ab-c3"]),
            (("--age-min", "49m", "--age-max", "50m"), ["ab-c2"]),
            (("--account", "acme"), ["ab-c3", "ab-c2", "ab-c1"]),
            (("--tenant", "nobody"), []),
            (("--customer", "hyperlink"), ["ab-c1"]),
            (("--customer", "CU2"), ["ab-c2"]),
            (("--customer", "5550101"), ["ab-c1"]),
            (("--queue", "SALES", "--customer", "ada"), ["ab-c2"]),
            (("--campaign", 'spring "25'), ["ab-c3", "ab-c2", "ab-c1"]),
            (("--campaign", "autumn"), []),
            (("--type", "abandoned,missed"), ["ab-c3", "ab-c2", "ab-c1"]),
            (("--type", "unbooked"), []),
            (("--agent", "sam"), []),
            (("--notes", "x"), []),
            (("--reason", "x"), []),
            (("--sort", "-age"), ["ab-c1", "ab-c2", "ab-c3"]),
            (("--sort", "duration", "--limit", "1"), ["ab-c3"]),
            (("--limit", "0"), []),
        ):
            with self.subTest(words):
                self.assertEqual(self.ids(*words), ids)

    def test_csv(self):
        text = self.good("followups", "--data", self.data, "--format", "csv", "--sort", "-age")
        self.assertTrue(all(line.endswith("\r\n") for line in io.StringIO(text, newline="").readlines()))
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
        self.assertEqual([row["Follow-up"] for row in rows], ["ab-c1", "ab-c2", "ab-c3"])
        self.assertEqual(rows[0]["Customer"], "'" + fixture.FORMULA)
        self.assertEqual(rows[0]["Campaign"], 'Spring "25"')
        self.assertEqual(rows[0]["Account"], "Acme, Inc.")
        self.assertEqual((rows[0]["Duration"], rows[0]["Call time"]), ("0:02:05", "2025-03-01T09:00:00.000Z"))
        self.assertEqual(rows[0]["Status"], "NEW")
        calls = csv.DictReader(io.StringIO(self.good("calls", "--data", self.data, "--format", "csv", "--id", "c1"), newline=""))
        self.assertEqual(next(calls)["From"], "+12025550101")

    def test_table(self):
        text = self.good("followups", "--data", self.data)
        lines = text.splitlines()
        self.assertTrue(lines[0].startswith("Follow-up"))
        self.assertRegex(lines[3], r"^ab-c1 .* Open .* New .* 2m 05s .*Acme, Inc\..*HYPERLINK")
        self.assertRegex(text, r"\n3 follow-ups as of 2025-03-01T\S+Z \(stream time\)\.\n$")
        self.assertNotIn("\x1b", text)
        self.assertNotRegex(text, r"(?m) +$")
        self.assertEqual(self.good("followups", "--data", self.data, "--tab", "withdrawn"), "No follow-ups match.\n")
        self.assertEqual(self.good("calls", "--data", self.data, "--id", "none"), "No calls match.\n")

    def on_terminal(self, columns, *words):
        leader, follower = pty.openpty()
        fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        with subprocess.Popen([RINGBACK, *words], stdout=follower) as process:
            os.close(follower)
            text = b""
            while True:
                try:
                    part = os.read(leader, 4096)
                except OSError:  # the other side is gone
                    break
                if not part:
                    break
                text += part
            self.assertEqual(process.wait(), 0)
        os.close(leader)
        return text.decode().replace("\r\n", "\n")

    def test_terminal(self):
        narrow = self.on_terminal(80, "followups", "--data", self.data)
        table, hint = narrow.split("\n\n")[:2]
        self.assertLessEqual(max(len(line) for line in table.splitlines()), 80)
        self.assertIn("ab-c1", table)
        self.assertRegex(hint, r"^Not shown for lack of room: .*Version.*--format csv")
        self.assertNotIn("Not shown", self.on_terminal(400, "followups", "--data", self.data))

    def test_calls(self):
        def types(*words):
            text = self.good("calls", "--data", self.data, "--format", "json", *words)
            return {call["call_id"]: call["type"] for call in map(json.loads, text.splitlines())}
        everything = {"c1": "ABANDONED", "c2": "ABANDONED", "c3": "ABANDONED", "c4": "BOOKED", "c5": "IN_PROGRESS"}
        self.assertEqual(types(), everything)
        self.assertEqual(list(types()), sorted(everything))
        self.assertEqual(list(types("--type", "booked,in-progress")), ["c4", "c5"])
        self.assertEqual(list(types("--from", "2025-03-01T09:10:00Z", "--to", "2025-03-01T09:20:00Z")), ["c2", "c3"])
        self.assertEqual(list(types("--from", "2025-03-02")), [])
        self.assertEqual(list(types("--caller", "50104")), ["c4"])
        self.assertEqual(list(types("--agent", "sam")), ["c4"])
        self.assertEqual(list(types("--limit", "2")), ["c1", "c2"])
        self.assertEqual(list(types("--account", "nobody")), [])

    def test_balance(self):
        text = self.good("calls", "--data", self.data, "--balance")
        self.assertRegex(text, r"(?m)^Abandoned +3$")
        self.assertIn("It adds up", text)
        for form in ("json", "csv"):
            text = self.good("calls", "--data", self.data, "--balance", "--format", form)
            if form == "json":
                counts = {row["type"]: row["calls"] for row in map(json.loads, text.splitlines())}
            else:
                counts = {row["Type"]: int(row["Calls"]) for row in csv.DictReader(io.StringIO(text, newline=""))}
            self.assertEqual((counts.pop("STARTED"), sum(counts.values())), (5, 5))
            self.assertEqual((counts["BOOKED"], counts["IN_PROGRESS"]), (1, 1))

    def test_dump(self):
        journal = os.path.join(self.data, "journal.avro")
        records = [json.loads(line) for line in self.good("dump", journal).splitlines()]
        self.assertGreater(len(records), len(list(fixture.events())))
        outputs = os.path.join(self.data, "outputs")
        for name in sorted(os.listdir(outputs)):
            for line in self.good("dump", os.path.join(outputs, name)).splitlines():
                json.loads(line)
        rows = self.good("dump", os.path.join(outputs, "followups.avro")).splitlines()
        self.assertEqual(len(rows), 3)
        self.assertEqual(len(self.good("dump", journal, journal, "--limit", "5").splitlines()), 5)
        self.bad(1, r"--event-form is for journals", "dump", "--event-form", os.path.join(outputs, "followups.avro"))

    def test_dumped_events_fold_again(self):
        text = self.good("dump", "--event-form", os.path.join(self.data, "journal.avro"))
        self.assertEqual(len(text.splitlines()), len(list(fixture.events())))
        self.assertEqual(json.loads(text.splitlines()[0])["type"], "TenantChanged")
        with tempfile.TemporaryDirectory() as room:
            again, data = os.path.join(room, "again.jsonl"), os.path.join(room, "data")
            with open(again, "w", encoding="utf-8") as file:
                file.write(text)
            self.assertEqual(ringback("fold", "--data", data, again).code, 0)
            self.assertEqual(self.good("followups", "--data", data, "--format", "json"),
                             self.good("followups", "--data", self.data, "--format", "json"))

    def test_dump_of_what_is_not_ours(self):
        self.bad(1, r"/no/such: No such file", "dump", "/no/such")
        self.bad(1, r"not a file", "dump", self.data)
        self.bad(1, r"not an Avro container file", "dump", self.events)
        with tempfile.TemporaryDirectory() as room:
            other, empty, cut = (os.path.join(room, name) for name in ("other.avro", "empty.avro", "cut.avro"))
            schema = b'{"type":"record","name":"Invoice","fields":[{"name":"id","type":"string"}]}'
            with open(other, "wb") as file:  # magic, one pair of metadata (lengths are zigzag varints), end, sync marker
                size = bytes([len(schema) * 2 & 0x7F | 0x80, len(schema) * 2 >> 7])
                file.write(b"Obj\x01\x02\x16avro.schema" + size + schema + b"\x00" + b"s" * 16)
            self.bad(1, r"its schema is Invoice, which is none of Ringback's", "dump", other)
            with open(empty, "wb"):
                pass
            self.bad(1, r"empty", "dump", empty)
            with open(os.path.join(self.data, "journal.avro"), "rb") as whole, open(cut, "wb") as file:
                file.write(whole.read()[:-20])
            self.bad(1, r"ends inside the block at byte \d+", "dump", cut)
        self.bad(2, r"FILE\.\.\. is missing", "dump")


class Snapshots(Cli):
    """A service's state, as far as snapshots go: a data directory under the partition's number. No broker is asked."""

    def setUp(self):
        room = tempfile.TemporaryDirectory()
        self.addCleanup(room.cleanup)
        self.room = room.name
        self.data = os.path.join(self.room, "states/0")
        self.state = os.path.join(self.data, "state")
        self.snapshots = os.path.join(self.room, "snapshots/0")
        self.config = self.configure("ringback.yaml", f"snapshot:\n  dir: {self.room}/snapshots\n")
        events = os.path.join(self.room, "events.jsonl")
        fixture.write(events)
        os.makedirs(self.data)
        self.good("fold", "--quiet", "--data", self.data, events)

    def configure(self, name, more=""):
        path = os.path.join(self.room, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"brokers: localhost:1\npartitions: 2\nstate:\n  dir: {self.room}/states\n{more}")
        return path

    def shown(self):
        """What the state holds, where there is one."""
        return self.good("calls", "--data", self.data, "--format", "json")

    def fold_more(self):
        line = {"type": "QueueChanged", "tenant": "acme", "event_id": "more", "occurred_at": "2025-03-01T12:00:00Z", "queue": "q", "name": "Q"}
        self.good("fold", "--quiet", "--data", self.data, "-", stdin=json.dumps(line).encode())

    def snapshot(self):
        said = self.good("snapshot", "-c", self.config)
        self.assertRegex(said, r"^partition 0: seal \d+\npartition 1: nothing new\n$")
        return int(said.split()[3])

    def restore(self, *words):
        return "restore", "-c", self.config, "--partition", "0", *words

    def test_no_such_partition(self):
        for command in ("snapshot", "restore", "repair"):
            self.bad(2, rf"^ringback {command}: --partition 99: there are partitions 0 to 1\.$", command, "-c", self.config, "-p", "99")
        self.assertFalse(os.path.exists(self.snapshots))

    def test_without_a_snapshot_the_state_is_left(self):
        before = self.shown()
        without = self.configure("without.yaml")
        self.bad(78, "snapshot.dir is not set", "restore", "-c", without, "--partition", "0")
        self.bad(1, r"there is no snapshot of partition 0 below .*/snapshots that opens\. Nothing was changed\.", *self.restore())
        self.snapshot()
        (name,) = os.listdir(self.snapshots)
        for damage in (b"", b"x" * 9000):
            with open(os.path.join(self.snapshots, name, "data.mdb"), "wb") as file:
                file.write(damage)
            self.bad(1, "there is no snapshot of partition 0", *self.restore("--discard-newer"))
        self.assertEqual(self.shown(), before)

    def test_a_lost_disk(self):
        before, seal = self.shown(), self.snapshot()
        shutil.rmtree(os.path.join(self.room, "states"))
        self.assertEqual(self.good(*self.restore()), f"partition 0: restored as of seal {seal}\n")
        self.assertEqual(self.shown(), before)
        self.assertEqual(sorted(os.listdir(self.state)), ["OWNER", "STATE", "data.mdb", "lock.mdb"])
        self.assertEqual(os.stat(self.data).st_mode & 0o777, 0o700)

    def test_a_newer_state_is_left(self):
        seal = self.snapshot()
        self.fold_more()
        self.bad(1, rf"0/state stands at seal \d+, the newest snapshot at seal {seal}: nothing was changed\..*--discard-newer", *self.restore())
        newer = self.snapshot()
        self.assertGreater(newer, seal)
        self.assertEqual(self.good(*self.restore()), f"partition 0: restored as of seal {newer}\n")
        shutil.rmtree(os.path.join(self.snapshots, f"{newer:020}"))
        self.assertEqual(self.good(*self.restore("--discard-newer")), f"partition 0: restored as of seal {seal}\n")
        self.assertEqual(self.good(*self.restore()), f"partition 0: restored as of seal {seal}\n")

    def test_a_state_that_does_not_open(self):
        before, seal = self.shown(), self.snapshot()
        self.fold_more()
        with open(os.path.join(self.state, "STATE"), "w", encoding="utf-8") as file:
            file.write("dirty damaged\n")
        self.assertEqual(self.good(*self.restore()), f"partition 0: restored as of seal {seal}\n")
        self.assertEqual(self.shown(), before)

    def test_another_partitions(self):
        self.snapshot()
        os.rename(self.snapshots, os.path.join(self.room, "snapshots/1"))
        self.bad(1, "there is no snapshot of partition 1", "restore", "-c", self.config, "--partition", "1")
        os.rename(self.data, os.path.join(self.room, "states/1"))
        shutil.rmtree(os.path.join(self.room, "snapshots"))
        self.assertEqual(self.good("snapshot", "-c", self.config, "-p", "1"), "partition 1: nothing new\n")
        self.assertEqual(os.listdir(os.path.join(self.room, "snapshots/1")), [])

    def test_a_state_in_use(self):
        before = self.shown()
        self.snapshot()
        with open(os.path.join(self.state, "OWNER"), "rb") as owner:
            fcntl.flock(owner, fcntl.LOCK_EX)
            self.bad(75, "0/state is owned by process", *self.restore())
        self.assertEqual(self.shown(), before)


class Age(Cli):
    def test_a_call_within_the_lateness_is_new(self):
        """Stream time is five seconds behind the last event."""
        with tempfile.TemporaryDirectory() as room:
            data, events = os.path.join(room, "data"), os.path.join(room, "events.jsonl")
            with open(events, "w", encoding="utf-8") as file:
                for call_id, clock in (("c1", "09:00:00"), ("c2", "09:00:02")):
                    for event in fixture.call(call_id, clock, "+12025550101", "09:01:0" + clock[-1], "CALLER"):
                        print(json.dumps(event), file=file)
            self.assertEqual(ringback("fold", "--data", data, events).code, 0)
            rows = [json.loads(line) for line in self.good("followups", "--data", data, "--format", "json").splitlines()]
            self.assertEqual([(row["follow_up"], row["age_ms"]) for row in rows], [("ab-c2", 0), ("ab-c1", 0)])
            self.assertRegex(self.good("followups", "--data", data), r"\n\S*ab-c1 .* 0s ")
            self.assertEqual(len(self.good("followups", "--data", data, "--age-min", "0s", "--format", "json").splitlines()), 2)


class Commands(Cli):
    """Each test has a data directory of its own."""

    def setUp(self):
        room = tempfile.TemporaryDirectory()
        self.addCleanup(room.cleanup)
        self.data = os.path.join(room.name, "data")
        events = os.path.join(room.name, "events.jsonl")
        fixture.write(events)
        self.assertEqual(ringback("fold", "--data", self.data, events).code, 0)

    def words(self, action, *more, actor=fixture.PERSON, row="ab-c1"):
        follow_up = ("--follow-up", row) if row else ()
        return ("command", action, "--data", self.data, "--tenant", "acme", "--actor", actor, *follow_up, *more)

    def row(self, row="ab-c1"):
        text = self.good("followups", "--data", self.data, "--format", "json")
        return next(each for each in map(json.loads, text.splitlines()) if each["follow_up"] == row)

    def rejected(self, pattern, *words):
        result = ringback(*words)
        self.assertEqual((result.code, result.err), (65, ""), result.out)
        self.assertRegex(result.out, r"^command \S+: REJECTED, " + pattern)

    def test_life_of_a_row(self):
        self.assertRegex(self.good(*self.words("start-callback")), r"^command [0-9a-f]{32}: ACCEPTED, version 2\n$")
        self.assertEqual(self.row()["status"], "CONTACT_ATTEMPTED")
        self.good(*self.words("add-note", "--note", "Call after 5 pm", "--expected-version", "2"))
        self.good(*self.words("assign", "--assignee", "robin"))
        row = self.row()
        self.assertEqual((row["assignee"], row["notes"][0]["text"], row["version"]), ("robin", "Call after 5 pm", 4))
        self.good(*self.words("assign"))
        self.assertNotIn("assignee", self.row())
        self.good(*self.words("set-status", "--status", "resolved"))
        self.assertEqual((self.row()["tab"], self.row()["outcome"]), ("DONE", "RESOLVED"))
        self.good(*self.words("reopen"))
        self.assertEqual(self.row()["status"], "CONTACT_ATTEMPTED")
        self.good(*self.words("dismiss"))
        self.assertEqual(self.row()["outcome"], "DISMISSED")
        text = self.good("followups", "--data", self.data, "--notes", "after 5", "--tab", "done", "--format", "json")
        self.assertEqual(json.loads(text)["follow_up"], "ab-c1")

    def test_rejections(self):
        self.rejected(r"NOT_PERMITTED\. The actor has no role", *self.words("dismiss", actor=fixture.GUEST))
        self.rejected(r"UNKNOWN_FOLLOW_UP\. There is no such", *self.words("dismiss", row="ab-none"))
        self.rejected(r"VERSION_CONFLICT\. Somebody else was faster", *self.words("dismiss", "--expected-version", "9"))
        self.rejected(r"INVALID_VALUE\. ", *self.words("reopen"))
        self.rejected(r"MALFORMED\. ", *self.words("dismiss", "--at", "9000-01-01"))
        self.assertEqual(self.row()["version"], 1)

    def test_the_same_id_is_done_once(self):
        words = self.words("add-note", "--note", "once", "--command-id", "k1")
        first, second = self.good(*words), self.good(*words)
        self.assertEqual((first, second), ("command k1: ACCEPTED, version 2\n",) * 2)
        self.assertEqual(len(self.row()["notes"]), 1)

    def test_settings(self):
        self.good(*self.words("change-settings", "link_days=7", "resolve_on_booking=off", row=None))
        self.rejected("NOT_PERMITTED", *self.words("change-settings", "link_days=7", "second_chance.enabled=on", row=None))
        self.rejected("INVALID_VALUE", *self.words("change-settings", "link_days=700", row=None))
        self.rejected("INVALID_VALUE", *self.words("change-settings", "colour=red", row=None))
        self.rejected("NOT_PERMITTED", *self.words("change-settings", "link_days=7", row=None, actor=fixture.GUEST))

    def test_json(self):
        command = {"type": "SetStatus", "tenant": "acme", "command_id": "j1", "occurred_at": "2025-03-01T11:00:00Z", "actor": "kim",
                   "follow_up": "ab-c2", "status": "FOLLOW_UP_NEEDED"}
        text = self.good("command", "--data", self.data, "--format", "json", "--json", "-", stdin=(json.dumps(command) + "\n").encode())
        result = json.loads(text)
        self.assertEqual((result["command_id"], result["verdict"], result["version"]), ("j1", "ACCEPTED", 2))
        self.assertEqual(self.row("ab-c2")["status"], "FOLLOW_UP_NEEDED")
        del command["follow_up"]
        self.bad(2, r"--json: .*follow_up", "command", "--data", self.data, "--json", json.dumps(command))
        self.bad(2, r"QueueEntered is no command", "command", "--data", self.data, "--json",
                 json.dumps(fixture.event("QueueEntered", "q", "11:00:00", call_id="c1", queue="sales")))
        self.bad(2, r"standard input holds no line", "command", "--data", self.data, "--json", "-")

    def test_wrong_words(self):
        self.bad(2, r"say what to do: set-status", "command", "--data", self.data)
        self.bad(2, r'unknown "set-statos"\. Did you mean set-status\?', *self.words("set-statos"))
        self.bad(2, r"set-status needs --status", *self.words("set-status"))
        self.bad(2, r"dismiss takes no --note", *self.words("dismiss", "--note", "x"))
        self.bad(2, r"dismiss needs --follow-up", *self.words("dismiss", row=None))
        self.bad(2, r"change-settings takes no --follow-up", *self.words("change-settings", "a=b"))
        self.bad(2, r"should be KEY=VALUE", *self.words("change-settings", "link_days", row=None))
        self.bad(2, r"give dismiss or --json, not both", *self.words("dismiss", "--json", "{}"))
        self.bad(2, r"--status must be one of NEW", *self.words("set-status", "--status", "WITHDRAWN"))
        self.assertEqual(self.row()["version"], 1)

    def test_beside_a_fold(self):
        """Only one program writes; others may read."""
        with subprocess.Popen([RINGBACK, "fold", "--quiet", "--data", self.data], stdin=subprocess.PIPE) as fold:
            inbox = os.path.join(self.data, "inbox")
            while fold.poll() is None and not os.listdir(inbox):  # until it owns the directory and reads its input
                time.sleep(0.01)
            result = ringback(*self.words("start-callback"))
            self.assertEqual(result.code, 75)
            self.assertRegex(result.err, r"^ringback command: .*owned by process \d+")
            self.assertEqual(self.row()["follow_up"], "ab-c1")
            fold.stdin.close()
            self.assertEqual(fold.wait(), 0)
        self.good(*self.words("add-note", "--note", "free again"))

    def test_no_data_directory(self):
        words = [word if word != self.data else "/no/such/place" for word in self.words("dismiss")]
        self.bad(1, r"/no/such/place", *words)
        self.assertFalse(os.path.exists("/no/such/place"))


class Generated(Cli):
    """Not three calls but some thousand: more rows than a table measures at once."""

    def setUp(self):
        room = tempfile.TemporaryDirectory()
        self.addCleanup(room.cleanup)
        self.room = room.name

    def generate(self, form, *more):
        path = os.path.join(self.room, "events." + form)
        result = ringback("generate", "--format", form, "--out", path, *more)
        self.assertEqual(result.code, 0, result.err)
        return path

    def test_dump_of_events(self):
        lines, container = self.generate("jsonl", "--days", "1"), self.generate("avro", "--days", "1")
        with open(lines, encoding="utf-8") as file:
            text = file.read()
        self.assertEqual(self.good("dump", "--event-form", container), text)
        self.assertEqual(self.good("dump", "--limit", "3", container).splitlines(), text.splitlines()[:3])

    def test_many(self):
        data = os.path.join(self.room, "data")
        self.assertEqual(ringback("fold", "--data", data, self.generate("avro", "--calls-per-day", "2000", "--days", "4")).code, 0)
        followups = ("followups", "--data", data, "--format")
        rows = list(csv.DictReader(io.StringIO(self.good(*followups, "csv"), newline="")))
        self.assertGreater(len(rows), 1000)
        table = self.good(*followups, "table").splitlines()
        self.assertEqual([line.split()[0] for line in table[1:len(rows) + 1]], [row["Follow-up"] for row in rows])
        everyone = self.good(*followups, "json", "--sort", "-duration").splitlines()
        self.assertEqual(self.good(*followups, "json", "--sort", "-duration", "--limit", "7").splitlines(), everyone[:7])
        durations = [json.loads(line)["duration_ms"] for line in everyone]
        self.assertEqual(durations, sorted(durations, reverse=True))
        ages = [json.loads(line)["age_ms"] for line in self.good(*followups, "json").splitlines()]
        self.assertEqual(ages, sorted(ages))
        self.assertIn("It adds up", self.good("calls", "--data", data, "--balance"))


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: test_cli.py PATH_TO_RINGBACK [unittest's arguments]")
    RINGBACK = os.path.abspath(sys.argv.pop(1))
    unittest.main(verbosity=2)
