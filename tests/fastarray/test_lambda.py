"""Compiled lambdas: the same values, exceptions and failing element as plain Python."""

import ctypes
import functools
import math
import operator
import random
import signal
import sys
from array import array

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.arrays import CODES, FLOATS, limits

import fastarray as fa

THREE = 3
HALF = 0.5


def times(k):
    return lambda x: x * k + 1


def early(x):
    if x > 3:
        return x - 1
    y = x * 2
    return y + 1


FUNCTIONS = {
    text: eval(text, globals())
    for text in """
x
x + 1
x * 2 + 1
x * x - 3 * x + 7
(x * 3 + 5) % 7
abs(x - 50) // 3
abs(3 + x)
abs(3 - x)
abs(x * 2 - 7)
abs(x - 5) * abs(x - 5)
abs(x - 5) + (x - 5)
abs(x - 5) if x - 5 else 9
abs(x - 5) + x
-x
+x
x // 2
x % 16
x // -7
x % -5
x % 1
x // 1000003
x if x > 3 else 0
1 if x < 3 else (2 if x < 10 else x)
x > 3
x > 3 and x < 9
0 <= x < 10
x < 2 or x > 5
x == 3
x != 3
3 < x
x == x
x and 5
x or 7
not x
min(x, 5)
max(x, 5)
max(x, 3, x * 2)
min(5, x)
x & 7
x | 8
x ^ 5
~x
x << 2
x >> 1
x >> 70
x ** 2
x ** 3
x ** 0
100 // x
100 % x
x // (x - 3)
100 // x if x else 0
x and 100 % x
THREE * x
x * HALF
int(x)
int(x * 1.5)
round(x * 0.3)
round(x / 3)
math.floor(x / 3)
math.ceil(x * 0.7)
math.trunc(x * 1.1)
float(x)
bool(x)
x * 0.5
x / 3
1 / x
1 / x if x else 0.0
1.5 - x
x - 1.5
x // 2.5
x % 2.5
x % -0.75
7.5 % x
x // 0.1
x ** 0.5
x ** 2.0
x ** -1
min(x, 2.5)
max(2, x)
math.sqrt(x)
math.sqrt(x) if x >= 0 else -1.0
math.sin(x)
math.cos(x)
math.tan(x)
math.exp(x * 0.01)
math.log(x)
math.log(x) if x > 0 else 0.0
math.log2(abs(x) + 1)
math.log10(abs(x) + 1)
math.log1p(abs(x))
math.expm1(x * 1e-3)
math.tanh(x)
math.sinh(x * 0.01)
math.asinh(x)
math.atan(x)
math.erf(x * 0.1)
math.erfc(x * 0.1)
math.fabs(x)
math.pow(x, 2)
math.pi * x
x + 2 ** 40
x - 200
(y := x + 1) * y
5
2.5
True
THREE
None
'a'
x.real
[x][0]
str(x)
divmod(x, 3)[0]
len([x])
x if x else None
round(x, 1)
int(x, 10) if False else x
""".strip().splitlines()
    for text in [f"lambda x: {text}"]
}
FUNCTIONS |= {
    "times(4)": times(4),
    "times(0.25)": times(0.25),
    "early": early,
    "default": lambda x, k=2: x * k,
    "abs": abs,
    "float": float,
    "int": int,
    "round": round,
    "bool": bool,
    "math.sqrt": math.sqrt,
    "operator.neg": operator.neg,
    "operator.not_": operator.not_,
    "operator.invert": operator.invert,
    "partial mul": functools.partial(operator.mul, 3),
    "partial sub": functools.partial(operator.sub, 10),
    "partial add float": functools.partial(operator.add, 1.5),
    "partial lt": functools.partial(operator.lt, 4),
    "partial unknown": functools.partial(divmod, 4),
    "wrong arity": lambda: 1,
    "varargs": lambda *x: x[0],
}


def outcome(action):
    """Bytes of the array an action makes, or its exception, NaNs alike."""
    try:
        a = action()
    except Exception as error:
        return type(error), str(error)
    if a.typecode in FLOATS:
        a = array(a.typecode, [math.nan if x != x else x for x in a])
    return a.tobytes()


def values(code, n, kind):
    rng = random.Random(f"{code}{n}{kind}")
    if code in FLOATS:
        if kind == "edges":
            big = 1e300 if code == "d" else 1e30
            choices = [0.0, -0.0, 1.5, -2.5, 3.0, big, math.inf, math.nan, 5e-324]
            return [rng.choice(choices) for _ in range(n)]
        return [rng.uniform(0.01 if kind == "positive" else -50, 50) for _ in range(n)]
    low, high = limits(code)
    if kind == "edges":
        return [rng.choice([low, high, low + 1, high - 1, 0, 1, 3]) for _ in range(n)]
    return [rng.randint(max(low, -9) if kind == "small" else 1, 9) for _ in range(n)]


