#!/usr/bin/env python3
"""Setting a service up, looking at it, and the rights that it needs, on a real broker and a real schema registry.

    tests/ops/run.py [NAME]...      the tests whose names hold a word; all without
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
for place in (HERE, HERE.parent, HERE.parent / "kafka"):
    sys.path.insert(0, str(place))
import broker as kafka_broker  # noqa: E402
import secured  # noqa: E402
import tools  # noqa: E402
from program import EXIT_CONFIGURATION, EXIT_AGAIN, Failed, Program, ROOT, Tap  # noqa: E402

OUTPUTS = ("rejected", "calls-classified", "followups", "followup-events", "notices", "command-results")
SOURCES = ("calls", "jobs", "commands", "directory", "network")


def expect(condition, text):
    if not condition:
        raise Failed(text)


def has(text, *parts):
    for part in parts:
        expect(part in text, f"\"{part}\" is not in:\n{text}")


class Bench:
    """The program, a room, and servers that are started when the first test asks for them."""

    def __init__(self, room):
        self.room, self.program = pathlib.Path(room), Program()
        self.started = {}

    def server(self, name, make):
        if name not in self.started:
            self.started[name] = make()
        return self.started[name]

    @property
    def broker(self):
        return self.server("plain", lambda: kafka_broker.Broker(self.room / "plain").start(registry=True))

    @property
    def secured(self):
        return self.server("secured", lambda: secured.SecuredBroker(self.room / "secured").start())

    def stop(self):
        for server in self.started.values():
            server.stop()

    def config(self, name, brokers, prefix, more="", kafka=None, replication=1):
        path = self.room / f"{name}.yaml"
        path.write_text(f"brokers: {brokers}\napplication: {name}\npartitions: 2\n"
                        f"topics: {{prefix: {prefix}, replication: {replication}, min_insync_replicas: {replication}}}\n"
                        f"state: {{dir: {self.room / name}-state}}\n{more}"
                        + "".join(f"{'kafka:' if not i else ''}\n  {key}: '{value}'" for i, (key, value) in enumerate((kafka or {}).items())) + "\n")
        return path

    def ringback(self, *arguments, exits=(0,), **options):
        """Standard output and standard error as one text."""
        done = self.program.run(*arguments, exits=exits, **options)
        return done.stdout.decode() + done.stderr.decode()


# ---- what is in deploy/, without a broker

def rules_and_dashboard(bench):
    """Alert rules pass promtool and their own test; every metric that they and the dashboard ask for exists, with its labels."""
    promtool = tools.promtool()
    for command in (["check", "rules", "ringback-rules.yaml"], ["test", "rules", "ringback-rules.test.yaml"]):
        done = subprocess.run([promtool, *command], cwd=ROOT / "deploy/prometheus", capture_output=True, text=True, check=False, timeout=60)
        expect(done.returncode == 0, done.stdout + done.stderr)
    page = bench.ringback("check-config", "--page", "metrics")
    known = {row[0]: set(row[2].replace(" ", "").split(",")) for row in re.findall(r"^\| `(\w+)` \| (\w+) \| ([\w, ]*) \|", page, re.MULTILINE)}
    rules = (ROOT / "deploy/prometheus/ringback-rules.yaml").read_text()
    dashboard = json.loads((ROOT / "deploy/grafana/ringback.json").read_text())
    targets = [target["expr"] for panel in dashboard["panels"] for target in panel.get("targets", [])]
    expressions = re.findall(r"expr: (.*)", rules) + targets
    expect(len(targets) > 30 and len(expressions) > 45, "the expressions were not found")
    for expression in expressions:
        for name, selector in re.findall(r"\b((?:ringback|process)_\w+)(?:\{([^}]*)\})?", expression):
            base = re.sub(r"_(bucket|sum|count)$", "", name)
            expect(name in known or base in known, f"no such metric: {name} in {expression}")
            labels = set(re.findall(r"(\w+)=", selector)) - {"job", "instance", "le"}
            expect(labels <= known.get(name, known.get(base)), f"{name} has no labels {labels}: {expression}")
    for panel in dashboard["panels"]:
        expect(panel["type"] == "row" or (panel["title"] and panel["description"] and panel["targets"]), f"panel {panel['id']} says too little")
    operations = (ROOT / "docs/operations.md").read_text()
    for alert in re.findall(r"alert: (\w+)", rules):
        has(operations, f"`{alert}`")


def configurations(bench):
    """The sample and the one in the Kubernetes manifest are good, once their secrets are there."""
    bench.ringback("check-config", "-c", ROOT / "deploy/ringback.yaml")
    manifest = (ROOT / "deploy/kubernetes/ringback.yaml").read_text()
    text = re.search(r"  ringback.yaml: \|\n((?:    .*\n|\n)+)", manifest).group(1)
    (bench.room / "kafka-password").write_text("x\n")
    config = bench.room / "kubernetes.yaml"
    config.write_text(re.sub("^    ", "", text, flags=re.MULTILINE).replace("/run/secrets/ringback", str(bench.room)))
    bench.ringback("check-config", "-c", config)


# ---- setting up

def topics(bench):
    """create makes them, changes nothing that is there; check names each difference and what it costs."""
    config = bench.config("topics", bench.broker.bootstrap, "t.")
    has(bench.ringback("topics", "check", "-c", config, exits=(EXIT_CONFIGURATION,)), "t.journal", "missing", "`ringback topics create` makes it")
    made = bench.ringback("topics", "create", "-c", config)
    expect(made.count(" created\n") == 12, made)
    has(bench.ringback("topics", "check", "-c", config), "All 12 topics are as they should be.")
    expect(bench.ringback("topics", "create", "-c", config).count("was there, left as it is") == 12, "they are made again")

    import confluent_kafka.admin as admin
    client = admin.AdminClient({"bootstrap.servers": bench.broker.bootstrap})
    def change(topic, **settings):
        entries = [admin.ConfigEntry(name.replace("_", "."), value, incremental_operation=admin.AlterConfigOpType.SET) for name, value in settings.items()]
        resource = admin.ConfigResource(admin.ConfigResource.Type.TOPIC, f"t.{topic}", incremental_configs=entries)
        client.incremental_alter_configs([resource])[resource].result(10)
    change("journal", cleanup_policy="compact", retention_ms="3600000", max_message_bytes="1000", message_timestamp_type="CreateTime")
    change("followups", cleanup_policy="delete")
    change("calls", retention_ms="1000", compression_type="gzip")
    client.create_partitions([admin.NewPartitions("t.jobs", 3)])["t.jobs"].result(10)
    deadline = time.monotonic() + 15
    while (said := bench.ringback("topics", "check", "--format", "csv", "-c", config, exits=None)).count("t.jobs,partitions") != 1:
        expect(time.monotonic() < deadline, said)
    for line in ("t.journal,cleanup.policy,compact,delete,wrong,", "t.journal,retention.ms,3600000,-1,wrong,", "t.journal,message.timestamp.type,CreateTime,LogAppendTime,wrong,",
                 "t.journal,max.message.bytes,1000,1052672,wrong,", "t.followups,cleanup.policy,delete,compact,risk,", "t.calls,retention.ms,1000,604800000,risk,",
                 "t.calls,compression.type,gzip,lz4,risk,", "t.jobs,partitions,3,2,wrong,"):
        has(said, line)
    change("calls", retention_ms="-1", compression_type="zstd", max_message_bytes="9000000")  # more than asked for is no difference
    expect("t.calls" not in bench.ringback("topics", "check", "-c", config, exits=None), "more than asked for is a difference")
    too_many = bench.config("replicas", bench.broker.bootstrap, "u.", replication=3)
    has(bench.ringback("topics", "create", "-c", too_many, exits=(EXIT_CONFIGURATION,)), "u.", "Set topics.replication")


def registry_get(bench, path):
    with urllib.request.urlopen(f"{bench.broker.registry}{path}", timeout=10) as answer:
        return json.load(answer)


def registry_put(bench, path, body, method="POST"):
    request = urllib.request.Request(f"{bench.broker.registry}{path}", json.dumps(body).encode(), {"Content-Type": "application/vnd.schemaregistry.v1+json"}, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def schemas(bench):
    """register puts what the program says, sets the levels, and from then on the registry refuses what breaks them."""
    config = bench.config("schemas", bench.broker.bootstrap, "s.", f"registry: {{url: {bench.broker.registry}, timeout: 20s}}\n")
    expect(bench.ringback("schemas", "register", "--dry-run", "-c", config).count("would be registered") == 11, "the dry run says otherwise")
    expect(not [subject for subject in registry_get(bench, "/subjects") if subject.startswith("s.")], "the dry run has registered")
    expect(bench.ringback("schemas", "register", "-c", config).count("registered") == 11, "not all were registered")
    expect(bench.ringback("schemas", "register", "-c", config).count("was there") == 11, "they were registered again")
    subjects = {subject for subject in registry_get(bench, "/subjects") if subject.startswith("s.")}
    expect(subjects == {f"s.{topic}-value" for topic in OUTPUTS + SOURCES}, f"subjects: {subjects}")
    for topic in OUTPUTS + SOURCES:
        level = registry_get(bench, f"/config/s.{topic}-value")["compatibilityLevel"]
        expect(level == ("FULL_TRANSITIVE" if topic in OUTPUTS else "BACKWARD_TRANSITIVE"), f"{topic} is {level}")

    notice = json.loads(registry_get(bench, "/subjects/s.notices-value/versions/latest")["schema"])
    def refused(change):
        altered = json.loads(json.dumps(notice))
        change(altered["fields"])
        try:
            registry_put(bench, "/subjects/s.notices-value/versions", {"schema": json.dumps(altered)})
        except urllib.error.HTTPError as why:
            return why.code == 409
        return False
    expect(refused(lambda fields: fields.append({"name": "more", "type": "string"})), "a field without a default is taken")
    expect(refused(lambda fields: fields.pop()), "a field that has no default may go")
    expect(not refused(lambda fields: fields.append({"name": "more", "type": ["null", "string"], "default": None})), "a good change is refused")

    other = bench.config("foreign", bench.broker.bootstrap, "f.", f"registry: {{url: {bench.broker.registry}, timeout: 20s}}\n")
    registry_put(bench, "/subjects/f.notices-value/versions", {"schema": json.dumps({"type": "record", "name": "Notice", "namespace": "ringback", "fields": [{"name": "x", "type": "int"}]})})
    has(bench.ringback("schemas", "register", "-c", other, exits=(EXIT_CONFIGURATION,)), "f.notices-value holds a schema that Notice does not go with under FULL_TRANSITIVE")
    away = bench.config("away", bench.broker.bootstrap, "s.", "registry: {url: 'http://127.0.0.1:1', timeout: 1s}\n")
    has(bench.ringback("schemas", "register", "-c", away, exits=(EXIT_AGAIN,)), "http://127.0.0.1:1/subjects/s.rejected-value")
    none = bench.config("none", bench.broker.bootstrap, "s.")
    has(bench.ringback("schemas", "register", "-c", none, exits=(EXIT_CONFIGURATION,)), "names no registry")


def connecting(bench):
    """check-config --connect: what is missing, what is well, who does not answer."""
    config = bench.config("connect", bench.broker.bootstrap, "c.", f"registry: {{url: {bench.broker.registry}, timeout: 20s}}\n")
    said = bench.ringback("check-config", "--connect", "-c", config, exits=(EXIT_CONFIGURATION,))
    has(said, "c.journal: cannot find it", "Run `ringback schemas register` first")
    bench.ringback("topics", "create", "-c", config)
    bench.ringback("schemas", "register", "-c", config)
    said = bench.ringback("check-config", "--connect", "-c", config)
    expect(said.count("ok  ") == 17 and "wrong" not in said, said)
    for line in ("c.calls: Read", "c.journal: Read", "c.journal: Write", "c.followups: Write", "connect: Read", "connect.*: Write"):
        has(said, line)
    away = bench.config("nobody", "127.0.0.1:1", "c.")
    has(bench.ringback("check-config", "--connect", "-c", away, exits=(EXIT_CONFIGURATION,)), "no broker of 127.0.0.1:1 answers", "Connection refused")
    unknown = bench.config("unknown", bench.broker.bootstrap, "c.", kafka={"sesion.timeout.ms": 5})
    has(bench.ringback("check-config", "-c", unknown, exits=(EXIT_CONFIGURATION,)), "unknown key kafka.sesion.timeout.ms. Did you mean kafka.session.timeout.ms?")


# ---- rights

def admin_of(bench):
    import confluent_kafka.admin as admin
    return admin, admin.AdminClient({"bootstrap.servers": bench.secured.bootstrap, "log_level": 0})


def take_all(bench):
    admin, client = admin_of(bench)
    everything = admin.AclBindingFilter(admin.ResourceType.ANY, None, admin.ResourcePatternType.ANY, None, None, admin.AclOperation.ANY, admin.AclPermissionType.ANY)
    for answer in client.delete_acls([everything]).values():
        answer.result(10)


def missing_of(said):
    """What is said to be missing: {("Read", "topic", "r.calls"), ...}."""
    return set(re.findall(r"--operation (\w+) --([\w-]+) (\S+)", said))


LEAST = {("Read", "topic", f"r.{name}") for name in SOURCES + ("journal",)} | {("Write", "topic", f"r.{name}") for name in OUTPUTS + ("journal",)} \
    | {("Read", "group", "rights"), ("Write", "transactional-id", "rights.")}


def grant_all(bench, rights):
    """Python's client knows no transactional ids: those are granted by Kafka's own tool."""
    admin, client = admin_of(bench)
    kinds, acls = {"topic": admin.ResourceType.TOPIC, "group": admin.ResourceType.GROUP}, []
    for operation, kind, name in rights:
        if kind == "transactional-id":
            bench.secured.acls("--add", "--allow-principal", "User:ringback", "--operation", operation, f"--{kind}", name, "--resource-pattern-type", "prefixed")
        else:
            acls.append(admin.AclBinding(kinds[kind], name, admin.ResourcePatternType.LITERAL, "User:ringback", "*",
                                         admin.AclOperation[operation.upper()], admin.AclPermissionType.ALLOW))
    for answer in (client.create_acls(acls) if acls else {}).values():
        answer.result(10)


def logins(bench):
    """Who is not let in is told why; no password is seen."""
    broker, least = bench.secured, {"exits": (EXIT_CONFIGURATION,)}
    good = broker.properties("ringback", "PLAIN")
    said = bench.ringback("check-config", "--connect", "-c", bench.config("wrong", broker.secured, "r.", kafka=good | {"sasl.username": "nobody"}), **least)
    has(said, "lets us in", "SASL authentication error", "Look at security.protocol")
    said += bench.ringback("check-config", "--connect", "-c", bench.config("ca", broker.secured, "r.", kafka=good | {"ssl.ca.location": "/etc/ssl/certs/ca-certificates.crt"}), **least)
    has(said, "certificate verify failed")
    said += bench.ringback("check-config", "--connect", "-c", bench.config("clear", broker.secured, "r.", kafka=good | {"security.protocol": "SASL_PLAINTEXT"}), **least)
    said += bench.ringback("check-config", "--print", "-c", bench.config("print", broker.secured, "r.", kafka=good))
    expect(not any(password in said for password in secured.USERS.values()), "a password is printed")
    has(said, "sasl.password: \"${file:")


def secured_config(bench, mechanism):
    bench.ringback("topics", "create", "-c", bench.config("rights-plain", bench.secured.bootstrap, "r."))
    port, = kafka_broker.free_ports(1)
    return bench.config("rights", bench.secured.secured, "r.", f"http: {{port: {port}}}\n", kafka=bench.secured.properties("ringback", mechanism))


def rights(bench, mechanism, environment):
    """With the least set all is well; each right that is not there is named."""
    broker = bench.secured
    config = secured_config(bench, mechanism)
    check = lambda: bench.ringback("check-config", "--connect", "-c", config, exits=(0, EXIT_CONFIGURATION), env=os.environ | environment)
    take_all(bench)
    nothing = missing_of(check())
    expect({name for _, kind, name in nothing if kind == "topic"} == {f"r.{name}" for name in SOURCES + OUTPUTS + ("journal",)}, f"named of nothing: {nothing}")
    reads, writes = ({right for right in LEAST if right[0] == operation and right[1] == "topic"} for operation in ("Read", "Write"))
    for without in (reads, writes, {("Read", "group", "rights")}, {("Write", "transactional-id", "rights.")}):
        take_all(bench)
        grant_all(bench, LEAST - without | {("Describe", "topic", name) for _, _, name in without if "r." in name})
        named = missing_of(check())
        expect(named == without, f"missing {sorted(without)}\nnamed   {sorted(named)}")
    take_all(bench)
    grant_all(bench, LEAST)
    said = check()
    expect("wrong" not in said, said)
    says = bench.ringback("topics", "check", "-c", config, exits=(EXIT_CONFIGURATION,), env=os.environ | environment)
    has(says, "it needs DESCRIBE_CONFIGS on the topic")
    service = Service(bench, f"rights-{mechanism}", config, environment)
    try:
        service.until(service.ready, "ready with the least rights")
        service.stop()
    finally:
        service.process.kill()


def rights_over_plain(bench):
    rights(bench, "PLAIN", {})


def rights_over_scram(bench):
    """Kafka 4 refuses the SCRAM of librdkafka before 2.6.1, and we say so; the newest is let in."""
    broker = bench.secured
    config = bench.config("scram", broker.secured, "r.", kafka=broker.properties("ringback", "SCRAM-SHA-512"))
    said = bench.ringback("check-config", "--connect", "-c", config, exits=(0, EXIT_CONFIGURATION))
    if "lets us in" in said:
        has(said, "this librdkafka's SCRAM is refused by Kafka 4")
    rights(bench, "SCRAM-SHA-512", {"LD_PRELOAD": str(tools.newest_librdkafka())})


def refusals_of_a_service(bench):
    """A service that lacks a right says on /readyz which, and does not end: the right may be given while it waits."""
    config = secured_config(bench, "PLAIN")
    for without, words in ((("Read", "topic", "r.journal"), ("r.journal", "Topic authorization failed", "it needs READ")),
                           (("Write", "topic", "r.journal"), ("r.journal", "Topic authorization failed", "WRITE (journal, outputs)")),
                           (("Read", "group", "rights"), ("Group authorization failed",)),
                           (("Write", "transactional-id", "rights."), ("Transactional Id authorization failed",))):
        take_all(bench)
        grant_all(bench, LEAST - {without} | ({("Describe", "topic", without[2])} if without[1] == "topic" else set()))
        service = Service(bench, "refused", config)
        try:
            service.until(lambda: all(word in service.get("/readyz")[1] for word in words), f"{without} is named")
            expect(service.get("/livez")[0] == 200, "a service that waits for a right is taken for dead")
            grant_all(bench, {without})
            service.until(service.ready, f"ready after {without} was given")
            service.stop()
        finally:
            service.process.kill()


# ---- a service that runs

class Service:
    """`ringback run`, and its pages."""

    def __init__(self, bench, name, config, environment=None):
        self.port = int(re.search(r"port: (\d+)", config.read_text()).group(1))
        self.log = bench.room / f"{name}.log"
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen([bench.program.path, "run", "-c", config], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                            env=os.environ | (environment or {}))

    def get(self, path):
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as why:
            return why.code, why.read().decode()
        except OSError as why:
            return 0, str(why)

    def until(self, condition, what, seconds=60):
        deadline = time.monotonic() + seconds
        while not condition():
            expect(time.monotonic() < deadline and self.process.poll() is None, f"{what}: not within {seconds} s\n{self.log.read_text()[-3000:]}")
            time.sleep(0.1)

    def ready(self):
        return self.get("/readyz")[0] == 200

    def stop(self):
        self.process.terminate()
        try:
            expect(self.process.wait(15) == 0, self.log.read_text()[-2000:])
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise Failed("it does not end within 15 s of SIGTERM") from None


def produce(bench, topic, tenant, value, headers=None, brokers=None):
    """One record in the tenant's partition."""
    import confluent_kafka
    producer = confluent_kafka.Producer({"bootstrap.servers": brokers or bench.broker.bootstrap, "partitioner": "murmur2"})
    producer.produce(topic, value, tenant, headers=headers)
    expect(producer.flush(10) == 0, "the record was not delivered")


