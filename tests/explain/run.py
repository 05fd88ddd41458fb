#!/usr/bin/env python3
"""`ringback explain`, `what-if` and `verify`, against what is there. tests/explain/README.md says how."""
import pathlib
import shutil
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
import settings  # noqa: E402
import stories  # noqa: E402
import verified  # noqa: E402
from program import Program, Tap  # noqa: E402


def main():
    tap, program, work = Tap(), Program(), pathlib.Path(tempfile.mkdtemp(prefix="ringback-explain-"))
    try:
        for module in (stories, settings, verified):
            module.tests(tap, program, work)
    finally:
        shutil.rmtree(work)
    tap.finish()


if __name__ == "__main__":
    main()
