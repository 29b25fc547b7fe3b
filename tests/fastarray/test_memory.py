"""Leaks, and what happens when the k-th allocation fails."""

import functools
import gc
import operator
import sys
import types
from array import array

import pytest
from support.arrays import numbers

import fastarray as fa

_testcapi = pytest.importorskip("_testcapi", reason="needs CPython's _testcapi")

K = 3


def fresh(fn):
    """The same function with a code object nobody has seen."""
    return types.FunctionType(fn.__code__.replace(), globals())


def make():
    return array("i", numbers("i", 700, "small"))


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
    "map compiled anew": lambda a, d, f: fa.map(a, fresh(lambda x: x * K + 1)),
    "map to floats": lambda a, d, f: fa.map(a, lambda x: x / 2, typecode="d"),
    "map opaque": lambda a, d, f: fa.map(a[:20], lambda x: [x][0]),
    "map partial": lambda a, d, f: fa.map(a, functools.partial(operator.mul, 2)),
    "map_inplace": lambda a, d, f: fa.map_inplace(a, abs),
    "map out": lambda a, d, f: fa.map(a, f, out=array("i", [0] * 700)),
    "filter": lambda a, d, f: fa.filter(a, lambda x: x > 0),
    "filter opaque": lambda a, d, f: fa.filter(a[:20], lambda x: [x]),
    "reduce": lambda a, d, f: fa.reduce(a, lambda x, y: x + y, 2**80),
    "reduce opaque": lambda a, d, f: fa.reduce(a[:20], lambda x, y: [x, y][1]),
    "explain": lambda a, d, f: fa.explain(fresh(lambda x: x.real), "i"),
    "add": lambda a, d, f: fa.add(a, a),
    "truediv": lambda a, d, f: fa.truediv(a, 4),
    "floordiv by float": lambda a, d, f: fa.floordiv(a, 4.0),
    "to_arrow": lambda a, d, f: fa.to_arrow(a).__arrow_c_array__(),
    "cpu_targets": lambda a, d, f: fa.cpu_targets(),
}  # fmt: skip
FAILURES = {
    "overflow": (OverflowError, lambda a: fa.scale(a, 2**40)),
    "divide": (ZeroDivisionError, lambda a: fa.map(a, lambda x: 1 // (x - x))),
    "store": (OverflowError, lambda a: fa.map_inplace(a, lambda x: 2**40)),
    "filter": (ZeroDivisionError, lambda a: fa.filter(a, lambda x: [1 // 0])),
    "type": (TypeError, lambda a: fa.add(a, array("d", [1.0]))),
    "bounds": (ValueError, lambda a: fa.clip(a, 2, 1)),
    "keyword": (TypeError, lambda a: fa.sum(a, nothing=1)),
}


@pytest.mark.parametrize("name", ACTIONS)
def test_failing_allocations_raise_memory_error_and_nothing_else(name):
    """Fail the k-th allocation for k = 1, 2, ... until one run needs fewer."""
    action = ACTIONS[name]
    f = lambda x: x + 1  # noqa: E731
    a, d = make(), array("d", numbers("d", 700, "any"))
    before = a.tolist()
    action(a, d, f)
    a[:] = array("i", before)

    for k in range(1, 400):
        b = a[:]
        _testcapi.set_nomemory(k, k + 1)
        try:
            action(b, d, f)
            done = True
        except MemoryError:
            done = False
        finally:
            _testcapi.remove_mem_hooks()
        b.append(1)  # no export is left behind
        if not done:
            assert b[:-1] == a
        elif k > 60:
            break
    assert done


@pytest.mark.parametrize("name", ACTIONS)
def test_actions_do_not_leak(name):
    f = lambda x: x + 1  # noqa: E731
    a, d = make(), array("d", numbers("d", 700, "any"))
    check_blocks(lambda: ACTIONS[name](a, d, f))


@pytest.mark.parametrize("name", FAILURES)
def test_failures_do_not_leak(name):
    error, action = FAILURES[name]
    a = make()

    def fail():
        with pytest.raises(error):
            action(a)

    check_blocks(fail)


def check_blocks(action):
    """Allocated blocks stop growing once caches are warm."""
    for _ in range(3):
        action()
    counts = []
    for _ in range(4):
        gc.collect()
        counts.append(sys.getallocatedblocks())
        for _ in range(20):
            action()
    gc.collect()
    counts.append(sys.getallocatedblocks())
    assert min(b - a for a, b in zip(counts, counts[1:])) < 15, counts