def metric(text, line):
    """The sum of the series that begin so."""
    return sum(float(value) for value in re.findall(rf"^{re.escape(line)}[^ ]* (\S+)$", text, re.MULTILINE))


def service_pages_and_registry_outage(bench):
    """A service is ready, its metrics pass promtool, and a registry that is away stops only what nobody knows yet."""
    import confluent_kafka  # noqa: F401
    port, = kafka_broker.free_ports(1)
    config = bench.config("service", bench.broker.bootstrap, "v.", f"registry: {{url: {bench.broker.registry}, timeout: 5s}}\nhttp: {{port: {port}}}\n")
    bench.ringback("topics", "create", "-c", config)
    bench.ringback("schemas", "register", "-c", config)
    ids = {topic: registry_get(bench, f"/subjects/v.{topic}-value/versions/latest")["id"] for topic in ("calls",)}
    event = EventWriter(bench)
    service = Service(bench, "service", config)
    try:
        service.until(service.ready, "ready")
        counted = lambda kind: metric(service.get("/metrics")[1], f"ringback_events_total{{partition=\"{event.partition}\",type=\"{kind}\"")
        produce(bench, "v.calls", event.tenant, b"\0" + ids["calls"].to_bytes(4, "big") + event.call(1))
        service.until(lambda: counted("CallStarted") == 1, "an event with an id in front")
        produce(bench, "v.calls", event.tenant, event.call(2), [("__value_schema_id", b"\0" + ids["calls"].to_bytes(4, "big"))])
        service.until(lambda: counted("CallStarted") == 2, "an event with an id in its header")
        produce(bench, "v.calls", event.tenant, event.fingerprint + event.call(3))
        service.until(lambda: counted("CallStarted") == 3, "a single object")
        produce(bench, "v.calls", event.tenant, b"\0" + (987654).to_bytes(4, "big") + event.call(4))
        rejected = lambda: metric(service.get("/metrics")[1], f"ringback_rejected_total{{partition=\"{event.partition}\",reason=\"MALFORMED\"")
        service.until(lambda: rejected() == 1, "an id that nobody knows is rejected")

        # a writer's schema of its own, with a field more, which the registry knows and we have not seen
        later = registry_put(bench, "/subjects/v.calls-value/versions", {"schema": json.dumps(event.wider())})["id"]
        os.kill(bench.broker.places["pids"]["registry"], signal.SIGSTOP)  # it takes connections, and answers none
        produce(bench, "v.calls", event.tenant, b"\0" + ids["calls"].to_bytes(4, "big") + event.call(5))
        service.until(lambda: counted("CallStarted") == 4, "what is known goes on without the registry")
        produce(bench, "v.calls", event.tenant, b"\0" + later.to_bytes(4, "big") + event.call(6, wider=True))
        service.until(lambda: metric(service.get("/metrics")[1], "ringback_registry_requests_total{result=\"unreachable\"") > 1, "it is asked for")
        expect(service.get("/livez")[0] == 200 and counted("CallStarted") == 4 and rejected() == 1, "an unknown schema does not wait for the registry")
        service.stop()
        service = Service(bench, "service", config)  # a restart while the registry is away
        service.until(lambda: metric(service.get("/metrics")[1], "ringback_partition_role{partition=\"0\",role=\"writer\"") == 1, "it writes again")
        os.kill(bench.broker.places["pids"]["registry"], signal.SIGCONT)
        service.until(lambda: counted("CallStarted") == 1, "what waited is read when the registry is back")
        service.until(service.ready, "ready again")

        status, text = service.get("/metrics")
        done = subprocess.run([tools.promtool(), "check", "metrics"], input=text, capture_output=True, text=True, timeout=60, check=False)
        expect(status == 200 and done.returncode == 0, done.stdout + done.stderr)
        expect(event.tenant not in text and "555" not in re.sub(r"\d+\.\d+|\b\d{5,}\b", "", text), "what came in is seen in the metrics")
        expect(service.get("/livez")[0] == 200 and service.get("/nothing")[0] == 404, "pages")
        events = {"outputs_total", "rejected_total", "source_gaps_total", "duplicates_total", "followups_opened_total", "followups_closed_total", "followups_went_cold_total",
                  "producers_replaced_total", "snapshot_age_seconds"}  # of what did not happen here
        unfed = [name for name in re.findall(r"^# TYPE ringback_(\w+)", text, re.MULTILINE) if name not in events and not re.search(rf"^ringback_{name}\w*[ {{]", text, re.MULTILINE)]
        expect(not unfed, f"nobody feeds {unfed}")
    finally:
        service.process.kill()
        os.kill(bench.broker.places["pids"]["registry"], signal.SIGCONT)


