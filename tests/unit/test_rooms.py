#!/usr/bin/env python3
"""Who may include what (ARCHITECTURE 3): includes point one way, each library has one home, and the fold imports next to nothing.

    tests/unit/test_rooms.py     looks at the tree, and at build/release (or $RINGBACK's directory) for the compiled fold
"""
import os
import pathlib
import re
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from program import Failed, ROOT, Tap  # noqa: E402

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(?:"([^"]+)"|<([^>]+)>)', re.MULTILINE)
# A room may include from itself and from these.
MAY_INCLUDE = {"schemas": set(), "state": {"schemas"}, "processors": {"schemas", "state"}, "runtime": {"schemas", "state", "processors"}}
# The state knows nothing of what it keeps: only how bytes are spelled.
STATE_OF_SCHEMAS = {"schemas/codec/str.h"}
# Where the headers of a library may be included, as the beginning of a path.
HOMES = {"avro.h": "schemas/codec/", "lmdb.h": "state/", "librdkafka/rdkafka.h": "runtime/kafka", "rdkafka.h": "runtime/kafka",
         "yaml.h": "runtime/config", "curl/curl.h": "runtime/registry", "microhttpd.h": "runtime/http"}
# What the fold may know of the system: no clock, no files, no threads, no formatted or floating text.
FOLD_HEADERS = {"assert.h", "endian.h", "limits.h", "stdbool.h", "stddef.h", "stdint.h", "stdlib.h", "string.h", "xxhash.h"}
FOLD_SYMBOLS = {"memcpy", "memcmp", "memmove", "memset", "memchr", "strlen", "abort", "__assert_fail"}
HARDENING = re.compile(r"__(memcpy|memmove|memset|strcpy)_chk$|__stack_chk_fail$|_GLOBAL_OFFSET_TABLE_$|__(asan|ubsan|tsan)_")


def sources(*rooms):
    for room in rooms:
        for path in sorted((ROOT / room).rglob("*.[ch]")):
            yield path, INCLUDE.findall(path.read_text())


def need_none(wrong):
    if wrong:
        raise Failed("\n".join(wrong))


def one_way():
    wrong = []
    for path, includes in sources(*MAY_INCLUDE):
        room = path.relative_to(ROOT).parts[0]
        for quoted, _ in includes:
            target = (path.parent / quoted).resolve()
            if not quoted or not target.exists():
                continue  # a system header, or one that the build makes beside the source
            target = target.relative_to(ROOT)
            if target.parts[0] not in MAY_INCLUDE[room] | {room}:
                wrong.append(f"{path.relative_to(ROOT)} includes {target}: {room} may not know {target.parts[0]}")
            if room == "state" and target.parts[0] == "schemas" and str(target) not in STATE_OF_SCHEMAS:
                wrong.append(f"{path.relative_to(ROOT)} includes {target}: of schemas, state may know only {', '.join(STATE_OF_SCHEMAS)}")
    need_none(wrong)


def homes():
    wrong = []
    for path, includes in sources(*MAY_INCLUDE):
        place = str(path.relative_to(ROOT))
        for _, system in includes:
            home = HOMES.get(system)
            if home and not place.startswith(home):
                wrong.append(f"{place} includes {system}, which only {home}* may")
    need_none(wrong)


def fold_headers():
    need_none([f"{path.relative_to(ROOT)} includes <{system}>" for path, includes in sources("processors") for _, system in includes
               if system and system not in FOLD_HEADERS])


def symbols(archive, *flags):
    lines = subprocess.run(["nm", "--format=posix", *flags, archive], capture_output=True, text=True, check=True).stdout.splitlines()
    return {line.split()[0] for line in lines if len(line.split()) > 1}


def archive(build, room):
    path = build / room / f"libringback_{room}.a"
    if not path.exists():
        raise Failed(f"{path} is not built; $RINGBACK names a program of the build to look at")
    return path


def fold_symbols():
    build = pathlib.Path(os.environ.get("RINGBACK", ROOT / "build/release/ringback")).resolve().parent
    ours = set().union(*(symbols(archive(build, room), "--defined-only", "--extern-only") for room in ("schemas", "state", "processors")))
    imported = symbols(archive(build, "processors"), "--undefined-only") - ours - FOLD_SYMBOLS
    need_none([f"the fold imports {name}" for name in sorted(imported) if not HARDENING.match(name)])


def fold_is_exact():
    """No floating point in the fold: sums of it depend on the order and the machine."""
    floating = re.compile(r"\b(float|double)\b")
    comments = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
    need_none([str(path.relative_to(ROOT)) for path, _ in sources("processors") if floating.search(comments.sub("", path.read_text()))])


def main():
    tap = Tap()
    tap.check("includes point one way: runtime, processors, state, schemas", one_way)
    tap.check("each library is included in its home only", homes)
    tap.check("the fold includes no header beyond its list", fold_headers)
    tap.check("the fold's objects import no symbol beyond its list", fold_symbols)
    tap.check("the fold uses no floating point", fold_is_exact)
    tap.finish()


if __name__ == "__main__":
    main()
