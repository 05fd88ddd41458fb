#!/usr/bin/env python3
"""`ringback run` on a real broker: what goes in through topics is told once, as the fold of the journal, whatever happens on the way.

    tests/kafka/run.py [--long] [--seed N] [--keep] [NAME...]      NAME: part of a test's name
"""
import argparse
import concurrent.futures
import contextlib
import io
import os
import pathlib
import shutil
import sys
import tempfile
import time
import traceback

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from backlog import backlog  # noqa: E402
from bench import Bench, Broker  # noqa: E402
from clocks import clock_an_hour_ahead, clock_an_hour_behind  # noqa: E402
from crashes import crash_points  # noqa: E402
from disk import full_disk  # noqa: E402
from faults import faults  # noqa: E402
from hostile import as_it_came, hostile_records, wrong_places  # noqa: E402
from idle import idle_streams, open_transaction  # noqa: E402
from older import older_schemas  # noqa: E402
from program import EXIT_FAILED, Failed, Tap  # noqa: E402
from rekey import origins_markers_are_no_gap, rekey_crash_points, rekey_holds_time, rekeyed_topics  # noqa: E402
from rules import rules_activated  # noqa: E402
from takeover import gauges_go_along, great_state, hand_over  # noqa: E402
from trouble import foreign_state, markers_are_no_gap, quarantine_and_repair, refused_first, refused_for_good, snapshots, source_gap  # noqa: E402
from through import generated_week, real, real_month  # noqa: E402

# They wait far more than they compute, so three go on at a time, each lane on a broker of its own: `faults` kills that.
LANES = ((faults, real_month, generated_week, wrong_places),
         (hand_over, idle_streams, open_transaction, rules_activated, foreign_state, quarantine_and_repair, snapshots, source_gap,
          markers_are_no_gap, refused_first, refused_for_good, gauges_go_along, clock_an_hour_ahead, clock_an_hour_behind),
         (crash_points, full_disk, hostile_records, as_it_came, older_schemas, rekeyed_topics, rekey_crash_points, rekey_holds_time,
          origins_markers_are_no_gap, backlog, great_state))


def is_chosen(test, names):
    if names and not any(name in test.__name__ for name in names):
        return False
    if test is real_month and not (real.SHARED / "data/anonymous_bank").is_dir():
        print(f"# real month: left out, there is no {real.SHARED}/data/anonymous_bank (tests/real/README.md)")
        return False
    return True


# ---- in the process of a lane

def begin(room, options):
    global bench  # pylint: disable=global-statement
    room.mkdir()
    bench = Bench(room, options)


def play(test):
    """Returns what a test has to say. Whatever it did not expect, of a broker that fails its own clients too, fails it, and the others still run."""
    began = time.monotonic()
    with contextlib.redirect_stdout(io.StringIO()) as said:
        try:
            test(bench)
        except Failed as why:
            raise Failed(f"{said.getvalue()}{why}") from why
        except Exception as why:  # pylint: disable=broad-exception-caught
            raise Failed(f"{said.getvalue()}the test: {traceback.format_exc()}") from why
        except KeyboardInterrupt:
            os._exit(EXIT_FAILED)  # before the next test of the lane begins
    return f"{said.getvalue()}# took {time.monotonic() - began:.0f} s"


# ---- in that of all

def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--long", action="store_true", help="the whole mix of faults and a GB of state, not the short ones")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=int, help="events a second while faults happen; by default so many that they last")
    parser.add_argument("--keep", action="store_true", help="leave the room for a look")
    parser.add_argument("names", nargs="*", metavar="NAME")
    options = parser.parse_args()
    tap, room = Tap(), pathlib.Path(tempfile.mkdtemp(prefix="ringback-kafka."))
    running = {}
    try:
        for number, lane in enumerate(LANES):
            pool = concurrent.futures.ProcessPoolExecutor(1, initializer=begin, initargs=(room / f"lane-{number}", options))
            running |= {pool.submit(play, test): test.__name__.replace("_", " ") for test in lane if is_chosen(test, options.names)}
        for future in concurrent.futures.as_completed(running):
            print(tap.check(running[future], future.result) or "", flush=True)
    finally:
        for lane in room.iterdir():
            Broker(lane / "broker").stop()
        if options.keep:
            print(f"# left in {room}")
        else:
            shutil.rmtree(room)
    tap.finish()


if __name__ == "__main__":
    main()
