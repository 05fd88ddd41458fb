"""`ringback verify`: finds nothing where nothing is wrong, and names each damage."""
import re
import shutil
import subprocess

import damage
from program import EXIT_DONE, EXIT_FAILED, Failed


def clean(program, data):
    text = program.run("verify", "--data", data).stdout.decode()
    kinds = re.findall(r"^(journal|outputs|state|balance) .*: as it should be$", text, re.MULTILINE)
    if kinds != ["journal", "outputs", "state", "balance"]:
        raise Failed(text)


def found(program, data, copy, spoil, wanted):
    shutil.copytree(data, copy)
    try:
        spoil(copy)
        done = program.run("verify", "--data", copy, exits=(EXIT_FAILED,))
        text = done.stdout.decode(errors="replace")
        for pattern in wanted:
            if not re.search(pattern, text):
                raise Failed(f"{pattern!r} is not in\n{text}{done.stderr.decode(errors='replace')}")
    finally:
        shutil.rmtree(copy)


def without_a_state(program, data, copy):
    shutil.copytree(data, copy)
    shutil.rmtree(copy / "state")
    text = program.run("verify", "--data", copy).stdout.decode()
    shutil.rmtree(copy)
    if "it is not compared. The next fold builds it again." not in text or "outputs " not in text:
        raise Failed(text)


def an_older_state(program, data, copy, events):
    """As a crash between a seal and the state's commit leaves it: behind the journal, but right."""
    shutil.copytree(data, copy)
    kept = copy.with_name("kept")
    shutil.copytree(copy / "state", kept)
    program.fold(copy, events)
    shutil.rmtree(copy / "state")
    kept.rename(copy / "state")
    clean(program, copy)
    shutil.rmtree(copy)


def another_journal(program, data, other, copy):
    shutil.copytree(data, copy)
    shutil.rmtree(copy / "state")
    shutil.copytree(other / "state", copy / "state")
    text = program.run("verify", "--data", copy, exits=(EXIT_FAILED,)).stdout.decode()
    shutil.rmtree(copy)
    if not re.search(r"follows (another journal|the journal up to seal)", text):
        raise Failed(text)


def beside_a_fold(program, work):
    data = work / "beside"
    program.fold(data, work / "known.jsonl")
    fold = subprocess.Popen([program.path, "fold", "--quiet", "--batch", "50", "--data", data, work / "week.jsonl"], stdout=subprocess.DEVNULL)
    rounds = 0
    try:
        while fold.poll() is None and rounds < 200:
            program.run("verify", "--data", data)
            rounds += 1
    finally:
        code = fold.wait(timeout=300)
    print(f"# verified {rounds} times")
    if code != EXIT_DONE or rounds < 2:
        raise Failed(f"the fold ended with {code}, after {rounds} rounds")


def nothing_is_left(program, work):
    """A journal above 16 MiB is read into files, which are gone when it is done, or killed."""
    big, scratch = work / "big", work / "scratch"
    scratch.mkdir()
    program.run("generate", "--days", 20, "--calls-per-day", 600, "--start", "2025-03-06T18:00:00Z", "--out", work / "big.jsonl")
    program.fold(big, work / "big.jsonl")
    if (big / "journal.avro").stat().st_size < 17 << 20:
        raise Failed("the journal is too small for this test")
    environment = {"TMPDIR": str(scratch), "PATH": "/usr/bin:/bin"}
    program.run("verify", "--data", big, env=environment)
    program.run("what-if", "--data", big, "--set", "link_days=1", env=environment)
    running = subprocess.Popen([program.path, "what-if", "--data", big, "--set", "link_days=1"], env=environment, stdout=subprocess.DEVNULL)
    try:
        running.wait(timeout=0.3)
    except subprocess.TimeoutExpired:
        running.kill()
        running.wait()
    if any(scratch.iterdir()):
        raise Failed(f"left behind: {list(scratch.rglob('*'))}")
    environment["TMPDIR"] = str(scratch / "none")
    said = program.run("verify", "--data", big, env=environment, exits=(EXIT_FAILED,)).stderr.decode()
    if str(scratch / "none") not in said:
        raise Failed(said)


def tests(tap, program, work):
    data, copy = work / "small", work / "copy"
    program.fold(data, work / "known.jsonl", batch=4)
    program.fold(data, work / "late.jsonl", batch=4)
    tap.check("verify: nothing is wrong", clean, program, data)
    tap.check("verify: nothing is wrong with an invented week", clean, program, work / "week")
    for name, spoil, wanted in damage.LIST:
        tap.check(f"verify finds {name}", found, program, data, copy, spoil, wanted)
    tap.check("verify: a state that is not there is no fault", without_a_state, program, data, copy)
    tap.check("verify: a state that is behind is compared where it stands", an_older_state, program, data, copy, work / "week.jsonl")
    tap.check("verify: a state of another journal", another_journal, program, data, work / "week", copy)
    tap.check("verify: beside a fold", beside_a_fold, program, work)
    tap.check("a reading leaves nothing behind", nothing_is_left, program, work)