def check(fn, a):
    code = a.typecode
    expected = outcome(lambda: array(code, map(fn, a)))
    assert outcome(lambda: fa.map(a, fn)) == expected

    b = array(code, a)
    expected_after = a.tobytes() if isinstance(expected, tuple) else None
    try:
        fa.map_inplace(b, fn)
    except Exception as error:
        assert (type(error), str(error)) == expected
        assert b.tobytes() == expected_after
    else:
        assert outcome(lambda: b) == expected

    expected = outcome(lambda: array(code, filter(fn, a)))
    assert outcome(lambda: fa.filter(a, fn)) == expected


@pytest.mark.parametrize("text", FUNCTIONS)
def test_compiled_is_plain_python(kernels, text):
    for code in CODES:
        for n in (1, 17, 600):
            for kind in ("small", "positive", "edges"):
                check(FUNCTIONS[text], array(code, values(code, n, kind)))


@pytest.mark.parametrize("text", ["x * 2 + 1", "abs(x - 50) // 3", "x / 3", "1 / x"])
@pytest.mark.parametrize("code", "iqd")
def test_a_long_array_with_one_odd_block(kernels, code, text):
    fn = FUNCTIONS[f"lambda x: {text}"]
    a = array(code, [i % 90 + 1 for i in range(9000)])
    check(fn, a)
    a[5000] = limits(code)[1] if code != "d" else 0.0
    check(fn, a)


# -- kernels really run, and Python really runs ------------------------------------------


def counted(action):
    before = fa.block_counts()
    result = action()
    after = fa.block_counts()
    return result, after["kernel"] - before["kernel"], after["python"] - before["python"]


@pytest.mark.parametrize(
    "fn",
    [
        lambda x: x * 2 + 1,
        lambda x: (x * 3 + 5) % 7,
        lambda x: x if x > 3 else 0,
        functools.partial(operator.mul, 3),
        operator.neg,
        times(5),
        lambda x: THREE * x,
    ],
)
@pytest.mark.parametrize("code", "bhiqd")
def test_compiled_functions_run_in_kernels_only(code, fn):
    a = array(code, [1, 2, 3] * 1000)

    _, kernel, python = counted(lambda: fa.map(a, fn))

    assert kernel > 0 and python == 0
    assert fa.explain(fn, code).startswith("compiled")


def test_only_the_block_that_overflows_runs_in_python():
    a = array("q", [1] * 5120)
    a[3000] = 2**62 - 1

    result, kernel, python = counted(lambda: fa.map(a, lambda x: x * 2 - x * 3))

    assert result.tolist() == [-x for x in a]
    assert kernel > 0 and python == 1


