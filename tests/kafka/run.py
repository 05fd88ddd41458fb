#!/usr/bin/env python3
"""`ringback run` on a real broker: what goes in through topics is told once, as the fold of the journal, whatever happens on the way.

    tests/kafka/run.py [--long] [--seed N] [--keep] [NAME...]      NAME: part of a test's name
"""
import argparse
import pathlib
import shutil
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from bench import Bench  # noqa: E402
from crashes import crash_points  # noqa: E402
from disk import full_disk  # noqa: E402
from faults import faults, hand_over  # noqa: E402
from hostile import hostile_records, wrong_places  # noqa: E402
from idle import idle_streams  # noqa: E402
from program import Failed, Tap  # noqa: E402
from trouble import foreign_state, quarantine_and_repair, snapshots  # noqa: E402
from through import generated_week, real, real_month  # noqa: E402
from wire import kafka  # noqa: E402

TESTS = [generated_week, real_month, faults, hand_over, crash_points, idle_streams, hostile_records, wrong_places, foreign_state,
         quarantine_and_repair, snapshots, full_disk]


def told(test, bench):
    """A broker that fails a test's own clients fails the test, and the others still run."""
    try:
        test(bench)
    except kafka.KafkaException as why:
        raise Failed(f"a client of the test: {why}") from why


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--long", action="store_true", help="the whole mix of faults, not the short one")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=int, default=2000, help="events a second while faults happen")
    parser.add_argument("--keep", action="store_true", help="leave the room for a look")
    parser.add_argument("names", nargs="*", metavar="NAME")
    options = parser.parse_args()
    tap, room = Tap(), tempfile.mkdtemp(prefix="ringback-kafka.")
    bench = Bench(room, options)
    try:
        for test in TESTS:
            if options.names and not any(name in test.__name__ for name in options.names):
                continue
            if test is real_month and not (real.SHARED / "data/anonymous_bank").is_dir():
                print(f"# real month: left out, there is no {real.SHARED}/data/anonymous_bank (tests/real/README.md)")
                continue
            tap.check(test.__name__.replace("_", " "), told, test, bench)
    finally:
        bench.broker.stop()
        if options.keep:
            print(f"# left in {room}")
        else:
            shutil.rmtree(room)
    tap.finish()


if __name__ == "__main__":
    main()
