"""fsum, argmin/argmax, var/std, dot, count, prod, any/all."""

import math
import random
import statistics
from array import array
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.arrays import CODES, FLOATS, INTS, KINDS, SIZES, highest, lowest, numbers, same

import fastarray as fa


@pytest.mark.parametrize("n", [0, 1, 2, 15, 39, 41, 100, 1000, 4097])
@pytest.mark.parametrize("spread", [0, 3, 30, 300])
def test_fsum_is_math_fsum(kernels, n, spread):
    rng = random.Random(n * 1000 + spread)
    values = [rng.uniform(-1, 1) * 10.0 ** rng.randint(-spread, spread) for _ in range(n)]

    assert same(fa.fsum(array("d", values)), math.fsum(values))
    # nothing but rounding is left of these
    hard = values + [-v for v in values] + [1e-300] * (n % 7)
    rng.shuffle(hard)
    assert same(fa.fsum(array("d", hard)), math.fsum(hard))


def test_fsum_of_many_chunks(kernels):
    rng = random.Random(7)
    a = array("d", [rng.gauss(0, 1) for _ in range(300_000)])

    assert fa.fsum(a) == math.fsum(a)
    assert fa.fsum(array("f", a)) == math.fsum(array("f", a))


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=120))
def test_fsum_of_any_floats(values):
    a = array("d", values)
    exact = sum(map(Fraction, values), Fraction(0))
    try:
        expected = exact.numerator / exact.denominator
    except OverflowError:
        with pytest.raises(OverflowError, match="fsum"):
            fa.fsum(a)
        return

    assert fa.fsum(a) == expected


@pytest.mark.parametrize("n", [0, 100])
def test_fsum_of_special_values(n):
    ones = [1.0] * n
    assert fa.fsum(array("d", [*ones, math.inf])) == math.inf
    assert math.isnan(fa.fsum(array("d", [*ones, math.nan, math.inf])))
    with pytest.raises(ValueError, match="-inf \\+ inf in fsum"):
        fa.fsum(array("d", [math.inf, *ones, -math.inf]))


def test_fsum_of_ints_rounds_once():
    assert same(fa.fsum(array("q", [2**53, 1, 2**62])), float(2**53 + 1 + 2**62))


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("kind", ["any", "small"])
def test_arg_extremes_find_the_first(kernels, code, kind):
    for n in SIZES[1:]:
        values = list(array(code, numbers(code, n, kind)))
        a = array(code, values)

        low, high = lowest(values), highest(values)
        assert fa.argmin(a) == next(i for i, x in enumerate(a) if same(x, low))
        assert fa.argmax(a) == next(i for i, x in enumerate(a) if same(x, high))


def test_arg_extremes_point_at_nan():
    assert fa.argmin(array("d", [1, math.nan, 0])) == fa.argmax(array("f", [1, math.nan])) == 1
    with pytest.raises(ValueError, match="empty"):
        fa.argmin(array("i"))


@pytest.mark.parametrize("code", INTS)
@pytest.mark.parametrize("kind", KINDS)
def test_integer_variance_is_exact(kernels, code, kind):
    for n in (1, 2, 17, 400):
        values = numbers(code, n, kind)
        exact = Fraction(n * sum(x * x for x in values) - sum(values) ** 2, n * n)

        assert fa.var(array(code, values)) == exact.numerator / exact.denominator
        if n > 1:
            exact *= Fraction(n, n - 1)
            assert fa.var(array(code, values), correction=1) == float(exact)


@pytest.mark.parametrize("code", FLOATS)
def test_float_variance_is_close_to_the_exact_one(kernels, code):
    for offset in (0.0, 1e6):
        values = list(array(code, [offset + x % 17 / 8 for x in range(1000)]))
        a = array(code, values)

        assert math.isclose(fa.var(a), statistics.pvariance(values), rel_tol=1e-13)
        assert math.isclose(fa.std(a, correction=1), statistics.stdev(values), rel_tol=1e-13)
        assert math.isclose(fa.var(a, mean=statistics.fmean(values)), fa.var(a), rel_tol=1e-9)


def test_variance_needs_enough_elements():
    with pytest.raises(ValueError, match="more than 1 elements, not 1"):
        fa.var(array("d", [1.0]), correction=1)
    with pytest.raises(ValueError):
        fa.std(array("i"))


@pytest.mark.parametrize("code", INTS)
@pytest.mark.parametrize("kind", KINDS)
def test_integer_dot_and_prod_are_exact(kernels, code, kind):
    for n in (0, 1, 2, 17, 300):
        x, y = numbers(code, n, kind, 1), numbers(code, n, kind, 2)

        assert fa.dot(array(code, x), array(code, y)) == sum(a * b for a, b in zip(x, y))
        assert fa.prod(array(code, x)) == math.prod(x)


@pytest.mark.parametrize("code", FLOATS)
def test_float_dot_is_compensated(kernels, code):
    x, y = (array(code, numbers(code, 5000, "any", i)) for i in (1, 2))
    exact = sum((Fraction(a) * Fraction(b) for a, b in zip(x, y)), Fraction(0))

    assert math.isclose(fa.dot(x, y), float(exact), rel_tol=1e-14)
    assert fa.dot(array("d", [1e200, 1.0, -1e200]), array("d", [1e50, 1.0, 1e50])) == 1.0
    assert math.isnan(fa.dot(array("d", [math.inf, 1]), array("d", [0, 1])))


def test_float_prod_goes_left_to_right():
    values = [0.1 * i for i in range(1, 60)]
    assert fa.prod(array("d", values)) == math.prod(values)
    assert same(fa.prod(array("d")), 1.0)


def test_dot_refuses_what_does_not_match():
    with pytest.raises(TypeError, match="'i' and 'd'"):
        fa.dot(array("i", [1]), array("d", [1]))
    with pytest.raises(ValueError, match="1 and 2"):
        fa.dot(array("i", [1]), array("i", [1, 2]))


@pytest.mark.parametrize("code", CODES)
def test_count_any_all(kernels, code):
    for n in SIZES:
        a = array(code, numbers(code, n, "small"))
        for value in (0, 1, -5, 1.5, 5.0, True, 10**30, math.nan, -0.0):
            assert fa.count(a, value) == list(a).count(value)
        assert fa.any(a) is any(a)
        assert fa.all(a) is all(a)
    zeros = array(code, [0] * 5000)
    assert fa.any(zeros) is False
    zeros[4999] = 1
    assert fa.any(zeros) is True
    assert fa.all(array(code, [1] * 700)) is True


def test_count_of_what_is_no_number():
    with pytest.raises(TypeError, match="real number"):
        fa.count(array("i", [1]), "1")
