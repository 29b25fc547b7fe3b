"""What a fuzzed input means: bytes choose kernels, elements and a function or an operation.

Each target compares with plain Python; an assertion that fails aborts the run.
"""

import importlib
import math
import sys
from array import array

core = importlib.import_module("_fastarray")  # the instrumented module
sys.modules["fastarray._fastarray"] = core

import fastarray as fa  # noqa: E402

CODES = "bBhHiIlLqQfd"
BINARY = "+ - * // % / & | ^ >> < <= == != > >= and or".split()
UNARY = ["-", "~", "not ", "abs", "int", "round", "float", "bool", "math.sqrt", "math.floor"]
LEAVES = ["x", "x", "x", "0", "1", "2", "-5", "7", "100", "2.5", "0.1", "k", "2**31", "2**62"]


class Bytes:
    """The input, read from the front; zeros when it is used up."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def below(self, n):
        self.at += 1
        return self.data[self.at - 1] % n if self.at <= len(self.data) else 0

    def rest(self):
        return self.data[self.at :]


def expression(source, depth=4):
    kind = source.below(8) if depth else 0
    if kind < 3:
        return LEAVES[source.below(len(LEAVES))]
    one = expression(source, depth - 1)
    if kind < 5:
        return f"({UNARY[source.below(len(UNARY))]}({one}))"
    two = expression(source, depth - 1)
    if kind == 5 and source.below(8) == 7:  # small, or Python itself would count for hours
        return f"({one} {('**', '<<')[source.below(2)]} {source.below(4)})"
    if kind == 5:
        return f"({one} {BINARY[source.below(len(BINARY))]} {two})"
    if kind == 6:
        return f"{('min', 'max')[source.below(2)]}({one}, {two})"
    return f"({one} if {expression(source, depth - 1)} else {two})"


def outcome(action):
    try:
        a = action()
    except Exception as error:
        return type(error), str(error)
    if isinstance(a, array):
        if a.typecode in "fd":
            a = array(a.typecode, [math.nan if x != x else x for x in a])
        return a.tobytes()
    return repr(a)


def numbers(source):
    code = CODES[source.below(12)]
    a, repeat = array(code), source.below(4)
    data = source.rest()
    a.frombytes(data[: len(data) - len(data) % a.itemsize])
    return a * (60 if repeat == 3 else 1)  # past one block now and then


def fuzz_lambda(source):
    text = expression(source)
    fn = eval(f"lambda x: {text}", {"k": 4, "math": math})
    a = numbers(source)
    expected = outcome(lambda: array(a.typecode, map(fn, a)))
    assert outcome(lambda: fa.map(a, fn)) == expected, (text, a)
    kept = outcome(lambda: array(a.typecode, filter(fn, a)))
    assert outcome(lambda: fa.filter(a, fn)) == kept, (text, a)
    b = a[:]
    done = outcome(lambda: fa.map_inplace(b, fn) or b)
    assert done == expected, (text, a)
    if isinstance(expected, tuple):
        assert b.tobytes() == a.tobytes(), (text, a)


def fuzz_buffer(source):
    """Any stretch of bytes as numbers, at any address."""
    shift, size = source.below(8), 0
    a = numbers(source)
    raw = bytearray(shift) + a.tobytes()
    view = memoryview(raw)[shift + size :].cast(a.typecode)
    for name in ("sum", "min", "max", "minmax", "fsum", "count", "var", "prod", "argmin"):
        f = getattr(fa, name)
        more = (a[0],) if name == "count" and a else ()
        if (name == "count" and not a) or (name == "prod" and len(a) > 100):
            continue
        assert outcome(lambda f=f, more=more: f(view, *more)) == outcome(
            lambda f=f, more=more: f(a, *more)
        ), (name, a)
    if a.typecode not in "fd":
        assert fa.sum(view) == sum(a)
        if a:
            assert fa.minmax(view) == (min(a), max(a))
    elif all(map(math.isfinite, a)):
        assert outcome(lambda: fa.fsum(view)) == outcome(lambda: math.fsum(a)), a


def fuzz_in_place(source):
    factor, op = source.below(256) - 128, source.below(3)
    a = numbers(source)
    b = a[:]
    if op == 0:
        expected = outcome(lambda: array(a.typecode, [x * factor for x in a]))
        if a.typecode in "fd":
            expected = outcome(lambda: array(a.typecode, [x * float(factor) for x in a]))
        done = outcome(lambda: fa.scale(b, factor) or b)
    elif op == 1:
        lo, hi = sorted((factor, 17))
        expected = outcome(lambda: array(a.typecode, [x if x != x else clip(x, lo, hi) for x in a]))
        done = outcome(lambda: fa.clip(b, lo, hi) or b)
        if a.typecode in "BHILQ":  # bounds outside the type are its ends
            expected = array(a.typecode, [clip(x, max(lo, 0), max(hi, 0)) for x in a]).tobytes()
    else:
        expected = outcome(lambda: array(a.typecode, [x + y for x, y in zip(a, a)]))
        done = outcome(lambda: fa.add(a, a, out=b) or b)
    if isinstance(expected, tuple):
        assert done[0] is OverflowError and b.tobytes() == a.tobytes(), (op, factor, a)
    else:
        assert done == expected, (op, factor, a)


def clip(x, lo, hi):
    return lo if x < lo else hi if x > hi else x


TARGETS = [fuzz_lambda, fuzz_lambda, fuzz_buffer, fuzz_in_place]
SETS = fa.cpu_targets()["available"]


def one_input(data):
    source = Bytes(data)
    core._use_kernels(SETS[source.below(len(SETS))])
    TARGETS[source.below(len(TARGETS))](source)
