"""CPython's own tests pass in the VM, apart from the cases in differences.txt; and where nothing may be
left to CPython's evaluator, apart from those in fallback.txt.

They are taken from the interpreter's `test` package (Debian: libpython3.11-testsuite), or from the
folders in CPYTHON_TESTS.  All of them take some minutes, those marked `quick` half of one.

    python -m pytest -n 2 -m long tests/pyrs/conformance              -k quick: only those
    make asan-conformance hostile-conformance                         those in other builds
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.cpython_suite import NO_FALLBACK, differences

pytest.importorskip("pyrs._pyrs", reason="needs the VM")

HERE = Path(__file__).resolve().parent
MOST = 25
FOUND = "CONFORMANCE_FOUND"  # a file that gets the differences as lines, to look at or to list


def lines(name):
    text = (HERE / name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def fallback_cases():
    """Case -> the reason in whose section it is."""
    cases = {}
    for line in lines("fallback.txt"):
        if line.startswith("["):
            reason = line.strip("[]")
        else:
            cases[line] = reason
    return cases


VARIANT = os.environ.get("PYFORGE_VARIANT")
MODULES = {module: "quick" in marks for module, *marks in map(str.split, lines("modules.txt"))}
KNOWN = dict(map(str.split, lines("differences.txt")))
LEFT_TO_CPYTHON = fallback_cases()
QUICK = [module for module, quick in MODULES.items() if quick]
REST = [module for module, quick in MODULES.items() if not quick]
RUNS = {
    "": (None, KNOWN),
    "no fallback": (NO_FALLBACK, KNOWN | LEFT_TO_CPYTHON),
}


@pytest.fixture(scope="module", autouse=True)
def tests_are_there():
    folders = os.environ.get("CPYTHON_TESTS", "")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(
            "PYTHONPATH", os.pathsep.join(filter(None, [folders, os.environ.get("PYTHONPATH")]))
        )
        if subprocess.run(
            [sys.executable, "-c", "import test.test_math"], capture_output=True
        ).returncode:
            pytest.skip("needs CPython's tests")
        yield


def check(module, how):
    if not has_module(module):
        pytest.skip("needs another CPython")
    env, listed = RUNS[how]
    cases, found = differences(f"test.{module}", env)
    known = {case for case in listed if case.startswith(f"test.{module}.")}
    write_found(found)

    if env and f"test.{module}" in LEFT_TO_CPYTHON:
        reason = LEFT_TO_CPYTHON[f"test.{module}"]
        assert any(reason in d.why for d in found.values()), f"nothing {reason} any more"
        return
    unlisted = [f"{case}: {d.why}\n{d.said}" for case, d in found.items() if case not in known]
    assert not unlisted, "\n".join(unlisted)
    assert known <= found.keys(), f"no difference any more: {known - found.keys()}"
    for case in known & LEFT_TO_CPYTHON.keys():
        assert case in KNOWN or LEFT_TO_CPYTHON[case] in found[case].why, "for another reason"
    assert cases > 0


def write_found(found):
    if name := os.environ.get(FOUND):
        with open(name, "a", encoding="utf-8") as file:
            file.writelines(f"{case}\t{'; '.join(d.why)}\n" for case, d in found.items())


def has_module(module):
    program = f"import importlib.util as u, sys; sys.exit(u.find_spec('test.{module}') is None)"
    return subprocess.run([sys.executable, "-c", program]).returncode == 0


@pytest.mark.long
@pytest.mark.native
@pytest.mark.parametrize("how", RUNS)
@pytest.mark.parametrize("module", QUICK)
def test_quick_module(module, how):
    check(module, how)


@pytest.mark.long
@pytest.mark.native
@pytest.mark.parametrize("how", RUNS)
@pytest.mark.parametrize("module", REST)
def test_module(module, how):
    check(module, how)


@pytest.mark.long
@pytest.mark.skipif(not VARIANT, reason="needs a build beside the ordinary one")
@pytest.mark.parametrize("module", QUICK)
def test_quick_module_in_another_build(module):
    cases, found = differences(f"test.{module}")

    assert [f"{case}: {d.said}" for case, d in found.items() if case not in KNOWN] == []
    assert cases > 0


def test_list_is_short_and_says_where():
    assert len(KNOWN) <= MOST
    for case, where in KNOWN.items():
        name, line = where.split(":")
        assert case.startswith("test." + name.removesuffix(".py")) and int(line) > 0
        assert case.split(".")[1] in MODULES
