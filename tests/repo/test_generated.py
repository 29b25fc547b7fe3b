"""Generated files are what their generators make now, and the generators read tables right."""

import subprocess
import sys

import regen
from gen import instructions
from support.tree import ROOT

TABLE = """
/* What the columns
 * mean. */
/* -- moves ------ */
OPD(MOV, DR_, R_B, W_A, 0, IC_NONE, "a = b")
/* -- operators ---------- */
#define BOTH(NAME, SIGN) OP(NAME, DRR, R_BC, W_A, RAISES | BOUNDARY, IC_NONE, "a = b " SIGN " c") \\
    OP(I##NAME, DRR, R_BC, W_A, RAISES, IC_ATTR, "a = b " SIGN "= c")
BOTH(OR, "|")
"""


def test_generated_files_are_fresh():
    run = subprocess.run(
        [sys.executable, "tools/regen.py", "--check"], cwd=ROOT, capture_output=True, text=True
    )

    assert (run.returncode, run.stdout) == (0, "")


def test_rows_made_by_macros_are_seen():
    (moves, (mov,)), (operators, (either, inplace)) = instructions.sections(
        instructions.expand(TABLE)
    )

    assert (moves, operators) == ("moves", "operators")
    assert (mov.name, mov.forms, mov.flags) == ("MOV", 2, "")
    assert (either.meaning, either.flags) == ("a = b | c", "raises boundary")
    assert (inplace.name, inplace.cache) == ("IOR", "attr")


def test_page_counts_both_forms_and_escapes_table_bars():
    page = instructions.page(TABLE)

    assert page.endswith("4 instructions.\n")
    assert r"| `OR` | `DRR` | a = b \| c | raises boundary |  |" in page
    assert "What the columns\nmean." in page


def test_stale_file_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(regen, "ROOT", tmp_path)
    (tmp_path / "same").write_text("1")
    (tmp_path / "old").write_text("0")

    assert regen.stale({"same": "1", "old": "1", "gone": "1"}) == ["old", "gone"]
