#!/usr/bin/env python3
"""Setting a service up, looking at it, and the rights that it needs, on a real broker and a real schema registry.

tests/ops/run.py [NAME]...      the tests whose names hold a word; all without
"""

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

from endings import (
    broker_that_hangs,
    ends_without_brokers_or_registry,
    log_that_nobody_reads,
    nobody_assigns,
    partitions_of_sources,
    state_directories,
)
from stage import OUTPUTS, SOURCES, Bench, EventWriter, Service, expect, has, kafka_broker, metric, produce
from program import EXIT_AGAIN, EXIT_CONFIGURATION, ROOT, Tap
from rights import logins, refusals_of_a_service, rights_on_origins, rights_over_plain, rights_over_scram
import tools

# ---- what is in deploy/, without a broker


def rules_and_dashboard(bench):
    """Alert rules pass promtool and their own test; every metric that they and the dashboard ask for exists, with its labels."""
    promtool = tools.promtool()
    for command in (["check", "rules", "ringback-rules.yaml"], ["test", "rules", "ringback-rules.test.yaml"]):
        done = subprocess.run([promtool, *command], cwd=ROOT / "deploy/prometheus", capture_output=True, text=True, check=False, timeout=60)
        expect(done.returncode == 0, done.stdout + done.stderr)
    page = bench.ringback("check-config", "--page", "metrics")
    known = {
        row[0]: set(row[2].replace(" ", "").split(",")) for row in re.findall(r"^\| `(\w+)` \| (\w+) \| ([\w, ]*) \|", page, re.MULTILINE)
    }
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
        expect(
            panel["type"] == "row" or (panel["title"] and panel["description"] and panel["targets"]), f"panel {panel['id']} says too little"
        )
    operations = (ROOT / "docs/operations.md").read_text()
    for alert in re.findall(r"alert: (\w+)", rules):
        has(operations, f"`{alert}`")


def configurations(bench):
    """The sample and the one in the Kubernetes manifest are good, once their secrets are there."""
    bench.ringback("check-config", "-c", ROOT / "deploy/ringback.yaml")
    manifest = (ROOT / "deploy/kubernetes/ringback.yaml").read_text()
    text = re.search(r"  ringback.yaml: \|\n((?:    .*\n|\n)+)", manifest).group(1)
    (bench.room / "kafka-password").write_text("x\n")
    shutil.copy("/etc/ssl/certs/ca-certificates.crt", bench.room / "kafka-ca.pem")
    config = bench.room / "kubernetes.yaml"
    config.write_text(re.sub("^    ", "", text, flags=re.MULTILINE).replace("/run/secrets/ringback", str(bench.room)))
    bench.ringback("check-config", "-c", config)


def settings_refused(bench):
    """What librdkafka does not take is said by check-config and ends a service with 78, in lines of its log; no value from elsewhere is seen."""
    conflict = bench.config("conflict", "127.0.0.1:1", "x.", kafka={"max.in.flight": 10})
    has(bench.ringback("check-config", "-c", conflict, exits=(EXIT_CONFIGURATION,)), "`max.in.flight` must be set <=")
    said = bench.program.run("run", "-c", conflict, exits=(EXIT_CONFIGURATION,), timeout=20).stderr.decode()
    lines = [json.loads(line) for line in said.splitlines()]
    expect([line["event"] for line in lines] == ["started", "ended", "complaint"], said)
    has(lines[-1]["text"], "`max.in.flight` must be set <=")
    secret = bench.config("secret", "127.0.0.1:1", "x.", kafka={"socket.timeout.ms": "${RINGBACK_TEST_SECRET}"})
    for command in (["check-config"], ["topics", "check"], ["run"]):
        said = bench.ringback(*command, "-c", secret, exits=(EXIT_CONFIGURATION,), env=os.environ | {"RINGBACK_TEST_SECRET": "hunter2"})
        has(said, "kafka.socket.timeout.ms: librdkafka does not take this value.")
        expect("hunter2" not in said, said)


