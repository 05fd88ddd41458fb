#!/usr/bin/env python3
"""Folds every scenario with the program and compares what comes out with what the scenario expects; then checks that every rule has one.

    tests/scenario/run.py [--program PATH] [--table] [WORD...]     only scenarios whose file or title holds one of the words
"""
import argparse
import concurrent.futures
import itertools
import json
import pathlib
import re
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE)]
from program import Failed, Program, ROOT, Tap, TOPICS, output_file  # noqa: E402
import language  # noqa: E402
from language import Mistake, Words  # noqa: E402
import expectations  # noqa: E402

TIMED = re.compile(r"([+-]\d+d\s|\d\d:\d\d)")
JOURNAL_ID = "5ce9a210" * 4
EMPTY = set()  # (program, bytes of a file) that was dumped, and held no record: most are, and alike in all scenarios


class Scenario:
    def __init__(self, file, line, title):
        self.file, self.line, self.title = file, line, title
        self.rules, self.lines = [], []  # lines: (number, text)

    @property
    def name(self):
        return f"{self.file}: {self.title}"


def read_scenarios(path):
    found = []
    for number, text in enumerate(path.read_text().splitlines(), 1):
        text = text.strip()
        if not text or text.startswith("#"):
            continue
        if text.startswith("scenario:"):
            found.append(Scenario(path.stem, number, text.removeprefix("scenario:").strip()))
        elif text.startswith("rule:"):
            found[-1].rules += text.removeprefix("rule:").split("#")[0].split()
        else:
            found[-1].lines.append((number, text))
    return found


class Run:
    """One scenario on its way: what waits to be folded, the data directory, what came out so far."""

    def __init__(self, scenario, program, directory):
        self.scenario, self.program, self.directory = scenario, program, pathlib.Path(directory)
        self.data = self.directory / "data"
        self.files, self.folds, self.events = [[]], 0, 0
        self.latest, self.append, self.lateness = language.MIDNIGHT, None, 5000
        self.tenants, self.wrong, self.rejections_expected = None, [], 0
        self.outputs, self.summary = {}, {}

    def play(self):
        for number, text in self.expand_permutations():
            try:
                self.step(number, text)
            except (Mistake, KeyError, ValueError) as why:
                raise Failed(f"{self.scenario.file}.scenario:{number}: {text}\nnot a line of a scenario: {why}") from why
        self.flush()
        self.check_always()
        if self.wrong:
            raise Failed("\n".join(self.wrong))

    def expand_repetitions(self):
        """Lines between `repeat N` and `end` stand N times, {n} being 1 to N."""
        lines, block = [], None
        for number, text in self.scenario.lines:
            if text.startswith("repeat "):
                block, times = [], int(text.split()[1])
            elif block is None:
                lines.append((number, text))
            elif text == "end":
                lines += [(at, line.replace("{n}", str(n))) for n in range(1, times + 1) for at, line in block]
                block = None
            else:
                block.append((number, text))
        return lines

    def expand_permutations(self):
        """Lines between `permute` and `end` become their permutations, one tenant each; lines outside are said of every tenant."""
        lines = self.expand_repetitions()
        words = [text for _, text in lines]
        if "permute" not in words:
            return lines
        first, last = words.index("permute"), words.index("end")
        block = lines[first + 1:last]
        orders = list(itertools.permutations(block))
        self.tenants = [f"p{place:03}" for place in range(len(orders))]
        ids = {number: f"e{place:03}" for place, (number, _) in enumerate(block)}
        permuted = [(number, f"{text} in {tenant} id {ids[number]}")
                    for tenant, order in zip(self.tenants, orders) for number, text in order]
        return lines[:first] + permuted + lines[last + 1:]

    def step(self, number, text):
        word = text.split()[0]
        if TIMED.match(text):
            self.add_event(text)
        elif word == "given":
            for line in language.given(Words(text.removeprefix("given"))):
                self.add_event(line)
        elif word == "raw":
            self.files[-1].append(text.removeprefix("raw").strip())
        elif word == "file":
            self.files.append([])
        elif word == "folds":
            self.fold()
        elif word == "clock":
            words = Words(text.removeprefix("clock"))
            until = words.time() + self.lateness
            words.end()
            self.latest = max(self.latest, until)
            self.fold(until)
        elif word == "append":
            self.append = Words(text.removeprefix("append")).time()
        elif word == "lateness":
            self.lateness = int(text.split()[1])
        elif word == "expect":
            self.flush()
            self.expect(number, text)
        else:
            raise Mistake(f"'{word}' begins no line")

    def add_event(self, text):
        spread = self.tenants and not re.search(r"\sin \S", text)
        for tenant in self.tenants if spread else [None]:
            self.events += 1
            event = language.event(f"{text} in {tenant}" if tenant else text, self.events)
            self.latest = max(self.latest, event["occurred_at"])
            self.files[-1].append(json.dumps(event))

    def flush(self):
        if any(self.files):
            self.fold()

    def fold(self, until=None):
        """Folds what was written since the last fold. Each file begins with another number of spaces: a file folded before is skipped."""
        self.folds += 1
        paths = []
        for place, lines in enumerate(filter(None, self.files)):
            path = self.directory / f"{self.folds}-{place}.jsonl"
            space = " " * self.folds
            path.write_text("".join((line if not line.startswith("{") else "{" + space + line[1:]) + "\n" for line in lines))
            paths.append(path)
        append = self.append if self.append is not None else self.latest + 3_600_000
        done = self.program.fold(self.data, *paths, until=until, append_time=append, journal_id=JOURNAL_ID)
        self.files, self.outputs = [[]], {}
        self.summary = expectations.summary(done.stdout.decode())
        if self.summary["started"] != sum(count for word, count in self.summary.items() if word != "started"):
            raise Failed(f"calls do not balance after fold {self.folds}: {self.summary}")

    def output(self, topic):
        if topic not in self.outputs:
            file = output_file(self.data, topic)
            seen = self.program.path, file.read_bytes() if file.exists() else b""
            self.outputs[topic] = [] if seen in EMPTY else self.program.output(self.data, topic)
            if not self.outputs[topic]:
                EMPTY.add(seen)
        return self.outputs[topic]

    def expect(self, number, text):
        wrong = []
        w = Words(text.removeprefix("expect"))
        if w.skip("counts"):
            self.wrong += [f"{self.scenario.file}.scenario:{number}: {text}: {line}" for line in expectations.check_counts(w, self.summary)]
            return
        if w.skip("rejected"):
            self.rejections_expected += 0 if w.peek() == "none" else len(text.split()) - 3 if w.peek() == "order" else 1
        tenant = re.search(r"\sin (\S+)$", text)
        for tenant in [tenant.group(1)] if tenant else self.tenants or ["acme"]:
            words = Words(re.sub(r"\sin \S+$", "", text).removeprefix("expect"))
            for line in expectations.check(words, tenant, self.output):
                wrong.append(line if tenant == "acme" else f"{line} (in {tenant})")
            words.end()
        if wrong:
            self.wrong += [f"{self.scenario.file}.scenario:{number}: {text}", *("    " + line for line in wrong[:6])]

    def check_always(self):
        """What holds for every scenario: see expectations.invariants; and nothing is rejected that no line expects."""
        outputs = {topic: self.output(topic) for topic in TOPICS}
        self.wrong += expectations.invariants(outputs)
        if self.tenants:
            self.wrong += expectations.agreement(self.tenants, outputs)
        rejected = outputs["rejected"]
        if len(rejected) != self.rejections_expected:
            seen = ", ".join(f"{each.get('event_id')} {each['reason']} ({each['detail']})" for each in rejected[:5])
            self.wrong.append(f"{self.rejections_expected} rejected records are expected, {len(rejected)} came: {seen}")


