"""What becomes of the results: an HTML report with plots, and the tables of the pages."""

import html
import math
import platform
from pathlib import Path

import fastarray as fa

ROOT = Path(__file__).parents[2]
MARKS = "<!-- bench/fastarray: from here -->\n", "<!-- bench/fastarray: to here -->\n"


def write_html(results, path):
    rows = []
    for row, (ours, theirs, ratio, low, high) in results:
        width = min(300.0, 40 * max(math.log2(max(ratio / row.goal, 1e-3)) + 2, 0.05))
        color = "#3a7" if high >= row.goal else "#c43"
        rows.append(
            f"<tr><td>{row.group}<td>{html.escape(row.what)}<td>{html.escape(row.rival)}"
            f"<td>{ours:,.0f}<td>{theirs:,.0f}<td>{ratio:.2f} ({low:.2f} to {high:.2f})<td>{row.goal:.2f}"
            f'<td><svg width="300" height="10"><rect width="{width:.0f}" height="10" fill="{color}"/>'
            f'<line x1="80" x2="80" y2="10" stroke="black"/></svg>'
        )
    text = (
        "<!doctype html><meta charset=utf-8><title>fastarray benchmarks</title>"
        "<style>body{font:14px sans-serif}td,th{padding:1px 8px;text-align:right}</style>"
        f"<h1>fastarray benchmarks</h1><p>{html.escape(platform.platform())}, Python "
        f"{platform.python_version()}, kernels {fa.cpu_targets()['chosen']}. Nanoseconds per call, best of "
        "the rounds; ratio is rival / fastarray with 95 % bounds; bars are logarithmic, the line is the goal."
        "</p><table><tr><th>group<th>operation<th>rival<th>fastarray<th>rival<th>ratio<th>goal<th></tr>"
        + "\n".join(rows)
        + "</table>"
    )
    Path(path).write_text(text, "utf-8")


# -- the tables of README.md and docs/fastarray/numpy.md -----------------------------------

PICKED = ["sum i", "sum d", "min d", "scale i", "add i", "mul q", "floordiv i"]
PICKED += ["map x * 2 + 1 i", "map (x * 3 + 5) % 7 i", "filter x > 3 and x < 9 d"]


def by_size(results):
    """{(operation, group): {numpy or python: (ours, theirs)}}, in the order of the rows."""
    table = {}
    for row, (ours, theirs, *_) in results:
        rival = row.rival.split()[0].removeprefix("math.f").replace("sum", "python")
        rival = "python" if row.rival == "math.fsum" else rival
        if rival in ("numpy", "python"):
            what = "fsum" if row.group == "fsum" else row.what
            size = row.what.split()[-1] if row.group == "fsum" else row.group
            if not row.what.startswith("ill"):
                table.setdefault((what, size.removeprefix("n=")), {})[rival] = ours, theirs
    return table


def figures(results):
    lines = ["| operation | n | fastarray | NumPy | plain Python |", "|---|---|---|---|---|"]
    table = by_size(results)
    for what in [*PICKED, "fsum"]:
        for (name, n), rivals in table.items():
            if name == what:
                ours = min(pair[0] for pair in rivals.values())
                theirs = [
                    f"{rivals[k][1]:,.0f}" if k in rivals else "" for k in ("numpy", "python")
                ]
                lines.append(f"| `{what}` | {n} | {ours:,.0f} | {' | '.join(theirs)} |")
    return lines


def losing(results):
    """The rows below their goal as a table; nothing when there are none."""
    rows = [
        f"| `{row.what}`, {row.group} | {row.rival} | {high:.2f} | {row.goal:.2f} |"
        for row, (*_, high) in results
        if high < row.goal
    ]
    head = ["", "| row | beside | ratio, at most | goal |", "|---|---|---|---|"]
    return head + rows if rows else []


def replace(path, lines):
    """The stretch between the marks becomes these lines."""
    before, _, rest = path.read_text("utf-8").partition(MARKS[0])
    _, mark, after = rest.partition(MARKS[1])
    if not mark:
        raise SystemExit(f"{path}: no stretch to replace")
    path.write_text(before + MARKS[0] + "\n".join(lines) + "\n" + MARKS[1] + after, "utf-8")


def write_pages(results, machine, command):
    table = losing(results)
    low, rows = max(len(table) - 3, 0), len(results)
    replace(
        ROOT / "README.md",
        [
            f"Nanoseconds per call on {machine}, the best of the rounds (`{command}`; NumPy on a "
            "ready ndarray, at ten elements with its `frombuffer`; `map`, `filter` and `fsum` beside "
            "Python's):",
            "",
            *figures(results),
            "",
            f"Of the {rows} rows of that run, {low or 'none'} {'was' if low < 2 else 'were'} below "
            "the goal even at the upper bound of 95 %; "
            "[beside NumPy](docs/fastarray/numpy.md#speed) has more.",
        ],
    )
    replace(
        ROOT / "docs/fastarray/numpy.md",
        [
            f"A run on {machine} (`{command}`) had {rows} rows, each with a goal: a "
            "ratio of the rival's time to ours, or of a limit to the figure where there is no "
            f"rival. {low or 'None'} of them {'was' if low < 2 else 'were'} below it even at the "
            f"upper bound of 95 %{':' if low else '.'}",
            *table,
        ],
    )
