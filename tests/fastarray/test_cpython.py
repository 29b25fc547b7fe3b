"""CPython's own tests with our functions in place of the originals."""

import math
import unittest
from array import array

import pytest

import fastarray as fa

test_math = pytest.importorskip("test.test_math", reason="needs CPython's test package")


def fsum(values):
    return fa.fsum(array("d", values))


def test_fsum_passes_the_tests_of_math_fsum(monkeypatch):
    monkeypatch.setattr(math, "fsum", fsum)
    result = unittest.TestResult()

    test_math.MathTests("testFsum").run(result)

    assert result.testsRun == 1
    assert (result.errors, result.failures) == ([], [])
