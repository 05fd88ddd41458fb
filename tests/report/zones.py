#!/usr/bin/env python3
"""Time zones: 24 of them, at every change of their clocks from 2024 to 2027: each preset's days, moments and the period before, and which
calls are in them, against Python's zoneinfo.

    tests/report/zones.py
"""

import bisect
import datetime
import json
import pathlib
import sys
import tempfile
import zoneinfo

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
import figures  # noqa: E402
from program import Failed, Program, Tap  # noqa: E402

ZONES = (
    "America/New_York",
    "America/Havana",
    "America/Santiago",
    "America/St_Johns",
    "America/Sao_Paulo",
    "America/Nuuk",
    "Europe/London",
    "Europe/Dublin",
    "Europe/Chisinau",
    "Africa/Casablanca",
    "Africa/Cairo",
    "Asia/Beirut",
    "Asia/Gaza",
    "Asia/Almaty",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Adelaide",
    "Australia/Lord_Howe",
    "Pacific/Auckland",
    "Pacific/Chatham",
    "Pacific/Easter",
    "Pacific/Apia",
    "Antarctica/Troll",
    "UTC",
)
ZONE = {name: zoneinfo.ZoneInfo(name) for name in ZONES}  # that class keeps 8 of them, and reads the others again
WEEK_STARTS = ("MONDAY", "SUNDAY", "SATURDAY")
UTC = datetime.timezone.utc
FIRST, LAST = datetime.datetime(2024, 1, 1, tzinfo=UTC), datetime.datetime(2028, 1, 1, tzinfo=UTC)
MINUTE = datetime.timedelta(minutes=1)


def changes(zone):
    """The moments from 2024 to 2027 at which the clocks are changed, to the minute."""
    found, step, at = [], datetime.timedelta(hours=6), FIRST
    while at < LAST:
        if at.astimezone(zone).utcoffset() != (at + step).astimezone(zone).utcoffset():
            minutes = range(int(step / MINUTE) + 1)
            before = at.astimezone(zone).utcoffset()
            found.append(
                at + MINUTE * bisect.bisect_left(minutes, True, key=lambda n: (at + MINUTE * n).astimezone(zone).utcoffset() != before)
            )
        at += step
    return found


def ms(moment):
    return round(moment.timestamp() * 1000)


def begins(day, zone):
    """The first moment whose date is `day` or a later one, by looking at each hour, and then at each minute of the one before."""
    at = datetime.datetime.combine(day, datetime.time(), UTC) - datetime.timedelta(hours=15)
    for step in (60 * MINUTE, MINUTE):
        while at.astimezone(zone).date() < day:
            at += step
        at -= step
    return at + MINUTE


def write_calls(path, moments):
    """An account a zone, and in each an abandoned call around every moment of interest."""
    with open(path, "w", encoding="utf-8") as file:

        def put(what, at, n, **fields):
            file.write(json.dumps({"type": what, "event_id": str(n), "occurred_at": at, **fields}) + "\n")

        at = ms(FIRST) - 2
        put("RoleChanged", at, 1, tenant="*", role="owner", permissions=["EDIT_TI_FOLLOW_UP_AND_REPORTING_SETTINGS"])
        put("RolesAssigned", at, 2, tenant="*", person="boss", roles=["owner"])
        file.write(
            json.dumps(
                {
                    "type": "ChangeSettings",
                    "command_id": "3",
                    "occurred_at": at + 1,
                    "tenant": "*",
                    "actor": "boss",
                    "changes": [{"key": "retention_days", "value": "3650"}],
                }
            )
            + "\n"
        )
        for n, name in enumerate(ZONES):
            put("TenantChanged", ms(FIRST) - 1, n, tenant=tenant_of(name), name=name, zone=name, week_start=WEEK_STARTS[n % 3])
        for at in moments:
            for name in ZONES:
                call = {"tenant": tenant_of(name), "call_id": f"c{at}"}
                put("CallStarted", at, 1, direction="INBOUND", kind="QUEUE", **call, **{"from": "anonymous", "to": "+12025550100"})
                put("CallEnded", at, 2, by="CALLER", **call)
        put(
            "CallStarted",
            ms(LAST) + 40 * figures.DAY,
            1,
            tenant="clock",
            call_id="last",
            direction="INTERNAL",
            kind="INTERNAL",
            **{"from": "101", "to": "102"},
        )


