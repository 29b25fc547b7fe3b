"""docs/internals/instructions.md from the VM's instruction table.

The C preprocessor expands the table, so that rows made by macros are seen as the
compiler sees them; its section comments become the page's sections.
"""

import ast
import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
TABLE = "src/stacklessvm/ir/vm_ops.def"
PAGE = "docs/internals/instructions.md"

# Stringified before anything in a row can expand, and easy to find again.
PRELUDE = """
#define OP(NAME, FORMAT, READS, WRITES, FLAGS, CACHE, MEANING) \
    @ROW(1, #NAME, #FORMAT, #READS, #WRITES, #FLAGS, #CACHE, MEANING)@
#define OPD(NAME, FORMAT, READS, WRITES, FLAGS, CACHE, MEANING) \
    @ROW(2, #NAME, #FORMAT, #READS, #WRITES, #FLAGS, #CACHE, MEANING)@
"""
SECTION = r"/\* -- (?P<section>.+?) -+ \*/"
ROW = r"@ROW(?P<row>\(.*?\))@"


@dataclass(frozen=True)
class Instruction:
    name: str
    forms: int
    format: str
    flags: str
    cache: str
    meaning: str


def expand(table: str) -> str:
    """The table's text with rows expanded and section comments kept."""
    compiler = os.environ.get("CC", "cc").split()
    return subprocess.run(
        [*compiler, "-E", "-CC", "-P", "-x", "c", "-"],
        input=PRELUDE + table,
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def sections(expanded: str) -> Iterator[tuple[str, list[Instruction]]]:
    title, rows = "", list[Instruction]()
    for match in re.finditer(f"{SECTION}|{ROW}", expanded, re.DOTALL):
        if match["section"]:
            if rows:
                yield title, rows
            title, rows = match["section"], []
        else:
            rows.append(instruction(match["row"]))
    if rows:
        yield title, rows


def instruction(row: str) -> Instruction:
    # adjacent strings join in Python as in C
    forms, name, layout, _reads, _writes, flags, cache, meaning = ast.literal_eval(row)
    flags = "" if flags == "0" else flags.replace(" | ", " ").lower()
    cache = "" if cache == "IC_NONE" else cache.removeprefix("IC_").lower()
    return Instruction(name, forms, layout, flags, cache, meaning)


def legend(table: str) -> str:
    """The first comment of the table, as it stands: it explains the columns."""
    comment = table[table.index("/*") + 2 : table.index("*/")]
    lines = [line.removeprefix(" *").removeprefix(" ").rstrip() for line in comment.splitlines()]
    return "\n".join(lines).strip()


def page(table: str) -> str:
    parts = [
        f"<!-- made by tools/gen/instructions.py from {TABLE}; run python tools/regen.py -->",
        "# Instructions of the VM",
        "",
        "```",
        legend(table),
        "```",
        "",
        "A name with `*` is two instructions: the second, `_L`, writes a local.",
    ]
    count = 0
    for title, rows in sections(expand(table)):
        parts += [
            "",
            f"## {title.capitalize()}",
            "",
            "| name | operands | meaning | flags | cache |",
        ]
        parts += ["|---|---|---|---|---|"]
        for row in rows:
            count += row.forms
            name = f"`{row.name}`{'*' if row.forms == 2 else ''}"
            meaning = row.meaning.replace("|", "\\|").replace("*", "\\*")
            parts.append(f"| {name} | `{row.format}` | {meaning} | {row.flags} | {row.cache} |")
    return "\n".join([*parts, "", f"{count} instructions.", ""])


def outputs() -> dict[str, str]:
    table = ROOT / TABLE
    return {PAGE: page(table.read_text(encoding="utf-8"))} if table.exists() else {}