class EventWriter:
    """CallStarted events of one tenant in the bytes of our schema, or of one with a field more."""

    def __init__(self, bench):
        _, self.avro = kafka_broker.modules()
        import fastavro.schema as schema
        folder = bench.room / "event"
        bench.program.run("fold", "--quiet", "--data", folder, "-", input=b'{"type":"QueueChanged","tenant":"a","event_id":"e","occurred_at":0,"queue":"q","name":"Q"}')
        generated = bench.room / "one.avro"
        bench.program.run("generate", "--calls", 1, "--days", 1, "--format", "avro", "--out", generated)
        with open(generated, "rb") as file:
            self.text = self.avro.reader(file).metadata["avro.schema"]
        self.schema = json.loads(self.text)
        self.fingerprint = b"\xc3\x01" + bytes.fromhex(schema.fingerprint(schema.to_parsing_canonical_form(self.avro.parse_schema(self.schema)), "CRC-64-AVRO"))
        self.tenant = "acme"
        self.partition = murmur2(b"acme") % 2

    def wider(self):
        schema = json.loads(self.text)
        schema["fields"].append({"name": "trace", "type": ["null", "string"], "default": None})
        return schema

    def call(self, number, wider=False):
        import io
        out = io.BytesIO()
        body = {"call_id": f"c{number}", "direction": "INBOUND", "kind": "QUEUE", "from": "+12025550101", "to": "+12025550199"}
        record = {"tenant": self.tenant, "event_id": f"e{number}", "occurred_at": int(time.time() * 1000), "body": ("ringback.CallStarted", body)}
        if wider:
            record["trace"] = "t"
        self.avro.schemaless_writer(out, self.avro.parse_schema(self.wider() if wider else json.loads(self.text)), record)
        return out.getvalue()


