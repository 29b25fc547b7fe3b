"""Running a program again and again keeps neither blocks nor references."""

import json
import os
import subprocess
import sys

import pytest
from support.leaks import NOISE, Growth, growth
from support.tree import ROOT

FOLDER = ROOT / "tests/pyrs/programs"
# they end processes, threads or the interpreter: nothing to do again and again
ONCE = ("processes_", "shutdown_", "threads_")
PROGRAMS = [
    pytest.param(
        path,
        id=f"{path.parent.name}/{path.stem}",
        marks=() if path.parent.name == "milestones" else pytest.mark.slow,
    )
    for path in sorted(FOLDER.glob("*/*.py"))
    if not path.stem.startswith(ONCE)
]
# a sanitizer's does not
counted = pytest.mark.skipif(sys.getallocatedblocks() == 0, reason="needs an allocator that counts")
# a function that a program keeps keeps its instructions as well
WEIGHT = 1.5


def growth_of(mode, program):
    done = subprocess.run(
        [sys.executable, "-m", "support.leaks", mode, str(program)],
        env=os.environ
        | {"PYTHONPATH": f"{ROOT / 'tests'}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"},
        cwd=program.parent,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    figures, _, _said_at_exit = done.stdout.partition("\n")
    return Growth(**json.loads(figures))


def allowed(plain, what):
    """What the VM may keep in every round, where plain Python keeps something in some."""
    return NOISE + WEIGHT * max(plain.get(what, [0]))


@counted
@pytest.mark.parametrize("program", PROGRAMS)
def test_program_keeps_no_more_than_in_plain_python(program):
    kept = growth_of("vm", program).per_round()
    plain = growth_of("plain", program).rows() if max(kept.values(), default=0) > NOISE else {}

    assert {what: by for what, by in kept.items() if by > allowed(plain, what)} == {}


@counted
def test_kept_block_is_found():
    kept = []

    assert growth(lambda: kept.append(object())).per_round()


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="needs a CPython whose None is counted")
def test_kept_reference_is_found():
    kept = []

    found = growth(lambda: kept.extend([None] * 100)).per_round()

    assert found["references to None"] == 100


def test_what_is_given_back_is_no_leak():
    assert growth(lambda: [object() for _ in range(1000)]).per_round() == {}
