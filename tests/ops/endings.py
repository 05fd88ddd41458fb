"""A service that is not to start, says what it waits for, and ends in time whatever happens."""

import json
import os
import signal
import socket
import subprocess
import time

from stage import Service, expect, has, kafka_broker
from program import EXIT_AGAIN, EXIT_CONFIGURATION

PROMISED_SECONDS = 5  # from SIGTERM to the end
UNASSIGNED_SECONDS = 30  # until it says that nobody assigns it anything
LATE_SECONDS = 30  # that the member's thread may be away (runtime/kafka_worker.c)


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


def gives_reason(service, reason, seconds=60):
    """Why it is not ready."""
    service.until(lambda: reason in service.get("/readyz")[1], reason, seconds)


def terminated(process, what):
    """SIGTERM; it ends well and in time."""
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    try:
        code = process.wait(4 * PROMISED_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        code = "nothing"
    took = time.monotonic() - began
    expect(code == 0 and took <= PROMISED_SECONDS, f"{what}: it ended with {code} {took:.1f} s after SIGTERM")


def ends_without_brokers_or_registry(bench):
    """SIGTERM ends it in time while it waits for a registry that does not answer, and for brokers that are not there."""
    port, broker = kafka_broker.free_ports(2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}"
        registry = f"registry: {{url: '{address}', timeout: 60s}}\n"
        for what, more in (("a silent registry", registry), ("no broker", "")):
            config = bench.config("alone", f"127.0.0.1:{broker}", "a.", f"http: {{port: {port}}}\n{more}")
            (bench.room / "alone.log").unlink(missing_ok=True)
            service = Service(bench, "alone", config)
            try:
                service.until(lambda: '"started"' in service.log.read_text(), "a first line")
                time.sleep(2)
                terminated(service.process, what)
            finally:
                service.process.kill()


class Unread(Service):
    """A service whose standard error is a pipe; nobody reads it, and once it is full whoever writes into it is blocked."""

    def __init__(self, bench, name, config):
        self.reads, self.writes = os.pipe()
        super().__init__(bench, name, config, output=self.writes)

    def fill(self):
        """By an open file of our own: what it shares with the service would not block that either."""
        pipe = os.open(f"/proc/self/fd/{self.writes}", os.O_WRONLY | os.O_NONBLOCK)
        try:
            for size in (4096, 1):
                try:
                    while True:
                        os.write(pipe, b"x" * size)
                except BlockingIOError:
                    pass
        finally:
            os.close(pipe)

    def remove(self):
        self.process.kill()
        self.process.wait()
        os.close(self.reads)
        os.close(self.writes)


def log_that_nobody_reads(bench):
    """It blocks whoever writes a line, and neither SIGTERM nor the watchdog's own last words."""
    import confluent_kafka

    (port,) = kafka_broker.free_ports(1)
    config = bench.config("unread", bench.broker.bootstrap, "n.", f"http: {{port: {port}}}\n")
    bench.ringback("topics", "create", "-c", config)
    service = Unread(bench, "unread", config)
    try:
        service.until(service.ready, "ready")
        service.fill()
        terminated(service.process, "a pipe that is full")
    finally:
        service.remove()
    service = Unread(bench, "unread", config)
    settings = {"bootstrap.servers": bench.broker.bootstrap, "group.id": "unread", "partition.assignment.strategy": "range", "log_level": 0}
    other = confluent_kafka.Consumer(settings)
    try:
        service.until(service.ready, "ready again")
        service.fill()
        other.subscribe([f"n.{name}" for name in ("calls", "jobs", "commands", "directory")])
        other.poll(1)  # its thread goes on joining: the service's member has a line to write
        try:
            code = service.process.wait(LATE_SECONDS + 20)
        except subprocess.TimeoutExpired:
            code = "nothing"
        expect(code == EXIT_AGAIN, f"the watchdog ends it with {code}")
    finally:
        service.remove()
        other.close()


def nobody_assigns(bench):
    """Who is not assigned anything for 30 s says so, in its log and on its page, and what it may be."""
    port, broker = kafka_broker.free_ports(2)
    config = bench.config("waits", f"127.0.0.1:{broker}", "w.", f"http: {{port: {port}}}\n")
    service = Service(bench, "waits", config)
    try:
        gives_reason(service, "broker: no broker answers: ", seconds=10)
        has(service.get("/readyz")[1], "Connection refused", "group: not a member of the group yet")
        service.until(lambda: '"event":"no_assignment"' in service.log.read_text(), "a line that says so", seconds=UNASSIGNED_SECONDS + 5)
        line = next(json.loads(line) for line in service.log.read_text().splitlines() if '"event":"no_assignment"' in line)
        expect(UNASSIGNED_SECONDS <= line["seconds"] <= UNASSIGNED_SECONDS + 5, f"it says {line}")
        for said in (line["text"], service.get("/readyz")[1]):
            has(said, f"no assignment for {line['seconds']} s", "coordinator of __consumer_offsets")
        terminated(service.process, "no assignment")
    finally:
        service.process.kill()


def partitions_of_sources(bench):
    """A source with other partitions than the configuration has ends it at once; one that grows later is told of when it is assigned."""
    import confluent_kafka.admin as admin

    client = admin.AdminClient({"bootstrap.servers": bench.broker.bootstrap})
    grow = lambda topic, count: client.create_partitions([admin.NewPartitions(topic, count)])[topic].result(10)
    (port,) = kafka_broker.free_ports(1)
    config = bench.config(
        "grown", bench.broker.bootstrap, "g.", f"http: {{port: {port}}}\n", kafka={"topic.metadata.refresh.interval.ms": 1000}
    )
    bench.ringback("topics", "create", "-c", config)
    service = Service(bench, "grown", config)
    try:
        service.until(service.ready, "ready")
        for topic in ("g.calls", "g.jobs", "g.commands", "g.directory"):
            grow(topic, 3)
        gives_reason(service, "has a partition 2, and partitions is 2: nobody reads it")
        lines = [json.loads(line) for line in service.log.read_text().splitlines()]
        beyond = {line["topic"] for line in lines if line.get("event") == "assignment_beyond" and line["partition"] == 2}
        expect("g.calls" in beyond, f"the log says so of {beyond}")
        service.stop()
    finally:
        service.process.kill()
    has(refused(bench, config), "the topic g.calls has 3 partitions where 2 are expected", "partitions: 2", "ringback topics check")


def broker_that_hangs(bench):
    """A broker that takes connections and answers none shows on /readyz, also to an instance that has no partitions; SIGTERM does not wait for it."""
    ports, pid = kafka_broker.free_ports(3), bench.broker.places["pids"]["kafka"]
    configs = [
        bench.config("hangs", bench.broker.bootstrap, "h.", f"http: {{port: {port}}}\n").rename(bench.room / f"hangs-{port}.yaml")
        for port in ports
    ]
    bench.ringback("topics", "create", "-c", configs[0])
    for config, port in zip(configs, ports):
        config.write_text(config.read_text().replace("hangs-state", f"hangs-state-{port}"))
    services = [Service(bench, f"hangs-{port}", config) for port, config in zip(ports, configs)]
    try:
        for service in services:  # three for two partitions
            service.until(service.ready, "ready")
        os.kill(pid, signal.SIGSTOP)
        for service in services:
            gives_reason(service, "broker: no broker answers", seconds=20)
            expect(service.get("/livez")[0] == 200, "who waits for a broker is taken for dead")
        os.kill(pid, signal.SIGCONT)
        for service in services:
            service.until(service.ready, "ready again")
        os.kill(pid, signal.SIGSTOP)
        time.sleep(1)
        for service in services:
            terminated(service.process, "a broker that hangs")
    finally:
        os.kill(pid, signal.SIGCONT)
        for service in services:
            service.process.kill()
