"""The three engines of bench-peers: how each is started, what it reads and writes, where its state lies."""
import pathlib
import shutil
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[3]
PARTITIONS = 2
EVENTS = "events"  # the peers' topic of events
SOURCES = "source."  # before the names of ringback's sources
SOURCE_NAMES = ["calls", "jobs", "commands", "directory"]  # that the group commits; network's place is in ringback's seals
TOOLS_HEAP = "512m"
JAVA = ["java", "-Dorg.apache.avro.SERIALIZABLE_PACKAGES=ringback", "-Dorg.slf4j.simpleLogger.defaultLogLevel=error", "-XX:+UseParallelGC"]
OPENED = ["--add-opens=java.base/java.util=ALL-UNNAMED", "--add-opens=java.base/java.lang=ALL-UNNAMED"]  # as Flink's own scripts do
STOP_SECONDS = 60


class Peers:
    """What Maven makes of tests/bench/peers, in `into`."""

    def __init__(self, into):
        self.into = into

    def build(self):
        command = ["mvn", "-q", "-B", "-f", str(ROOT / "tests/bench/peers/pom.xml"), f"-Dinto={self.into}", "package"]
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=900)
        if done.returncode:
            raise SystemExit(f"bench-peers: the peers cannot be built:\n{done.stdout}")

    def java(self, module, program, heap, words, more=()):
        jars = f"{self.into}/{module}/{module}-1.jar:{self.into}/{module}/lib/*"
        arguments = [f"{name}={value}" for name, value in words.items()]
        return [*JAVA, *more, f"-Xmx{heap}", "-cp", jars, f"ringback.peers.{program}", *arguments]

    def tool(self, name, /, **words):
        return self.java("streams", f"tools.{name}", TOOLS_HEAP, words)


class Engine:
    """One engine in one run. `room` holds its log and its state; topics and group carry the run's name."""

    name = ""
    label = ""
    #: Of what the topic of rows holds.
    schema = {"schemas": ROOT / "tests/bench/peers/rules/src/main/avro", "name": "ringback.peers.RowChanged"}

    def __init__(self, bench, run, workers, events=EVENTS, sources=SOURCES):
        self.bench, self.run, self.workers, self.events, self.sources = bench, run, workers, events, sources
        self.room = bench.directory / run
        self.state = self.room / "state"
        self.rows = f"{run}.followups"
        self.process = None
        shutil.rmtree(self.room, ignore_errors=True)
        self.state.mkdir(parents=True)

    def group_topics(self):
        return [self.events]

    def make_topics(self):
        self.bench.tool("Topics", create=f"{self.rows}:{PARTITIONS}", delete="")

    def command(self):
        raise NotImplementedError

    def start(self):
        with open(self.room / "log", "ab") as log:
            self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        return self.process

    def check_alive(self):
        if self.process.poll() is not None:
            self.fail(f"ended with {self.process.returncode}")

    def fail(self, why):
        """Ends the bench; the log does not outlive it."""
        lines = (self.room / "log").read_text(errors="replace").splitlines()
        raise SystemExit(f"bench-peers: {self.label} {why}. The end of its log:\n" + "\n".join(lines[-15:]))

    def end(self, kill=False):
        if self.process is None:
            return
        if kill:
            self.process.kill()
        else:
            self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None

    def lose_state(self):
        """What a host that is gone would take along."""
        shutil.rmtree(self.state)
        self.state.mkdir()

    def clean(self):
        self.end()
        time.sleep(1)  # the broker hears of it
        self.bench.tool("Topics", create="", delete=self.run)
        shutil.rmtree(self.room, ignore_errors=True)

    def words(self):
        return {"bootstrap": self.bench.bootstrap, "application": self.run, "events": self.events, "rows": self.rows, "state": self.state,
                "threads": self.workers, "settings": self.bench.directory / "settings.tsv", "avro": self.bench.avro}


class Ringback(Engine):
    name = "ringback"
    label = "Ringback"
    schema = {"schemas": ROOT / "schemas", "name": "ringback.Followup"}

    def group_topics(self):
        return [self.sources + name for name in SOURCE_NAMES]

    def write_config(self):
        named = "".join(f"  {name}: {self.sources}{name}\n" for name in [*SOURCE_NAMES, "network"])
        config = self.room / "ringback.yaml"
        config.write_text(f"brokers: {self.bench.bootstrap}\napplication: {self.run}\npartitions: {PARTITIONS}\nworkers: {self.workers}\n"
                          f"topics:\n  prefix: {self.run}.\n  replication: 1\n  min_insync_replicas: 1\n{named}"
                          f"state:\n  dir: {self.state}\nhttp:\n  port: 0\nlog:\n  level: warning\n")
        return config

    def make_topics(self):
        command = [self.bench.ringback, "topics", "create", "-c", self.write_config()]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=60)

    def command(self):
        return [self.bench.ringback, "run", "-c", self.room / "ringback.yaml"]


class Streams(Engine):
    name = "streams"
    label = "Kafka Streams"
    caching, ids = "on", "record"  # the fastest of those that --tune tries

    def command(self):
        words = self.words() | {"caching": self.caching, "ids": self.ids}
        return self.bench.peers.java("streams", "StreamsPeer", "1g", words)


class Flink(Engine):
    """Its state is on the heap and its checkpoints lie in durable storage: that a host is gone loses nothing that a kill did not."""

    name = "flink"
    label = "Flink"
    checkpoint_ms, watermark_ms = 1000, 50

    def command(self):
        words = self.words() | {"checkpoint_ms": self.checkpoint_ms, "watermark_ms": self.watermark_ms}
        return self.bench.peers.java("flink", "FlinkPeer", "2g", words, OPENED)

    def lose_state(self):
        pass


class FlinkOften(Flink):
    name = "flink-often"
    label = "Flink, checkpoints without pause"
    checkpoint_ms, watermark_ms = 10, 10


ENGINES = {engine.name: engine for engine in (Ringback, Streams, Flink, FlinkOften)}
