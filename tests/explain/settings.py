"""`ringback what-if` against the truth: a fold of the same input in which the settings were changed at the beginning."""
import collections
import json

from program import EXIT_FAILED, EXIT_USAGE, Failed

CHANGES = [
    {"second_chance.acw_minutes": "1"},
    {"second_chance.acw_minutes": "240", "second_chance.cold_days": "1"},
    {"second_chance.enabled": "off"},
    {"second_chance.min_call_seconds": "300"},
    {"link_days": "0"},
    {"resolve_on_booking": "off", "follow_up_callback": "off"},
    {"follow_up_missed": "off", "follow_up_empty_voicemail": "off"},
    {"callback_talk_counts": "on", "voice_agent_talk_counts": "on"},
    {"stuck_call_hours": "1", "allowed_lateness_ms": "60000"},
]


def rows_of(program, data):
    lines = program.run("followups", "--data", data, "--tab", "open,cold,done", "--format", "json").stdout.splitlines()
    return {(row["tenant"], row["follow_up"]): row for row in map(json.loads, lines)}


def types_of(program, data):
    lines = program.run("calls", "--data", data, "--format", "json").stdout.splitlines()
    return collections.Counter(json.loads(line)["type"] for line in lines)


def rewrite(source, target, changes):
    """The same events; whoever sets one of these settings sets it so, and so does head office from the beginning."""
    first = True
    with open(source, encoding="utf-8") as lines, open(target, "w", encoding="utf-8") as out:
        for line in lines:
            event = json.loads(line)
            if event["type"] == "ChangeSettings":
                for change in event["changes"]:
                    change["value"] = changes.get(change["key"], change["value"])
                if first and event["tenant"] == "*":
                    first = False
                    known = {change["key"] for change in event["changes"]}
                    event["changes"] += [{"key": key, "value": value} for key, value in changes.items() if key not in known]
                line = json.dumps(event) + "\n"
            out.write(line)
    if first:
        raise Failed("the input has no settings of *")


def fate(row, other):
    if not other:
        return "gone"
    same = all(row.get(name) == other.get(name) for name in ("status", "outcome", "tab"))
    return "same" if same else "otherwise"


def expected(rows, others):
    groups = collections.defaultdict(collections.Counter)
    for key, row in rows.items():
        group = groups[row["tenant"], row.get("campaign")]
        group["rows"] += 1
        word = {"gone": "lost"}.get(fate(row, others.get(key)), fate(row, others.get(key)))
        group[word] += word != "same"
    for key, row in others.items():
        group = groups[row["tenant"], row.get("campaign")]
        group["would_be"] += 1
        group["gained"] += key not in rows
    return groups


def agrees_with_a_fold(program, work, changes):
    real, other = work / "week", work / "otherwise"
    rewrite(work / "week.jsonl", work / "otherwise.jsonl", changes)
    program.fold(other, work / "otherwise.jsonl")
    arguments = [word for key, value in changes.items() for word in ("--set", f"{key}={value}")]
    answer = json.loads(program.run("what-if", "--data", real, "--format", "json", "--examples", 5, *arguments).stdout)
    rows, others = rows_of(program, real), rows_of(program, other)
    groups = expected(rows, others)
    said = {(group["tenant"], group["campaign"]): group for group in answer["groups"]}
    if set(said) != set(groups):
        raise Failed(f"other campaigns: {set(said) ^ set(groups)}")
    for key, group in groups.items():
        for name in ("rows", "would_be", "gained", "lost", "otherwise"):
            if said[key][name] != group[name]:
                raise Failed(f"{key} {name}: what-if says {said[key][name]}, the folds {group[name]}")
    if +collections.Counter(answer["would_be"]["calls"]) != types_of(program, other):
        raise Failed(f"calls by type: {answer['would_be']['calls']}")
    for name, examples in answer["examples"].items():
        for example in examples:
            key = example["tenant"], example["follow_up"]
            is_lost = name == "lost"
            if (key in rows) != (name != "gained") or (key in others) == is_lost:
                raise Failed(f"{name}: {example}")
    for path in work.glob("otherwise*"):
        if path.is_file():
            path.unlink()
    program_remove(other)
    moved = sum(group[name] for group in groups.values() for name in ("gained", "lost", "otherwise"))
    print(f"# {changes}: {moved} rows")
    return moved


def program_remove(path):
    for each in sorted(path.rglob("*"), reverse=True):
        each.unlink() if each.is_file() else each.rmdir()
    path.rmdir()


def the_same_settings_change_nothing(program, work):
    answer = json.loads(program.run("what-if", "--data", work / "week", "--format", "json", "--set", "second_chance.acw_minutes=10").stdout)
    if any(group[name] for group in answer["groups"] for name in ("gained", "lost", "otherwise")) or answer["is"] != answer["would_be"]:
        raise Failed(json.dumps(answer))


def one_account(program, work):
    arguments = ["what-if", "--data", work / "week", "--format", "json", "--set", "link_days=0"]
    everybody = json.loads(program.run(*arguments).stdout)["groups"]
    tenant = everybody[0]["tenant"]
    alone = json.loads(program.run(*arguments, "--tenant", tenant).stdout)["groups"]
    if alone != [group for group in everybody if group["tenant"] == tenant]:
        raise Failed(f"{tenant} alone: {alone}")


def what_is_wrong_is_said(program, work):
    def said(code, *arguments):
        return program.run("what-if", "--data", work / "week", *arguments, exits=(code,)).stderr.decode()
    for word in ("link_day=1", "link_days=91", "link_days=-1", "follow_up_missed=maybe", "link_days="):
        text = said(EXIT_USAGE, "--set", word)
        if word not in text or "0 to 90" not in text or "second_chance.acw_minutes" not in text:
            raise Failed(f"{word}: {text}")
    for arguments, part in ((("--set", "link_days"), "KEY=VALUE"), (("--set", "link_days=1", "--set", "link_days=2"), "given twice"), ((), "--set")):
        if part not in said(EXIT_USAGE, *arguments):
            raise Failed(f"{arguments}: {part} is not said")
    if "nobody" not in said(EXIT_FAILED, "--set", "link_days=1", "--tenant", "nobody"):
        raise Failed("an account that is not there is not named")


def in_words(program, work):
    text = program.run("what-if", "--data", work / "week", "--set", "second_chance.enabled=off").stdout.decode()
    for part in ("second_chance.enabled = off", "Would be", "All", "Lost: ", "would be no row"):
        if part not in text:
            raise Failed(f"{part!r} is not in\n{text}")


def tests(tap, program, work):
    moved = []
    for changes in CHANGES:
        name = ", ".join(f"{key}={value}" for key, value in changes.items())
        moved.append(tap.check(f"what-if {name}: as a fold with these settings", agrees_with_a_fold, program, work, changes))
    tap.check("what-if: the changes that were tried move rows", lambda: None if sum(1 for each in moved if each) >= 6 else (_ for _ in ()).throw(Failed(str(moved))))
    for test in (the_same_settings_change_nothing, one_account, what_is_wrong_is_said, in_words):
        tap.check(f"what-if: {test.__name__.replace('_', ' ')}", test, program, work)