def tenant_of(zone):
    return zone.replace("/", "-")


def days_expected(name, n, preset, today, range_of):
    days = range_of(preset, today, WEEK_STARTS[n % 3])
    zone = ZONE[name]

    def text(moment):
        return f"{moment:%Y-%m-%dT%H:%M:%S}.000Z"

    return {
        "from": str(days[0]),
        "to": str(days[1]),
        "begins": text(begins(days[0], zone)),
        "ends": text(begins(days[1] + datetime.timedelta(days=1), zone)),
    }


class Check:
    def __init__(self, program, data, room, moments):
        self.program, self.data, self.room, self.compared, self.known = program, data, room, 0, {}
        self.walls = {name: [(at, datetime.datetime.fromtimestamp(at // 1000, zone)) for at in moments] for name, zone in ZONE.items()}

    def days(self, name, n, preset, today, range_of):
        """The same days are asked for again and again."""
        key = name, preset, today, range_of
        if key not in self.known:
            self.known[key] = days_expected(name, n, preset, today, range_of)
        return self.known[key]

    def now(self, now, preset, with_calls):
        header = self.room / "header.json"
        limit = () if with_calls else ("--limit", "0")
        done = self.program.run(
            "report",
            "unbooked-abandoned",
            "--data",
            self.data,
            "--range",
            preset,
            "--now",
            now,
            "--header",
            header,
            "--format",
            "json",
            "--quiet",
            *limit,
        )
        accounts = {account["tenant"]: account for account in json.loads(header.read_text())["accounts"]}
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        for n, name in enumerate(ZONES):
            zone, got = ZONE[name], accounts[tenant_of(name)]
            today = datetime.datetime.fromtimestamp(now / 1000, zone).date()
            for field, range_of in (("period", figures.range_of), ("before", figures.range_before)):
                expected = self.days(name, n, preset, today, range_of)
                self.compared += 1
                if got[field] != expected:
                    raise Failed(f"{name}, {preset} of {today} ({now}): the {field} is {got[field]}, expected {expected}")
            if with_calls:
                self.calls(name, figures.range_of(preset, today, WEEK_STARTS[n % 3]), lines)

    def calls(self, name, days, lines):
        walls = self.walls[name]
        expected = [(f"c{at}", f"{wall:%Y-%m-%d}", f"{wall:%H:%M:%S}") for at, wall in walls if days[0] <= wall.date() <= days[1]]
        got = [(line["call_id"], line["call_date"], line["call_time"]) for line in lines if line["tenant"] == tenant_of(name)]
        self.compared += 1
        if got != expected:
            raise Failed(f"{name}, {days[0]} to {days[1]}: calls {sorted(set(got) ^ set(expected))[:6]} differ")


def main():
    tap, program = Tap(), Program()
    of_zones = {name: changes(ZONE[name]) for name in ZONES}
    print(
        f"# {len(ZONES)} zones, {sum(map(len, of_zones.values()))} changes of clocks: "
        + ", ".join(f"{name} {len(of)}" for name, of in of_zones.items())
    )
    instants = sorted({ms(at) for of in of_zones.values() for at in of})
    moments = sorted({at + away for at in instants for away in (-3_600_000, -1, 0, 1_799_000, 3_600_000, 43_200_000)})
    with tempfile.TemporaryDirectory(prefix="ringback-zones.") as room:
        room = pathlib.Path(room)
        write_calls(room / "events.jsonl", moments)
        tap.check(
            "the calls are folded",
            lambda: program.fold(room / "data", room / "events.jsonl", append_time="2029-01-01T00:00:00Z", exits=(0,)),
        )
        check = Check(program, room / "data", room, moments)

        def around(preset, instant):
            for away in (-1, 0, figures.DAY // 2):
                check.now(instant + away, preset, with_calls=away == 0 and preset in ("today", "this-week"))

        for preset in figures.PRESETS:
            tap.check(
                f"{preset}: before, at and after each of {len(instants)} changes", lambda: [around(preset, instant) for instant in instants]
            )
        print(f"# {check.compared} ranges and lists of calls compared")
    tap.finish()


if __name__ == "__main__":
    main()
