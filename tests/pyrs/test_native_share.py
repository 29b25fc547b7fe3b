"""How much runs in the VM, counted from outside."""

from pathlib import Path

import pytest
from support.native_share import of_program, of_suite, quick_modules, share

pytest.importorskip("pyrs._pyrs", reason="needs the VM")
pytestmark = pytest.mark.native

ROOT = Path(__file__).resolve().parents[2]
FIB = "f = lambda n: n if n < 2 else f(n - 1) + f(n - 2)\nprint(f({n}))"


def test_both_kinds_of_frames_are_counted():
    native, cpython, code = of_program(["-c", FIB.format(n=15)])
    more, as_before, _code = of_program(["-c", FIB.format(n=17)])

    assert code == 0
    assert more - native == 5167 - 1973
    assert as_before == cpython < native


def test_frames_left_to_cpython_are_counted():
    program = "import sys\ndef f(): return 1\nsys.setprofile(print)\nfor i in range(500): f()\nsys.setprofile(None)"
    _native, cpython, _code = of_program(["-c", program])

    assert cpython > 500


@pytest.mark.slow
def test_pandas_program():
    pytest.importorskip("pandas", reason="needs pandas")
    native, cpython, code = of_program([str(ROOT / "examples/pandas_tour.py")])

    assert code == 0
    assert share(native, cpython) >= 0.95, (native, cpython)


@pytest.mark.long
def test_cpythons_own_tests():
    pytest.importorskip("test.test_math", reason="needs CPython's tests")
    native, cpython, _code = of_suite(quick_modules())

    assert share(native, cpython) >= 0.99, (native, cpython)
