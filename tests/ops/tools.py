"""Tools that the tests of operations need and that are not the product's: fetched once into build/ops."""

import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
FETCHED = HERE.parent.parent / "build/ops"
NEWEST = "confluent-kafka==2.16.1"


def fetched(name, fetch):
    """What fetch(directory) puts into a directory, which is there as a whole or not at all."""
    place = FETCHED / name
    if place.exists():
        return place
    half = FETCHED / f".{name}.{os.getpid()}"
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir(parents=True)
    fetch(half)
    try:
        half.rename(place)
    except OSError:  # somebody else was quicker
        shutil.rmtree(half)
    return place


def run(*command, cwd=None):
    done = subprocess.run(
        [str(word) for word in command], cwd=cwd, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300, check=False
    )
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))}\n{done.stdout}")


def promtool():
    """Of Debian's package prometheus, without installing it: that would start a server."""

    def fetch(into):
        run("apt-get", "-qq", "download", "prometheus", cwd=into)
        (package,) = into.glob("prometheus_*.deb")
        run("sh", "-c", f"dpkg-deb --fsys-tarfile '{package.name}' | tar -x ./usr/bin/promtool", cwd=into)
        package.unlink()

    return fetched("promtool", fetch) / "usr/bin/promtool"


def newest_librdkafka():
    """The shared library that Confluent's Python package brings: the program runs with it by LD_PRELOAD."""
    place = fetched(NEWEST, lambda into: run(sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", into, NEWEST))
    (library,) = (place / "confluent_kafka.libs").glob("librdkafka*.so*")
    return library
