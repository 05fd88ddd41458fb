"""Tools that the tests of operations need and that are not the product's."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import fetch  # noqa: E402

NEWEST = "confluent-kafka==2.16.1"


def promtool():
    """Of Debian's package prometheus, without installing it: that would start a server."""

    def unpack(into):
        fetch.run("apt-get", "-qq", "download", "prometheus", cwd=into)
        (package,) = into.glob("prometheus_*.deb")
        fetch.run("sh", "-c", f"dpkg-deb --fsys-tarfile '{package.name}' | tar -x ./usr/bin/promtool", cwd=into)
        package.unlink()

    return fetch.once("ops/promtool", unpack) / "usr/bin/promtool"


def newest_librdkafka():
    """The shared library that Confluent's Python package brings: the program runs with it by LD_PRELOAD."""
    place = fetch.packages(f"ops/{NEWEST}", NEWEST, options=["--no-deps"])
    (library,) = (place / "confluent_kafka.libs").glob("librdkafka*.so*")
    return library
