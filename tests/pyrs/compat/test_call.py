"""The trampoline answers and complains as an ordinary call does."""

import functools
import itertools
import operator
import sys
import weakref

import pytest

SHAPES = [
    (args, kwargs)
    for args in ((), (1,), (1, "two"), (1, "two", None))
    for kwargs in ({}, {"a": 1}, {"a": 1, "b": [2]})
]


def outcome(call, *args, **kwargs):
    try:
        value = call(*args, **kwargs)
    except Exception as e:
        return type(e), str(e), type(e.__cause__), str(e.__cause__)
    return type(value), value if type(value).__eq__ is not object.__eq__ else repr(type(value))


def assert_same(cpy, callee, args, kwargs):
    got = outcome(cpy.call, callee, *args, **kwargs)
    want = outcome(cpy.plain_call, callee, *args, **kwargs)
    assert got == want, f"{callee!r}(*{args!r}, **{kwargs!r})"


@pytest.mark.parametrize(
    "kind, pick",
    [
        ("builtin noargs", lambda s: s.noargs),
        ("builtin o", lambda s: s.o),
        ("builtin fast", lambda s: s.fast),
        ("builtin fast kw", lambda s: s.fast_kw),
        ("builtin varargs", lambda s: s.varargs),
        ("builtin varargs kw", lambda s: s.varargs_kw),
        ("builtin class", lambda s: s.Box().in_class),
        ("builtin fast", lambda s: s.Box.make),
        ("builtin fast kw", lambda s: s.Box.loose),
        ("descr noargs", lambda s: s.Box.noargs),
        ("descr o", lambda s: s.Box.o),
        ("descr fast", lambda s: s.Box.fast),
        ("descr fast kw", lambda s: s.Box.fast_kw),
        ("descr varargs", lambda s: s.Box.varargs),
        ("descr varargs kw", lambda s: s.Box.varargs_kw),
        ("descr class", lambda s: s.Box.in_class),
        ("slot", lambda s: s.Box.__add__),
        ("slot", lambda s: s.Box.__call__),
        ("method", lambda s: Python().method),
        ("vector", lambda s: s.Box),
        ("vector", lambda s: Python),
        ("vector", lambda s: lambda *a, **k: (a, k)),
        ("vector", lambda s: functools.partial(s.fast_kw, 5, z=6)),
        ("tuple", lambda s: s.Box(7)),
        ("tuple", lambda s: Python()),
        ("tuple", lambda s: s.Box(1, 2).__add__),
        ("tuple", lambda s: operator.itemgetter(0).__class__.__dict__),
        ("tuple", lambda s: 5),
    ],
)
def test_every_kind_is_recognised_and_called(cpy, sample, kind, pick):
    callee = pick(sample)
    if kind != "vector":
        assert cpy.call_kind(callee) == kind
    for args, kwargs in SHAPES:
        assert_same(cpy, callee, args, kwargs)
        if "Box" in repr(callee):
            assert_same(cpy, callee, (sample.Box(3, 4), *args), kwargs)
            assert_same(cpy, callee, (sample.Box(3, 4), sample.Box(5, 6), *args), kwargs)


class Python:
    def __call__(self, *args, **kwargs):
        return "called", args, kwargs

    def method(self, *args, **kwargs):
        return "method", args, kwargs

    def __eq__(self, other):
        return type(other) is Python

    __hash__ = None


def test_bound_method_of_a_c_function(cpy, sample):
    import types

    bound = types.MethodType(sample.fast_kw, "self")
    twice = types.MethodType(bound, "more")

    assert cpy.call(bound, 1, k=2) == sample.fast_kw("self", 1, k=2)
    assert cpy.call(twice, 1) == sample.fast_kw("self", "more", 1)


def test_results_that_break_the_rules(cpy, sample):
    assert_same(cpy, sample.bad_null, (), {})
    with pytest.raises(SystemError, match="without setting an exception"):
        cpy.call(sample.bad_null)
    with pytest.raises(SystemError, match="returned a result with an exception set") as info:
        cpy.call(sample.bad_result, 5)
    assert isinstance(info.value.__cause__, KeyError)


