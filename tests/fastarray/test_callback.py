"""map, map_inplace, filter and reduce with callables nothing is known about."""

import functools
import gc
import math
import mmap
import weakref
from array import array

import pytest
from support.arrays import CODES, FLOATS, INTS, limits, numbers

import fastarray as fa


class Opaque:
    """A callable no compiler looks into."""

    def __init__(self, fn):
        self.fn = fn

    def __call__(self, *args):
        return self.fn(*args)


def outcome(action, *args):
    try:
        return action(*args)
    except Exception as error:
        return type(error), str(error)


@pytest.mark.parametrize("code", CODES)
def test_map_and_filter_match_the_builtins(path, code):
    for n in (0, 1, 10, 700):
        a = array(code, numbers(code, n, "small"))

        assert fa.map(a, Opaque(lambda x: x)) == array(code, a)
        assert fa.filter(a, Opaque(lambda x: x > 1)) == array(code, [x for x in a if x > 1])
        b = array(code, a)
        assert fa.map_inplace(b, Opaque(abs)) is None
        assert b == array(code, map(abs, a))


VALUES = [0, 1, -1, 127, 128, 255, 256, 2**31, 2**32, 2**63, 2**64, 10**400, True, 1.0, 1e39,
          math.nan, -0.0, "1", None, 1j, b"x"]  # fmt: skip


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("value", VALUES, ids=lambda v: repr(v)[:12])
def test_a_result_is_stored_as_array_stores_it(code, value):
    a = array(code, [1])
    fn = Opaque(lambda x: value)

    expected = outcome(lambda: array(code, map(fn, a)).tobytes())

    assert outcome(lambda: fa.map(a, fn).tobytes()) == expected
    before = a.tobytes()
    inplace = outcome(lambda: fa.map_inplace(a, fn))
    assert (a.tobytes() if inplace is None else inplace) == expected
    assert inplace is None or a.tobytes() == before


def test_truth_of_a_predicate_decides():
    a = array("i", range(6))

    assert fa.filter(a, Opaque(lambda x: [0] * x)).tolist() == [1, 2, 3, 4, 5]
    assert fa.filter(a, Opaque(lambda x: x & 1)).tolist() == [1, 3, 5]


class Raises(Exception):
    pass


@pytest.mark.parametrize("at", [0, 5, 699])
def test_an_exception_leaves_everything_as_it_was(path, at):
    a = array("i", range(700))

    def fn(x):
        if x == at:
            raise Raises(x)
        return -x

    for function in (fa.map, fa.map_inplace, fa.filter):
        with pytest.raises(Raises):
            function(a, fn)
    assert a.tolist() == list(range(700))
    a.append(1)


def test_the_array_cannot_be_resized_meanwhile(path):
    a = array("i", [1, 2, 3])

    def fn(x):
        with pytest.raises(BufferError):
            a.append(1)
        with pytest.raises(BufferError):
            del a[:]
        return x

    fa.map(a, fn)
    fa.filter(a, fn)
    fa.map_inplace(a, fn)
    fa.reduce(a, lambda x, y: fn(x))
    assert a.tolist() == [1, 2, 3]
    a.append(4)


@pytest.mark.parametrize("function", [fa.map, fa.filter, fa.map_inplace])
def test_other_memory_cannot_be_taken_away_either(function):
    memory = mmap.mmap(-1, 4096)
    view = memoryview(memory)[:3]

    def close(x):
        for take in (memory.close, view.release, lambda: memory.resize(8192)):
            with pytest.raises(BufferError):
                take()
        return x

    function(view, close)
    view.release()
    memory.close()


def test_exports_a_callback_takes_are_its_own():
    a, kept = array("i", [1, 2, 3]), []

    def fn(x):
        kept.append(memoryview(a))
        return x

    for function in (fa.map, fa.filter, fa.map_inplace):
        function(a, fn)
    with pytest.raises(BufferError):
        a.append(4)
    while kept:
        kept.pop().release()
    a.append(4)
    assert a.tolist() == [1, 2, 3, 4]


def test_writes_to_later_elements_are_seen():
    a = array("i", [1, 2, 3])

    def fn(x):
        a[2] = 50
        return x

    assert fa.map(a, fn).tolist() == [1, 2, 50]


def test_a_filter_keeps_the_value_its_predicate_saw():
    a = array("i", [1, 2, 3])

    def fn(x):
        a[0] = 9
        return True

    assert fa.filter(a, fn).tolist() == [1, 2, 3]


def test_dropping_the_array_is_survived():
    box = [array("i", range(100))]

    def fn(x):
        if box:
            box.clear()
            gc.collect()
        return x + 1

    assert fa.map(box[0], fn).tolist() == list(range(1, 101))


def test_recursion_works_and_ends():
    a = array("i", range(600))

    def fn(x):
        return fa.sum(fa.map(a, lambda y: y + 1)) % 7 if x == 3 else x

    assert fa.map(a, fn)[3] == sum(range(1, 601)) % 7

    def forever(x):
        return fa.map(a, forever)

    with pytest.raises(RecursionError):
        fa.map(a, forever)


