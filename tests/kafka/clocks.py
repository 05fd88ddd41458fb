"""Workers whose clock is an hour off: they declare no end and fire nothing early; what they write is as everybody's, and others go on."""
import pathlib

from bench import DAY, now_ms, of_now, wait_until
from broker import free_ports
from idle import LATEST_MS, MINUTE, call
import ledger
from program import Failed
from trouble import add, states_of
from wire import messages

HOUR_MS = 3_600_000
DUE_MS = 20_000  # from now: after both have taken over


def wrong_clock(program, ahead_ms):
    library = pathlib.Path(program.path).with_name("tests") / "libwrong_clock.so"
    if not library.exists():
        raise Failed(f"{library} is not built (RINGBACK_TESTS)")
    return {"LD_PRELOAD": str(library), "WRONG_CLOCK_MS": str(ahead_ms)}


def tenants_by_home(wire):
    """A tenant of each partition."""
    homes = {}
    for number in range(100):
        homes.setdefault(wire.home(f"tenant-{number}"), f"tenant-{number}")
        if len(homes) == wire.partitions:
            return homes
    raise Failed("a hundred tenants, and a partition without any")


def told_cold(bench, wire):
    """{partition: broker's time of the transaction that told of the row going cold}"""
    found = {}
    for number in range(wire.partitions):
        changes = [bench.change(message) for message in wire.read("followup-events", number)]
        seals = [message.timestamp()[1] for message in wire.read("journal", number) if message.key() is None]
        for change in changes:
            seal = change["position"]["seal"]
            if change["change"] == "WENT_COLD" and change["follow_up"] == "ab-cold" and seal < len(seals):  # else it is on its way
                found[number] = seals[seal]
    return found


def clock_is_off(bench, ahead_ms):
    wire, room, ports = bench.wire(2), bench.directory("clock"), free_ports(2)
    homes = tenants_by_home(wire)
    before = list(messages(of_now(bench, 2, "--tenants", 20, "--events", 4000), wire.prefix))
    wrong = bench.instance(wire, room, "wrong", port=ports[0], **wrong_clock(bench.program, ahead_ms))
    right = bench.instance(wire, room, "right", port=ports[1])
    writes = lambda instance: [n for n in range(2) if states_of(instance, n)[-1:] == ["WRITING"]]  # noqa: E731
    try:
        wrong.start()
        right.start()
        sent = wire.send(before[:3000])
        bench.at_end(wire, sent)
        wait_until("they do not share the partitions", 60, lambda: len(writes(wrong)) == 1 and len(writes(right)) == 1)
        (its,), (others,) = writes(wrong), writes(right)
        now = now_ms()
        due = now + DUE_MS
        for tenant in homes.values():  # one goes cold soon, one is of just now
            calls = [*call("cold", due - DAY - 1 - MINUTE, due - DAY - 1), *call("new", now - 2000, now - 1000)]
            sent = add(sent, wire.send(bench.encode(wire.prefix, *(event | {"tenant": tenant} for event in calls))))
        sent = add(sent, wire.send(before[3000:]))
        bench.at_end(wire, sent)
        wait_until("with a right clock, the row does not go cold", DUE_MS // 1000 + 20, lambda: others in told_cold(bench, wire))
        status, reasons = wrong.page("/readyz")
        if status != 503 or "clock: " not in reasons or right.page("/readyz")[0] != 200:
            raise Failed(f"it does not say that its clock is off: {status} {reasons}; {right.page('/readyz')}")
        if writes(wrong) != [its]:
            raise Failed(f"it does not go on writing:\n{wrong.tail()}")
        wrong.stop()
        wait_until("nobody tells what was due while the clock was off", 30, lambda: its in told_cold(bench, wire))
        right.stop()
    finally:
        wrong.kill()
        right.kill()
    counts, _ = ledger.check(wire, bench.program, room, f"{wire.prefix}app")
    late = {number: at - due for number, at in told_cold(bench, wire).items()}
    print(f"# {ahead_ms} ms ahead: {counts['records']} records, each once; due at 0 ms, told with the wrong clock's partition taken over {late[its]} ms, "
          f"with a right one {late[others]} ms")
    if min(late.values()) < 0 or late[others] > LATEST_MS:
        raise Failed(f"told {late} ms after the deadline, 0 at least, {LATEST_MS} at most where the clock is right")
    refused = [message for number in range(2) for message in wire.read("rejected", number)]
    if refused:
        raise Failed(f"{len(refused)} records were rejected: {refused[0].value()[:300]}")


def clock_an_hour_ahead(bench):
    clock_is_off(bench, HOUR_MS)


def clock_an_hour_behind(bench):
    clock_is_off(bench, -HOUR_MS)
