"""Whether a service kept its promise: each source record in the journal once, outputs that are the fold of the journal, whole and in order."""
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(HERE.parent / "bad_input"))
import avro  # noqa: E402
from wire import Container, Failed, SOURCES, TOPICS, datum  # noqa: E402

SHOWN = 5
HEADER = "__ringback."


def is_report(message):
    """What rekey says of its progress moves no more than offsets (docs/decisions/0010)."""
    return message.value() is None and any(name == HEADER + "rekey" for name, _ in message.headers() or [])


class Partition:
    """What lies in one partition of journal and outputs, as a reader with read_committed sees it."""

    def __init__(self, wire, program, number):
        self.wire, self.program, self.number = wire, program, number
        journalled = [pair for message in wire.read("journal", number) for pair in program.journalled(message)]
        self.data = [data for data, _ in journalled]
        self.records = [record for _, record in journalled]

    def seals(self):
        return [record["body"] for record in self.records if record["kind"] == "Seal"]

    def check_seals(self):
        """Their numbers are dense, each transaction ends with one, none is torn."""
        since = 0
        for record in self.records:
            if record["kind"] != "Seal":
                since += 1
                continue
            if record["body"]["records"] != since:
                raise Failed(f"journal-{self.number}: seal {record['body']['sequence']} counts {record['body']['records']}, not {since}")
            since = 0
        got = [seal["sequence"] for seal in self.seals()]
        if got != list(range(len(got))):
            raise Failed(f"journal-{self.number}: the seals are numbered {got[:3]}...{got[-3:]}, {len(got)} of them")
        if since:
            raise Failed(f"journal-{self.number}: {since} records behind the last seal")

    def check_sources(self):
        """Every committed record of the sources, as far back as they reach, is in the journal once and in order. Returns how many there are."""
        total = 0
        for source, name in enumerate(SOURCES, start=1):
            there = [message.offset() for message in self.wire.read(name, 0 if name == "network" else self.number) if not is_report(message)]
            begin = self.wire.begin(name, 0 if name == "network" else self.number)
            got = [record["offset"] for record in self.records
                   if record["source"] == source and record["kind"] in ("Event", "BadRecord") and record["offset"] >= begin]
            if got != there:
                twice = len(got) - len(set(got))
                raise Failed(f"partition {self.number}: of {len(there)} records of {name} {len(set(there) - set(got))} are missing in the journal, "
                             f"{twice} are there twice, order {'kept' if got == sorted(got) else 'broken'}")
            total += len(got)
        return total

    def export(self, directory):
        """The journal as a file, for the reader of files."""
        directory.mkdir()
        with open(directory / "journal.avro", "wb") as file:
            file.write(avro.header(self.program.journal_text))
            waiting = []
            for data, record in zip(self.data, self.records):
                if record["kind"] == "Seal":
                    file.write((avro.block(*waiting) if waiting else b"") + avro.block(data))
                    waiting = []
                else:
                    waiting.append(data)
        return directory

    def as_filed(self, message):
        """An output message as it would lie in a file: the union of record and tombstone."""
        if message.value() is not None:
            return b"\x00" + datum(message.value())
        headers = {name: value.decode() for name, value in message.headers() or []}
        position = [avro.string(headers[HEADER + "journal"])] + [avro.long(int(headers[HEADER + name])) for name in
                                                                 ("partition", "seal", "index", "number")]
        return b"\x02" + b"".join(position) + avro.string(message.key())

    def check_outputs(self, room):
        """The outputs are those of the journal folded again, byte for byte. Returns (how many, the refolded directory)."""
        data, again = self.export(room / f"journal-{self.number}"), room / f"outputs-{self.number}"
        self.program.run("refold", "--quiet", "--data", data, "--outputs", again)
        numbers = []
        for topic in TOPICS:
            file = Container(again / f"{topic}.avro")
            expected = list(file.records())
            got = [self.as_filed(message) for message in self.wire.read(topic, self.number)]
            for place, ((data, _), message) in enumerate(zip(expected, got)):
                if data != message:
                    raise Failed(f"{topic}-{self.number}: record {place} is not what the journal gives\n{data[:200]}\n{message[:200]}")
            if len(expected) != len(got):
                raise Failed(f"{topic}-{self.number}: {len(got)} records, the journal gives {len(expected)}")
            ours = [record[1]["position"]["number"] for _, record in expected]
            if ours != sorted(ours):
                raise Failed(f"{topic}-{self.number}: not in the order of their numbers")
            numbers += ours
        if sorted(numbers) != list(range(len(numbers))):
            raise Failed(f"partition {self.number}: the output numbers are not dense")
        return len(numbers), again

    def check_group(self, offsets):
        """The group's offsets are those of the last seal."""
        sealed = {source["source"]: source["next_offset"] for source in self.seals()[-1]["sources"]}
        for source, name in enumerate(SOURCES[:4], start=1):
            got = offsets[(self.wire.prefix + name, self.number)]
            if got != sealed[source]:
                raise Failed(f"partition {self.number}: the group is at {got} of {name}, the last seal at {sealed[source]}")


def check(wire, program, room, group):
    """All partitions; returns counts and where the refolded outputs are."""
    counts, again, offsets = {"records": 0, "outputs": 0, "seals": 0}, [], wire.group_offsets(group)
    for number in range(wire.partitions):
        partition = Partition(wire, program, number)
        partition.check_seals()
        counts["records"] += partition.check_sources()
        partition.check_group(offsets)
        outputs, directory = partition.check_outputs(pathlib.Path(room))
        counts["outputs"] += outputs
        counts["seals"] += len(partition.seals())
        again.append(directory)
    return counts, again