def test_typecode_and_out_choose_the_result():
    a = array("i", [1, 2, 3])
    out = array("d", [0.0] * 3)

    assert fa.map(a, lambda x: x / 2, typecode="d") == array("d", [0.5, 1.0, 1.5])
    assert fa.map(a, lambda x: x / 2, out=out) is out
    assert out.tolist() == [0.5, 1.0, 1.5]
    assert fa.map(a, lambda x: x * 2, out=a) is a
    assert a.tolist() == [2, 4, 6]


def test_out_is_untouched_by_a_failure():
    a, out = array("i", [1, 0]), array("i", [7, 7])

    with pytest.raises(ZeroDivisionError):
        fa.map(a, lambda x: 1 // x, out=out)

    assert out.tolist() == [7, 7]


def test_bad_targets_are_refused():
    a = array("i", [1, 2])
    with pytest.raises(ValueError, match="2 numbers"):
        fa.map(a, abs, out=array("i", [1]))
    with pytest.raises(BufferError):
        fa.map(a, abs, out=b"\0" * 8)
    with pytest.raises(TypeError, match="not both"):
        fa.map(a, abs, typecode="d", out=a)
    with pytest.raises(TypeError, match=r"'u'.*bBhHiIlLqQfd"):
        fa.map(a, abs, typecode="u")
    with pytest.raises(TypeError, match="single character"):
        fa.map(a, abs, typecode="dd")


@pytest.mark.parametrize("function", [fa.map, fa.map_inplace, fa.filter, fa.reduce])
def test_what_cannot_be_called_is_refused(function):
    with pytest.raises(TypeError, match="not callable"):
        function(array("i", [1]), 5)


@pytest.mark.parametrize("function", [fa.map, fa.filter])
def test_order_matters_so_strides_are_refused(function):
    numpy = pytest.importorskip("numpy")
    with pytest.raises(BufferError):
        function(numpy.arange(12).reshape(3, 4).T, abs)
    with pytest.raises(BufferError):
        function(memoryview(array("i", range(10)))[::2], abs)


def test_bools_and_halves_map_to_what_holds_them():
    numpy = pytest.importorskip("numpy")
    seen = []
    flags = memoryview(b"\0\1\2").cast("?")

    assert fa.map(flags, lambda x: seen.append(x) or 3) == array("B", [3, 3, 3])
    assert seen == [False, True, True]
    assert fa.filter(flags, bool) == array("B", [1, 1])
    halves = numpy.array([0.5, 1.5], "e")
    assert fa.map(halves, lambda x: x * 2) == array("f", [1.0, 3.0])
    assert fa.filter(halves, lambda x: x > 1) == array("f", [1.5])


@pytest.mark.parametrize("code", CODES)
def test_reduce_is_functools_reduce(kernels, code):
    functions = [
        lambda x, y: x + y, lambda x, y: y + x, lambda x, y: x * y, lambda x, y: x - y, min, max,
        lambda x, y: min(x, y), lambda x, y: max(y, x), lambda x, y: x if x < y else y,
    ]  # fmt: skip
    if code in INTS:
        functions += [lambda x, y: x & y, lambda x, y: x | y, lambda x, y: y ^ x]
    for n in (1, 2, 3, 40):
        for kind in ("any", "small", "least"):
            a = array(code, numbers(code, n, kind))
            for fn in functions:
                for initial in ([], [5], [1.5], [2**70], [True]):
                    expected = outcome(functools.reduce, fn, a, *initial)

                    got = outcome(fa.reduce, a, fn, *initial)

                    assert repr(got) == repr(expected)


def test_reduce_of_nothing_needs_an_initial_value():
    with pytest.raises(TypeError, match="empty iterable with no initial value"):
        fa.reduce(array("i"), max)
    marker = object()
    assert fa.reduce(array("i"), max, marker) is marker
    assert fa.reduce(array("i"), max, initial=3) == 3


@pytest.mark.parametrize("code", FLOATS)
def test_float_folds_keep_pythons_order(kernels, code):
    a = array(code, numbers(code, 2000, "any"))

    for fn in (lambda x, y: x + y, lambda x, y: x * y):
        assert fa.reduce(a, fn) == functools.reduce(fn, a)
        assert fa.reduce(a, fn, 0.5) == functools.reduce(fn, a, 0.5)


def test_nothing_is_kept_alive():
    class Thing:
        def __call__(self, x):
            return x

    thing = Thing()
    gone = weakref.ref(thing)
    fa.map(array("i", [1]), thing)
    fa.explain(thing, "i")
    del thing
    gc.collect()
    assert gone() is None


def test_limits_pass_through():
    for code in INTS:
        a = array(code, limits(code))
        assert fa.map(a, Opaque(lambda x: x)) == a
