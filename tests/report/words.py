#!/usr/bin/env python3
"""The report as a person or a script meets it: words, formats, bad input, the past.

tests/report/words.py
"""

import csv
import io
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent), str(HERE.parent / "cli")]
import fixture  # noqa: E402
import invent  # noqa: E402
from program import EXIT_FAILED, EXIT_USAGE, Failed, Program, Tap  # noqa: E402

COLUMNS = [
    "ID",
    "Call Date",
    "Call Time",
    "Call Type",
    "Direction",
    "Name",
    "Call Campaign",
    "Caller Phone Number",
    "Customer Name",
    "Recording",
]


def need(holds, what):
    if not holds:
        raise Failed(what)


class Words:
    def __init__(self, program, room):
        self.program, self.room, self.data = program, room, room / "data"
        fixture.write(room / "day.jsonl")
        program.fold(self.data, room / "day.jsonl", until="2025-03-03T00:00:00Z", exits=(0,))

    def run(self, *words, exits=(0,), data=None, **more):
        return self.program.run("report", "unbooked-abandoned", "--data", data or self.data, *words, exits=exits, **more)

    def json(self, *words, data=None):
        return [json.loads(line) for line in self.run("--format", "json", "--quiet", *words, data=data).stdout.splitlines()]

    # ---- formats

    def columns(self):
        lines = self.run("--range", "all", "--format", "csv", "--quiet").stdout.decode()
        rows = list(csv.reader(io.StringIO(lines, newline="")))
        need(rows[0] == COLUMNS, f"the columns are {rows[0]}")
        need(lines.count("\r\n") == len(rows) == 4, f"RFC 4180 ends lines with CR LF; there are {len(rows)} rows")
        need(rows[1][8] == "'" + fixture.FORMULA and rows[2][8] == fixture.ESCAPE, f"the customers are {[row[8] for row in rows[1:]]}")
        need(
            rows[1][1:5] == ["2025-03-01", "04:00:00", "ABANDONED", "INBOUND"] and rows[1][6] == 'Spring "25"',
            f"the first call is {rows[1]}",
        )

    def chosen_columns(self):
        rows = list(
            csv.reader(
                io.StringIO(
                    self.run("--range", "all", "--format", "csv", "-q", "--columns", "status,id", "--columns", "duration").stdout.decode()
                )
            )
        )
        need(rows[:2] == [["Status", "ID", "Duration"], ["NEW", "c1", "0:02:05"]], f"rows are {rows}")

    def table(self):
        text = self.run("--range", "all").stdout.decode()
        need("\x1b" not in text, "an escape sequence reaches the terminal")
        for words in (
            "Unbooked and Abandoned Calls",
            "Acme, Inc. (acme), America/New_York, weeks from Sunday",
            "all days, by call date",
            "rejected records: 0, LOST calls: 1",
            "calls in progress: 0",
            "gaps in sources: 0",
            "rules 1",
            "3 calls: 3 ABANDONED.",
        ):
            need(words in text, f'the table does not say "{words}":\n{text}')

    def same_in_all_formats(self):
        for more in ((), ("--compare", "campaign"), ("--compare", "day")):
            avro = self.room / "report.avro"
            avro.write_bytes(self.run("--range", "all", "--format", "avro", "-q", *more).stdout)
            need(self.program.dump(avro) == self.json("--range", "all", *more), f"Avro and JSON differ {more}")
        ids = [line["call_id"] for line in self.json("--range", "all")]
        page = self.run("--range", "all", "--format", "html").stdout.decode()
        need(ids == re.findall(r"<tr><td>(c\d+)</td>", page), "the page lists other calls")

    def filters(self):
        for words, expected in (
            ("--customer ada", ["c2"]),
            ("--customer 0101", ["c1"]),
            ("--queue SAL", ["c1", "c2", "c3"]),
            ("--queue other", []),
            ("--campaign spring", ["c1", "c2", "c3"]),
            ("--duration-min 1m", ["c1"]),
            ("--duration-max 30s", ["c3"]),
            ("--type unbooked", []),
            ("--type abandoned,missed", ["c1", "c2", "c3"]),
            ("--status new", ["c1", "c2", "c3"]),
            ("--tab cold", ["c1", "c2", "c3"]),
            ("--tab open", []),
            ("--outcome converted", []),
            ("--kind second-chance", []),
            ("--direction outbound", []),
            ("--agent sam", []),
            ("--reason job", []),
            ("--notes nothing", []),
            ("--age-min 30h --account acme", ["c1", "c2", "c3"]),
            ("--age-max 30h", []),
            ("--tenant acme --limit 2", ["c1", "c2"]),
            ("--sort -duration", ["c1", "c2", "c3"]),
            ("--sort duration", ["c3", "c2", "c1"]),
        ):
            got = [line["call_id"] for line in self.json("--range", "all", *words.split())]
            need(got == expected, f"{words}: {got}, expected {expected}")

    def filters_of_rows_leave_calls(self):
        groups = self.json("--range", "all", "--compare", "campaign", "--status", "resolved")
        need([(group["calls"], group["abandoned"], group["abandoned_rate_bp"]) for group in groups] == [(5, 0, 0)], f"groups are {groups}")

    def header(self):
        path = self.room / "header.json"
        self.run("--from", "2025-03-09", "--to", "2025-03-09", "--header", path, "--format", "csv", "-q")
        header = json.loads(path.read_text())
        need(header["as_of"] == "2025-03-03T00:00:00.000Z" or header["as_of"].startswith("2025-03-0"), f"as of {header['as_of']}")
        need(
            header["accounts"][0]["period"]
            == {"from": "2025-03-09", "to": "2025-03-09", "begins": "2025-03-09T05:00:00.000Z", "ends": "2025-03-10T04:00:00.000Z"},
            f"the day of 23 hours is {header['accounts'][0]['period']}",
        )
        need(header["lost_calls"] == 1 and header["rejected"]["MALFORMED"] == 0 and header["gaps"] == 0, f"what is not known: {header}")
        need(header["accounts"][0]["settings"]["link_days"] == "14", "settings")
        said = self.run("--range", "all", "--format", "csv").stderr.decode()
        need(said.startswith("Unbooked and Abandoned Calls\nAccount "), f"the header goes to standard error: {said}")

    def length_of_a_day(self):
        for zone, day, hours in (
            ("America/New_York", "2024-03-10", "23 h"),
            ("Australia/Lord_Howe", "2024-04-07", "24 h 30 min"),
            ("Australia/Lord_Howe", "2024-10-06", "23 h 30 min"),
        ):
            said = self.run("--zone", zone, "--from", day, "--to", day).stdout.decode()
            need(f"Period     {day}, {hours}, by" in said, f"{zone} {day}: it says {said}")

    def unknown_zone_of_an_account(self):
        path = self.room / "mars.jsonl"
        path.write_text(
            json.dumps(
                {
                    "type": "TenantChanged",
                    "tenant": "mars",
                    "event_id": "1",
                    "occurred_at": 1,
                    "name": "M",
                    "zone": "../../../etc/passwd",
                    "week_start": "MONDAY",
                }
            )
            + "\n"
        )
        data = self.room / "mars"
        self.program.fold(data, path, exits=(0,))
        said = self.run("--range", "all", data=data).stdout.decode()
        need('its zone "../../../etc/passwd" is not known on this machine' in said and "M (mars), UTC" in said, f"it says: {said}")

    # ---- bad input

    def refused(self):
        for words, code, said in (
            ("--account nobody", EXIT_USAGE, 'there is no account "nobody"'),
            ("--columns id,nme", EXIT_USAGE, "Did you mean name?"),
            ("--columns id,id", EXIT_USAGE, "names id twice"),
            ("--zone Mars/Olympus", EXIT_USAGE, 'no time zone "Mars/Olympus"'),
            ("--zone ../../etc/passwd", EXIT_USAGE, "no time zone"),
            ("--zone America", EXIT_USAGE, "no time zone"),
            ("--from 2026-03-02 --to 2026-03-01", EXIT_USAGE, "is later than"),
            ("--from 2026-02-29", EXIT_USAGE, 'no day "2026-02-29"'),
            ("--to 2026-13-01", EXIT_USAGE, "no day"),
            ("--from yesterday", EXIT_USAGE, "no day"),
            ("--from 2011-12-30 --to 2011-12-30 --zone Pacific/Apia", EXIT_USAGE, "did not exist in Pacific/Apia"),
            ("--from 2026-03-01 --range today", EXIT_USAGE, "exclude each other"),
            ("--range fortnight", EXIT_USAGE, "must be one of"),
            ("--date-type birthday", EXIT_USAGE, "must be one of"),
            ("--compare day --sort date", EXIT_USAGE, "--sort has no meaning with --compare"),
            ("--changes-since 2025-03-01 --limit 3", EXIT_USAGE, "--limit has no meaning with --changes-since"),
            ("--compare moon", EXIT_USAGE, "must be one of"),
            ("--now teatime", EXIT_USAGE, "must be a time"),
            ("--changes-since 2025-03-01 --compare day", EXIT_USAGE, "Leave one of them out"),
            ("--changes-since 2025-03-01 --format html", EXIT_USAGE, "not html"),
            ("--changes-since 2025-03-02 --as-of 2025-03-01", EXIT_USAGE, "--changes-since 2025-03-02 is later than --as-of 2025-03-01"),
            ("--age-min 2h --age-max 90m", EXIT_USAGE, "--age-min 2h is longer than --age-max 90m"),
            ("--duration-min 2s --duration-max 1s", EXIT_USAGE, "--duration-min 2s is longer than --duration-max 1s"),
            ("--as-of 2020-01-01", EXIT_FAILED, "the journal begins later"),
            ("--header /no/such/place", EXIT_FAILED, "cannot be written"),
        ):
            done = self.run(*words.split(), exits=(code,))
            need(said in done.stderr.decode(), f"{words}: it says {done.stderr.decode()!r}, not {said!r}")
        need(
            "REPORT is missing" in self.program.run("report", "--data", self.data, exits=(EXIT_USAGE,)).stderr.decode(),
            "no report was named",
        )
        need(
            "Did you mean" in self.program.run("report", "unbooked", "--data", self.data, exits=(EXIT_USAGE,)).stderr.decode(),
            "half a name",
        )

    def empty_is_said(self):
        need("No calls match." in self.run("--from", "1999-01-01", "--to", "1999-01-02").stdout.decode(), "a table says nothing")
        need(
            "No calls match." in self.run("--from", "1999-01-01", "--to", "1999-01-02", "--format", "csv").stderr.decode(),
            "CSV says nothing",
        )
        need(
            "No calls match." in self.run("--from", "1999-01-01", "--to", "1999-01-02", "--format", "html").stdout.decode(),
            "a page says nothing",
        )
        need(
            "No calls match." in self.run("--from", "1999-01-01", "--to", "1999-01-02", "--compare", "day").stdout.decode(),
            "a comparison says nothing",
        )

    def all_is_all(self):
        """A job without a date of its own often has 0; west of Greenwich that is a day before 1970."""
        data, day, event = self.room / "epoch", "2025-03-01T10:00:", {"tenant": "acme"}
        events = (
            {"type": "TenantChanged", "name": "A", "zone": "America/New_York", "week_start": "MONDAY"},
            {"type": "CallStarted", "call_id": "c", "direction": "INBOUND", "kind": "QUEUE", "from": "+12025550101", "to": "+12025550199"},
            {"type": "CallEnded", "call_id": "c", "by": "CALLER"},
            {"type": "JobBooked", "job_id": "j", "call": "c", "created_at": 0, "scheduled_at": "9999-12-31T23:59:59.999Z"},
        )
        lines = [json.dumps({**event, "event_id": f"e{n}", "occurred_at": f"{day}{n:02}Z", **each}) for n, each in enumerate(events)]
        (self.room / "epoch.jsonl").write_text("\n".join(lines) + "\n")
        self.program.fold(data, self.room / "epoch.jsonl", until="2025-03-01T12:00:00Z", exits=(0,))
        for kind, zone in (("job-creation", "America/New_York"), ("job-scheduled", "Pacific/Kiritimati")):
            listed = self.json("--range", "all", "--date-type", kind, "--zone", zone, data=data)
            need([line["call_id"] for line in listed] == ["c"], f"by {kind} in {zone} all is {listed}")

    def newer_state(self):
        data = self.room / "newer"
        shutil.copytree(self.data, data)
        mdb = data / "state/data.mdb"
        mdb.write_bytes(re.sub(rb"ringback\0\0\0[\x01-\x20]", b"ringback\0\0\0\x63", mdb.read_bytes()))
        done = self.run(data=data, exits=(EXIT_FAILED,))
        need(b"newer" in done.stderr, f"it says: {done.stderr.decode()}")

    def no_directory(self):
        need(b"no such directory" in self.run(data=self.room / "nowhere", exits=(EXIT_FAILED,)).stderr, "a directory that is not there")

    def state_alone(self):
        """As a service has it, whose journal is in Kafka."""
        data = self.room / "alone"
        data.mkdir()
        shutil.copytree(self.data / "state", data / "state")
        need(self.json("--range", "all", data=data) == self.json("--range", "all"), "the report of a state alone is another")
        done = self.run("--as-of", "2025-03-01", data=data, exits=(EXIT_FAILED,))
        need(b"reports of the past need the journal" in done.stderr, f"it says: {done.stderr.decode()}")

    def closed_pipe(self):
        for form in ("table", "csv", "json", "avro", "html"):
            read, write = os.pipe()
            os.close(read)
            with os.fdopen(write, "wb") as out:
                done = subprocess.run(
                    [self.program.path, "report", "unbooked-abandoned", "-d", self.data, "-q", "--range", "all", "--format", form],
                    stdout=out,
                    stderr=subprocess.PIPE,
                    timeout=60,
                    check=False,
                )
            need(
                done.returncode in (0, -signal.SIGPIPE) and done.stderr == b"",
                f"{form}: ended with {done.returncode}, {done.stderr.decode()}",
            )

    def full_disk(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run(
                [self.program.path, "report", "unbooked-abandoned", "-d", self.data, "-q", "--format", "html"],
                stdout=full,
                stderr=subprocess.PIPE,
                timeout=60,
                check=False,
            )
        need(done.returncode == 1 and b"No space left" in done.stderr, f"ended with {done.returncode}: {done.stderr.decode()}")

    # ---- the past

    def as_of(self):
        """What is printed of a state is what --as-of prints of it when the journal has gone on."""
        lines = [
            json.dumps({**event, "command_id" if "actor" in event else "event_id": str(number)}) + "\n"
            for _, number, event in invent.events(1500, invent.ms(2025, 5, 1), 60, seed=3)
        ]
        data, formats = self.room / "past", [("--format", "csv"), ("--compare", "campaign", "--format", "json"), ("--format", "html")]
        printed, end = {}, "2025-06-01"
        for part in range(3):
            path = self.room / f"part{part}.jsonl"
            path.write_text("".join(lines[part * len(lines) // 3 : (part + 1) * len(lines) // 3]))
            self.program.fold(data, path, exits=(0,))
            header = self.room / "header.json"
            texts = [self.run(*words, "--to", end, "--header", header, data=data).stdout for words in formats]
            printed[json.loads(header.read_text())["as_of"]] = texts
        need(len(printed) == 3, "the clock stood still")
        for at, texts in printed.items():
            for words, text in zip(formats, texts):
                got = self.run(*words, "--to", end, "--as-of", at, data=data).stdout
                need(plain(got) == plain(text), f"--as-of {at} {words} is not what was printed then")
        self.past, self.moments = data, sorted(printed)

    def changes(self):
        """The changes are the difference between the two reports, and each has a cause."""
        then, now = (
            {(line["tenant"], line["call_id"]): line for line in self.json("--range", "all", "--as-of", at, data=self.past)}
            for at in self.moments[:2]
        )
        changes = {
            (line["tenant"], line["call_id"]): line
            for line in self.json("--range", "all", "--changes-since", self.moments[0], "--as-of", self.moments[1], data=self.past)
        }
        expected = {key for key in then.keys() | now.keys() if nameless(then.get(key)) != nameless(now.get(key))}
        need(changes.keys() == expected and expected, f"{len(changes.keys() ^ expected)} of {len(expected)} differ")
        for key, line in changes.items():
            kind = "APPEARED" if key not in then else "GONE" if key not in now else "CHANGED"
            need(line["change"] == kind, f"{key} is {line['change']}, expected {kind}")
            need(line["causes"], f"{key} has no cause")
        by = {cause["by"] for line in changes.values() for cause in line["causes"]}
        need({"CallEnded", "JobBooked", "SetStatus", "StartCallback", "timer COLD", "timer CHECK"} <= by, f"causes are {by}")
        need(
            "Nothing in this report has changed since"
            in self.run("--range", "all", "--changes-since", self.moments[2], data=self.past).stdout.decode(),
            "nothing since the end",
        )

    def causes_without_outputs(self):
        """An account that moves to another zone, and calls that go when retention_days have passed."""
        data, event = self.room / "moved", {"tenant": "acme"}
        account = {"type": "TenantChanged", "name": "A", "zone": "Asia/Kolkata", "week_start": "MONDAY"}
        days = (
            ("2025-01-01", account),
            ("2025-01-01", {"type": "RoleChanged", "tenant": "*", "role": "r", "permissions": ["EDIT_TI_FOLLOW_UP_AND_REPORTING_SETTINGS"]}),
            ("2025-01-01", {"type": "RolesAssigned", "tenant": "*", "person": "p", "roles": ["r"]}),
            ("2025-01-02", {"type": "ChangeSettings", "tenant": "*", "actor": "p", "changes": [{"key": "retention_days", "value": "30"}]}),
            ("2025-01-03", {"type": "CallStarted", "call_id": "c", "direction": "INBOUND", "kind": "QUEUE", "from": "+12025550101"}),
            ("2025-01-03", {"type": "CallEnded", "call_id": "c", "by": "CALLER"}),
            ("2025-01-06", account | {"zone": "America/New_York"}),
            ("2025-02-06", account),
        )
        lines = [
            json.dumps({**event, "command_id" if "actor" in each else "event_id": f"e{n}", "occurred_at": f"{day}T10:00:{n:02}Z", **each})
            for n, (day, each) in enumerate(days)
        ]
        (self.room / "moved.jsonl").write_text("\n".join(lines) + "\n")
        self.program.fold(data, self.room / "moved.jsonl", until="2025-02-07T00:00:00Z", exits=(0,))
        for since, until, change, by in (
            ("2025-01-05", "2025-01-07", "CHANGED", ["TenantChanged", "timer COLD"]),
            ("2025-01-07", "2025-02-07", "GONE", ["timer RETAIN"]),
        ):
            lines = self.json("--range", "all", "--changes-since", since, "--as-of", until, data=data)
            said = [(line["change"], [cause["by"] for cause in line["causes"]]) for line in lines]
            need(said == [(change, by)], f"from {since} to {until}: {said}")

    def beside_a_fold(self):
        """Reports that run while a fold writes are each of one moment: what --as-of prints of that moment later."""
        events = [(number, event) for _, number, event in invent.events(4000, invent.ms(2025, 5, 1), 60, seed=4) if "actor" not in event]
        path, data, header, printed = self.room / "fast.jsonl", self.room / "fast", self.room / "fast.json", {}
        path.write_text("".join(json.dumps({**event, "event_id": str(number)}) + "\n" for number, event in events))
        fold = subprocess.Popen([self.program.path, "fold", "--quiet", "--data", data, "--batch", "100", path])
        while fold.poll() is None:
            done = self.run("--range", "all", "--format", "csv", "--header", header, data=data, exits=(0, EXIT_FAILED))
            if done.returncode == 0:  # it has begun
                printed[json.loads(header.read_text())["as_of"]] = done.stdout
        need(fold.returncode == 0 and len(printed) > 2, f"the fold ended with {fold.returncode}, {len(printed)} reports ran beside it")
        for at, text in printed.items():
            if at:
                need(self.run("--range", "all", "--format", "csv", "--as-of", at, data=data).stdout == text, f"the report of {at} is of more than one moment")
        print(f"# {len(printed)} reports beside a fold, each of one moment")


def plain(text):
    """Without the number of the seal: between two seals the state has the one to come."""
    return re.sub(rb"seal -?\d+", b"seal", text)


def nameless(line):
    return line and {name: value for name, value in line.items() if not name.endswith("_name") and name != "account"}


def main():
    tap, program = Tap(), Program()
    with tempfile.TemporaryDirectory(prefix="ringback-words.") as room:
        words = Words(program, pathlib.Path(room))
        for name, test in (
            ("CSV: the columns of the report, RFC 4180, formulas disarmed", words.columns),
            ("columns that were asked for, in their order", words.chosen_columns),
            ("a table: header, no control characters, how many", words.table),
            ("the same calls in JSON, Avro and a page", words.same_in_all_formats),
            ("each filter", words.filters),
            ("filters of rows leave the calls that rates are of", words.filters_of_rows_leave_calls),
            ("the header for programs", words.header),
            ("how long a day is", words.length_of_a_day),
            ("a zone that this machine has not", words.unknown_zone_of_an_account),
            ("bad options are said", words.refused),
            ("an empty report says so", words.empty_is_said),
            ("all days are all, beyond the calendar's ends too", words.all_is_all),
            ("a state of a newer version", words.newer_state),
            ("no directory", words.no_directory),
            ("a state alone, as a service has it", words.state_alone),
            ("a closed pipe is quiet", words.closed_pipe),
            ("a full disk is said", words.full_disk),
            ("--as-of prints what was printed then", words.as_of),
            ("--changes-since says what changed, and by what", words.changes),
            ("--changes-since names causes that no output tells of", words.causes_without_outputs),
            ("reports beside a fold are each of one moment", words.beside_a_fold),
        ):
            tap.check(name, test)
    tap.finish()


if __name__ == "__main__":
    main()
