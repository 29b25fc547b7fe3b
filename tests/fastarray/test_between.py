"""Predicates that are one interval are compared in the elements' own type."""

import math
from array import array

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.arrays import CODES, FLOATS, INTS, SIZES, limits, numbers, same_items

import fastarray as fa

INTERVAL = "compiled: one interval of the element type"


def predicates(a, b):
    return [
        lambda x: x > a,
        lambda x: x >= a,
        lambda x: a < x,
        lambda x: x < b,
        lambda x: x <= b,
        lambda x: x == a,
        lambda x: a <= x < b,
        lambda x: a < x <= b,
        lambda x: x > a and x < b and x <= b,
        lambda x: x == a and x < b,
    ]


def edges(code):
    if code in FLOATS:
        most = 3.4028234663852886e38
        return [
            -math.inf, -1e308, -most, -1.5, -5e-324, -0.0, 0.0, 5e-324, 1e-46, 0.1, 1.5, 7, most,
            3.4028235e38, 1e308, math.inf, math.nan, 2**53,
        ]  # fmt: skip
    low, high = limits(code)
    return [low - 1, low, low + 1, -1, 0, 1, 5, high - 1, high, high + 1, -(2**63), 2**63 - 1]


def values(code):
    return [v for v in edges(code) if code in FLOATS or limits(code)[0] <= v <= limits(code)[1]]


@pytest.mark.parametrize("code", CODES)
def test_every_pair_of_edges_keeps_what_python_keeps(kernels, code):
    items = array(code, values(code) * 12)  # more than one word of bits
    for a in edges(code):
        for b in edges(code):
            for f in predicates(a, b):
                got = fa.filter(items, f)
                assert same_items(got.tolist(), [x for x in items if f(x)]), (a, b)


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("size", SIZES)
def test_dense_and_sparse_results_of_every_length(kernels, code, size):
    for kind in ("any", "small"):
        items = array(code, numbers(code, size, kind, 3))
        for a, b in ((0, 3), (-1, 10**9), (7, 7), (100, 101)):
            for f in predicates(a, b):
                assert same_items(fa.filter(items, f).tolist(), [x for x in items if f(x)])


@pytest.mark.parametrize("code", CODES)
def test_it_is_an_interval_and_runs_in_kernels(code):
    assert fa.explain(lambda x: 3 < x and x <= 9, code, use="filter") == INTERVAL
    before = fa.block_counts()
    fa.filter(array(code, range(100)), lambda x: 3 < x <= 9)
    after = fa.block_counts()
    assert after["kernel"] > before["kernel"] and after["python"] == before["python"]


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x != 3,
        lambda x: x < 3 or x > 9,
        lambda x: not 3 < x < 9,
        lambda x: x * 2 < 9,
        lambda x: x < x + 1,
        lambda x: x,
    ],
)
@pytest.mark.parametrize("code", "id")
def test_what_is_no_interval_is_not_taken_for_one(f, code):
    assert fa.explain(f, code, use="filter") != INTERVAL
    items = array(code, [1, 2, 3, 4, 9, 10, 0])
    assert fa.filter(items, f).tolist() == [x for x in items if f(x)]


def test_an_int_compared_with_a_fraction_is_python_s_answer():
    items = array("i", range(-5, 6))
    assert fa.filter(items, lambda x: x > 2.5).tolist() == [3, 4, 5]
    assert fa.filter(items, lambda x: x < -0.5).tolist() == [-5, -4, -3, -2, -1]


@pytest.mark.parametrize("code", CODES)
def test_long_runs_from_any_address(kernels, code):
    items = array(code, numbers(code, 5000, "small", 7))
    raw = bytearray(items.itemsize * len(items) + 64)
    for offset in (0, 1, 3, 8, 16, 63):
        view = memoryview(raw)[offset : offset + len(items) * items.itemsize].cast(code)
        view[:] = memoryview(items)
        got = fa.filter(view, lambda x: 1 <= x < 60)
        assert got.tolist() == [x for x in items if 1 <= x < 60]


@settings(max_examples=200)
@given(st.data())
def test_any_interval_of_any_elements(data):
    code = data.draw(st.sampled_from(CODES))
    if code in INTS:
        low, high = limits(code)
        items = array(code, data.draw(st.lists(st.integers(low, high), max_size=200)))
        bound = st.integers(-(2**63), 2**63 - 1)
    else:
        width = 8 * array(code).itemsize
        items = array(code, data.draw(st.lists(st.floats(width=width), max_size=200)))
        bound = st.floats()
    a, b = data.draw(bound), data.draw(bound)
    f = data.draw(st.sampled_from(predicates(a, b)))
    assert same_items(fa.filter(items, f).tolist(), [x for x in items if f(x)])
