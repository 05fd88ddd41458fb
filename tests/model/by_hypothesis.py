#!/usr/bin/env python3
"""Hypothesis makes journals, out of the same worlds as generate.py; the model and the program fold them; what differs it shrinks.

    by_hypothesis.py [--journals N] [--seed N]      $RINGBACK is the program
    by_hypothesis.py --again BLOB                   a failure again, by the line that it printed
"""
import argparse
import pathlib
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
import fetch  # noqa: E402
from generate import BASE, GAPS, World, for_all, runs_of_arrivals  # noqa: E402
from program import Failed, Program, Tap  # noqa: E402
from run import difference_of, save, shrink, signature, tell  # noqa: E402

HYPOTHESIS = "hypothesis==6.112.1"
fetch.importable(fetch.packages(f"model/{HYPOTHESIS}", HYPOTHESIS))
import hypothesis  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

WORLDS_MOST, STEPS_MOST = 3, 12
# What may come after a call; and one event in 30 never comes at all, which lets Hypothesis take away any of them.
STEPS = (World.tick, World.call, World.job, World.command, World.settings, World.late_fact)
STAYS = st.integers(0, 29)


class Drawn:
    """What generate.py asks a random.Random for, drawn from Hypothesis: simplest is the first of a list, and that what may happen does not."""

    def __init__(self, draw):
        self.draw = draw

    def choice(self, options):
        return options[self.draw(st.integers(0, len(options) - 1))]

    def random(self):
        return (99 - self.draw(st.integers(0, 99))) / 100

    def randrange(self, begin, end=None):
        begin, end = (0, begin) if end is None else (begin, end)
        return self.draw(st.integers(begin, end - 1))

    def sample(self, options, count):
        rest = list(options)
        return [rest.pop(self.randrange(len(rest))) for _ in range(count)]


@st.composite
def step(draw, world):
    """A list of these, so that Hypothesis takes away whole ones."""
    draw(st.sampled_from(STEPS))(world)
    world.now += draw(st.sampled_from(GAPS))


@st.composite
def world_of(draw, name):
    world = World(Drawn(draw), name, BASE)
    world.directory()
    world.call()
    draw(st.lists(step(world), max_size=STEPS_MOST))
    world.repeat_some()
    return world.arrivals


@st.composite
def journals(draw):
    """Runs of fold, as generate.journal makes them."""
    arrivals = for_all(Drawn(draw))
    for index in range(draw(st.integers(1, WORLDS_MOST))):
        arrivals += draw(world_of(f"w{index}"))
    some = [arrival for arrival in arrivals if draw(STAYS)]
    some.sort(key=lambda arrival: arrival[0])
    hypothesis.assume(some)
    return runs_of_arrivals(Drawn(draw), some)


def events_of(runs):
    return sum(len(run["events"]) for run in runs)


class Differ(Exception):
    pass


def search(program, options):
    """Raises Failed with how the shrunk journal is had again; else returns how much was compared."""
    counts = {"journals": 0, "events": 0}
    last = None

    @hypothesis.given(journals())
    def agree(runs):
        nonlocal last
        counts["journals"] += 1
        counts["events"] += events_of(runs)
        difference = difference_of(program, runs, None)
        if difference:
            last = runs, difference  # the shrunk one is played once more, at the end
            raise Differ

    agree = hypothesis.settings(
        max_examples=options.journals, database=None, deadline=None, print_blob=True, report_multiple_bugs=False, verbosity=hypothesis.Verbosity.quiet,
        phases=[hypothesis.Phase.generate, hypothesis.Phase.shrink], suppress_health_check=list(hypothesis.HealthCheck))(agree)
    if options.again:
        agree = hypothesis.reproduce_failure(hypothesis.__version__, options.again.encode())(agree)
    else:
        agree = hypothesis.seed(options.seed)(agree)
    try:
        agree()
    except Differ as why:
        whole, difference = last
        runs = shrink(program, whole, None, signature(difference))  # Hypothesis makes choices simpler, this takes away events
        file = pathlib.Path(tempfile.gettempdir()) / f"ringback-model-hypothesis-{options.seed}.jsonl"
        save(runs, file)
        tell(difference_of(program, runs, None) or difference, runs, file, program)
        blob = next((note.split("b'")[1].split("'")[0] for note in getattr(why, "__notes__", ()) if "reproduce_failure" in note), options.again)
        raise Failed(f"they differ; {counts['journals']} journals were tried; shrunk to {events_of(whole)} events by Hypothesis, then to "
                     f"{events_of(runs)}. Again:\n"
                     f"{sys.argv[0]} --again {blob}") from why
    return counts


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--journals", type=int, default=300, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=1, help="default: %(default)s")
    parser.add_argument("--again", metavar="BLOB", help="what a failure printed")
    options = parser.parse_args()
    tap, program = Tap(), Program().path
    counts = tap.check(f"journals that Hypothesis makes, seed {options.seed}", search, program, options)
    if counts:
        print(f"# {counts['journals']} journals, {counts['events']} events")
    tap.finish()


if __name__ == "__main__":
    main()
