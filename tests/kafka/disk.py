"""A disk that is full: the instance on it leaves, others take over, and it comes back when there is room."""
import errno
import os
import pathlib
import subprocess
import time

from bench import of_now, wait_until
from broker import free_ports
import ledger
from program import Failed
from trouble import add, states_of
from wire import messages

LEFT_MS = 5_000      # below the session's timeout: it has left, not only gone silent
AWAY_SECONDS = 10    # at least (runtime/kafka_disk.c)


class SmallDisk:
    """A tmpfs of some MiB in a mount namespace of its own, which a sleeping process holds: it outlives whoever is killed on it."""

    def __init__(self, room, mib):
        self.mount = pathlib.Path(room) / "disk"
        self.mount.mkdir()
        root = os.geteuid() == 0
        unshare = ["unshare", "--mount"] if root else ["unshare", "--user", "--map-root-user", "--mount"]
        script = f'mount -t tmpfs -o size={mib}m none "$1" && echo mounted && exec sleep infinity'
        self.holder = subprocess.Popen([*unshare, "sh", "-c", script, "sh", str(self.mount)], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        if self.holder.stdout.readline() != b"mounted\n":
            raise Failed("cannot mount a tmpfs: needs root or user namespaces")
        self.seen = pathlib.Path(f"/proc/{self.holder.pid}/root{self.mount}")
        self.enter = ["nsenter", f"--target={self.holder.pid}", "--mount", *([] if root else ["--user", "--preserve-credentials"])]

    def fill(self):
        """To the last page."""
        ballast = os.open(self.seen / "ballast", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        try:
            for size in (1 << 20, 4096):
                try:
                    while True:
                        os.write(ballast, bytes(size))
                except OSError as why:
                    if why.errno != errno.ENOSPC:
                        raise
        finally:
            os.close(ballast)

    def free(self, percent=100):
        """So much of it, as far as the ballast goes."""
        total = os.statvfs(self.seen)
        size = os.stat(self.seen / "ballast").st_size
        os.truncate(self.seen / "ballast", max(0, size - total.f_blocks * total.f_frsize * percent // 100))

    def remove(self):
        self.holder.kill()
        self.holder.wait()


def full_disk(bench):
    """Two instances; the disk of one is filled. The other has all partitions soon; 5 % are too little to come back, more is
    enough. A start on a full disk is the same, and no end."""
    wire, room, (port,) = bench.wire(4), bench.directory("full"), free_ports(1)
    events = list(messages(of_now(bench, 3, "--tenants", 40, "--events", 12_000), wire.prefix))
    disk = SmallDisk(room, 32)
    small, other = bench.instance(wire, room, "small", disk=disk, port=port), bench.instance(wire, room, "other")
    writes = lambda instance: [n for n in range(4) if states_of(instance, n)[-1:] == ["WRITING"]]  # noqa: E731
    try:
        small.start()
        other.start()
        wait_until("they do not share the partitions", 60, lambda: len(writes(small)) == 2 and len(writes(other)) == 2)
        sent = wire.send(events[:4000])
        bench.at_end(wire, sent)
        disk.fill()
        sent = add(sent, wire.send(events[4000:8000]))
        wait_until(f"it does not leave:\n{small.tail()}", 60, lambda: small.count("disk_refused"))
        left = time.monotonic()
        wait_until(f"nobody takes over:\n{other.tail()}", 60, lambda: len(writes(other)) == 4, every=0.05)
        took = round(1000 * (time.monotonic() - left))
        bench.at_end(wire, sent)
        status, reasons = small.page("/readyz")
        if status != 503 or "disk: " not in reasons or "ringback_disk_refused 1" not in small.page("/metrics")[1]:
            raise Failed(f"it does not say that its disk is full: {status} {reasons}")
        small.kill()
        small.start()
        wait_until(f"started on the full disk it does not say so:\n{small.tail()}", 60, lambda: small.count("disk_refused") == 2)
        disk.free(percent=5)
        time.sleep(AWAY_SECONDS + 3)
        if small.count("disk_back") or not small.is_running():
            raise Failed(f"with 5 % free it came back, or ended:\n{small.tail()}")
        disk.free()
        wait_until(f"it does not come back:\n{small.tail()}", 30, lambda: small.count("disk_back") and len(writes(small)) == 2)
        sent = add(sent, wire.send(events[8000:]))
        bench.at_end(wire, sent)
        wait_until("it is not ready again", 30, lambda: small.page("/readyz")[0] == 200)
        if "ringback_disk_refused 0" not in small.page("/metrics")[1]:
            raise Failed("its metric still says that the disk is full")
        for instance in (small, other):
            instance.stop()
    finally:
        for instance in (small, other):
            instance.kill()
        disk.remove()
    counts, _ = ledger.check(wire, bench.program, room, f"{wire.prefix}app")
    print(f"# all partitions were written by the other {took} ms after the disk was full; {counts['records']} records, each once")
    if took > LEFT_MS:
        raise Failed(f"{took} ms until others took over, {LEFT_MS} at most")
