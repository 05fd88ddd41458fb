"""Just enough of Avro's binary form (1.11 specification) to write container files that a sane writer never would."""
import zlib

SYNC = bytes(range(16))


def long(value):
    zigzag, out = (value << 1) ^ (value >> 63), bytearray()
    zigzag &= (1 << 64) - 1
    while zigzag > 0x7F:
        out.append(zigzag & 0x7F | 0x80)
        zigzag >>= 7
    out.append(zigzag)
    return bytes(out)


def string(text):
    data = text.encode() if isinstance(text, str) else text
    return long(len(data)) + data


def header(schema, codec="null"):
    metadata = {"avro.schema": schema.encode(), "avro.codec": codec.encode()}
    entries = b"".join(string(key) + string(value) for key, value in metadata.items())
    return b"Obj\x01" + long(len(metadata)) + entries + long(0) + SYNC


def block(*records, count=None, size=None, sync=SYNC):
    data = b"".join(records)
    return long(len(records) if count is None else count) + long(len(data) if size is None else size) + data + sync


def deflated(data, count=1):
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    packed = packer.compress(data) + packer.flush()
    return long(count) + long(len(packed)) + packed + SYNC


def envelope(event_id, occurred_at, tenant="acme"):
    return string(tenant) + string(event_id) + long(occurred_at) + long(0)  # no actor


CALL_STARTED, PRE_ROUTING_PLAYED, CALL_ENDED = 0, 1, 20  # branches of Event.body


def call_started(call, event_id, at, direction=0, caller="+12025550101"):
    numbers = long(1) + string(caller) + long(1) + string("+12025550199")
    return envelope(event_id, at) + long(CALL_STARTED) + string(call) + long(direction) + long(0) + numbers + long(0) + long(0)


def call_ended(call, event_id, at, by=0):
    return envelope(event_id, at) + long(CALL_ENDED) + string(call) + long(by) + long(0)


def schema_of(file):
    """The text of the schema in a container file's header; avro.schema is looked for by its name."""
    at, shift, size = file.index(b"avro.schema") + len(b"avro.schema"), 0, 0
    while True:
        size |= (file[at] & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if file[at - 1] < 0x80:
            break
    return file[at:at + (size >> 1)].decode()
