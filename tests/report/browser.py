#!/usr/bin/env python3
"""The report's page in a real browser: light and dark, wide and narrow, in print; hostile names; nothing loaded, nothing run.

tests/report/browser.py [--keep DIR]      keeps the pages, pictures and prints, to be looked at
"""

import argparse
import json
import pathlib
import shutil
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]
import fetch  # noqa: E402
from program import Failed, Program, Tap  # noqa: E402

PLAYWRIGHT = "playwright==1.65.2"
fetch.importable(fetch.packages(f"report/{PLAYWRIGHT}", PLAYWRIGHT))
from playwright.sync_api import sync_playwright  # noqa: E402

CHROMIUM = shutil.which("chromium")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
HOSTILE = [
    "<script>document.title='owned'</script>",
    '"><img src=x onerror="document.title=\'owned\'">',
    "</td></tr></table><h1>Owned",
    "&lt;b&gt; &amp;copy;",
    "' onmouseover='document.title=1",
    "{{7*7}} ${7*7}",
    "\u202egnihtoN",
    "=cmd|' /C calc'!A0",
]

# Everything that carries text of its own must stand out from what is behind it (WCAG 2.2, 1.4.3).
CONTRAST = """() => {
  const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
  const rgba = text => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = text;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const over = (top, under) => [0, 1, 2].map(i => top[i] * top[3] / 255 + under[i] * (1 - top[3] / 255));
  const ground = e => over(rgba(getComputedStyle(e).backgroundColor), e === document.body ? [255, 255, 255] : ground(e.parentElement));
  const linear = v => v / 255 <= .04045 ? v / 255 / 12.92 : ((v / 255 + .055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => .2126 * linear(r) + .7152 * linear(g) + .0722 * linear(b);
  const faint = [];
  let seen = 0;
  for (const e of document.querySelectorAll('main *')) {
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()) || !e.getClientRects().length) continue;
    const behind = ground(e), text = over(rgba(getComputedStyle(e).color), behind);
    const [b, a] = [light(behind), light(text)].sort((x, y) => x - y), ratio = (a + .05) / (b + .05);
    seen++;
    if (ratio < 4.5) faint.push(`${e.tagName}.${e.className} "${e.textContent.trim().slice(0, 20)}" ${ratio.toFixed(2)}`);
  }
  return {seen, faint};
}"""
STRUCTURE = """() => {
  const wrong = [], all = selector => [...document.querySelectorAll(selector)], levels = all('h1,h2,h3').map(e => +e.tagName[1]);
  const is_headed = table => table.querySelector('thead th') && [...table.querySelectorAll('thead th')].every(h => h.scope === 'col');
  if (levels[0] !== 1 || levels.filter(l => l === 1).length !== 1) wrong.push('headings: ' + levels);
  if (!all('table').every(is_headed)) wrong.push('a table without column headers');
  if (!all('[role=img],[role=region]').every(e => e.getAttribute('aria-label'))) wrong.push('a picture or region without a name');
  if (!all('.scroll').every(e => e.tabIndex === 0)) wrong.push('what scrolls cannot be reached by keyboard');
  if (!all('i').every(e => e.closest('[aria-hidden],[role=img],.key'))) wrong.push('a bar is not hidden from screen readers');
  if (!document.documentElement.lang || !document.title) wrong.push('no language or title');
  for (const e of all('script,link,img,iframe,object,embed,form,base,svg')) wrong.push('an element ' + e.tagName);
  for (const e of all('*')) for (const a of e.attributes) if (a.name.startsWith('on')) wrong.push(`${a.name} on ${e.tagName}`);
  return wrong;
}"""


def need(holds, what):
    if not holds:
        raise Failed(what)


def hostile_events(path):
    """A call for each hostile text, which stands wherever a text from outside may stand."""
    with open(path, "w", encoding="utf-8") as file:
        number = 0

        def put(what, second, **fields):
            nonlocal number
            number += 1
            file.write(
                json.dumps(
                    {"type": what, "event_id": str(number), "tenant": "evil", "occurred_at": 1_740_000_000_000 + second * 1000, **fields}
                )
                + "\n"
            )

        put("TenantChanged", 0, name=HOSTILE[0], zone="<b>Mars</b>", week_start="MONDAY")
        for n, text in enumerate(HOSTILE):
            put("NumberChanged", 1, number=f"+1202555020{n}", kind="TRACKING", campaign=text, texts=False)
            put("QueueChanged", 1, queue=f"q{n}", name=text)
            put("AgentChanged", 1, agent=f"a{n}", name=text)
            put("CustomerChanged", 1, customer=f"u{n}", name=text, numbers=[])
        for n, text in enumerate(HOSTILE):
            call = {"call_id": text}
            put("CallStarted", 10 + n, direction="INBOUND", kind="QUEUE", customer=f"u{n}", to=f"+1202555020{n}", **{"from": text}, **call)
            put("QueueEntered", 20 + n, queue=f"q{n}", **call)
            if n % 2:
                put("AgentConnected", 30 + n, leg="1", agent=f"a{n}", **call)
                put(
                    "RecordingAvailable",
                    31 + n,
                    address="javascript:document.title='owned'" if n == 1 else f"https://recordings.example/{text}",
                    **call,
                )
            put("CallEnded", 60 + n, by="CALLER", **call)


