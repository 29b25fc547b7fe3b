"""scale and clip: in place, checked, and atomic."""

import math
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.arrays import CODES, FLOATS, INTS, KINDS, SIZES, limits, numbers, same_items

import fastarray as fa

FACTORS = [0, 1, -1, 2, 3, -5, 127, 128, 255, 256, -128, 65536, 2**31, 2**63, 2**64, 2**70, True]


def scaled(code, values, factor):
    """What array.array makes of the products; None when one does not fit."""
    try:
        return array(code, [v * factor for v in values])
    except OverflowError:
        return None


@pytest.mark.parametrize("code", INTS)
@pytest.mark.parametrize("kind", KINDS)
def test_integer_scale_is_exact_or_leaves_the_array_alone(kernels, code, kind):
    for n in SIZES:
        values = numbers(code, n, kind)
        for factor in FACTORS:
            a, expected = array(code, values), scaled(code, values, factor)
            if expected is None:
                with pytest.raises(OverflowError, match=f"typecode '{code}' at index"):
                    fa.scale(a, factor)
                assert a.tolist() == values
            else:
                fa.scale(a, factor)
                assert a == expected


@pytest.mark.parametrize("code", INTS)
@pytest.mark.parametrize("n", [20, 1000, 70_000])
def test_a_late_overflow_undoes_what_was_written(kernels, code, n):
    low, high = limits(code)
    for factor, last in [(2, high), (3, high), (-1, low if low else high)]:
        values = [n % 3 if not low else n % 3 - 1 for n in range(n)]
        if factor < 0 and not low:
            values = [0] * n
        a = array(code, [*values, last])

        with pytest.raises(OverflowError):
            fa.scale(a, factor)
        assert a.tolist() == [*values, last]


@pytest.mark.parametrize("code", FLOATS)
@pytest.mark.parametrize("factor", [2, -0.5, 0.1, 1e300, math.inf, math.nan, 0.0, -0.0])
def test_float_scale_rounds_once(kernels, code, factor):
    for n in SIZES:
        a = array(code, numbers(code, n, "any"))
        expected = array(code, [v * factor for v in a])

        fa.scale(a, factor)

        assert same_items(a.tolist(), expected.tolist())


@pytest.mark.parametrize(
    ("rounding", "function"),
    [("trunc", math.trunc), ("floor", math.floor), ("ceil", math.ceil), ("even", round)],
)
@pytest.mark.parametrize("code", INTS)
def test_a_fraction_needs_a_rounding_and_obeys_it(code, rounding, function):
    values = numbers(code, 100, "small")
    a = array(code, values)
    with pytest.raises(TypeError, match="not integral"):
        fa.scale(a, 1.5)
    assert a.tolist() == values

    fa.scale(a, 1.5, rounding=rounding)

    assert a.tolist() == [function(v * 1.5) for v in values]


def test_a_fraction_out_of_range_leaves_the_array_alone():
    a = array("b", [1, 100])

    with pytest.raises(OverflowError):
        fa.scale(a, 1.5, rounding="floor")

    assert a.tolist() == [1, 100]


def test_an_integral_float_is_an_integer_factor():
    a = array("q", [2**61 + 1])

    fa.scale(a, 2.0)

    assert a[0] == 2**62 + 2


def test_unchecked_scale_wraps(kernels):
    a = array("b", [100] * 70)

    fa.scale(a, 2, check=False)

    assert a.tolist() == [-56] * 70


def test_scale_refuses_what_is_not_a_real_number():
    for code in "id":
        for factor in ("2", None, 1j):
            with pytest.raises(TypeError, match="real number"):
                fa.scale(array(code, [1]), factor)
    for factor in (math.nan, math.inf):
        with pytest.raises(ValueError, match="finite"):
            fa.scale(array("i", [1]), factor)
    with pytest.raises(ValueError, match="rounding"):
        fa.scale(array("i", [1]), 1.5, rounding="up")


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("kind", ["any", "small"])
def test_clip_is_min_of_max(kernels, code, kind):
    for n in SIZES:
        a = array(code, numbers(code, n, kind))
        expected = [min(max(v, 1), 4) if v == v else v for v in a]

        fa.clip(a, 1, 4)

        assert a.tolist() == expected


def test_clip_leaves_an_end_open():
    a = array("i", [-5, 0, 5])
    fa.clip(a, None, 1)
    assert a.tolist() == [-5, 0, 1]
    fa.clip(a, -1, None)
    assert a.tolist() == [-1, 0, 1]


def test_clip_rounds_fractions_inwards_and_reaches_past_the_type():
    a = array("B", [0, 2, 3, 7, 8, 255])

    fa.clip(a, 2.5, 7.5)
    assert a.tolist() == [3, 3, 3, 7, 7, 7]
    fa.clip(a, -1000, 10**30)
    assert a.tolist() == [3, 3, 3, 7, 7, 7]
    fa.clip(a, -math.inf, math.inf)
    assert a.tolist() == [3, 3, 3, 7, 7, 7]


def test_clip_keeps_nan(kernels):
    a = array("d", [math.nan] * 40)

    fa.clip(a, 0, 1)

    assert all(map(math.isnan, a))


@pytest.mark.parametrize("bounds", [(math.nan, 1), (0, math.nan), (2, 1), (math.inf, 0)])
@pytest.mark.parametrize("code", "id")
def test_clip_refuses_nan_and_crossed_bounds(code, bounds):
    with pytest.raises(ValueError, match="clip"):
        fa.clip(array(code, [1]), *bounds)


class Resizes:
    """A number whose conversion tries to pull the memory away."""

    def __init__(self, target):
        self.target = target
        self.error = None

    def act(self):
        try:
            self.target.append(1)
        except BufferError as error:
            self.error = error
        return 2

    def __index__(self):
        return self.act()

    def __float__(self):
        return float(self.act())


@pytest.mark.parametrize("code", "id")
def test_converting_the_factor_cannot_resize_the_array(path, code):
    a = array(code, [1, 2, 3])
    factor = Resizes(a)

    fa.scale(a, factor)

    assert a.tolist() == [2, 4, 6]
    assert isinstance(factor.error, BufferError)


@given(st.sampled_from(INTS), st.data())
def test_scale_by_any_integer_matches_array(code, data):
    low, high = limits(code)
    values = data.draw(st.lists(st.integers(low, high), max_size=70))
    factor = data.draw(st.integers(-(2**66), 2**66) | st.integers(-300, 300))
    a, expected = array(code, values), scaled(code, values, factor)

    if expected is None:
        with pytest.raises(OverflowError):
            fa.scale(a, factor)
        assert a.tolist() == values
    else:
        fa.scale(a, factor)
        assert a == expected
