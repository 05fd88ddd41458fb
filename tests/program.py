"""The program under test, and the one way in which every Python test reports: TAP lines (`ok 1 - name`), diagnostics after `#`."""
import json
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
TOPICS = ("rejected", "calls-classified", "followups", "followup-events", "notices", "command-results")
EXIT_DONE, EXIT_FAILED, EXIT_USAGE, EXIT_REJECTED, EXIT_AGAIN, EXIT_CONFIGURATION = 0, 1, 2, 65, 75, 78  # runtime/command.h


class Failed(Exception):
    """A test's expectation does not hold; the text says what was expected and what came."""


class Program:
    def __init__(self, path=None):
        self.path = str(pathlib.Path(path or os.environ.get("RINGBACK", ROOT / "build/release/ringback")).resolve())

    def run(self, *arguments, exits=(EXIT_DONE,), timeout=300, **options):
        """Runs a subcommand to its end; another exit code than those in `exits` is a failure (None: any but death by a signal)."""
        done = subprocess.run([self.path, *map(str, arguments)], capture_output=True, timeout=timeout, check=False, **options)
        if done.returncode < 0 or (exits is not None and done.returncode not in exits):
            command = " ".join(map(str, arguments))
            said = done.stderr.decode(errors="replace")[-2000:]
            raise Failed(f"`ringback {command}` ended with {done.returncode}, expected one of {exits}\n{said}")
        return done

    def fold(self, data, *files, until=None, exits=(EXIT_DONE, EXIT_REJECTED), **hidden):
        """`ringback fold`; hidden options by name: batch=7, append_time=..., journal_id=..."""
        arguments = ["fold", "--data", data]
        for name, value in {"until": until, **hidden}.items():
            if value is not None:
                arguments += ["--" + name.replace("_", "-"), str(value)]
        return self.run(*arguments, *files, exits=exits)

    def dump(self, file):
        """The records of one of our Avro files."""
        return [json.loads(line) for line in self.run("dump", file).stdout.splitlines()]

    def output(self, data, topic):
        """The records of one output topic in the order in which they were emitted; none where its file was never made."""
        file = output_file(data, topic)
        return self.dump(file) if file.exists() else []


def output_file(data, topic):
    return pathlib.Path(data) / "outputs" / f"{topic}.avro"


class Tap:
    """Prints each test's verdict as it falls and remembers whether all held."""

    def __init__(self):
        self.count = self.failed = 0

    def check(self, name, test, *arguments):
        """Runs test(*arguments): ok unless it raises Failed (or the program hangs). Returns what it returned, None where it failed."""
        try:
            result = test(*arguments)
        except (Failed, subprocess.TimeoutExpired) as why:
            self.result(name, str(why))
            return None
        self.result(name)
        return result

    def result(self, name, why=None):
        self.count += 1
        self.failed += why is not None
        print(f"{'ok' if why is None else 'not ok'} {self.count} - {name}")
        for line in (why or "").splitlines():
            print(f"#   {line}")
        sys.stdout.flush()

    def finish(self):
        print(f"1..{self.count}")
        sys.exit(1 if self.failed or not self.count else 0)