def play(scenario, program):
    with tempfile.TemporaryDirectory(prefix="ringback-scenario.") as directory:
        Run(scenario, program, directory).play()


def read_rules():
    """rules.txt: an id, then the rule in words; and each numbered decision `n` of docs/decisions/0001 as D1.n."""
    lines = (line.split(None, 1) for line in (HERE / "rules.txt").read_text().splitlines())
    rules = {words[0]: words[1] for words in lines if len(words) == 2 and not words[0].startswith("#")}
    decisions, = (ROOT / "docs/decisions").glob("0001-*.md")
    numbered = re.findall(r"^(\d+[a-z]?)\. (.*)$", decisions.read_text(), re.MULTILINE)
    return rules | {f"D1.{number}": text[:100] for number, text in numbered}


def check_coverage(tap, scenarios, table):
    rules = read_rules()
    covered = {rule: [scenario.name for scenario in scenarios if rule in scenario.rules] for rule in rules}
    unknown = [f"{scenario.name}: {rule}" for scenario in scenarios for rule in scenario.rules or ["none"] if rule not in rules]
    for rule, names in covered.items() if table else ():
        print(f"# {rule:6} {len(names):3}  {rules[rule]}")
        for name in names:
            print(f"#              {name}")
    bare = [f"{rule}  {rules[rule]}" for rule, names in covered.items() if not names]
    print(f"# {len(scenarios)} scenarios cover {len(rules) - len(bare)} of {len(rules)} rules (the table: tests/scenario/run.py --table)")
    tap.result("every rule has a scenario", "\n".join(bare) or None)
    tap.result("every scenario names rules that exist", "\n".join(unknown) or None)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program")
    parser.add_argument("--table", action="store_true", help="print each rule with its scenarios")
    parser.add_argument("words", nargs="*")
    options = parser.parse_args()
    program, tap = Program(options.program), Tap()
    every = [scenario for path in sorted(HERE.glob("*.scenario")) for scenario in read_scenarios(path)]
    chosen = [s for s in every if not options.words or any(word in s.name for word in options.words)]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        running = [(scenario, pool.submit(play, scenario, program)) for scenario in chosen]
        for scenario, future in running:
            tap.check(scenario.name, future.result)
    if not options.words:
        check_coverage(tap, every, options.table)
    tap.finish()


if __name__ == "__main__":
    main()