def test_a_guarded_division_does_not_leave_the_kernels():
    a = array("i", [0, 1, 2, 3] * 500)

    result, kernel, python = counted(lambda: fa.map(a, lambda x: 100 // x if x else 0))

    assert result.tolist() == [100 // x if x else 0 for x in a]
    assert kernel > 0 and python == 0


def test_opaque_functions_run_in_python_only():
    _, kernel, python = counted(lambda: fa.map(array("i", range(1000)), lambda x: [x][0]))

    assert kernel == 0 and python == 2


@pytest.mark.parametrize(
    ("fn", "reason"),
    [
        (lambda x: x.real, "attribute 'real'"),
        (lambda x: [x][0], "BUILD_LIST"),
        (lambda x: nowhere(x), "'nowhere' is not bound"),  # noqa: F821
        (lambda x: print(x), "'print' is neither"),
        (lambda *x: 1, "signature"),
        (lambda x, y: x, "2 arguments"),
        (lambda x: x / 2, "float for an array of ints"),
        (lambda x: "a", "'str'"),
        (lambda x: x // 0, "divides by zero"),
        (print, "not a Python function"),
    ],
)
def test_explain_says_why_not(fn, reason):
    assert fa.explain(fn, "i").startswith("python: ")
    assert reason in fa.explain(fn, "i")


def test_explain_checks_its_arguments():
    with pytest.raises(TypeError, match="'u'"):
        fa.explain(abs, "u")
    with pytest.raises(ValueError, match="use"):
        fa.explain(abs, "i", use="sort")
    assert "compiled" in fa.explain(lambda x: x / 2, "i", result="d")
    assert "compiled" in fa.explain(lambda x: x > 2.5, "i", use="filter")


# -- guards ------------------------------------------------------------------------------


def test_a_changed_global_is_noticed():
    space = {"k": 2}
    fn = eval("lambda x: x * k", space)
    a = array("i", [1, 2, 3])

    assert fa.map(a, fn).tolist() == [2, 4, 6]
    space["k"] = 5
    assert fa.map(a, fn).tolist() == [5, 10, 15]
    space["k"] = "a"
    with pytest.raises(TypeError):
        fa.map(a, fn)
    del space["k"]
    with pytest.raises(NameError):
        fa.map(a, fn)


def test_a_shadowed_builtin_is_noticed():
    space = {}
    fn = eval("lambda x: abs(x)", space)
    a = array("i", [-1, 2])

    assert fa.map(a, fn).tolist() == [1, 2]
    space["abs"] = lambda x: 9
    assert fa.map(a, fn).tolist() == [9, 9]


def test_a_changed_cell_default_or_code_is_noticed():
    k = 2

    def fn(x, d=1):
        return x * k + d

    a = array("i", [1, 2])
    assert fa.map(a, fn).tolist() == [3, 5]
    k = 10
    assert fa.map(a, fn).tolist() == [11, 21]
    fn.__defaults__ = (5,)
    assert fa.map(a, fn).tolist() == [15, 25]
    plain = lambda x: -x  # noqa: E731
    plain_a = fa.map(a, plain)
    plain.__code__ = (lambda x: x + 1).__code__
    assert (plain_a.tolist(), fa.map(a, plain).tolist()) == ([-1, -2], [2, 3])


def test_closures_of_one_code_keep_their_own_numbers():
    a = array("d", [1.0, 2.0])

    for k in (1, 2.5, 3, True, 2.5):
        assert fa.map(a, times(k)) == array("d", map(times(k), a))


def test_a_changed_module_attribute_is_noticed(monkeypatch):
    fn = lambda x: math.floor(x * 1.5)  # noqa: E731
    a = array("i", [3])
    assert fa.map(a, fn).tolist() == [4]

    monkeypatch.setattr(math, "floor", lambda x: 77)

    assert fa.map(a, fn).tolist() == [77]


def test_a_function_that_calls_another_runs_plain_and_sees_its_effect():
    space = {"k": 1}
    exec(
        "def fn(x):\n"
        "    return x * k if x < 100 else meddle(x)\n"
        "def meddle(x):\n"
        "    global k\n"
        "    k = 2\n"
        "    return x\n",
        space,
    )
    fn = space["fn"]
    a = array("i", [1] * 600 + [100] + [1] * 3000)
    expected = array("i", map(fn, a)).tolist()
    space["k"] = 1

    assert fa.map(a, fn).tolist() == expected
    assert "meddle" in fa.explain(fn, "i")


class Later:
    """-later raises a signal whose Python handler has not run yet when the value is there:
    it runs where Python code next starts, which may be in the midst of fa.map."""

    def __init__(self, handler):
        signal.signal(signal.SIGUSR1, handler)

    __neg__ = staticmethod(functools.partial(getattr(ctypes.CDLL(None), "raise"), signal.SIGUSR1))


@pytest.fixture
def no_handler():
    before = signal.getsignal(signal.SIGUSR1)
    yield
    signal.signal(signal.SIGUSR1, before)
    sys.setprofile(None)


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="needs POSIX signals")
@pytest.mark.parametrize("use", ["map", "filter"])
def test_what_changes_while_a_block_runs_in_python_counts_from_there_on(use, no_handler):
    space = {"k": 1}
    text = "lambda x: x * 4 * k - x * 3 * k" + (" == k" if use == "filter" else "")
    fn = eval(text, space)
    a = array("q", [1]) * 6000
    a[3000] = 2**61 + 1  # times 4 leaves 64 bits: this block is Python's
    later = Later(lambda *_: space.update(k=2))

    result, kernel, python = counted(lambda: getattr(fa, use)(-later or a, fn))

    assert space["k"] == 2 and kernel >= 1 and python >= 2
    if use == "filter":  # x * k == k, whichever it is
        assert result.tolist() == [1] * 5999
        return
    changed = next(i for i, x in enumerate(result) if x != 1)
    assert 0 < changed <= 3000
    assert result[changed:].tolist() == [x * 2 for x in a[changed:]]


@pytest.mark.skipif(not hasattr(signal, "SIGUSR1"), reason="needs POSIX signals")
def test_a_profiler_that_starts_meanwhile_sees_the_rest(no_handler):
    seen = []
    fn = lambda x: x * 4 - x * 3  # noqa: E731
    a = array("q", [1]) * 6000
    a[3000] = 2**61 + 1

    def profile(frame, event, arg):
        if event == "call" and frame.f_code is fn.__code__:
            seen.append(frame.f_locals["x"])

    later = Later(lambda *_: sys.setprofile(profile))
    result = fa.map(-later or a, fn)
    sys.setprofile(None)

    assert result == a
    assert 2990 <= len(seen) < 6000 and seen[-5:] == [1] * 5


def test_traced_functions_run_plain():
    seen = []

    def tracer(frame, event, arg):
        if event == "call" and frame.f_code is fn.__code__:
            seen.append(frame.f_locals["x"])

    fn = lambda x: x + 1  # noqa: E731
    a = array("i", range(5))
    old = sys.gettrace()
    sys.settrace(tracer)
    try:
        fa.map(a, fn)
    finally:
        sys.settrace(old)
    assert seen == [0, 1, 2, 3, 4]

    calls = []
    sys.setprofile(lambda frame, event, arg: calls.append(event))
    try:
        fa.map(a, fn)
    finally:
        sys.setprofile(None)
    assert calls.count("call") >= 5


@pytest.mark.skipif(sys.version_info < (3, 12), reason="needs sys.monitoring")
def test_monitored_functions_run_plain():
    seen = []
    fn = lambda x: x + 1  # noqa: E731
    mon = sys.monitoring
    mon.use_tool_id(3, "test")
    try:
        mon.register_callback(3, mon.events.PY_START, lambda code, at: seen.append(code))
        mon.set_events(3, mon.events.PY_START)
        fa.map(array("i", range(5)), fn)
        mon.set_events(3, 0)
        assert seen.count(fn.__code__) == 5
        mon.set_local_events(3, fn.__code__, mon.events.PY_START)
        fa.map(array("i", range(5)), fn)
        assert seen.count(fn.__code__) == 10
        mon.set_local_events(3, fn.__code__, 0)
    finally:
        mon.free_tool_id(3)


# -- generated lambdas -------------------------------------------------------------------

leaves = st.sampled_from(["x", "x", "x", "0", "1", "2", "3", "7", "-5", "100", "2.5", "0.1", "k"])


def grow(inner):
    two = st.tuples(inner, inner)
    return st.one_of(
        st.tuples(st.sampled_from("+ - * // % / & | ^".split()), two).map(
            lambda t: f"({t[1][0]} {t[0]} {t[1][1]})"
        ),
        st.tuples(st.sampled_from("< <= == != > >= and or".split()), two).map(
            lambda t: f"({t[1][0]} {t[0]} {t[1][1]})"
        ),
        inner.map(lambda e: f"(-{e})"),
        inner.map(lambda e: f"(not {e})"),
        inner.map(lambda e: f"abs({e})"),
        inner.map(lambda e: f"int({e})"),
        inner.map(lambda e: f"round({e})"),
        st.tuples(st.sampled_from(["min", "max"]), two).map(
            lambda t: f"{t[0]}({t[1][0]}, {t[1][1]})"
        ),
        st.tuples(inner, inner, inner).map(lambda t: f"({t[0]} if {t[1]} else {t[2]})"),
        st.tuples(inner, st.sampled_from([1, 3])).map(lambda t: f"({t[0]} << {t[1]})"),
        inner.map(lambda e: f"math.sqrt({e})"),
    )


@pytest.mark.parametrize(
    "fn",
    [
        lambda x: (1 / x) ** 0,
        lambda x: (5 // x) ** 0,
        lambda x: (7 % x) % 1,
        lambda x: [1, 1 / x][0],
    ],
)
@pytest.mark.parametrize("code", "iqd")
def test_what_raises_raises_though_nobody_needs_it(fn, code):
    check(fn, array(code, [1, 2, 0, 3]))


@settings(max_examples=300, deadline=None)
@given(st.recursive(leaves, grow, max_leaves=8), st.sampled_from("bBhiIqQfd"), st.data())
def test_any_generated_lambda_is_plain_python(text, code, data):
    fn = eval(f"lambda x: {text}", {"k": 4, "math": math})
    low, high = limits(code)
    element = (
        st.floats(width=32 if code == "f" else 64)
        if code in FLOATS
        else st.integers(low, high) | st.integers(max(low, -20), 20)
    )
    a = array(code, data.draw(st.lists(element, max_size=40)))

    check(fn, a)
