"""Killed before and after each step of taking over and of writing (kafka_crash.h); then it goes on as if nothing had been."""
import os
import pathlib

from bench import of_now
import ledger
from program import Failed
from service import Ringback
from wire import messages

CRASHED = 86
# What is done in this order: taking over, then each transaction. Rekey has the steps of a transaction, too.
OF_A_TRANSACTION = ("begun", "produced", "offsets", "committed")
POINTS = ("init", "probe", "end", "read", *OF_A_TRANSACTION, "sealed", "taken", "stored")
TIMES = (1, 3)  # of the step in the life of a process: the transaction of the take-over, and one of records


def program_with_points(bench):
    path = pathlib.Path(bench.program.path).with_name("ringback_crash")
    if not path.exists():
        raise Failed(f"{path} is not built: it is the program with crash points (RINGBACK_TESTS)")
    return Ringback(bench.directory("program"), path)


def crash(doomed, what):
    """Waits until an instance that is to crash has done so."""
    doomed.start()
    try:
        code = doomed.process.wait(60)
    finally:
        doomed.kill()
    if code != CRASHED:
        raise Failed(f"{what}: it ended with {code}: {doomed.tail()}")


def crash_points(bench):
    program = program_with_points(bench)
    wire, room = bench.wire(1), bench.directory("crashes")
    todo = [(point, number) for point in POINTS for number in TIMES if number == 1 or point in (*OF_A_TRANSACTION, "sealed")]
    events = list(messages(of_now(bench, 2, "--events", 300 * len(todo), "--repeat", 2), wire.prefix))
    sent, crashed = {}, 0
    for number, (point, times) in enumerate(todo):
        counts = wire.send(events[number::len(todo)])
        sent = {topic: sent.get(topic, 0) + counts.get(topic, 0) for topic in sent.keys() | counts.keys()}
        crash(bench.instance(wire, room, program=program, settings="commit:\n  records: 100\n", RINGBACK_CRASH=f"{point}:{times}"),
              f"at {point}, time {times}")
        crashed += 1
        survivor = bench.instance(wire, room, program=program).start()
        try:
            bench.at_end(wire, sent, 60)
            survivor.stop()
        finally:
            survivor.kill()
    counts, _ = ledger.check(wire, bench.program, room, f"{wire.prefix}app")
    print(f"# {crashed} crashes at {len(POINTS)} points; {counts['records']} records, {counts['outputs']} outputs, {counts['seals']} seals")
