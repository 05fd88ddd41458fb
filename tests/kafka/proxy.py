"""Stands between a client and its broker, and refuses one request to write to a topic, once the next is on its way with it."""
import contextlib
import socket
import struct
import threading

PRODUCE = 0
NOT_LEADER, INVALID_RECORD = 6, 87


def frames(stream):
    """What a socket brings, one request or answer after the other, without their lengths."""
    with stream.makefile("rb") as file:
        while len(head := file.read(4)) == 4:
            yield file.read(struct.unpack(">i", head)[0])


def send(stream, frame):
    stream.sendall(struct.pack(">i", len(frame)) + frame)


def asks_to_write(frame, topic):
    """librdkafka asks for one partition at a time: transactional id, acks, timeout, and then the topic."""
    api, = struct.unpack_from(">h", frame)
    return api == PRODUCE and topic in frame[:300]


def refusal(frame, topic, error):
    """The broker's answer with this error, as librdkafka 2.0.2 (version 7) and newer ones (10) expect it. The partition is 0."""
    version, correlation = struct.unpack_from(">hi", frame, 2)
    place = struct.pack(">ihqqq", 0, error, -1, -1, -1)
    if version <= 8:
        return struct.pack(">iih", correlation, 1, len(topic)) + topic + struct.pack(">i", 1) + place + struct.pack(">i", 0)
    no_errors, no_tags = b"\x01\x00", b"\x00"
    return (struct.pack(">i", correlation) + no_tags + bytes([2, len(topic) + 1]) + topic + b"\x02" + place + no_errors + no_tags + no_tags +
            struct.pack(">i", 0) + no_tags)


class Proxy:
    """Of one broker, for partition 0 of one topic, with `error`, once `after` requests were let through. `refused`: whether it has come to that."""

    def __init__(self, broker, topic, error=NOT_LEADER, after=0):
        self.error, self.left = error, after
        self.behind, self.topic, self.refused = broker.places["behind"], topic.encode(), False
        self.held = None
        self.listener = socket.create_server(("127.0.0.1", broker.places["proxy"]))
        self.bootstrap = f"127.0.0.1:{broker.places['proxy']}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):  # closed
            while True:
                client, _ = self.listener.accept()
                broker = socket.create_connection(("127.0.0.1", self.behind))
                threading.Thread(target=self.forward, args=(client, broker), daemon=True).start()
                threading.Thread(target=self.back, args=(broker, client), daemon=True).start()

    def forward(self, client, broker):
        with contextlib.suppress(OSError), broker:
            for frame in frames(client):
                if self.refused or not asks_to_write(frame, self.topic):
                    send(broker, frame)
                elif self.left:
                    self.left -= 1
                    send(broker, frame)
                elif self.held is None:
                    self.held = frame
                else:
                    self.refused = True
                    send(client, refusal(self.held, self.topic, self.error))
                    send(broker, frame)

    @staticmethod
    def back(broker, client):
        with contextlib.suppress(OSError), client:
            for frame in frames(broker):
                send(client, frame)

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)  # who waits in accept holds the port otherwise
        self.listener.close()
