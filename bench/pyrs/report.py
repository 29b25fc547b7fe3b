"""A measurement as text and as one HTML page with its plots drawn in it."""

import html as markup
import math

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem }
table { border-collapse: collapse; margin: 1rem 0 } td, th { padding: .15rem .7rem; text-align: right }
td:first-child, th:first-child { text-align: left } tr:nth-child(even) { background: #f4f4f4 }
.lost { color: #b00020; font-weight: 600 } .about { color: #555 } svg text { font: 12px system-ui, sans-serif }
"""
BAR = 16
LEFT, WIDTH, RIGHT = 180, 520, 70


# -- text ---------------------------------------------------------------------


def heading(about):
    return (
        f"{about['vm']} against {about['plain']}\n{about['machine']}; "
        f"{about['processes']} processes of each side, {about['values']} calls in each, CPU time\n"
        f"{'':22}{'mode':10}{'plain':>10}{'vm':>10}{'first':>9}{'best':>9}   spread"
    )


def line(row):
    if row.problem:
        return f"{row.name:22}{row.mode:10}  {row.problem}"
    s = row.summary()
    low, high = s["spread"]
    return (
        f"{row.name:22}{row.mode:10}{ms(s['best']['plain']):>10}{ms(s['best']['vm']):>10}"
        f"{s['ratio_first']:>8.2f}x{s['ratio_best']:>8.2f}x   {low:.2f}-{high:.2f}"
        f"{'   slower' if s['ratio_best'] < 1 else ''}"
    )


def closing(result):
    mean, count = result["means"]["pure_python"], result["means"]["pure_python_count"]
    problems = sum(bool(row["problem"]) for row in result["rows"])
    lines = [f"geometric mean of {count} pure-Python programs: {mean:.2f}x"] if mean else []
    lines += [f"{problems} not measured: something was wrong"] if problems else []
    return "\n".join(["", *lines, f"plain: {result['about']['plain']}"])


def ms(seconds):
    return f"{seconds * 1e3:.1f} ms"


# -- HTML ---------------------------------------------------------------------


def html(result):
    about = result["about"]
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><title>pyrs against CPython</title>",
        f"<style>{STYLE}</style><h1>pyrs against plain CPython</h1>",
        f"<p class=about>{text(about['vm'])} against {text(about['plain'])}.<br>",
        f"{text(about['machine'])}; {text(about['system'])}.<br>",
        f"Ratios are plain CPU time / VM CPU time: above 1 the VM is faster. <code>{text(about['command'])}</code></p>",
    ]
    means = result["means"]
    if means["pure_python"]:
        count = means["pure_python_count"]
        parts.append(
            f"<p>Geometric mean of {count} pure-Python programs: {means['pure_python']:.2f}x.</p>"
        )
    parts += ["<h2>Groups</h2>", bars([(g, r, r) for g, r in means["groups"].items()], about)]
    for mode, title in (("vm", "In the VM"), ("pipeline", "Whole processes")):
        rows = [row for row in result["rows"] if row["mode"] == mode]
        good = [(r["name"], r["ratio_best"], r["ratio_first"]) for r in rows if not r["problem"]]
        if rows:
            parts += [f"<h2>{title}</h2>", bars(good, about), table(rows)]
    return "\n".join(parts)


def table(rows):
    head = (
        "<tr><th>program<th>group<th>plain first<th>VM first<th>plain best<th>VM best"
        "<th>first<th>best<th>spread</tr>"
    )
    return f"<table>{head}{''.join(map(table_row, rows))}</table>"


def table_row(row):
    cells = [row["name"], row["group"]]
    if row["problem"]:
        return f"<tr><td>{'<td>'.join(cells)}<td colspan=7 class=lost>{text(row['problem'])}</tr>"
    for kind in ("first", "best"):
        cells += [ms(row[kind]["plain"]), ms(row[kind]["vm"])]
    cells += [f"{row['ratio_first']:.2f}x", f"{row['ratio_best']:.2f}x"]
    cells.append("{:.2f}-{:.2f}".format(*row["spread"]))
    lost = " class=lost" if row["ratio_best"] < 1 else ""
    return f"<tr{lost}><td>{'<td>'.join(cells)}</tr>"


def bars(rows, about):
    """Horizontal bars on a logarithmic axis from 1: best solid, first as a tick."""
    if not rows:
        return "<p>Nothing was measured.</p>"
    values = [value for _, best, first in rows for value in (best, first)]
    low, high = min(0.5, *values), max(2.0, *values)
    scale = WIDTH / (math.log(high) - math.log(low))

    def x(value):
        return LEFT + (math.log(value) - math.log(low)) * scale

    height = (BAR + 6) * len(rows) + 40
    parts = [f'<svg width="{LEFT + WIDTH + RIGHT}" height="{height}" role="img">']
    for mark in marks(low, high):
        color = "#333" if mark == 1 else "#ddd"
        parts.append(
            f'<line x1="{x(mark):.1f}" x2="{x(mark):.1f}" y1="0" y2="{height - 36}" stroke="{color}"/>'
        )
        parts.append(
            f'<text x="{x(mark):.1f}" y="{height - 22}" text-anchor="middle">{mark:g}x</text>'
        )
    for i, (name, best, first) in enumerate(rows):
        y = i * (BAR + 6)
        start, end = sorted((x(1), x(best)))
        color = "#2a7f62" if best >= 1 else "#b00020"
        parts.append(f'<text x="{LEFT - 8}" y="{y + 13}" text-anchor="end">{text(name)}</text>')
        parts.append(
            f'<rect x="{start:.1f}" y="{y + 1}" width="{end - start:.1f}" height="{BAR}" fill="{color}"/>'
        )
        parts.append(
            f'<rect x="{x(first) - 1.5:.1f}" y="{y}" width="3" height="{BAR + 2}" fill="#e0a100"/>'
        )
        parts.append(f'<text x="{max(end, x(first)) + 6:.1f}" y="{y + 13}">{best:.2f}x</text>')
    legend = f"bar: best, tick: first call of a process; {about['plain']} = 1"
    parts.append(f'<text x="0" y="{height - 5}" fill="#555">{text(legend)}</text></svg>')
    return "\n".join(parts)


def marks(low, high):
    """Powers of two within the axis."""
    return [2.0**k for k in range(math.ceil(math.log2(low)), math.floor(math.log2(high)) + 1)]


def text(value):
    return markup.escape(str(value))
