"""Leaks, and what happens when the k-th allocation fails."""

import functools
import gc
import operator
import sys
import threading
import tracemalloc
import types
from array import array

import pytest
from support.allocations import ends_without
from support.arrays import numbers

import fastarray as fa

pytest.importorskip("_testcapi", reason="needs CPython's _testcapi")

K = 3
OUT = array("i", [0] * 700)


def fresh(name):
    """The action's function with a code object nobody has seen.

    Functions and slices are made before allocations fail: CPython 3.12 crashes on its own
    in code.replace() and in a call whose arguments are a slice and a lambda.
    """
    code = FUNCTIONS.get(name, lambda x: x + 1).__code__
    return types.FunctionType(code.replace(), globals())


def make(name=""):
    """Few elements for a function that is called for each."""
    return array("i", numbers("i", 20 if "opaque" in name else 700, "small"))


ACTIONS = {
    "sum": lambda a, d, f: fa.sum(a),
    "sum of a view": lambda a, d, f: fa.sum(memoryview(a)),
    "mean": lambda a, d, f: fa.mean(a),
    "minmax": lambda a, d, f: fa.minmax(d),
    "fsum": lambda a, d, f: fa.fsum(d),
    "var": lambda a, d, f: (fa.var(a), fa.var(d)),
    "dot": lambda a, d, f: fa.dot(a, a),
    "dot of long ints": lambda a, d, f: fa.dot(array("q", [2**62] * 9), array("q", [2**62] * 9)),
    "prod": lambda a, d, f: fa.prod(array("i", range(1, 90))),
    "count": lambda a, d, f: fa.count(a, 3),
    "scale": lambda a, d, f: fa.scale(a, 1),
    "clip": lambda a, d, f: fa.clip(a, -100, 2**40),
    "map": lambda a, d, f: fa.map(a, f),
    "map compiled anew": lambda a, d, f: fa.map(a, f),
    "map to floats": lambda a, d, f: fa.map(a, f, typecode="d"),
    "map opaque": lambda a, d, f: fa.map(a, f),
    "map partial": lambda a, d, f: fa.map(a, functools.partial(operator.mul, 2)),
    "map_inplace": lambda a, d, f: fa.map_inplace(a, abs),
    "map out": lambda a, d, f: fa.map(a, f, out=OUT),
    "filter": lambda a, d, f: fa.filter(a, f),
    "filter opaque": lambda a, d, f: fa.filter(a, f),
    "reduce": lambda a, d, f: fa.reduce(a, f, 2**80),
    "reduce opaque": lambda a, d, f: fa.reduce(a, f),
    "explain": lambda a, d, f: fa.explain(f, "i"),
    "add": lambda a, d, f: fa.add(a, a),
    "truediv": lambda a, d, f: fa.truediv(a, 4),
    "floordiv by float": lambda a, d, f: fa.floordiv(a, 4.0),
    "to_arrow": lambda a, d, f: fa.to_arrow(a).__arrow_c_array__(),
    "cpu_targets": lambda a, d, f: fa.cpu_targets(),
}  # fmt: skip
FUNCTIONS = {
    "map compiled anew": lambda x: x * K + 1,
    "map to floats": lambda x: x / 2,
    "map opaque": lambda x: [x][0],
    "filter": lambda x: x > 0,
    "filter opaque": lambda x: [x],
    "reduce": lambda x, y: x + y,
    "reduce opaque": lambda x, y: [x, y][1],
    "explain": lambda x: x.real,
}
FAILURES = {
    "overflow": (OverflowError, lambda a: fa.scale(a, 2**40)),
    "divide": (ZeroDivisionError, lambda a: fa.map(a, lambda x: 1 // (x - x))),
    "store": (OverflowError, lambda a: fa.map_inplace(a, lambda x: 2**40)),
    "filter": (ZeroDivisionError, lambda a: fa.filter(a, lambda x: [1 // 0])),
    "type": (TypeError, lambda a: fa.add(a, array("d", [1.0]))),
    "bounds": (ValueError, lambda a: fa.clip(a, 2, 1)),
    "keyword": (TypeError, lambda a: fa.sum(a, nothing=1)),
}


FREE_THREADED = not getattr(sys, "_is_gil_enabled", lambda: True)()


@pytest.mark.skipif(FREE_THREADED, reason="[x] * 9 then crashes CPython 3.13 itself (PyList_New)")
@pytest.mark.parametrize("name", ACTIONS)
def test_failing_allocations_raise_memory_error_and_nothing_else(name):
    """Fail the k-th allocation for k = 1, 2, ... until one run needs fewer."""
    action = ACTIONS[name]
    a, d = make(name), array("d", numbers("d", 700, "any"))
    before = a.tolist()
    action(a, d, fresh(name))
    a[:] = array("i", before)

    for k in range(1, 400):
        b, f = a[:], fresh(name)
        done = ends_without(k, action, b, d, f)
        b.append(1)  # no export is left behind
        if not done:
            assert b[:-1] == a
        elif k > 60:
            break
    assert done


@pytest.mark.parametrize("name", ACTIONS)
def test_actions_do_not_leak(name):
    a, d = make(name), array("d", numbers("d", 700, "any"))
    if FREE_THREADED:  # CPython 3.13 keeps all code made after the first thread
        f = fresh(name)
        check_blocks(lambda: ACTIONS[name](a, d, f))
    else:
        check_blocks(lambda: ACTIONS[name](a, d, fresh(name)))


@pytest.mark.parametrize("name", FAILURES)
def test_failures_do_not_leak(name):
    error, action = FAILURES[name]
    a = make()

    def fail():
        with pytest.raises(error):
            action(a)

    check_blocks(fail)


def check_blocks(action):
    """Allocated blocks stop growing once caches are warm, which takes longer without a GIL.

    A leak grows in every round; what another thread of this process keeps meanwhile does not.
    """
    warm = 2000 if FREE_THREADED else 3
    for _ in range(warm):
        action()
    growths = []
    for _ in range(20):
        gc.collect()
        before = sys.getallocatedblocks()
        for _ in range(20):
            action()
        gc.collect()
        growths.append(sys.getallocatedblocks() - before)
        if growths[-1] < 15:
            return
    raise AssertionError(f"grows in every round: {growths}, threads: {threading.enumerate()}")


LONG = array("d", [0.5]) * 2_000_000  # the pool's length
INTS = array("i", [3]) * 300_000
NOTHING_NEW = {
    **{
        name: functools.partial(getattr(fa, name), a)
        for name in ["sum", "mean", "min", "max", "minmax", "fsum", "argmin", "argmax", "var"]
        + ["std", "any", "all"]
        for a in [LONG]
    },
    "sum of ints": lambda: fa.sum(INTS),
    "count": lambda: fa.count(LONG, 0.5),
    "dot": lambda: fa.dot(LONG, LONG),
    "dot of ints": lambda: fa.dot(INTS, INTS),
    "var of ints": lambda: fa.var(INTS),
    "scale": lambda: fa.scale(LONG, 1.0),
    "scale of ints": lambda: fa.scale(INTS, 1),
    "scale rounded": lambda: fa.scale(INTS, 1.1, rounding="trunc"),
    "clip": lambda: fa.clip(INTS, 1, 5),
    "map_inplace proven": lambda: fa.map_inplace(LONG, lambda x: x * 1.0 + 0.0),
    "add to out": lambda: fa.add(LONG, 0.0, out=LONG),
    "truediv to out": lambda: fa.truediv(LONG, LONG, out=LONG),
}


def peak_of(action):
    """Most bytes held at once during the action, beyond those before it."""
    action()  # what is made once is made
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        tracemalloc.reset_peak()
        action()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", NOTHING_NEW)
def test_reductions_and_in_place_operations_allocate_no_more_than_their_answer(name):
    program = 8000 if FREE_THREADED and "map" in name else 0  # compiled at each call there
    assert peak_of(NOTHING_NEW[name]) < 2000 + program


def test_a_map_in_place_that_may_fail_takes_one_copy():
    assert len(INTS) * 4 <= peak_of(lambda: fa.map_inplace(INTS, lambda x: x * 9 // 9)) < 1_210_000


def test_chunks_reuse_one_buffer(tmp_path):
    path = tmp_path / "numbers"
    path.write_bytes(bytes(8_000_000))

    def read():
        total = 0
        for chunk in fa.chunks(path, "d", 10_000):
            total += fa.sum(chunk)
        return total

    assert peak_of(read) < 2 * 80_000
