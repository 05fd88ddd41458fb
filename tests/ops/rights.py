"""Who is let in, and what the service may do: tried against an authorizer."""

import os
import re

from stage import OUTPUTS, SOURCES, Service, expect, has, kafka_broker, secured
from program import EXIT_CONFIGURATION
import tools


def admin_of(bench):
    import confluent_kafka.admin as admin

    return admin, admin.AdminClient({"bootstrap.servers": bench.secured.bootstrap, "log_level": 0})


def take_all(bench):
    admin, client = admin_of(bench)
    everything = admin.AclBindingFilter(
        admin.ResourceType.ANY, None, admin.ResourcePatternType.ANY, None, None, admin.AclOperation.ANY, admin.AclPermissionType.ANY
    )
    for answer in client.delete_acls([everything]).values():
        answer.result(10)


def missing_of(said):
    """What is said to be missing: {("Read", "topic", "r.calls"), ...}."""
    return set(re.findall(r"--operation (\w+) --([\w-]+) (\S+)", said))


LEAST = (
    {("Read", "topic", f"r.{name}") for name in SOURCES + ("journal",)}
    | {("Write", "topic", f"r.{name}") for name in OUTPUTS + ("journal",)}
    | {("Read", "group", "rights"), ("Write", "transactional-id", "rights.")}
)


def grant_all(bench, rights):
    """Python's client knows no transactional ids: those are granted by Kafka's own tool."""
    admin, client = admin_of(bench)
    kinds, acls = {"topic": admin.ResourceType.TOPIC, "group": admin.ResourceType.GROUP}, []
    for operation, kind, name in rights:
        if kind == "transactional-id":
            bench.secured.acls(
                "--add",
                "--allow-principal",
                "User:ringback",
                "--operation",
                operation,
                f"--{kind}",
                name,
                "--resource-pattern-type",
                "prefixed",
            )
        else:
            acls.append(
                admin.AclBinding(
                    kinds[kind],
                    name,
                    admin.ResourcePatternType.LITERAL,
                    "User:ringback",
                    "*",
                    admin.AclOperation[operation.upper()],
                    admin.AclPermissionType.ALLOW,
                )
            )
    for answer in (client.create_acls(acls) if acls else {}).values():
        answer.result(10)


def logins(bench):
    """Who is not let in is told why; no password is seen."""
    broker, least = bench.secured, {"exits": (EXIT_CONFIGURATION,)}
    good = broker.properties("ringback", "PLAIN")
    said = bench.ringback(
        "check-config", "--connect", "-c", bench.config("wrong", broker.secured, "r.", kafka=good | {"sasl.username": "nobody"}), **least
    )
    has(said, "lets us in", "SASL authentication error", "Look at security.protocol")
    said += bench.ringback(
        "check-config",
        "--connect",
        "-c",
        bench.config("ca", broker.secured, "r.", kafka=good | {"ssl.ca.location": "/etc/ssl/certs/ca-certificates.crt"}),
        **least,
    )
    has(said, "certificate verify failed")
    said += bench.ringback(
        "check-config",
        "--connect",
        "-c",
        bench.config("clear", broker.secured, "r.", kafka=good | {"security.protocol": "SASL_PLAINTEXT"}),
        **least,
    )
    said += bench.ringback("check-config", "--print", "-c", bench.config("print", broker.secured, "r.", kafka=good))
    expect(not any(password in said for password in secured.USERS.values()), "a password is printed")
    has(said, 'sasl.password: "${file:')


def secured_config(bench, mechanism, more=""):
    bench.ringback("topics", "create", "-c", bench.config("rights-plain", bench.secured.bootstrap, "r."))
    (port,) = kafka_broker.free_ports(1)
    return bench.config(
        "rights", bench.secured.secured, "r.", f"http: {{port: {port}}}\n{more}", kafka=bench.secured.properties("ringback", mechanism)
    )


def rights(bench, mechanism, environment):
    """With the least set all is well; each right that is not there is named."""
    broker = bench.secured
    config = secured_config(bench, mechanism)
    check = lambda: bench.ringback("check-config", "--connect", "-c", config, exits=(0, EXIT_CONFIGURATION), env=os.environ | environment)
    take_all(bench)
    nothing = missing_of(check())
    expect(
        {name for _, kind, name in nothing if kind == "topic"} == {f"r.{name}" for name in SOURCES + OUTPUTS + ("journal",)},
        f"named of nothing: {nothing}",
    )
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


def rights_on_origins(bench):
    """A service asks the topics below rekey: where they end: the right to is tried, and named by one that lacks it."""
    admin, client = admin_of(bench)
    client.create_topics([admin.NewTopic("team.calls", 3, 1)])["team.calls"].result(10)
    config, right = secured_config(bench, "PLAIN", "rekey: {calls: team.calls}\n"), ("Describe", "topic", "team.calls")
    check = lambda exits: bench.ringback("check-config", "--connect", "-c", config, exits=(exits,))
    take_all(bench)
    grant_all(bench, LEAST)
    named = missing_of(check(EXIT_CONFIGURATION))
    expect(named == {right}, f"named {sorted(named)}")
    service = Service(bench, "origins", config)
    try:
        service.until(lambda: "team.calls: it needs DESCRIBE (run)" in service.get("/readyz")[1], "the right is named")
        grant_all(bench, {right})
        service.until(service.ready, "ready after it was given")
        service.stop()
    finally:
        service.process.kill()
    has(check(0), "team.calls: Describe")
    absent = secured_config(bench, "PLAIN", "rekey: {calls: team.call}\n")
    grant_all(bench, {("Describe", "topic", "team.call")})
    has(bench.ringback("check-config", "--connect", "-c", absent, exits=(EXIT_CONFIGURATION,)), "team.call: cannot find it", "rekey: names it")


def refusals_of_a_service(bench):
    """A service that lacks a right says on /readyz which, and does not end: the right may be given while it waits."""
    config = secured_config(bench, "PLAIN")
    for without, words in (
        (("Read", "topic", "r.journal"), ("r.journal", "Topic authorization failed", "it needs READ")),
        (("Write", "topic", "r.journal"), ("r.journal", "Topic authorization failed", "WRITE (journal, outputs)")),
        (("Read", "group", "rights"), ("Group authorization failed",)),
        (("Write", "transactional-id", "rights."), ("Transactional Id authorization failed",)),
    ):
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
