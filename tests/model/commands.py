"""Who may do what, and what a command does (SPEC 5; D1.32 to D1.37)."""
from rows import DONE, STATUSES
from words import (ALL, EDIT_ABANDONED, EDIT_SECOND_CHANCE, EDIT_SETTINGS, FEATURES, FUTURE, INCLUDES, MINUTE, DAY, HOUR, VIEW_ALL,
                   parse_setting)


class Refused(Exception):
    """The first reason that holds."""


def granted(model, tenant_id, person):
    """All permissions of a person in a tenant: roles given there, roles given for all tenants."""
    permissions = set()
    for scope in {tenant_id, ALL}:
        assigned = model.entry(scope, "person", person)
        for role in assigned["roles"] if assigned else ():
            meaning = model.entry(scope, "role", role) or model.entry(ALL, "role", role)
            permissions |= set(meaning["permissions"]) if meaning else set()
    for broad, parts in INCLUDES.items():
        permissions |= parts if broad in permissions else set()
    return permissions


def needs(command):
    if command["type"] == "ChangeSettings":
        both = any(c["key"].startswith("second_chance.") for c in command["changes"])
        return {FEATURES, EDIT_SETTINGS} if both else {EDIT_SETTINGS}
    prefix = command["follow_up"][:3]
    return {{"ab-": EDIT_ABANDONED, "sc-": EDIT_SECOND_CHANCE}.get(prefix, VIEW_ALL)}


def judge(model, tenant, command, append_time, at):
    """Applies the command; the new version and the row it touched, or raises Refused."""
    if command.get("actor") is None or command["occurred_at"] > append_time + FUTURE:
        raise Refused("MALFORMED")
    if not needs(command) <= granted(model, tenant.id, command["actor"]):
        raise Refused("NOT_PERMITTED")
    expected = command.get("expected_version")
    if command["type"] == "ChangeSettings":
        if expected is not None and expected != tenant.settings_version:
            raise Refused("VERSION_CONFLICT")
        change_settings(model, tenant, command, at)
        return None
    row = tenant.rows.get(command["follow_up"]) if tenant.id != ALL else None
    if row is None:
        raise Refused("UNKNOWN_FOLLOW_UP")
    if row.withdrawn:
        raise Refused("WITHDRAWN")
    if expected is not None and expected != row.version:
        raise Refused("VERSION_CONFLICT")
    act(model, row, command, at)
    return row


def act(model, row, command, at):
    kind = command["type"]
    shown = row.shown["status"]
    if kind == "SetStatus":
        if command["status"] not in STATUSES[row.kind]:
            raise Refused("INVALID_VALUE")
        if command["status"] == shown:
            return
        set_status(model, row, command["status"], at)
        if command["status"] == "CONTACT_ATTEMPTED":
            row.attempts.append(at)
    elif kind == "Dismiss":
        if row.kind != "ABANDONED":
            raise Refused("INVALID_VALUE")
        if shown == "DISMISSED":
            return
        set_status(model, row, "DISMISSED", at)
    elif kind == "Reopen":
        if shown not in DONE:
            raise Refused("INVALID_VALUE")
        set_status(model, row, row.last_open_status(), at)
    elif kind == "StartCallback":
        if shown == "NEW":
            set_status(model, row, "CONTACT_ATTEMPTED", at)
        row.attempts.append(at)
    elif kind == "AddNote":
        if command["note"] == "":
            raise Refused("INVALID_VALUE")
        row.notes = row.notes + [{"at": at, "actor": command["actor"], "text": command["note"]}]
    elif kind == "Assign":
        if command.get("assignee") == "":
            raise Refused("INVALID_VALUE")
        if command.get("assignee") == row.assignee:
            return
        row.assignee = command.get("assignee")
    row.reviews.append({"at": at, "stream_time": model.clock.time})
    if row.ground is not None:
        row.pinned = row.ground


def set_status(model, row, status, at):
    was_done = row.shown["status"] in DONE
    closed_at = None
    if status in DONE:
        closed_at = row.shown["closed_at"] if was_done else at
    row.sets.append({"at": at, "stream_time": model.clock.time, "status": status, "leaves_done": was_done and status not in DONE,
                     "closed_at": closed_at})
    row.pinned = row.ground = row.kept = None


def change_settings(model, tenant, command, at):
    changes = [(c["key"], parse_setting(c["key"], c["value"])) for c in command["changes"]]
    keys = [key for key, _ in changes]
    if not changes or len(set(keys)) < len(keys) or any(value is None for _, value in changes):
        raise Refused("INVALID_VALUE")
    if tenant.id != ALL and "allowed_lateness_ms" in keys:
        raise Refused("INVALID_VALUE")
    affected = [t for t in model.tenants.values() if t.id != ALL] if tenant.id == ALL else [tenant]
    before = {t.id: {key: model.setting(t.id, key) for key in keys} for t in affected}
    tenant.settings.update(changes)
    tenant.settings_version += 1
    for one in affected:
        changed = {key: model.setting(one.id, key) for key in keys if model.setting(one.id, key) != before[one.id][key]}
        retime(model, one, changed, at)


def retime(model, tenant, changed, at):
    """D1.36: of every unfired timer whose deadline is later than the command."""
    def moved(thing, deadline, length, floor, new):
        if deadline() <= at:
            return
        setattr(thing, length, new)
        setattr(thing, floor, 0)
        if deadline() < at:
            setattr(thing, floor, at)

    for call in tenant.calls.values():
        if "second_chance.acw_minutes" in changed and call.end() and not call.check_fired:
            moved(call, call.check_at, "acw_ms", "check_floor", changed["second_chance.acw_minutes"] * MINUTE)
        if "stuck_call_hours" in changed and not call.end() and not call.stuck_fired:
            moved(call, call.stuck_at, "stuck_ms", "stuck_floor", changed["stuck_call_hours"] * HOUR)
        if "retention_days" in changed and call.decided():
            moved(call, call.retain_at, "retention_ms", "retain_floor", changed["retention_days"] * DAY)
    for row in tenant.rows.values():
        if "second_chance.cold_days" in changed and row.kind == "SECOND_CHANCE" and not row.cold_fired:
            moved(row, row.cold_at, "cold_days_ms", "cold_floor", changed["second_chance.cold_days"] * DAY)
