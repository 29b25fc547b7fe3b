"""Whichever allocation fails, the VM goes on or raises: nothing dies that plain CPython survives."""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("pyrs._pyrs", reason="needs the VM")
pytest.importorskip("_testcapi", reason="needs CPython's test helpers")

STARVE = Path(__file__).with_name("starve.py")
NAMES = subprocess.run(
    [sys.executable, "-c", "import fuzz_code; print(*fuzz_code.corpus_by_name(), sep='\\n')"],
    cwd=STARVE.parent, capture_output=True, text=True,
).stdout.splitlines()  # fmt: skip
# the numbers in them are in registers
ALLOCATE_NOTHING = ("joined tests", "chained comparisons")
FEW = ("recursion", "send", "class bodies", "yield from", "coroutines", "with, escapes")


def sweep(mode, name):
    done = subprocess.run(
        [sys.executable, str(STARVE), mode, name], capture_output=True, text=True, timeout=600
    )
    return done.returncode, done.stdout


def check(name):
    code, last = sweep("vm", name)
    if code:
        assert sweep("plain", name)[0] == code, "dies in the VM only"
    else:
        print(f"{name}: {last.strip()} allocations")
        assert int(last) > 0 or name in ALLOCATE_NOTHING


@pytest.mark.slow
@pytest.mark.parametrize("name", FEW)
def test_few_programs(name):
    check(name)


@pytest.mark.long
@pytest.mark.parametrize("name", [name for name in NAMES if name not in FEW])
def test_all_programs(name):
    check(name)
