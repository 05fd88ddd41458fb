"""A broker that lets in whom it knows: SASL over TLS (SCRAM, PLAIN), StandardAuthorizer, nothing allowed that is not granted."""

import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "kafka"))
import broker  # noqa: E402

USERS = {"ringback": "service-secret", "provisioner": "provisioner-secret"}
PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{broker},SASL_SSL://127.0.0.1:{secured},CONTROLLER://127.0.0.1:{controller}
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT
sasl.enabled.mechanisms=SCRAM-SHA-512,PLAIN
listener.name.sasl_ssl.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required {plain};
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
ssl.keystore.type=PEM
ssl.keystore.location={room}/broker.pem
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
allow.everyone.if.no.acl.found=false
super.users=User:ANONYMOUS
log.dirs={room}/data
auto.create.topics.enable=false
group.initial.rebalance.delay.ms=0
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
"""


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True, timeout=60)


def make_certificates(room):
    """An authority of one day, and the broker's certificate, key and certificate in one PEM file as Kafka takes it."""
    ca_key, ca, key, request, certificate = (room / name for name in ("ca.key", "ca.pem", "key.pem", "request.pem", "certificate.pem"))
    openssl(
        "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", 1, "-subj", "/CN=ringback test authority", "-keyout", ca_key, "-out", ca
    )
    openssl(
        "req",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-subj",
        "/CN=127.0.0.1",
        "-addext",
        "subjectAltName=IP:127.0.0.1",
        "-keyout",
        key,
        "-out",
        request,
    )
    openssl(
        "x509",
        "-req",
        "-in",
        request,
        "-CA",
        ca,
        "-CAkey",
        ca_key,
        "-CAcreateserial",
        "-days",
        1,
        "-copy_extensions",
        "copy",
        "-out",
        certificate,
    )
    (room / "broker.pem").write_text(key.read_text() + certificate.read_text() + ca.read_text())


class SecuredBroker(broker.Broker):
    """`bootstrap` is a listener on which everybody is a super user, for the test itself; `secured` the one under test."""

    @property
    def secured(self):
        return self.places["secured"]

    def format(self):
        self.room.mkdir(parents=True, exist_ok=True)
        plain, secured, controller = broker.free_ports(3)
        self.places |= {"bootstrap": f"127.0.0.1:{plain}", "secured": f"127.0.0.1:{secured}"}
        (self.room / "log4j2.xml").write_text(broker.LOG4J)
        make_certificates(self.room)
        properties = self.room / "server.properties"
        users = " ".join(f'user_{user}="{password}"' for user, password in USERS.items())
        properties.write_text(PROPERTIES.format(room=self.room, broker=plain, secured=secured, controller=controller, plain=users))
        scram = [word for user, password in USERS.items() for word in ("--add-scram", f"SCRAM-SHA-512=[name={user},password={password}]")]
        tool = self.java("128m", "kafka.tools.StorageTool", "format", "-t", "ringbacktestsAAAAAAAAA", "-c", str(properties), *scram)
        done = subprocess.run(tool, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=broker.READY_SECONDS, check=False)
        if done.returncode:
            sys.exit(f"secured.py: format failed:\n{done.stdout}")
        self.save()

    def properties(self, user, mechanism):
        """Below `kafka:` of a configuration. The password lies in a file, as it has to."""
        secret = self.room / f"{user}.password"
        secret.write_text(USERS[user] + "\n")
        return {
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": mechanism,
            "sasl.username": user,
            "sasl.password": "${file:" + str(secret) + "}",
            "ssl.ca.location": str(self.room / "ca.pem"),
        }

    def acls(self, *arguments):
        """kafka-acls.sh, as whom nothing is denied."""
        tool = self.java("128m", "org.apache.kafka.tools.AclCommand", "--bootstrap-server", self.bootstrap, *arguments)
        done = subprocess.run(tool, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=60, check=False)
        if done.returncode:
            sys.exit(f"secured.py: {arguments}:\n{done.stdout}")
