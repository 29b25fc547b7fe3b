"""CPython's own tests with our functions in place of the originals.

Their arrays and buffers are many layouts nobody here thought of: whatever the tests
compare or verify is also computed by us, and has to agree with plain Python.
"""

import math
import statistics
import struct
import unittest
from array import array
from collections import Counter

import pytest
from support.arrays import highest, lowest, same

import fastarray as fa

NUMERIC = set("bBhHiIlLqQfd")


def suite(name):
    return pytest.importorskip(f"test.{name}", reason="needs CPython's test package")


def run(tests):
    result = unittest.TestResult()
    tests.run(result)
    assert (result.errors, result.failures) == ([], [])
    return result.testsRun


def flat(values):
    return [x for v in values for x in flat(v)] if isinstance(values, list) else [values]


class Shadow:
    """Computes what passes by, and counts by kind what it computed."""

    def __init__(self):
        self.seen = Counter()

    def check(self, thing):
        try:
            view = memoryview(thing)
        except (TypeError, BufferError, ValueError):
            return  # no buffer, none to be had now, or released
        with view:
            code = view.format.removeprefix("@")
            if code not in NUMERIC and code not in {"?", "e", "n", "N"}:
                may_do = code[0] in "<>=!"  # numbers too, where the order is native
                self.refuses((TypeError, BufferError, ValueError), thing, "type", may_do)
            elif view.itemsize != struct.calcsize(code):  # exported without its format
                self.refuses((TypeError, BufferError), thing, "type")
            elif not (view.c_contiguous or view.f_contiguous):
                self.refuses(BufferError, thing, "layout")
            else:
                self.agrees(thing, flat(view.tolist()))

    def refuses(self, errors, thing, kind, may_do=False):
        try:
            fa.sum(thing)
        except errors:
            self.seen[kind] += 1
        else:
            assert may_do, memoryview(thing).format

    def agrees(self, thing, values):
        self.seen["computed"] += 1
        if not values:
            assert fa.sum(thing) == 0
        elif any(isinstance(v, float) for v in values):
            assert all(map(math.isnan, values)) or same(fa.min(thing), lowest(values))
        else:
            assert fa.sum(thing) == sum(values)
            assert fa.minmax(thing) == (lowest(values), highest(values))
            assert fa.count(thing, values[0]) == values.count(values[0])


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("test_array", {"computed", "type"}),
        ("test_memoryview", {"computed"}),
        pytest.param("test_buffer", {"computed", "layout", "type"}, marks=pytest.mark.slow),
    ],
)
def test_every_buffer_of_the_suite_is_computed_alike(name, kinds, monkeypatch):
    module, shadow = suite(name), Shadow()
    assert_equal = unittest.TestCase.assertEqual

    def watching(self, first, second, msg=None):
        shadow.check(first)
        shadow.check(second)
        assert_equal(self, first, second, msg)

    monkeypatch.setattr(unittest.TestCase, "assertEqual", watching)
    if name == "test_buffer":
        verify = module.TestBufferProtocol.verify

        def verifying(self, result, **expected):
            shadow.check(result)
            verify(self, result, **expected)

        monkeypatch.setattr(module.TestBufferProtocol, "verify", verifying)
        monkeypatch.setattr(module, "numpy_array", None)  # 3.11's calls what NumPy 2 dropped

    assert run(unittest.defaultTestLoader.loadTestsFromModule(module)) > 40

    assert set(shadow.seen) >= kinds
    assert shadow.seen["computed"] > 100


def test_fsum_passes_the_tests_of_math_fsum(monkeypatch):
    monkeypatch.setattr(math, "fsum", lambda values: fa.fsum(array("d", values)))

    assert run(suite("test_math").MathTests("testFsum")) == 1


@pytest.mark.parametrize(("name", "case"), [("mean", "TestMean"), ("fmean", "TestFMean")])
def test_mean_passes_the_tests_of_statistics(name, case, monkeypatch):
    original, ours = getattr(statistics, name), Counter()

    def mean(data, *weights):
        data = list(data)
        if not data or weights or not all(type(x) is float and math.isfinite(x) for x in data):
            return original(data, *weights)
        ours["calls"] += 1
        return fa.mean(array("d", data))

    module = suite("test_statistics")
    monkeypatch.setattr(statistics, name, mean)

    assert run(unittest.defaultTestLoader.loadTestsFromTestCase(getattr(module, case))) > 3
    assert ours["calls"] > 0