class Browser:
    def __init__(self, playwright, program, room):
        self.program, self.room = program, room
        self.browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)

    def page(self, path, scheme="light", width=1280, reduced=None):
        context = self.browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900}, offline=True)
        page = context.new_page()
        self.said, self.asked = [], []
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))
        page.goto(path.as_uri())
        need(self.said == [], f"the browser says {self.said}")
        need(self.asked == [path.as_uri()], f"the page asked for {self.asked}")
        return page

    def looks(self, name, scheme, width):
        """Fits its width, can be read, and is the same to a screen reader."""
        page = self.page(self.room / f"{name}.html", scheme, width)
        page.screenshot(path=self.room / f"{name}-{scheme}-{width}.png", full_page=True)
        need(
            page.evaluate("document.documentElement.scrollWidth") == width,
            f"it is {page.evaluate('document.documentElement.scrollWidth')} wide",
        )
        page.evaluate("document.querySelectorAll('details').forEach(e => e.open = true)")
        contrast = page.evaluate(CONTRAST)
        need(contrast["seen"] > 40 and not contrast["faint"], f"too faint of {contrast['seen']}: {contrast['faint'][:5]}")
        wrong = page.evaluate(STRUCTURE)
        need(not wrong, f"{wrong[:5]}")
        page.context.close()

    def prints(self, name):
        page = self.page(self.room / f"{name}.html", "dark")
        page.emulate_media(media="print")
        need(page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)", "it is not printed on white")
        contrast = page.evaluate(CONTRAST)
        need(not contrast["faint"], f"too faint in print: {contrast['faint'][:5]}")
        page.pdf(path=self.room / f"{name}.pdf", format="A4", print_background=False)
        need((self.room / f"{name}.pdf").read_bytes().startswith(b"%PDF"), "no PDF")
        page.context.close()

    def figures(self, data):
        """What the page shows is what the comparison says."""
        groups = [json.loads(line) for line in self.report(data, "--compare", "campaign", "--format", "json")]
        page = self.page(self.room / "week.html")
        tiles = page.locator(".tiles .value").all_inner_texts()
        expected = [sum(group[name] for group in groups) for name in ("calls", "abandoned", "unbooked", "recovered")]
        got = [int(tile.split()[0].replace(",", "")) for tile in tiles[:4]]
        need(got == expected, f"the tiles say {got}, the comparison {expected}")
        heat = sum(map(int, page.locator(".heat td").filter(has_text="").all_inner_texts()[1:]))
        listed = sum(group[name] for group in groups for name in ("abandoned", "unbooked", "missed"))
        need(heat == listed, f"the heat map has {heat} calls, the comparison {listed}")
        where = (
            page.locator("section", has=page.get_by_role("heading", name="Where callers gave up"))
            .locator("tbody td.number:nth-child(2)")
            .all_inner_texts()
        )
        need(sum(int(text.replace(",", "")) for text in where) == expected[1], f"callers gave up in {where}, {expected[1]} in all")
        page.context.close()

    def hostile(self):
        page = self.page(self.room / "evil.html")
        need(page.title() == "Unbooked and Abandoned Calls", f"the title is {page.title()}")
        need(page.locator("h1").all_inner_texts() == ["Unbooked and Abandoned Calls"], "there is another heading")
        text = page.inner_text("body")
        for each in HOSTILE:
            shown = each.replace("\u202e", "?")  # what turns writing round is no text
            need(text.count(shown) >= 4, f"{each!r} is not shown as it is")
        links = [link.get_attribute("href") for link in page.locator("#calls a").all()]
        need(links and all(link.startswith("https://recordings.example/") for link in links), f"links lead to {links}")
        page.context.close()

    def report(self, data, *words):
        return self.program.run("report", "unbooked-abandoned", "--data", data, "--range", "all", "--quiet", *words).stdout.splitlines()

    def write(self, name, data, *words):
        (self.room / f"{name}.html").write_bytes(
            self.program.run("report", "unbooked-abandoned", "--data", data, "--format", "html", *words).stdout
        )


def check_all(tap, browser, room, program):
    program.run("generate", "--days", "45", "--calls-per-day", "200", "--out", room / "week.jsonl")
    hostile_events(room / "evil.jsonl")
    tap.check(
        "what is shown is folded", lambda: [program.fold(room / name, room / f"{name}.jsonl", exits=(0,)) for name in ("week", "evil")]
    )
    browser.write("week", room / "week", "--range", "all", "--limit", "40")
    browser.write("evil", room / "evil", "--range", "all", "--compare", "agent")
    browser.write("empty", room / "week", "--from", "1999-01-01", "--to", "1999-01-31")
    for name in ("week", "evil", "empty"):
        for scheme in ("light", "dark"):
            for width in (1280, 390):
                tap.check(f"{name}: {scheme}, {width} wide", browser.looks, name, scheme, width)
        tap.check(f"{name}: in print", browser.prints, name)
    tap.check("the page shows what the comparison says", browser.figures, room / "week")
    tap.check("hostile names are shown, not obeyed", browser.hostile)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", metavar="DIR")
    options = parser.parse_args()
    tap, program = Tap(), Program()
    with tempfile.TemporaryDirectory(prefix="ringback-browser.") as room, sync_playwright() as playwright:
        room = pathlib.Path(options.keep or room)
        room.mkdir(exist_ok=True)
        if not CHROMIUM:
            tap.result("chromium is there", "deploy/install-packages test installs it")
            tap.finish()
        browser = Browser(playwright, program, room)
        check_all(tap, browser, room, program)
        browser.browser.close()
    tap.finish()


if __name__ == "__main__":
    main()
