#!/usr/bin/env python3
"""clang-tidy over our sources, one to a core. What it found clean is looked at again when the source, a header of it, its flags, the checks or
clang-tidy itself have changed. Its analyzer follows paths within a function; through calls too with --deep, which takes ten times as long.
Needs build/asan-ubsan, which says what includes what.

    tests/lint.py [--all] [--deep]
"""
import argparse
import concurrent.futures
import functools
import hashlib
import json
import os
import pathlib
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD, CLEAN = ROOT / "build/asan-ubsan", ROOT / "build/lint"
FOLDERS = ("schemas", "state", "processors", "runtime")
SHALLOW = [f"--extra-arg={word}" for word in ("-Xclang", "-analyzer-config", "-Xclang", "mode=shallow")]


def output_of(*command):
    return subprocess.run([*map(str, command)], capture_output=True, text=True, check=True, cwd=BUILD).stdout


@functools.cache
def hash_of(file):
    return hashlib.sha256((BUILD / file).read_bytes()).hexdigest()


def included():
    """Object -> the files it was made of, as ninja noted them."""
    found, files = {}, []
    for line in output_of("ninja", "-t", "deps").splitlines():
        if line.startswith("    "):
            files.append(line.strip())
        elif line:
            found[line.split(":")[0]] = files = []
    return found


def sources(depth):
    """Source -> a hash of all that clang-tidy's opinion of it depends on."""
    always = output_of("clang-tidy", "--version") + (ROOT / ".clang-tidy").read_text() + "".join(depth)
    includes, found = included(), {}
    for command in json.loads((BUILD / "compile_commands.json").read_text()):
        source = pathlib.Path(command["file"])
        if source.relative_to(ROOT).parts[0] in FOLDERS:
            words = shlex.split(command["command"])
            files = sorted({str(source), *includes[words[words.index("-o") + 1]]})
            found.setdefault(source, [always]).append(command["command"] + "".join(map(hash_of, files)))
    return {source: hashlib.sha256("".join(parts).encode()).hexdigest() for source, parts in found.items()}


def look(depth, source, key):
    done = subprocess.run(["clang-tidy", "-p", BUILD, "-quiet", *depth, source], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False)
    if done.returncode == 0:
        (CLEAN / key).touch()
    return done


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--all", action="store_true", help="those too that were found clean")
    parser.add_argument("--deep", action="store_true", help="with paths through calls")
    options = parser.parse_args()
    depth = [] if options.deep else SHALLOW
    CLEAN.mkdir(exist_ok=True)
    of = sources(depth)
    todo = {source: key for source, key in of.items() if options.all or not (CLEAN / key).exists()}
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        bad = [done for done in pool.map(functools.partial(look, depth), todo, todo.values()) if done.returncode != 0]
    for done in bad:
        print(done.stdout or f"{done.args[-1]}: clang-tidy ended with {done.returncode}")
    print(f"# {len(of)} sources, {len(of) - len(todo)} as they were when they were clean")
    sys.exit(bool(bad or not of))


if __name__ == "__main__":
    main()
