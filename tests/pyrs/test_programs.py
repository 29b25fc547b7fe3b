"""Whole programs: printed, raised and exited in the VM as in CPython.

Each program's expected output is beside it: `.out` for stdout, with the exit code on its
last line where the program ends badly, and `.err` for stderr.  These are CPython 3.11's
words, which plain CPython is held to as well (messages differ a little in each release;
the milestones' stdout does not); `--update` writes them from it.  The VM is compared with
what the interpreter it runs on says.
"""

import sys
from pathlib import Path

import pytest
from support import oracle

PROGRAMS = Path(__file__).parent / "programs"
ALL = sorted(PROGRAMS.rglob("*.py"))
# depths at the limit are others where frames go over to CPython by themselves; greenlet throws C++
# exceptions, which the sanitizer's library must know from the start
MARKS = {
    "classes_limits": pytest.mark.native,
    "special_methods_builtins": pytest.mark.native,
    "recursion_generators": pytest.mark.native,
    "switching": pytest.mark.limits,
    "switching_gevent": pytest.mark.limits,
}
WRITTEN_BY = sys.version_info[:2] == (3, 11)


def id_of(program):
    return str(program.relative_to(PROGRAMS).with_suffix(""))


def cases(programs):
    return [pytest.param(p, marks=MARKS.get(p.stem, ()), id=id_of(p)) for p in programs]


def printed(outcome):
    """What the .out file holds."""
    return outcome.stdout + (f"[exit code {outcome.code}]\n" if outcome.code else "")


def write_expected(program, outcome):
    program.with_suffix(".out").write_text(printed(outcome), encoding="utf-8")
    if outcome.stderr:
        program.with_suffix(".err").write_text(outcome.stderr, encoding="utf-8")
    else:
        program.with_suffix(".err").unlink(missing_ok=True)


def expected_error(program):
    path = program.with_suffix(".err")
    return path.read_text(encoding="utf-8") if path.exists() else ""


@pytest.mark.parametrize(
    "program", cases(p for p in ALL if WRITTEN_BY or p.parent.name == "milestones")
)
def test_plain_python_says_what_is_expected(program, request):
    outcome = oracle.plain(program)
    if request.config.getoption("--update") and WRITTEN_BY:
        write_expected(program, outcome)

    assert printed(outcome) == program.with_suffix(".out").read_text(encoding="utf-8")
    if WRITTEN_BY:
        assert outcome.stderr == expected_error(program)


@pytest.mark.parametrize("program", cases(ALL))
def test_vm_says_what_plain_python_says(program):
    expected = oracle.plain(program)

    outcome = oracle.vm(program)

    assert outcome.stdout == expected.stdout
    assert outcome.stderr == expected.stderr
    assert outcome.code == expected.code


def test_no_expectation_without_a_program():
    expectations = [*PROGRAMS.rglob("*.out"), *PROGRAMS.rglob("*.err")]

    assert [path for path in expectations if not path.with_suffix(".py").exists()] == []