# ---- setting up


def topics(bench):
    """create makes them, changes nothing that is there; check names each difference and what it costs."""
    config = bench.config("topics", bench.broker.bootstrap, "t.")
    has(
        bench.ringback("topics", "check", "-c", config, exits=(EXIT_CONFIGURATION,)),
        "t.journal",
        "missing",
        "`ringback topics create` makes it",
    )
    made = bench.ringback("topics", "create", "-c", config)
    expect(made.count(" created\n") == 12, made)
    has(bench.ringback("topics", "check", "-c", config), "All 12 topics are as they should be.")
    expect(bench.ringback("topics", "create", "-c", config).count("was there, left as it is") == 12, "they are made again")

    import confluent_kafka.admin as admin

    client = admin.AdminClient({"bootstrap.servers": bench.broker.bootstrap})

    def change(topic, **settings):
        entries = [
            admin.ConfigEntry(name.replace("_", "."), value, incremental_operation=admin.AlterConfigOpType.SET)
            for name, value in settings.items()
        ]
        resource = admin.ConfigResource(admin.ConfigResource.Type.TOPIC, f"t.{topic}", incremental_configs=entries)
        client.incremental_alter_configs([resource])[resource].result(10)

    change("journal", cleanup_policy="compact", retention_ms="3600000", max_message_bytes="1000", message_timestamp_type="CreateTime")
    change("followups", cleanup_policy="delete")
    change("calls", retention_ms="1000", compression_type="gzip")
    client.create_partitions([admin.NewPartitions("t.jobs", 3)])["t.jobs"].result(10)
    deadline = time.monotonic() + 15
    while (said := bench.ringback("topics", "check", "--format", "csv", "-c", config, exits=None)).count("t.jobs,partitions") != 1:
        expect(time.monotonic() < deadline, said)
    for line in (
        "t.journal,cleanup.policy,compact,delete,wrong,",
        "t.journal,retention.ms,3600000,-1,wrong,",
        "t.journal,message.timestamp.type,CreateTime,LogAppendTime,wrong,",
        "t.journal,max.message.bytes,1000,1052672,wrong,",
        "t.followups,cleanup.policy,delete,compact,risk,",
        "t.calls,retention.ms,1000,604800000,risk,",
        "t.calls,compression.type,gzip,lz4,risk,",
        "t.jobs,partitions,3,2,wrong,",
    ):
        has(said, line)
    change("calls", retention_ms="-1", compression_type="zstd", max_message_bytes="9000000")  # more than asked for is no difference
    expect("t.calls" not in bench.ringback("topics", "check", "-c", config, exits=None), "more than asked for is a difference")
    too_many = bench.config("replicas", bench.broker.bootstrap, "u.", replication=3)
    has(bench.ringback("topics", "create", "-c", too_many, exits=(EXIT_CONFIGURATION,)), "u.", "Set topics.replication")


def registry_get(bench, path):
    with urllib.request.urlopen(f"{bench.broker.registry}{path}", timeout=10) as answer:
        return json.load(answer)


