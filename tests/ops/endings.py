"""A service that is not to start, says what it waits for, and ends in time whatever happens."""

import os
import subprocess

from stage import expect, has
from program import EXIT_CONFIGURATION


def refused(bench, config):
    """What a service says that ends with 78 at once."""
    done = subprocess.run([bench.program.path, "run", "-c", config], capture_output=True, text=True, timeout=60, check=False)
    expect(done.returncode == EXIT_CONFIGURATION, f"it ended with {done.returncode}: {done.stderr[-2000:]}")
    return done.stderr


def state_directories(bench):
    """A state.dir that is no place for a state ends it before it is a member of the group; no broker is needed to find out."""
    missing, file = bench.room / "nowhere/state", bench.room / "file"
    file.write_text("")
    for path, why in ((missing, "No such file or directory. Make the directory"), (file, "Not a directory. A part of the path is a file")):
        config = bench.room / "directories.yaml"
        config.write_text(f"brokers: 127.0.0.1:1\napplication: a\npartitions: 1\nstate: {{dir: {path}}}\nhttp: {{port: 0}}\n")
        has(refused(bench, config), f"state.dir: {path} cannot be written: {why}")
    expect(not os.path.exists(missing.parent), "it has made what was not asked for")