VALUES = [0, -1, 2.5, "text", b"bytes", (1, 2), [3, 1, 2], {"k": 1}, {1, 2}, None, int, range(4)]
TYPES = [int, float, complex, str, bytes, bytearray, tuple, list, dict, set, frozenset, range]


def methods_of(kind):
    for name, value in vars(kind).items():
        if callable(value) and name not in ("__init_subclass__", "__subclasshook__"):
            yield name, value


@pytest.mark.parametrize("kind", TYPES)
def test_methods_of_builtin_types_agree(cpy, kind):
    samples = [v for v in VALUES if isinstance(v, kind)] or [kind()]
    for name, method in methods_of(kind):
        for first in [*samples, object()]:
            for more in [(), *itertools.product(VALUES, repeat=1), (1, 2), ("a", "b")]:
                if name in ("__hash__", "__sizeof__", "__repr__") and type(first) is object:
                    continue
                fresh = [
                    type(first)(first)
                    if kind not in (range, int) and type(first) is kind
                    else first
                    for _ in "ab"
                ]
                got = outcome(cpy.call, method, fresh[0], *more)
                want = outcome(cpy.plain_call, method, fresh[1], *more)
                assert got[0] is want[0], (name, first, more)
                if "0x" not in repr(want):
                    assert repr(got) == repr(want), (name, first, more)
                    assert repr(fresh[0]) == repr(fresh[1]), (name, first, more)


HARMLESS = """abs all any ascii bin bool callable chr divmod format getattr hasattr hash hex isinstance
issubclass iter len max min next oct ord pow repr round sorted sum""".split()


@pytest.mark.parametrize("name", HARMLESS)
def test_builtin_functions_agree(cpy, name):
    f = __builtins__[name] if isinstance(__builtins__, dict) else getattr(__builtins__, name)
    for n in range(3):
        for args in itertools.product(VALUES, repeat=n):
            for kwargs in ({}, {"key": repr}, {"default": 1}):
                got, want = outcome(cpy.call, f, *args, **kwargs), outcome(f, *args, **kwargs)
                if "0x" not in repr(want):
                    assert repr(got) == repr(want), (name, args, kwargs)


def test_recursion_through_c_ends_in_an_error(cpy):
    class Deep:
        def __len__(self):
            return cpy.call(len, self)

    for _ in range(3):
        with pytest.raises(RecursionError):
            len(Deep())


def test_arguments_keep_their_reference_counts(cpy, sample):
    values = [object(), [], {}]
    counts = [sys.getrefcount(v) for v in values]
    for callee in (
        sample.fast_kw,
        sample.varargs_kw,
        sample.varargs,
        Python().method,
        Python(),
        sample.Box,
    ):
        for _ in range(100):
            outcome(cpy.call, callee, *values)
            outcome(cpy.call, callee, *values, extra=values[0])
            outcome(cpy.call, callee, values[0])

    assert [sys.getrefcount(v) for v in values] == counts


def test_no_memory_is_lost(cpy, sample, leaks):
    box = sample.Box(1, 2)
    callees = [sample.noargs, sample.o, sample.fast_kw, sample.varargs, sample.varargs_kw]
    callees += [sample.Box.fast, sample.Box.in_class, sample.Box.__call__, box, Python().method]

    def churn():
        for _ in range(50):
            for callee in callees:
                for args, kwargs in SHAPES:
                    outcome(cpy.call, callee, *args, **kwargs)
                    outcome(cpy.call, callee, box, *args, **kwargs)

    assert leaks(churn) == {}


def test_newer_functions_on_this_version(cpy):
    class Thing(list):
        name = "the attribute"

    thing = Thing([1, 2])
    ref = weakref.ref(thing)

    got = cpy.backports({"name": "the item"}, "name", thing, ref)
    assert got[:5] == ("the item", "the item", "the attribute", thing, 1)
    assert got[5] == 1
    assert got[6] == (sys.version_info >= (3, 12))
    assert cpy.backports({}, "absent", [5], ref)[:4] == (None, None, None, thing)
    with pytest.raises(IndexError):
        cpy.backports({}, "absent", [], ref)
    with pytest.raises(TypeError, match="name must be string"):
        cpy.backports({}, 5, [5], ref)
    del thing, got
    assert cpy.backports({}, "absent", [5], ref)[3] is None