def murmur2(key):
    """Kafka's hash of a key, positive."""
    m, mask = 0x5bd1e995, 0xffffffff
    h = (0x9747b28c ^ len(key)) & mask
    for i in range(0, len(key) - len(key) % 4, 4):
        k = int.from_bytes(key[i:i + 4], "little") * m & mask
        h = (h * m & mask) ^ ((k ^ k >> 24) * m & mask)
    rest = key[len(key) - len(key) % 4:]
    if rest:
        h = (h ^ int.from_bytes(rest, "little")) * m & mask
    h = (h ^ h >> 13) * m & mask
    return (h ^ h >> 15) & 0x7fffffff


TESTS = (rules_and_dashboard, configurations, topics, schemas, connecting, service_pages_and_registry_outage, logins, rights_over_plain, rights_over_scram,
         refusals_of_a_service)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    options = parser.parse_args()
    kafka_broker.modules()
    room = tempfile.mkdtemp(prefix="ringback-ops.")
    bench, tap = Bench(room), Tap()
    try:
        for test in TESTS:
            if not options.names or any(name in test.__name__ for name in options.names):
                tap.check(test.__name__.replace("_", " "), test, bench)
    finally:
        bench.stop()
        shutil.rmtree(room, ignore_errors=True)
    tap.finish()


if __name__ == "__main__":
    main()
