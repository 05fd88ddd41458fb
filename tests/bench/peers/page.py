"""The table and the figure of bench-peers, for docs/performance.md."""
import statistics

FIGURES = [  # key, heading, decimals
    ("events_s", "events/s", 0),
    ("cpu_us", "CPU us an event", 1),
    ("broker_us", "broker's CPU us an event", 1),
    ("memory_mib", "peak anonymous memory, MiB", 0),
    ("state_mib", "state on disk, MiB", 0),
]
TIMES = [
    ("after_kill_s", "ready after kill -9, s", 1),
    ("after_loss_s", "ready after loss of the state, s", 1),
    ("p50_ms", "p50, ms", 0),
    ("p99_ms", "p99, ms", 0),
]
LEFT, WIDTH = 280, 360  # of the bars, in pixels
COLOURS = {"ringback": "#2f6f4f", "streams": "#8a5a2b", "flink": "#44608c", "flink-often": "#8fa5c7"}


def spread(values, decimals):
    """The median, and the least and the greatest where they differ from it."""
    texts = [f"{value:,.{decimals}f}" for value in (statistics.median(values), min(values), max(values))]
    return texts[0] if texts[1] == texts[2] else f"{texts[0]} ({texts[1]} to {texts[2]})"


def gather(results, keys):
    """{(label, workers): {key: [values]}} of those results that have one of the keys, in the order in which they came."""
    rows = {}
    for result in results:
        for key, _, _ in keys:
            if key in result["figures"]:
                rows.setdefault((result["label"], result["workers"]), {}).setdefault(key, []).append(result["figures"][key])
    return rows


def table(results, keys):
    lines = ["| engine | threads | " + " | ".join(heading for _, heading, _ in keys) + " |", "| --- " * (len(keys) + 2) + "|"]
    for (label, workers), figures in gather(results, keys).items():
        cells = [spread(figures[key], decimals) if key in figures else "-" for key, _, decimals in keys]
        lines.append(f"| {label} | {workers} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def bars(results, key, title, top, names):
    """One group of horizontal bars: median as the bar, least to greatest as the line on its end. Returns SVG and its height."""
    values = {}
    for result in results:
        if key in result["figures"]:
            values.setdefault((result["engine"], result["label"], result["workers"]), []).append(result["figures"][key])
    if not values:
        return [], 0
    greatest = max(max(each) for each in values.values())
    svg = [f'<text x="0" y="{top + 14}" class="title">{title}</text>']
    y = top + 24
    for (engine, label, workers), each in values.items():
        scale = WIDTH / greatest
        median, least, most = statistics.median(each), min(each), max(each)
        name = f"{label}, {workers} thread{'s' if workers > 1 else ''}" if names else label
        svg.append(f'<text x="0" y="{y + 12}">{name}</text>')
        svg.append(f'<rect x="{LEFT}" y="{y}" width="{median * scale:.1f}" height="15" fill="{COLOURS[engine]}"/>')
        svg.append(f'<line x1="{LEFT + least * scale:.1f}" x2="{LEFT + most * scale:.1f}" y1="{y + 7.5}" y2="{y + 7.5}" class="noise"/>')
        svg.append(f'<text x="{LEFT + 6 + most * scale:.1f}" y="{y + 12}">{median:,.{0 if median >= 100 else 1}f}</text>')
        y += 20
    return svg, y - top + 12


def figure(results):
    svg, y = [], 0
    for key, title in (("events_s", "Events a second: longer is better"), ("cpu_us", "CPU an event, us: shorter is better"),
                       ("p99_ms", "Latency of 99 % of the rows, ms, at a steady rate: shorter is better")):
        part, height = bars(results, key, title, y, key != "p99_ms")
        svg += part
        y += height
    style = ("text{font:12px sans-serif;fill:#333}.title{font-weight:bold}.noise{stroke:#000;stroke-width:1.5}"
             "@media (prefers-color-scheme:dark){text{fill:#ddd}.noise{stroke:#fff}}")
    return "\n".join([f'<svg xmlns="http://www.w3.org/2000/svg" width="720" height="{y}" viewBox="0 0 720 {y}" role="img" '
                      'aria-label="Ringback, Kafka Streams and Flink compared">', f"<style>{style}</style>", *svg, "</svg>", ""])


def section(results, about):
    """What stands between the marks in docs/performance.md. `about`: the words that the bench has for the machine and the load."""
    return f"""\
## Against Kafka Streams and Flink

`tests/bench/bench-peers` on {about["machine"]}: {about["events"]:,} generated events
of {about["network"]}, without commands on rows; {about["versions"]};
{about["rounds"]} rounds of all in turn. Median, and in brackets least and greatest. In every run but those of latency the rows were compared:
{about["rows"]:,}, opened and closed at the same milliseconds with the same outcomes.

![Ringback, Kafka Streams and Flink compared](performance-peers.svg)

{table(results, FIGURES)}

Events a second and CPU are those of the last two thirds of the events, when Java has compiled; the broker's CPU is on top. Memory leaves mapped
files out, which are the page cache's.

{table(results, TIMES)}

Ready: from the start of the process to its first commit, killed at 60 % of the events. Latency: from sending the end of a call to reading
its row, at {about["rate"]:,} events a second. Flink's state is lost with its process, so that both are the same.

What the peers do not do is in [tests/bench/README.md](../tests/bench/README.md): they have it easier.
"""
