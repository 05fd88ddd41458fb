"""What tests need and no package of Debian gives: fetched once into build/, where it lies as a whole or not at all."""
import os
import pathlib
import shutil
import subprocess
import sys

BUILD = pathlib.Path(__file__).resolve().parent.parent / "build"


def once(name, fill):
    """The directory build/NAME; where it is not there yet, fill(directory) makes it."""
    place = BUILD / name
    if place.exists():
        return place
    half = place.with_name(f".{place.name}.{os.getpid()}")
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir(parents=True)
    fill(half)
    try:
        half.rename(place)
    except OSError:  # somebody else was quicker
        shutil.rmtree(half)
    return place


def run(*command, cwd=None):
    """Ends the test where the command does not do what it should."""
    done = subprocess.run([*map(str, command)], cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=900, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}")


def packages(name, *requirements, options=()):
    """Packages of PyPI in the directory build/NAME, never in the machine's own Python."""
    command = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check", *options]
    return once(name, lambda into: run(*command, "--target", into, *requirements))


def importable(place):
    """What lies there is what `import` finds first."""
    if str(place) not in sys.path:
        sys.path.insert(0, str(place))
