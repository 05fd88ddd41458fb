#!/usr/bin/env python3
"""A real Apache Kafka on loopback, one node, and a schema registry if wanted. What it needs comes through Maven and pip into build/kafka.

    tests/kafka/broker.py start DIR [--registry]    everything of theirs lies in DIR; prints {"bootstrap": ..., "registry": ..., "pids": ...}
    tests/kafka/broker.py stop DIR                  started again on the same DIR it keeps its ports and what it holds
    tests/kafka/broker.py kill DIR                  the same at once, as kill -9 does
"""
import argparse
import contextlib
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import sys
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import fetch  # noqa: E402

PYTHON = ["confluent-kafka==2.8.2", "fastavro==1.9.7"]
READY_SECONDS = 60

PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{broker},PROXIED://127.0.0.1:{behind},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{broker},PROXIED://127.0.0.1:{proxy}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,PROXIED:PLAINTEXT,CONTROLLER:PLAINTEXT
inter.broker.listener.name=PLAINTEXT
log.dirs={room}/data
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
offsets.topic.num.partitions=4
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
num.network.threads=2
num.io.threads=4
"""

LOG4J = """\
<Configuration status="error"><Appenders><Console name="out"><PatternLayout pattern="%d %p %c %m%n"/></Console></Appenders>
<Loggers><Logger name="org.apache.kafka.coordinator" level="info"/><Root level="warn"><AppenderRef ref="out"/></Root></Loggers></Configuration>
"""


def maven(name, goal):
    return fetch.once(f"kafka/{name}", lambda into: fetch.run("mvn", "-q", "-B", "-f", HERE / "pom.xml", f"-Dinto={into}", goal))


def broker_jars():
    return maven("broker", "dependency:copy-dependencies@broker")


def registry_jars():
    return maven("registry", "dependency:unpack@registry")


def modules():
    """The modules confluent_kafka and fastavro."""
    fetch.importable(fetch.packages("kafka/modules-2.8", *PYTHON, options=["--no-deps"]))
    import confluent_kafka
    import fastavro
    return confluent_kafka, fastavro


def free_ports(count):
    """Below those that connections going out get: else one takes a port while its broker is down."""
    lowest = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    ports = []
    for port in random.sample(range(lowest // 2, lowest), lowest - lowest // 2):
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            ports.append(port)
        if len(ports) == count:
            return ports
    sys.exit("broker.py: no port is free")


def is_alive(pid):
    try:
        os.kill(pid, 0)
        with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


class Broker:
    """What runs in a directory; `places` is what `start` printed. `more` goes behind PROPERTIES, and so holds where both say something."""

    compiler = ["-XX:TieredStopAtLevel=1"]  # compiling well costs a broker that lives for minutes half of its CPU; benchmarks let it

    def __init__(self, room, more=""):
        self.room, self.more = pathlib.Path(room).resolve(), more
        self.file = self.room / "places.json"
        self.places = json.loads(self.file.read_text()) if self.file.exists() else {"pids": {}}

    @property
    def bootstrap(self):
        return self.places["bootstrap"]

    @property
    def registry(self):
        return self.places.get("registry")

    def save(self):
        self.file.write_text(json.dumps(self.places))

    def java(self, heap, *arguments):
        jars = ":".join([str(self.room)] + [f"{broker_jars()}/*"])
        return ["java", *self.compiler, f"-Xmx{heap}", "-Xms64m", "-XX:+UseSerialGC", f"-Dlog4j2.configurationFile={self.room}/log4j2.xml", "-cp", jars,
                *arguments]

    def spawn(self, name, command):
        running = self.places["pids"].get(name)
        if running and is_alive(running):
            return
        with open(self.room / f"{name}.log", "ab") as log:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.room, start_new_session=True)
        self.places["pids"][name] = process.pid
        self.save()

    def format(self):
        self.room.mkdir(parents=True, exist_ok=True)
        broker, controller, behind, proxy = free_ports(4)
        self.places |= {"bootstrap": f"127.0.0.1:{broker}", "behind": behind, "proxy": proxy}  # a proxy listens there, if any (proxy.py)
        (self.room / "log4j2.xml").write_text(LOG4J)
        properties = self.room / "server.properties"
        properties.write_text(PROPERTIES.format(room=self.room, broker=broker, controller=controller, behind=behind, proxy=proxy) + self.more)
        tool = self.java("128m", "kafka.tools.StorageTool", "format", "-t", "ringbacktestsAAAAAAAAA", "-c", str(properties))
        done = subprocess.run(tool, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=READY_SECONDS)
        if done.returncode:
            sys.exit(f"broker.py: format failed:\n{done.stdout}")
        self.save()

    def start(self, registry=False):
        broker_jars()
        if "bootstrap" not in self.places:
            self.format()
        self.spawn("kafka", self.java("400m", "kafka.Kafka", str(self.room / "server.properties")))
        if registry:
            self.start_registry()
        elif "registry" not in self.places["pids"]:
            self.places.pop("registry", None)
        self.wait_ready()
        return self

    def start_registry(self):
        jar, = registry_jars().glob("*-runner.jar")
        if not self.registry:
            self.places["registry"] = f"http://127.0.0.1:{free_ports(1)[0]}/apis/ccompat/v7"
        port = self.registry.split(":")[2].split("/")[0]
        self.spawn("registry", ["java", *self.compiler, "-Xmx300m", "-XX:+UseSerialGC", "-Dquarkus.http.host=127.0.0.1", f"-Dquarkus.http.port={port}", "-jar",
                                str(jar)])

    def wait_ready(self):
        """Ready is who gives out a producer id, not who listens."""
        kafka, _ = modules()
        deadline = time.monotonic() + READY_SECONDS
        producer = kafka.Producer({"bootstrap.servers": self.bootstrap, "transactional.id": "ready", "log_level": 0})
        while True:
            try:
                producer.init_transactions(5)
                break
            except kafka.KafkaException as why:
                if time.monotonic() > deadline or not is_alive(self.places["pids"]["kafka"]):
                    sys.exit(f"broker.py: Kafka does not come up, see {self.room}/kafka.log: {why}")
        while self.registry and not self.registry_answers():
            if time.monotonic() > deadline:
                sys.exit(f"broker.py: the registry does not come up, see {self.room}/registry.log")
            time.sleep(0.2)

    def registry_answers(self):
        try:
            with urllib.request.urlopen(f"{self.registry}/subjects", timeout=2) as answer:
                return answer.status == 200
        except OSError:
            return False

    def end_hanging(self):
        """Ends what a killed broker called complete without a marker in its logs, as docs/operations.md has it. Returns how many there were."""
        tool = self.java("128m", "org.apache.kafka.tools.TransactionsCommand", "--bootstrap-server", self.bootstrap)

        def run(*words):
            return subprocess.run([*tool, *words], stdout=subprocess.PIPE, text=True, timeout=READY_SECONDS, check=True).stdout.splitlines()

        found = [line.split() for line in run("find-hanging", "--broker-id", "1", "--max-transaction-timeout", "1")[1:]]
        for topic, partition, _, _, _, offset, *_ in found:
            run("abort", "--topic", topic, "--partition", partition, "--start-offset", offset)
        return len(found)

    def tail(self, count=30):
        """What it said last."""
        return "\n".join((self.room / "kafka.log").read_text(errors="replace").splitlines()[-count:])

    def end(self, name, how, seconds=30):
        pid = self.places["pids"].pop(name, None)
        self.save()
        if not pid or not is_alive(pid):
            return
        os.kill(pid, how)
        deadline = time.monotonic() + seconds
        while is_alive(pid):
            try:
                os.waitpid(pid, os.WNOHANG)  # where it is a child of ours
            except ChildProcessError:
                pass
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
            time.sleep(0.05)

    def stop(self):
        for name in list(self.places["pids"]):
            self.end(name, signal.SIGTERM)

    def kill(self, name="kafka"):
        self.end(name, signal.SIGKILL)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["start", "stop", "kill"])
    parser.add_argument("room", metavar="DIR")
    parser.add_argument("--registry", action="store_true", help="a schema registry too")
    options = parser.parse_args()
    broker = Broker(options.room)
    if options.what == "start":
        print(json.dumps(broker.start(options.registry).places))
    elif options.what == "stop":
        broker.stop()
    else:
        broker.kill()


if __name__ == "__main__":
    main()
