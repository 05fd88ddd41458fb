"""Going over to other rules: `ringback rules activate`, and the calls that older ones decided, judged again while nothing comes in."""
from bench import DAY, HOUR, now_ms, wait_until
import ledger
from program import EXIT_CONFIGURATION, EXIT_DONE, EXIT_FAILED, Failed

TENANTS, CALLS = ("acme", "bell", "cole", "dane"), 300  # of each; more than one record's share (docs/decisions/0019)


def hidden(tenant, number, at):
    """An abandoned call of a withheld number, and the job that was booked on it: version 1 does not bring them together."""
    place = {"tenant": tenant, "call_id": f"c{number}"}
    yield place | {"type": "CallStarted", "event_id": "s", "occurred_at": at, "direction": "INBOUND", "kind": "QUEUE", "to": "+12025550199"}
    yield place | {"type": "CallEnded", "event_id": "e", "occurred_at": at + 60_000, "by": "CALLER"}
    yield {"type": "JobBooked", "tenant": tenant, "event_id": "b", "occurred_at": at + HOUR, "job_id": f"j{number}", "call": f"c{number}"}


def rules_activated(bench):
    """All partitions go over; every call is judged again and told once, on streams without another record."""
    wire, room, at = bench.wire(2), bench.directory("rules"), now_ms() - DAY
    events = (event for tenant in TENANTS for number in range(CALLS) for event in hidden(tenant, number, at + number))
    instance = bench.instance(wire, room)
    sent = wire.send(sorted(bench.encode(wire.prefix, *events), key=lambda message: message.occurred_at))
    instance.start()

    def rules(*words, exits=EXIT_DONE):
        return bench.program.run("rules", *words, "-c", instance.config, exits=(exits,))

    def changed():
        changes = (bench.change(message) for number in range(wire.partitions) for message in wire.read("followup-events", number))
        return [(change["tenant"], change["follow_up"]) for change in changes if change["cause"] == "RULES"]

    try:
        bench.at_end(wire, sent)
        if changed():
            raise Failed("rules changed something before they were activated")
        shown = rules("show").stdout.decode()
        if shown.count("version 1 from the beginning") != wire.partitions:
            raise Failed(f"version 1 is not shown of each partition: {shown}")
        rules("activate", 3, exits=EXIT_CONFIGURATION)
        rules("activate", 2)
        wait_until("not every call is judged again", 60, lambda: len(changed()) >= len(TENANTS) * CALLS, every=1)
        wait_until("the new version is not shown of each partition", 30, lambda: rules("show").stdout.decode().count("version 2, activated")
                   == wire.partitions)
        rules("activate", 2, exits=EXIT_FAILED)
        instance.stop()
    finally:
        instance.kill()
    if len(set(changed())) != len(changed()) or len(changed()) != len(TENANTS) * CALLS:
        raise Failed(f"{len(changed())} rows were changed, {len(set(changed()))} of them other ones; {len(TENANTS) * CALLS} should be")
    ledger.check(wire, bench.program, room, f"{wire.prefix}app")
    print(f"# {len(changed())} rows judged again in {wire.partitions} partitions")
