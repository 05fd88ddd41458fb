#!/usr/bin/env python3
"""Breaks one rule at a time (mutations.py) and shows that the tests notice: a mutation that survives one of the checks it names fails.

    tests/mutations/run.py [--journals N] [--build DIR] [--disk PATH] [WORD...]     only mutations whose name holds one of the words
    tests/mutations/run.py --find WORD...                                           which scenarios notice them: for a new mutation
"""
import argparse
import concurrent.futures
import importlib.util
import json
import os
import pathlib
import random
import shlex
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "model")]
from program import Failed, Program, ROOT, Tap  # noqa: E402
from mutations import EVERY, SMALL_MAP  # noqa: E402


def runner_of(folder):
    """tests/FOLDER/run.py as a module."""
    spec = importlib.util.spec_from_file_location(f"{folder}_run", HERE.parent / folder / "run.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


model, scenario, crash = runner_of("model"), runner_of("scenario"), runner_of("crash")
SCENARIOS = {s.name: s for path in sorted((HERE.parent / "scenario").glob("*.scenario")) for s in scenario.read_scenarios(path)}
CRASHES = {"kill": crash.KILL, "power cut": crash.POWER_CUT, "lucky power cut": crash.LUCKY_POWER_CUT}
AT_THE_END = "power cut at the end"
PROGRAM, SIM = "ringback", "tests/sim/sim"
SIM_RUNS = 1_000  # it stops at the first that fails
SIM_RUNS_HONEST = 50
SIZES = [1, 1, 2, 5, 10] + [20] * 10_000
PATIENCE_SECONDS = 60  # a mutation may well make the program hang
model.PATIENCE_SECONDS = PATIENCE_SECONDS


class Impatient(Program):
    def run(self, *arguments, timeout=PATIENCE_SECONDS, **options):
        return super().run(*arguments, timeout=timeout, **options)


# ---- building ----

class Build:
    """The program without mutations, built once; of a mutant one file is compiled, and linked before the libraries."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory).resolve()
        self.call("cmake", "-G", "Ninja", "-S", ROOT, "-B", self.directory, "-DCMAKE_BUILD_TYPE=None", "-DCMAKE_C_FLAGS=-O1 -w")
        self.call("ninja", "-C", self.directory, PROGRAM, SIM)
        self.program, self.sim = self.directory / PROGRAM, self.directory / SIM
        self.commands = json.loads((self.directory / "compile_commands.json").read_text())
        self.links = {target: self.call("ninja", "-C", self.directory, "-t", "commands", target).splitlines()[-1] for target in (PROGRAM, SIM)}

    def call(self, *command):
        done = subprocess.run([*map(str, command)], cwd=self.directory if self.directory.exists() else None, capture_output=True, text=True,
                              check=False)
        if done.returncode:
            raise Failed(f"{shlex.join(map(str, command))}\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
        return done.stdout

    def mutant(self, room, *mutations, target=PROGRAM):
        objects = [str(self.compiled(mutation, room, target)) for mutation in mutations]
        program = room / pathlib.Path(target).name
        self.call("sh", "-c", self.links[target].replace(f" -o {target} ", f" -o {program} {' '.join(objects)} "))
        return program

    def command(self, file, target):
        """What has crash points (-DRINGBACK_CRASH_POINTS) is compiled twice, with them for the simulator."""
        commands = [c["command"] for c in self.commands if c["file"] == str(file)]
        return min(commands, key=lambda command: ("ringback_runtime_crash" in command) != (target == SIM))

    def compiled(self, mutation, room, target):
        original = ROOT / mutation.file
        text = original.read_text()
        if text.count(mutation.old) != 1:
            raise Failed(f"{mutation.file} holds {text.count(mutation.old)} times, not once:\n{mutation.old}")
        source, built = room / original.name, room / f"{original.stem}.o"
        source.write_text(text.replace(mutation.old, mutation.new))
        compiles = shlex.split(self.command(original, target))
        compiles[compiles.index("-c") + 1] = str(source)
        compiles[compiles.index("-o") + 1] = str(built)
        self.call(*compiles, "-iquote", original.parent)
        return built


# ---- checks: each says how it was noticed, or None ----

def journals_of(seed, count):
    """Folds of random journals with what the model makes of them: (journals so far, runs, expected outputs)."""
    found, done = [], 0
    for number, worlds in enumerate(SIZES):
        if done >= count:
            return found
        done += worlds
        runs = model.journal(random.Random(f"{seed} {number}"), worlds)
        found.append((done, runs, model.by_model(runs)))


JOURNALS = []  # journals_of the seed: made once, before the checks are shared out


def by_model(program, room):
    for done, runs, expected in JOURNALS:
        if model.difference_from(expected, str(program), runs, room):
            return f"model, {done} journals"
    return None


def by_scenario(program, name):
    try:
        scenario.play(SCENARIOS[name], Impatient(program))
    except (Failed, subprocess.TimeoutExpired):
        return f"scenario {name}"
    return None


def by_crash(program, room, disk, how):
    program = Impatient(program)
    inputs = crash.generate(program, room, seed=1, calls=8)
    try:
        sweep = crash.Sweep(program, disk, inputs, room, seed=1)
        if how == AT_THE_END:
            sweep.what_ended_lasts()
        else:
            sweep.every_call(CRASHES[how])
    except (Failed, subprocess.TimeoutExpired):
        return how
    return None


def fold_in_long_transactions(program, room, name):
    """What a fold of a few thousand records in transactions of 500 writes, and what it says."""
    program, events, data = Impatient(program), room / "long.jsonl", room / name
    if not events.exists():
        program.run("generate", "--seed", 1, "--calls", 200, "--out", events)
    said = program.fold(data, events, batch=500, append_time=crash.APPEND_TIME, journal_id=crash.JOURNAL_ID).stderr.decode()
    return {file.name: file.read_bytes() for file in [data / "journal.avro", *(data / "outputs").iterdir()]}, said


def by_abort(build, room, *mutations):
    """With a small map; that transactions were aborted at all is a condition."""
    expected, _ = fold_in_long_transactions(build.program, room, "expected")
    program = build.mutant(room, SMALL_MAP, *mutations)
    try:
        got, said = fold_in_long_transactions(program, room, "got")
    except (Failed, subprocess.TimeoutExpired):
        return "abort"
    if "outgrew" not in said:
        raise Failed(f"no transaction was aborted: {SMALL_MAP.new} is not small enough")
    return None if got == expected else "abort"


def by_sim(program, troubles, runs=SIM_RUNS):
    command = [program, "--seeds", str(runs), "--troubles", troubles, "--failures", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    return f"sim, {troubles}, seed {done.stdout.split('--seed ')[1].split()[0]}" if done.returncode else None


def checks_of(build, mutation, room, disk):
    """Pairs of a check's name and what it noticed."""
    if mutation.sim:
        yield f"sim, {mutation.sim}", by_sim(build.mutant(room, mutation, target=SIM), mutation.sim)
    if mutation.abort:
        yield "abort", by_abort(build, room, mutation)
    if not (mutation.model or mutation.scenario or mutation.crash):
        return
    program = build.mutant(room, mutation)
    if mutation.model:
        yield "model", by_model(program, room)
    if mutation.scenario:
        yield mutation.scenario, by_scenario(program, mutation.scenario)
    if mutation.crash:
        yield mutation.crash, by_crash(program, room, disk, mutation.crash)


def noticed(build, mutation, disk):
    """How all checks of the mutation noticed it."""
    with tempfile.TemporaryDirectory(prefix="ringback-mutant.") as room:
        room = pathlib.Path(room).resolve()
        found = dict(checks_of(build, mutation, room, disk))
    survived = [name for name, how in found.items() if how is None]
    if survived or not found:
        raise Failed(f"survives: {', '.join(survived) or 'nothing is to notice it'}")
    return "; ".join(found.values())


def noticed_by_scenarios(build, mutation):
    with tempfile.TemporaryDirectory(prefix="ringback-mutant.") as room:
        program = build.mutant(pathlib.Path(room).resolve(), mutation)
        return "\n    ".join(filter(None, (by_scenario(program, name) for name in SCENARIOS))) or "no scenario"


def without_mutation(build, chosen, disk):
    """What is noticed must come of the mutation."""
    false = [by_model(build.program, None)] + [by_scenario(build.program, name) for name in sorted({m.scenario for m in chosen} - {None})]
    with tempfile.TemporaryDirectory(prefix="ringback-mutant.") as room:
        room = pathlib.Path(room).resolve()
        false += [by_crash(build.program, room, disk, how) for how in sorted({m.crash for m in chosen} - {None})]
        if any(m.abort for m in chosen):
            false.append(by_abort(build, room))
    false += [by_sim(build.sim, troubles, SIM_RUNS_HONEST) for troubles in sorted({m.sim for m in chosen} - {None})]
    if any(false):
        raise Failed("; ".join(filter(None, false)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--journals", type=int, default=2_500, help="that the model gives to each mutation (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the journals (default: %(default)s)")
    parser.add_argument("--build", default=ROOT / "build/mutations", help="where it is built (default: build/mutations)")
    parser.add_argument("--disk", help="tests/crash/disk.c, built (default: tests/libcrash_disk.so beside the program)")
    parser.add_argument("--find", action="store_true", help="play every scenario and tell which fail")
    parser.add_argument("words", nargs="*")
    options = parser.parse_args()
    tap = Tap()
    chosen = [m for m in EVERY if not options.words or any(word in m.name for word in options.words)]
    disk = crash.disk_of(options.disk, Program())
    with concurrent.futures.ThreadPoolExecutor(1) as beside:
        building = beside.submit(Build, options.build)
        if any(mutation.model for mutation in chosen):
            JOURNALS.extend(journals_of(options.seed, options.journals))
    build = tap.check("the program is built without mutations", building.result)
    if not build:
        tap.finish()
    with concurrent.futures.ProcessPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        if options.find:
            for mutation, found in zip(chosen, pool.map(noticed_by_scenarios, [build] * len(chosen), chosen)):
                print(f"{mutation.name}\n    {found}", flush=True)
            return
        honest = pool.submit(without_mutation, build, chosen, disk)
        running = [(mutation, pool.submit(noticed, build, mutation, disk)) for mutation in chosen]
        tap.check("without mutations nothing is noticed", honest.result)
        caught = {mutation.name: tap.check(mutation.name, future.result) for mutation, future in running}
    print(f"# {'mutation':68} caught by")
    for name, how in caught.items():
        print(f"# {name:68} {how or 'NOTHING THAT IT NAMES'}")
    tap.finish()


if __name__ == "__main__":
    main()
