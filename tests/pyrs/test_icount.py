"""The instruction-count gate lets small changes pass and stops losses."""

import importlib.util

from support.tree import ROOT

spec = importlib.util.spec_from_file_location("icount", ROOT / "bench/pyrs/icount.py")
icount = importlib.util.module_from_spec(spec)
spec.loader.exec_module(icount)

BEFORE = {"loop_sum": 1_000_000, "fib_recursive": 2_000_000}


def worse(**now):
    return [line.split()[0] for line in icount.compare(now, BEFORE)[1]]


def test_loss_above_five_per_cent_is_stopped():
    assert worse(loop_sum=1_050_001, fib_recursive=2_099_000) == ["loop_sum"]


def test_gain_passes():
    assert worse(loop_sum=10, fib_recursive=2_000_000) == []


def test_program_without_a_figure_is_stopped():
    assert worse(nested_loops=5) == ["nested_loops"]


def test_every_program_is_a_bench():
    names = {path.stem for path in (ROOT / "bench/pyrs/programs").glob("*.py")}

    assert set(icount.PROGRAMS) <= names
