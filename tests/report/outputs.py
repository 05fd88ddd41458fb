#!/usr/bin/env python3
"""The report from the outputs alone: the job of docs/report.md, as it stands there, gives the figures of --compare campaign.

tests/report/outputs.py
"""

import json
import pathlib
import re
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
import fetch  # noqa: E402
from program import Failed, Program, ROOT, Tap, output_file  # noqa: E402

DUCKDB = "duckdb==2.0.0"


def job_of_the_docs():
    job = re.search(r"```python\n(.*?)```", (ROOT / "docs/report.md").read_text(), re.DOTALL).group(1)
    if len(job.splitlines()) > 20:
        raise Failed(f"the job has {len(job.splitlines())} lines")
    return job


def compare(program, room, job, header):
    """Each account of the week, over some of its days."""
    compared = 0
    for account in header["accounts"]:
        days = "2025-03-09", "2025-04-04"
        words = ["--account", account["tenant"], "--from", days[0], "--to", days[1], "--compare", "campaign", "--format", "json", "--quiet"]
        expected = {
            line.get("group"): line
            for line in map(json.loads, program.run("report", "unbooked-abandoned", "--data", room / "data", *words).stdout.splitlines())
        }
        done = subprocess.run(
            [sys.executable, job, room / "calls.jsonl", room / "followups.jsonl", account["tenant"], account["zone"], *days],
            capture_output=True,
            timeout=120,
            check=False,
            env={"PYTHONPATH": str(fetch.packages(f"report/{DUCKDB}", DUCKDB))},
        )
        if done.returncode:
            raise Failed(done.stderr.decode())
        got = {line.pop("group", None): line for line in map(json.loads, done.stdout.splitlines())}
        counted = {group: line for group, line in expected.items() if line["calls"]}  # the others were there the period before
        if got.keys() != counted.keys():
            raise Failed(f"{account['tenant']}: groups {got.keys() ^ counted.keys()} differ")
        for group, line in got.items():
            wrong = [
                f"{name} {value}, expected {expected[group].get(name)}"
                for name, value in line.items()
                if value != expected[group].get(name)
            ]
            if wrong or len(line) < 12:
                raise Failed(f"{account['tenant']}, {group}: {wrong or line}")
            compared += len(line)
    print(f"# {compared} figures compared")


def main():
    tap, program = Tap(), Program()
    with tempfile.TemporaryDirectory(prefix="ringback-outputs.") as room:
        room = pathlib.Path(room)
        program.run("generate", "--days", "45", "--calls-per-day", "400", "--disorder", "--out", room / "events.jsonl")
        program.fold(room / "data", room / "events.jsonl")
        for topic, name in (("calls-classified", "calls"), ("followups", "followups")):
            (room / f"{name}.jsonl").write_bytes(program.run("dump", output_file(room / "data", topic)).stdout)
        program.run(
            "report", "unbooked-abandoned", "--data", room / "data", "--header", room / "header.json", "--format", "csv", "--limit", "0"
        )
        job = room / "report.py"
        tap.check("the job stands in docs/report.md, in 20 lines", lambda: job.write_text(job_of_the_docs()))
        tap.check(
            "it gives the figures of --compare campaign, from dumped outputs",
            compare,
            program,
            room,
            job,
            json.loads((room / "header.json").read_text()),
        )
    tap.finish()


if __name__ == "__main__":
    main()
