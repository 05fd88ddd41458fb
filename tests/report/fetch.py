"""Packages of PyPI that tests of the report need: fetched once into build/report, never into the machine's own Python."""

import os
import pathlib
import shutil
import subprocess
import sys

FETCHED = pathlib.Path(__file__).resolve().parent.parent.parent / "build/report"


def package(requirement):
    """Makes a package importable, and returns where it lies. Half of one is never left behind under its name."""
    place = FETCHED / requirement
    if not place.exists():
        half = FETCHED / f".{requirement}.{os.getpid()}"
        FETCHED.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(half, ignore_errors=True)
        done = subprocess.run(
            [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", half, requirement],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=600,
            check=False,
        )
        if done.returncode:
            sys.exit(f"{requirement} cannot be fetched:\n{done.stdout}")
        try:
            half.rename(place)
        except OSError:  # another test was faster
            shutil.rmtree(half, ignore_errors=True)
    sys.path.insert(0, str(place))
    return place
