"""Damage to a data directory, each as it can happen, and what `ringback verify` must say of it."""
import pathlib
import re
import shutil
import subprocess
import tempfile

from program import Failed



# ---- LMDB, through its own tools

def dump_state(data):
    """{table: [(key, value)]}, and the text before each table's entries."""
    text = subprocess.run(["mdb_dump", "-a", data / "state"], capture_output=True, check=True, text=True).stdout
    tables, heads = {}, {}
    for part in text.split("DATA=END\n"):
        if "HEADER=END\n" not in part:
            continue
        head, entries = part.split("HEADER=END\n")
        name = re.search(r"^database=(.*)$", head, re.MULTILINE).group(1)
        lines = [bytes.fromhex(line.strip()) for line in entries.splitlines()]
        tables[name], heads[name] = list(zip(lines[::2], lines[1::2])), head
    return tables, heads


def load_state(data, tables, heads):
    text = ""
    for name, entries in tables.items():
        text += heads[name] + "HEADER=END\n" + "".join(f" {key.hex()}\n {value.hex()}\n" for key, value in entries) + "DATA=END\n"
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run(["mdb_load", directory], input=text, text=True, check=True, capture_output=True)
        shutil.copyfile(pathlib.Path(directory) / "data.mdb", data / "state/data.mdb")
    (data / "state/lock.mdb").unlink()


def edit_state(data, table, change):
    tables, heads = dump_state(data)
    if not tables.get(table):
        raise Failed(f"the fixture has no entry of {table}")
    tables[table] = change(tables[table])
    load_state(data, tables, heads)


def with_value(entries, index, value):
    return entries[:index] + [(entries[index][0], value)] + entries[index + 1:]


def flipped(bytes_, at):
    return bytes_[:at] + bytes([bytes_[at] ^ 1]) + bytes_[at + 1:]


# ---- container files

def blocks(path):
    """The header, the sync marker and the blocks (with their markers) of a container file."""
    content = path.read_bytes()
    sync = content[-16:]
    parts = content.split(sync)
    return parts[0] + sync, [part + sync for part in parts[1:-1]]


def write_blocks(path, header, kept):
    path.write_bytes(header + b"".join(kept))


# ---- the list

def output(data, topic):
    return data / "outputs" / f"{topic}.avro"


def flip_in_entity(data):
    """The last digit of a caller's number, in a call."""
    def change(entries):
        for index, (_, value) in enumerate(entries):
            at = value.find(b"+1202555")
            if at >= 0:
                return with_value(entries, index, flipped(value, at + 11))
        raise Failed("no call with a caller in the fixture")
    edit_state(data, "calls", change)


def flip_deadline(data):
    edit_state(data, "calls", lambda entries: with_value(entries, 0, flipped(entries[0][1], 0)))


def flip_in_table(table, at):
    return lambda data: edit_state(data, table, lambda entries: with_value(entries, 0, flipped(entries[0][1], at)))


def drop_first(table):
    return lambda data: edit_state(data, table, lambda entries: entries[1:])


def add_one(table):
    return lambda data: edit_state(data, table, lambda entries: sorted(entries + [(entries[0][0][:-1] + b"x\x00", entries[0][1])]))


