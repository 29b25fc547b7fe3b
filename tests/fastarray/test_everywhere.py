"""Every operation on every typecode, kernel set and layout has plain Python's answer."""

import ctypes
import functools
import math
import mmap
import operator
import os
from array import array

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.arrays import CODES, FLOATS, highest, limits, lowest

import fastarray as fa
from fastarray import _fastarray

# -- Where the numbers lie -------------------------------------------------------------

CTYPES = {
    "b": ctypes.c_byte, "B": ctypes.c_ubyte, "h": ctypes.c_short, "H": ctypes.c_ushort,
    "i": ctypes.c_int, "I": ctypes.c_uint, "l": ctypes.c_long, "L": ctypes.c_ulong,
    "q": ctypes.c_longlong, "Q": ctypes.c_ulonglong, "f": ctypes.c_float, "d": ctypes.c_double,
}  # fmt: skip


def misaligned(a):
    return memoryview(bytearray(1) + a.tobytes())[1:].cast(a.typecode)


def mapped(a):
    memory = mmap.mmap(-1, max(1, len(a) * a.itemsize))
    memory[: len(a) * a.itemsize] = a.tobytes()
    return memoryview(memory)[: len(a) * a.itemsize].cast(a.typecode)


def as_matrix(a):
    """Two rows, which are one stretch in C order."""
    shape = [2, len(a) // 2] if len(a) and len(a) % 2 == 0 else [1, max(1, len(a))]
    whole = memoryview(bytearray(a.tobytes()))
    return whole.cast(a.typecode, shape) if len(a) else whole.cast(a.typecode)


class Foreign:
    """An array that Arrow's interface alone reaches."""

    def __init__(self, a):
        self.a = a

    def __arrow_c_array__(self, requested_schema=None):
        return fa.to_arrow(self.a).__arrow_c_array__()


LAYOUTS = {
    "array": lambda a: a,
    "view": memoryview,
    "misaligned": misaligned,
    "mapped": mapped,
    "matrix": as_matrix,
    "ctypes": lambda a: (CTYPES[a.typecode] * len(a))(*a),
    "bytes": lambda a: memoryview(a.tobytes()).cast(a.typecode),
    "arrow": Foreign,
}
READ_ONLY = {"bytes", "arrow"}


def items(thing):
    """The numbers in such a thing, flat."""
    if isinstance(thing, Foreign):
        return thing.a.tolist()
    view = memoryview(thing)
    code = view.format.lstrip("<")
    code = "q" if code == "l" and view.itemsize == 8 else code
    return list(memoryview(view.tobytes()).cast(code))


# -- What is done with them, and how Python does it --------------------------------------


def some(values):
    if not values:
        raise ValueError("empty")
    return values


def extreme(choose):
    def of(v, code):
        return math.nan if any(x != x for x in some(v)) else choose(v)

    return of


def place(choose):
    def of(v, code):
        nans = [i for i, x in enumerate(some(v)) if x != x]
        return nans[0] if nans else [repr(x) for x in v].index(repr(choose(v)))

    return of


def left_to_right(v, start):
    """Sums of such floats are exact unless something is not finite."""
    return functools.reduce(operator.add, v, start)


def total(v, code):
    return left_to_right(v, 0.0 if code in FLOATS else 0)


def variance(v, code):
    n, s = len(some(v)), total(v, code)
    return (n * total([x * x for x in v], code) - s * s) / (n * n)


def stored(fn, out=None):
    return lambda v, code: array(out or code, map(fn, v)).tolist()


def quotients(v, code):
    return array(code if code == "f" else "d", [x / 4 for x in v]).tolist()


def clipped(v, code):
    return array(code, [min(max(x, 2), 90) if x == x else x for x in v]).tolist()


def doubled(x):
    return x * 2 + 1


def opaque(x):
    return [x, -x][x > 4]


OPERATIONS = {
    "sum": (fa.sum, total),
    "mean": (fa.mean, lambda v, code: total(some(v), code) / len(v)),
    "fsum": (fa.fsum, lambda v, code: math.fsum(v) if code in FLOATS else float(sum(v))),
    "min": (fa.min, extreme(lowest)),
    "max": (fa.max, extreme(highest)),
    "minmax": (fa.minmax, lambda v, code: (extreme(lowest)(v, code), extreme(highest)(v, code))),
    "argmin": (fa.argmin, place(lowest)),
    "argmax": (fa.argmax, place(highest)),
    "var": (fa.var, variance),
    "std": (fa.std, lambda v, code: math.sqrt(variance(v, code))),
    "dot": (lambda a: fa.dot(a, a), lambda v, code: total([x * x for x in v], code)),
    "count": (lambda a: fa.count(a, 3), lambda v, code: v.count(3)),
    "prod": (fa.prod, lambda v, code: math.prod(v, start=1.0 if code in FLOATS else 1)),
    "any": (fa.any, lambda v, code: any(v)),
    "all": (fa.all, lambda v, code: all(v)),
    "accumulator": (lambda a: fa.stats([a]).sum, lambda v, code: total(v, code) if v else 0),
    "reduce": (lambda a: fa.reduce(a, max, 7), lambda v, code: functools.reduce(max, v, 7)),
    "map": (lambda a: fa.map(a, doubled).tolist(), stored(doubled)),
    "map opaque": (lambda a: fa.map(a, opaque).tolist(), stored(opaque)),
    "map to d": (lambda a: fa.map(a, doubled, typecode="d").tolist(), stored(doubled, "d")),
    "filter": (
        lambda a: fa.filter(a, lambda x: 2 < x <= 60).tolist(),
        lambda v, code: [x for x in v if 2 < x <= 60],
    ),
    "add": (lambda a: fa.add(a, 5).tolist(), stored(lambda x: x + 5)),
    "add arrays": (lambda a: fa.add(a, a).tolist(), stored(lambda x: x + x)),
    "sub": (lambda a: fa.sub(a, 9).tolist(), stored(lambda x: x - 9)),
    "mul arrays": (lambda a: fa.mul(a, a).tolist(), stored(lambda x: x * x)),
    "truediv": (lambda a: fa.truediv(a, 4).tolist(), quotients),
    "floordiv": (lambda a: fa.floordiv(a, 3).tolist(), stored(lambda x: x // 3)),
}
IN_PLACE = {
    "scale": (lambda a: fa.scale(a, 3), stored(lambda x: x * 3)),
    "clip": (lambda a: fa.clip(a, 2, 90), clipped),
    "map_inplace": (lambda a: fa.map_inplace(a, doubled), stored(doubled)),
    "map_inplace opaque": (lambda a: fa.map_inplace(a, opaque), stored(opaque)),
}


def told(answer):
    """What can be compared to the last bit: NaN is NaN, 0 is not 0.0, 0.0 is not -0.0."""
    if isinstance(answer, (list, tuple)):
        return [told(x) for x in answer]
    return repr(answer) if isinstance(answer, float) else (type(answer), answer)


def outcome(action, *args):
    try:
        return action(*args)
    except (ArithmeticError, ValueError, TypeError) as error:
        return type(error).__name__


def agree(name, got, expected):
    """To the last bit, but for the float quotients and square roots of var and std."""
    if name in ("var", "std") and isinstance(expected, float):
        return math.isclose(got, expected, rel_tol=1e-9, abs_tol=1e-12) or got != got
    return told(got) == told(expected)


EXAMPLES = int(os.environ.get("FASTARRAY_EXAMPLES", 80))


# -- All of it -------------------------------------------------------------------------


@st.composite
def arrays(draw):
    """Numbers at the ends of their type and around zero; floats whose sums are exact."""
    code = draw(st.sampled_from(CODES))
    if code in FLOATS:
        element = st.integers(-800, 800).map(lambda k: k / 8) | st.sampled_from([0.0, -0.0])
        if draw(st.booleans()):
            element |= st.sampled_from([math.inf, -math.inf, math.nan])
    else:
        low, high = limits(code)
        element = st.integers(max(low, -9), 9)
        if draw(st.booleans()):
            element |= st.integers(low, high) | st.sampled_from([low, low + 1, high - 1, high])
    few = draw(st.lists(element, max_size=12))
    return array(code, few * draw(st.sampled_from([1, 1, 2, 7, 40])))


@pytest.fixture(autouse=True)
def as_before():
    kernels = _fastarray._use_kernels("plain")
    direct = _fastarray._use_direct(True)
    yield
    _fastarray._use_kernels(kernels)
    _fastarray._use_direct(direct)


def choose(data):
    _fastarray._use_kernels(data.draw(st.sampled_from(_fastarray.cpu_targets()["available"])))
    _fastarray._use_direct(data.draw(st.booleans()))


@pytest.mark.parametrize("name", OPERATIONS)
@settings(max_examples=EXAMPLES)
@given(data=st.data())
def test_an_operation_has_python_s_answer(name, data):
    choose(data)
    a = data.draw(arrays())
    layout = data.draw(st.sampled_from(sorted(LAYOUTS)))
    action, reference = OPERATIONS[name]

    got = outcome(action, LAYOUTS[layout](a))
    expected = outcome(reference, a.tolist(), a.typecode)

    assert agree(name, got, expected), (layout, a)


@pytest.mark.parametrize("name", IN_PLACE)
@settings(max_examples=EXAMPLES)
@given(data=st.data())
def test_a_change_in_place_is_python_s_or_none(name, data):
    choose(data)
    a = data.draw(arrays())
    layout = data.draw(st.sampled_from(sorted(LAYOUTS)))
    action, reference = IN_PLACE[name]
    before, thing = a.tolist(), LAYOUTS[layout](a)
    if layout in READ_ONLY:
        with pytest.raises(BufferError):
            action(thing)
        return

    raised = outcome(action, thing)
    expected = outcome(reference, before, a.typecode)

    if isinstance(expected, str):
        assert (raised, told(items(thing))) == (expected, told(before)), layout
    else:
        assert (raised, told(items(thing))) == (None, told(expected)), layout
