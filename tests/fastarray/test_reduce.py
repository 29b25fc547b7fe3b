"""sum, mean, min, max, minmax: exact for ints, compensated for floats."""

import math
import statistics
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.arrays import CODES, FLOATS, INTS, KINDS, SIZES, highest, lowest, numbers, same

import fastarray as fa
from fastarray import _fastarray


@pytest.mark.parametrize("code", INTS)
@pytest.mark.parametrize("kind", KINDS)
def test_integer_reductions_are_exact(kernels, code, kind):
    for n in SIZES:
        values = numbers(code, n, kind)
        a = array(code, values)

        assert fa.sum(a) == sum(values)
        if n:
            assert fa.mean(a) == sum(values) / n
            assert fa.min(a) == min(values)
            assert fa.max(a) == max(values)
            assert fa.minmax(a) == (min(values), max(values))


@pytest.mark.parametrize("code", FLOATS)
@pytest.mark.parametrize("kind", ["any", "small"])
def test_float_reductions_match_the_reference(kernels, code, kind):
    for n in SIZES:
        a = array(code, numbers(code, n, kind))
        values = list(a)

        assert math.isclose(fa.sum(a), math.fsum(values), rel_tol=4e-16, abs_tol=1e-300)
        if n:
            assert math.isclose(fa.mean(a), statistics.fmean(values), rel_tol=6e-16)
            assert same(fa.min(a), lowest(values))
            assert same(fa.max(a), highest(values))


@pytest.mark.parametrize("code", FLOATS)
def test_float_sums_have_the_same_bits_on_every_kernel_set(code):
    sets = _fastarray.cpu_targets()["available"]
    for n in [*SIZES, 140_001, 300_017]:
        a = array(code, numbers(code, n, "any"))
        results = set()
        for name in sets:
            before = _fastarray._use_kernels(name)
            results.add((fa.sum(a).hex(), fa.mean(a).hex() if n else None))
            _fastarray._use_kernels(before)
        assert len(results) == 1


@pytest.mark.parametrize("code", INTS)
def test_sums_past_one_chunk_are_exact(kernels, code):
    low, high = min(numbers(code, 1, "least")), max(numbers(code, 1, "most"))
    a = array(code, [high, low, high]) * 400_001

    assert fa.sum(a) == (2 * high + low) * 400_001
    assert fa.minmax(a) == (low, high)


def test_float_sum_keeps_what_plain_addition_loses(kernels):
    a = array("d", [1e100, 1.0, -1e100] * 100)

    assert fa.sum(a) == 100.0


@pytest.mark.parametrize("n", [1, 20, 5000])
def test_a_mean_is_finite_where_the_sum_is_not(kernels, n):
    a = array("d", [1.5e308, 1.25e308] * n)

    assert fa.sum(a) == math.inf
    assert fa.mean(a) == 1.375e308
    assert fa.mean(array("d", [*a, math.inf])) == math.inf
    assert fa.mean(array("d", [-x for x in a])) == -1.375e308


def test_float32_sum_is_that_of_the_doubles(kernels):
    a = array("f", [1e8] + [1.0] * 1000)

    assert fa.sum(a) == 1e8 + 1000


@given(st.lists(st.floats(width=64), max_size=80))
def test_special_values_sum_like_python(values):
    a = array("d", values)
    expected = (
        math.fsum(v for v in values)
        if all(map(math.isfinite, values)) and all(abs(v) < 1e300 for v in values)
        else None
    )

    got = fa.sum(a)

    if expected is not None:
        scale = math.fsum(map(abs, values))
        assert abs(got - expected) <= 2.3e-16 * abs(expected) + 1e-29 * scale
    elif any(math.isnan(v) for v in values):
        assert math.isnan(got)


@pytest.mark.parametrize("n", [1, 5, 20, 100, 1000])
@pytest.mark.parametrize("values", [[math.inf], [math.inf, -math.inf], [math.nan], [-math.inf, 1]])
def test_infinities_and_nans_sum_left_to_right(kernels, n, values):
    a = array("d", [1.0] * n + values)
    expected = 0.0
    for v in a:
        expected += v

    assert same(fa.sum(a), expected)


def test_sum_of_minus_zeros_is_zero_as_in_python(kernels):
    for n in (1, 20):
        assert same(fa.sum(array("d", [-0.0] * n)), 0.0)


def test_sum_of_empty_array_is_zero(kernels):
    assert same(fa.sum(array("i")), 0)
    assert same(fa.sum(array("d")), 0.0)


def test_sum_takes_a_start():
    assert fa.sum(array("i", [1, 2]), start=10) == 13


@pytest.mark.parametrize("code", FLOATS)
@pytest.mark.parametrize("n", [1, 9, 40, 1000])
def test_nan_wins_wherever_it_stands(kernels, code, n):
    for at in {0, n // 2, n - 1}:
        a = array(code, [1.0] * n)
        a[at] = math.nan

        assert math.isnan(fa.min(a)) and math.isnan(fa.max(a))
        with pytest.raises(ValueError, match="NaN"):
            fa.min(a, nan="raise")
        if n > 1:
            assert fa.min(a, nan="ignore") == fa.max(a, nan="ignore") == 1.0


def test_ignoring_nans_of_nothing_else_is_empty():
    a = array("d", [math.nan] * 20)

    assert fa.min(a, nan="ignore", default=None) is None
    with pytest.raises(ValueError, match="empty"):
        fa.max(a, nan="ignore")
    assert fa.min(array("d", [math.nan, math.inf]), nan="ignore") == math.inf


@pytest.mark.parametrize("n", [2, 9, 100])
def test_minus_zero_is_below_zero(kernels, n):
    a = array("d", [0.0] * n)
    a[1] = -0.0

    assert same(fa.min(a), -0.0)
    assert same(fa.max(a), 0.0)
    assert same(fa.max(array("f", [-0.0] * n)), -0.0)


@pytest.mark.parametrize("function", [fa.mean, fa.min, fa.max, fa.minmax])
def test_empty_is_a_value_error_unless_there_is_a_default(function):
    with pytest.raises(ValueError, match="empty"):
        function(array("i"))
    assert function(array("i"), default=7) == 7


@pytest.mark.parametrize("code", CODES)
def test_misaligned_memory_reduces_the_same(kernels, code):
    a = array(code, numbers(code, 3000, "small"))
    for shift in (1, 3):
        raw = bytearray(shift) + a.tobytes()
        view = memoryview(raw)[shift:].cast(code)

        assert same(fa.sum(view), fa.sum(a))
        assert same(fa.min(view), fa.min(a))
        assert same(fa.max(view), fa.max(a))


@given(st.sampled_from(INTS), st.data())
def test_any_integers_reduce_exactly(code, data):
    low, high = -(2 ** (8 * array(code).itemsize - 1)), 2 ** (8 * array(code).itemsize - 1) - 1
    if code.isupper():
        low, high = 0, 2 * high + 1
    values = data.draw(st.lists(st.integers(low, high), min_size=1, max_size=200))
    a = array(code, values)

    assert fa.sum(a) == sum(values)
    assert fa.mean(a) == sum(values) / len(values)
    assert fa.minmax(a) == (min(values), max(values))