def spoil_page(data):
    """A page in the middle of the file is written over: who reads it may not come back."""
    path = data / "state/data.mdb"
    content = bytearray(path.read_bytes())
    for page in range(2, len(content) // 4096):
        content[page * 4096 + 10:page * 4096 + 80] = b"\xff" * 70
    path.write_bytes(content)


def zero_state(data):
    path = data / "state/data.mdb"
    path.write_bytes(bytes(path.stat().st_size))


def flip_text(topic):
    """A digit of a telephone number, in the middle of the file."""
    def damage(data):
        path = output(data, topic)
        content = path.read_bytes()
        places = [match.start() for match in re.finditer(rb"\+1202555", content)]
        at = places[len(places) // 2] + 11
        path.write_bytes(flipped(content, at))
    return damage


def flip_number(data):
    """The dense number of a record: the varint behind journal id, partition, seal and index."""
    path = output(data, "followups")
    content = path.read_bytes()
    journal_id = re.search(rb"[0-9a-f]{32}", content[content.index(b"Obj\x01") + 4000:]).group(0)
    places = [match.end() for match in re.finditer(journal_id, content)]
    at = places[len(places) // 2]
    for _ in range(3):  # partition, seal, index
        while content[at] & 0x80:
            at += 1
        at += 1
    path.write_bytes(content[:at] + bytes([content[at] ^ 4]) + content[at + 1:])


def drop_block(topic):
    def damage(data):
        header, parts = blocks(output(data, topic))
        write_blocks(output(data, topic), header, parts[:1] + parts[2:])
    return damage


def double_block(topic):
    def damage(data):
        header, parts = blocks(output(data, topic))
        write_blocks(output(data, topic), header, [parts[0], parts[0]] + parts[1:])
    return damage


def spoil_marker(topic):
    def damage(data):
        header, parts = blocks(output(data, topic))
        parts[1] = flipped(parts[1], len(parts[1]) - 3)
        write_blocks(output(data, topic), header, parts)
    return damage


def cut(topic):
    def damage(data):
        path = output(data, topic)
        path.write_bytes(path.read_bytes()[:-100])
    return damage


def remove(topic):
    return lambda data: output(data, topic).unlink()


def no_header(topic):
    return lambda data: output(data, topic).write_bytes(b"no" + output(data, topic).read_bytes()[2:])


def flip_in_journal(data):
    """A digit of a number that somebody called from."""
    path = data / "journal.avro"
    content = path.read_bytes()
    places = [match.start() for match in re.finditer(rb"\+1202555", content)]
    path.write_bytes(flipped(content, places[0] + 11))


def flip_type_in_journal(data):
    """The head of a record: what follows cannot be read as one."""
    path = data / "journal.avro"
    content = path.read_bytes()
    at = content.index(b"d1", content.index(b"TenantChanged") if b"TenantChanged" in content[-1:] else 0)
    path.write_bytes(content[:at - 1] + b"\xff" + content[at:])


# what is done, and what must stand in the answer
LIST = [
    ("a digit in a call's entity", flip_in_entity, [r"state .*state, CALLS acme \S+ c\S+: .*caller is .*from the journal"]),
    ("a call's deadline", flip_deadline, [r"CALLS acme \S+ \S+: byte 0 of \d+ \(of its deadline\)"]),
    ("a call that is gone", drop_first("calls"), [r"state lacks CALLS acme "]),
    ("a call too many", add_one("calls"), [r"CALLS acme \S+ \S+: the journal gives no such entry"]),
    ("an entry of the index by caller that is gone", drop_first("parties"), [r"state lacks PARTIES acme "]),
    ("an entry of the index by caller too many", add_one("parties"), [r"PARTIES .*the journal gives no such entry"]),
    ("an entry of the index of starts that is gone", drop_first("starts"), [r"state lacks STARTS acme c1"]),
    ("a wrong start in the index of starts", flip_in_table("starts", 0), [r"STARTS acme c1: byte 0 of 8"]),
    ("a timer that is gone", drop_first("timers"), [r"state lacks TIMERS \d{4}-"]),
    ("a job", flip_in_table("jobs", 20), [r"JOBS acme j1: byte 20 of"]),
    ("an event that waits, gone", drop_first("waiting"), [r"state lacks WAITING acme "]),
    ("a command's result", flip_in_table("commands", 16), [r"COMMANDS \d{4}\S+ acme k"]),
    ("a setting, a name or a counter", flip_in_table("directory", 17), [r"DIRECTORY \S+ .*: byte 17 of"]),
    ("how far a file was read", flip_in_table("sources", 0), [r"SOURCES "]),
    ("pages of the state written over", spoil_page, [r"state .*(cannot be read|is otherwise|damaged)"]),
    ("a state of zeros", zero_state, [r"state .*state cannot be read"]),
    ("a digit in a follow-up", flip_text("followups"), [r"outputs .*followups.avro, record \d+ \(number \d+, in the block at byte \d+\): (caller|phone_number) is "]),
    ("a digit in a classified call", flip_text("calls-classified"), [r"calls-classified.avro, record \d+ .*: (caller|from|to) is .*folded again"]),
    ("a record's number", flip_number, [r"followups.avro, record \d+ .*position.number is \d+, folded again \d+"]),
    ("a block of outputs that is gone", drop_block("followup-events"), [r"followup-events.avro lacks its outputs? (of the numbers \d+ to \d+|number \d+)"]),
    ("a block of outputs twice", double_block("followups"), [r"followups.avro, record \d+ .*one that the journal does not give"]),
    ("a sync marker", spoil_marker("calls-classified"), [r"calls-classified.avro is damaged at byte \d+", r"calls-classified.avro lacks"]),
    ("an output cut short", cut("followups"), [r"followups.avro ends at byte \d+, the last seal says at byte \d+", r"followups.avro lacks"]),
    ("an output that is gone", remove("command-results"), [r"command-results.avro is not there"]),
    ("an output without a header", no_header("followups"), [r"followups.avro cannot be read"]),
    ("a digit in the journal", flip_in_journal, [r"journal +seal \d+, at byte \d+: the \d+ records before it give other"]),
]