def registry_put(bench, path, body, method="POST"):
    request = urllib.request.Request(
        f"{bench.broker.registry}{path}",
        json.dumps(body).encode(),
        {"Content-Type": "application/vnd.schemaregistry.v1+json"},
        method=method,
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def schemas(bench):
    """register puts what the program says, sets the levels, and from then on the registry refuses what breaks them."""
    config = bench.config("schemas", bench.broker.bootstrap, "s.", f"registry: {{url: {bench.broker.registry}, timeout: 20s}}\n")
    expect(
        bench.ringback("schemas", "register", "--dry-run", "-c", config).count("would be registered") == 11, "the dry run says otherwise"
    )
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
    expect(
        not refused(lambda fields: fields.append({"name": "more", "type": ["null", "string"], "default": None})), "a good change is refused"
    )

    other = bench.config("foreign", bench.broker.bootstrap, "f.", f"registry: {{url: {bench.broker.registry}, timeout: 20s}}\n")
    registry_put(
        bench,
        "/subjects/f.notices-value/versions",
        {"schema": json.dumps({"type": "record", "name": "Notice", "namespace": "ringback", "fields": [{"name": "x", "type": "int"}]})},
    )
    has(
        bench.ringback("schemas", "register", "-c", other, exits=(EXIT_CONFIGURATION,)),
        "f.notices-value holds a schema that Notice does not go with under FULL_TRANSITIVE",
    )
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
    has(
        bench.ringback("check-config", "--connect", "-c", away, exits=(EXIT_CONFIGURATION,)),
        "no broker of 127.0.0.1:1 answers",
        "Connection refused",
    )
    unknown = bench.config("unknown", bench.broker.bootstrap, "c.", kafka={"sesion.timeout.ms": 5})
    has(
        bench.ringback("check-config", "-c", unknown, exits=(EXIT_CONFIGURATION,)),
        "unknown key kafka.sesion.timeout.ms. Did you mean kafka.session.timeout.ms?",
    )


def no_topic_is_created(bench):
    """A broker that makes topics which are asked for, as Kafka's default is: who looks or runs makes none, with that broker's retention."""
    import confluent_kafka.admin as admin

    broker = bench.server("generous", lambda: kafka_broker.Broker(bench.room / "generous", "auto.create.topics.enable=true\n").start())
    (port,) = kafka_broker.free_ports(1)
    config = bench.config("generous", broker.bootstrap, "g.", f"http: {{port: {port}}}\n")
    has(bench.ringback("check-config", "--connect", "-c", config, exits=(EXIT_CONFIGURATION,)), "g.journal: cannot find it")
    service = Service(bench, "generous", config)
    try:
        service.until(lambda: service.get("/livez")[0] == 200, "it lives")
        time.sleep(3)
        service.stop()
    finally:
        service.process.kill()
    there = admin.AdminClient({"bootstrap.servers": broker.bootstrap}).list_topics(timeout=10).topics
    expect(not [name for name in there if name.startswith("g.")], f"topics were made: {sorted(there)}")
    expect(bench.ringback("topics", "create", "-c", config).count(" created\n") == 12, "not all are made anew")


# ---- a service that runs


def service_pages_and_registry_outage(bench):
    """A service is ready, its metrics pass promtool, and a registry that is away stops only what nobody knows yet."""
    import confluent_kafka  # noqa: F401

    (port,) = kafka_broker.free_ports(1)
    config = bench.config(
        "service", bench.broker.bootstrap, "v.", f"registry: {{url: {bench.broker.registry}, timeout: 5s}}\nhttp: {{port: {port}}}\n"
    )
    bench.ringback("topics", "create", "-c", config)
    bench.ringback("schemas", "register", "-c", config)
    ids = {topic: registry_get(bench, f"/subjects/v.{topic}-value/versions/latest")["id"] for topic in ("calls",)}
    event = EventWriter(bench)
    service = Service(bench, "service", config)
    try:
        service.until(service.ready, "ready")
        counted = lambda kind: metric(service.get("/metrics")[1], f'ringback_events_total{{partition="{event.partition}",type="{kind}"')
        produce(bench, "v.calls", event.tenant, b"\0" + ids["calls"].to_bytes(4, "big") + event.call(1))
        service.until(lambda: counted("CallStarted") == 1, "an event with an id in front")
        produce(bench, "v.calls", event.tenant, event.call(2), [("__value_schema_id", b"\0" + ids["calls"].to_bytes(4, "big"))])
        service.until(lambda: counted("CallStarted") == 2, "an event with an id in its header")
        produce(bench, "v.calls", event.tenant, event.fingerprint + event.call(3))
        service.until(lambda: counted("CallStarted") == 3, "a single object")
        produce(bench, "v.calls", event.tenant, b"\0" + (987654).to_bytes(4, "big") + event.call(4))
        rejected = lambda: metric(service.get("/metrics")[1], f'ringback_rejected_total{{partition="{event.partition}",reason="MALFORMED"')
        service.until(lambda: rejected() == 1, "an id that nobody knows is rejected")

        # a writer's schema of its own, with a field more, which the registry knows and we have not seen
        later = registry_put(bench, "/subjects/v.calls-value/versions", {"schema": json.dumps(event.wider())})["id"]
        os.kill(bench.broker.places["pids"]["registry"], signal.SIGSTOP)  # it takes connections, and answers none
        produce(bench, "v.calls", event.tenant, b"\0" + ids["calls"].to_bytes(4, "big") + event.call(5))
        service.until(lambda: counted("CallStarted") == 4, "what is known goes on without the registry")
        produce(bench, "v.calls", event.tenant, b"\0" + later.to_bytes(4, "big") + event.call(6, wider=True))
        service.until(
            lambda: metric(service.get("/metrics")[1], 'ringback_registry_requests_total{result="unreachable"') > 1, "it is asked for"
        )
        expect(
            service.get("/livez")[0] == 200 and counted("CallStarted") == 4 and rejected() == 1,
            "an unknown schema does not wait for the registry",
        )
        silent = "registry: it has not answered for "
        waits = f"partition {event.partition}: a record waits for its schema"
        service.until(lambda: all(reason in service.get("/readyz")[1] for reason in (silent, waits)), "its page says what waits for what")
        service.stop()
        service = Service(bench, "service", config)  # a restart while the registry is away
        service.until(
            lambda: metric(service.get("/metrics")[1], 'ringback_partition_role{partition="0",role="writer"') == 1, "it writes again"
        )
        service.until(lambda: silent in service.get("/readyz")[1], "its page says that the registry is silent")
        os.kill(bench.broker.places["pids"]["registry"], signal.SIGCONT)
        service.until(lambda: counted("CallStarted") == 1, "what waited is read when the registry is back")
        service.until(service.ready, "ready again")

        status, text = service.get("/metrics")
        done = subprocess.run([tools.promtool(), "check", "metrics"], input=text, capture_output=True, text=True, timeout=60, check=False)
        expect(status == 200 and done.returncode == 0, done.stdout + done.stderr)
        expect(event.tenant not in text and "555" not in re.sub(r"\d+\.\d+|\b\d{5,}\b", "", text), "what came in is seen in the metrics")
        expect(service.get("/livez")[0] == 200 and service.get("/nothing")[0] == 404, "pages")
        events = {
            "outputs_total",
            "rejected_total",
            "source_gaps_total",
            "duplicates_total",
            "followups_opened_total",
            "followups_closed_total",
            "followups_went_cold_total",
            "producers_replaced_total",
            "snapshot_age_seconds",
        }  # of what did not happen here
        unfed = [
            name
            for name in re.findall(r"^# TYPE ringback_(\w+)", text, re.MULTILINE)
            if name not in events and not re.search(rf"^ringback_{name}\w*[ {{]", text, re.MULTILINE)
        ]
        expect(not unfed, f"nobody feeds {unfed}")
    finally:
        service.process.kill()
        os.kill(bench.broker.places["pids"]["registry"], signal.SIGCONT)


TESTS = (
    rules_and_dashboard,
    configurations,
    state_directories,
    ends_without_brokers_or_registry,
    nobody_assigns,
    settings_refused,
    topics,
    schemas,
    connecting,
    no_topic_is_created,
    service_pages_and_registry_outage,
    partitions_of_sources,
    log_that_nobody_reads,
    broker_that_hangs,
    logins,
    rights_over_plain,
    rights_over_scram,
    rights_on_origins,
    refusals_of_a_service,
)


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
