"""CPython's own tests pass in the VM, apart from the cases in differences.txt.

They are taken from the interpreter's `test` package (Debian: libpython3.11-testsuite), or from the
folders in CPYTHON_TESTS.  `quick` modules take a minute, all of them ten.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.cpython_suite import differences

pytest.importorskip("pyrs._pyrs", reason="needs the VM")

HERE = Path(__file__).resolve().parent
MOST = 25


def lines(name):
    text = (HERE / name).read_text(encoding="utf-8")
    return [line.split() for line in text.splitlines() if line and not line.startswith("#")]


MODULES = {module: "quick" in marks for module, *marks in lines("modules.txt")}
KNOWN = dict(lines("differences.txt"))


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


def check(module):
    if not has_module(module):
        pytest.skip("needs another CPython")
    cases, found = differences(f"test.{module}")
    known = {case for case in KNOWN if case.startswith(f"test.{module}.")}

    unlisted = "\n".join(f"{case}: {said}" for case, said in found.items() if case not in known)
    assert not unlisted, unlisted
    assert known <= found.keys(), f"no difference any more: {known - found.keys()}"
    assert cases > 0


def has_module(module):
    program = f"import importlib.util as u, sys; sys.exit(u.find_spec('test.{module}') is None)"
    return subprocess.run([sys.executable, "-c", program]).returncode == 0


@pytest.mark.long
@pytest.mark.native
@pytest.mark.parametrize("module", [m for m, quick in MODULES.items() if quick])
def test_quick_module(module):
    check(module)


@pytest.mark.long
@pytest.mark.native
@pytest.mark.parametrize("module", [m for m, quick in MODULES.items() if not quick])
def test_module(module):
    check(module)


def test_list_is_short_and_says_where():
    assert len(KNOWN) <= MOST
    for case, where in KNOWN.items():
        name, line = where.split(":")
        assert case.startswith("test." + name.removesuffix(".py")) and int(line) > 0
        assert case.split(".")[1] in MODULES
