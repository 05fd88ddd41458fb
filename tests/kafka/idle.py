"""Time goes on where nothing happens: what is due fires, on time, on streams without a single record."""
from bench import DAY, now_ms, wait_until
from program import Failed

LATENESS_MS = 5_000   # settings: allowed_lateness_ms
LATEST_MS = LATENESS_MS + 1_200
MINUTE = 60_000


def call(call_id, start, end, agent=None):
    """An inbound call, abandoned, or answered and left unbooked."""
    place = {"tenant": "acme", "call_id": call_id}
    yield place | {"type": "CallStarted", "event_id": f"{call_id}-1", "occurred_at": start, "direction": "INBOUND", "kind": "QUEUE",
                   "from": "+12025550101" if agent else "+12025550102", "to": "+12025550199"}
    if agent:
        yield place | {"type": "AgentConnected", "event_id": f"{call_id}-2", "occurred_at": start + 1000, "agent": agent, "leg": "1"}
    yield place | {"type": "CallEnded", "event_id": f"{call_id}-3", "occurred_at": end, "by": "CALLER"}


def setting(now):
    """Second chances, switched on by somebody who may."""
    yield {"type": "RoleChanged", "tenant": "acme", "event_id": "r1", "occurred_at": now - 2 * DAY, "role": "owner",
           "permissions": ["VIEW_AND_EDIT_FEATURE_MANAGEMENT", "EDIT_TI_FOLLOW_UP_AND_REPORTING_SETTINGS"]}
    yield {"type": "RolesAssigned", "tenant": "acme", "event_id": "r2", "occurred_at": now - 2 * DAY, "person": "kim", "roles": ["owner"]}
    yield {"type": "ChangeSettings", "tenant": "acme", "command_id": "s1", "occurred_at": now - 2 * DAY + 1, "actor": "kim",
           "changes": [{"key": "second_chance.enabled", "value": "on"}]}


def idle_streams(bench):
    """A row goes cold and a second chance opens, both some seconds after the last record of any source."""
    wire, room, now = bench.wire(1), bench.directory("idle"), now_ms()
    due = now + 12_000
    wire.send(bench.encode(wire.prefix, *setting(now), *call("cold", due - DAY - 1 - MINUTE, due - DAY - 1), *call("check", due - 13 * MINUTE,
                                                                                                                  due - 10 * MINUTE, "jo")))
    instance = bench.instance(wire, room).start()

    def fired():
        found = {}
        for message in wire.read("followup-events", 0):
            change = bench.change(message)
            if change["change"] == "WENT_COLD" or change["follow_up"].startswith("sc-"):
                found[change["follow_up"]] = message.timestamp()[1]
        return found if len(found) == 2 else None

    try:
        wait_until("the row did not go cold, or the second chance did not open", 60, fired)
        instance.stop()
    finally:
        instance.kill()
    late = {row: at - due for row, at in fired().items()}
    print(f"# due at 0 ms, told: {late} ms")
    if not all(0 <= ms <= LATEST_MS for ms in late.values()):
        raise Failed(f"told {late} ms after the deadline, {LATEST_MS} at most")


def open_transaction(bench):
    """Somebody's transaction stays open in one source: what comes after it in the others is told all the same, and it, once it is ended."""
    wire, room, now = bench.wire(1), bench.directory("open"), now_ms()
    booking = {"type": "JobBooked", "tenant": "acme", "event_id": "j1", "occurred_at": now - MINUTE, "job_id": "j1", "call": "answered"}
    job, = bench.encode(wire.prefix, booking)
    calls = bench.encode(wire.prefix, *call("answered", now - 3 * MINUTE, now - 2 * MINUTE, "jo"))
    producer = wire.producer(**{"transactional.id": f"{wire.prefix}team", "transaction.timeout.ms": 120_000})
    instance = bench.instance(wire, room).start()

    def types():
        return [bench.program.decode("calls-classified", message)["type"] for message in wire.read("calls-classified", 0)]

    try:
        producer.init_transactions(30)
        producer.begin_transaction()
        producer.produce(job.topic, job.value, job.key)
        producer.flush(30)
        wire.send(calls)
        wait_until("a transaction that is open in jobs holds up calls", 20, types)
        before = types()
        producer.commit_transaction(30)
        wait_until("the booking is not told", 20, lambda: types() != before)
        told = types()
        instance.stop()
    finally:
        instance.kill()
    print(f"# while it was open: {before}; then: {told}")
    if before != ["UNBOOKED"] or told[-1] != "BOOKED":
        raise Failed(f"told {before}, then {told}")
