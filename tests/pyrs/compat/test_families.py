"""The thirteen families of the C API, each used by an ordinary extension called through the
trampoline: right answers, right errors, nothing lost."""

import array
import contextlib
import gc
import sys
import threading
import weakref

import pytest


@pytest.fixture
def call(cpy, sample):
    """call("function", *args): a function of the extension through the trampoline"""
    return lambda name, *args, **kwargs: cpy.call(getattr(sample, name), *args, **kwargs)


class Thing:
    def __repr__(self):
        return "<thing>"

    def __len__(self):
        return 3

    def __hash__(self):
        return 77


class Refusing:
    def __eq__(self, other):
        raise ArithmeticError("no comparison")

    __lt__ = __add__ = __getitem__ = __eq__
    __hash__ = None

    def __len__(self):
        raise ArithmeticError("no length")


# --- object --------------------------------------------------------------------------------


def test_object_attributes(call):
    t = Thing()
    assert call("object_tour", t, "x", 5) == (5, 1, 0, 1, "<thing>", "5", Thing)
    assert vars(t) == {}
    with pytest.raises(AttributeError, match="'int' object has no attribute 'x'"):
        call("object_tour", 5, "x", 1)


def test_object_comparison_and_measures(call):
    assert call("object_compare", 1, 2) == [True, True, False, True, False, False]
    with pytest.raises(TypeError, match="'<' not supported between instances of 'int' and 'str'"):
        call("object_compare", 1, "1")
    with pytest.raises(ArithmeticError, match="no comparison"):
        call("object_compare", Refusing(), 1)
    assert call("object_measures", Thing()) == (77, 1, 3)
    with pytest.raises(TypeError, match="unhashable type: 'Refusing'"):
        call("object_measures", Refusing())


# --- number --------------------------------------------------------------------------------


@pytest.mark.parametrize("a, b", [(7, 2), (-7, 2), (2**70, 3), (7.5, -2), (True, 2)])
def test_number_operators(call, a, b):
    want = [a + b, a - b, a * b, a / b, a // b, a % b, divmod(a, b), a + b, a * b]
    got = call("number_binary", a, b)
    assert got == want
    assert [type(v) for v in got] == [type(v) for v in want]


def test_number_errors_and_conversions(call):
    with pytest.raises(TypeError, match=r"unsupported operand type\(s\) for -: 'str' and 'str'"):
        call("number_binary", "a", "b")
    with pytest.raises(ZeroDivisionError):
        call("number_binary", 1, 0)
    assert call("number_convert", 2**40) == (2**40, 2**40, 2**40, -(2**40), float(2**40))
    with pytest.raises(OverflowError, match="beyond long long, sign -1"):
        call("number_convert", -(2**70))
    with pytest.raises(TypeError, match="'float' object cannot be interpreted as an integer"):
        call("number_convert", 1.5)


# --- sequence ------------------------------------------------------------------------------


@pytest.mark.parametrize("s", [[1, 2, 1], ("a",), "aba", b"xyx", range(3)])
def test_sequence_protocol(call, s):
    if isinstance(s, range):
        with pytest.raises(TypeError, match="can't be concatenated"):
            call("sequence_tour", s)
        return
    last = s[-1]
    want = [len(s), last, s.count(last), s.index(last), 1, s[:1], s + s, s * 2, tuple(s)]
    assert call("sequence_tour", s) == [*want, s if isinstance(s, (list, tuple)) else list(s)]


def test_sequence_errors_and_writing(call):
    with pytest.raises(TypeError, match=r"'int' has no len|object of type 'int' has no len"):
        call("sequence_tour", 5)
    with pytest.raises(ValueError, match="empty sequence"):
        call("sequence_tour", [])
    items = [1, 2, 3]
    assert call("sequence_write", items) == ["mark", 2]
    with pytest.raises(TypeError, match="'tuple' object does not support item assignment"):
        call("sequence_write", (1, 2))


# --- mapping -------------------------------------------------------------------------------


def test_mapping_protocol(call):
    m = {"a": 1}
    assert call("mapping_tour", m) == (1, 1, 1, ["a"], [1], [("a", 1)])
    assert m == {"a": 1}
    assert call("mapping_walk", {"a": 1, "b": 2}) == {1: "a", 2: "b"}
    with pytest.raises(TypeError, match="dict expected, not list"):
        call("mapping_walk", [])
    with pytest.raises(TypeError, match="unhashable"):
        call("mapping_walk", {"a": []})


# --- unicode -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "s, kind", [("", 1), ("abc", 1), ("häuser", 1), ("日本", 2), ("\U0001f600 a", 4), ("a\0b", 1)]
)
def test_unicode_text(call, s, kind):
    want = (len(s), kind, s, f"{s}, {s}", s + ", ", f"{s}:{len(s)}:{s!r}", int("a" in s))
    assert call("unicode_tour", s) == want
    b = s.encode()
    assert call("unicode_bytes", s) == (b, s, len(b))


def test_unicode_errors(call):
    with pytest.raises(TypeError, match="str expected, not int"):
        call("unicode_tour", 5)
    with pytest.raises(UnicodeEncodeError, match="surrogates not allowed"):
        call("unicode_bytes", "\ud800")


# --- type ----------------------------------------------------------------------------------


def test_heap_type_from_a_spec(cpy, sample):
    box = cpy.call(sample.Box, [1], number=3)
    assert repr(box) == "Box([1], 3)"
    assert (box.item, box.number, box.double, len(box)) == ([1], 3, 6, 3)
    assert list(box) == [[1]] * 3
    assert cpy.call(box, 1, k=2) == ([1], (1,), {"k": 2})
    total = box + sample.Box(5, 4)
    assert (total.item, total.number) == (([1], 5), 7)
    assert box < total
    assert box != total
    with pytest.raises(TypeError, match="unsupported operand"):
        box + 1
    with pytest.raises(TypeError, match="unhashable"):
        hash(box)
    with pytest.raises(AttributeError, match="double can't be deleted"):
        del box.double
    with pytest.raises(
        TypeError, match=r"an integer is required|cannot be interpreted as an integer"
    ):
        cpy.call(sample.Box, 1, "x")
    with pytest.raises(
        TypeError, match=r"'wrong' is an invalid keyword argument|unexpected keyword"
    ):
        cpy.call(sample.Box, wrong=1)


def test_subclass_written_in_python(cpy, sample):
    class Named(sample.Box):
        def __init__(self, item, number, name):
            self.name = name

        def __new__(cls, item, number, name):
            return super().__new__(cls, item, number)

    n = cpy.call(Named, 1, 2, name="n")
    assert (n.item, n.name, n.in_class()[1]) == (1, "n", sample.Box)


def test_instances_in_cycles_are_collected(cpy, sample):
    class Target:
        pass

    def cycle():
        box = cpy.call(sample.Box)
        target = Target()
        box.item = [box, target]
        return weakref.ref(target)

    ref = cycle()
    gc.collect()
    assert ref() is None


# --- module --------------------------------------------------------------------------------


def test_module_of_multi_phase_initialisation(cpy, sample, sample_path):
    assert (sample.ANSWER, sample.WORD) == (42, "word")
    assert sample.__doc__ == "one function for each thing"
    first = cpy.call(sample.module_count)
    assert cpy.call(sample.module_count) == first + 1

    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location("_sample", sample_path)
    other = module_from_spec(spec)
    spec.loader.exec_module(other)

    assert other is not sample
    assert other.Box is not sample.Box
    assert cpy.call(other.module_count) == 1, "a state of its own"


# --- errors --------------------------------------------------------------------------------


def test_errors_raised_in_c(call, sample):
    with pytest.raises(sample.Error, match=r"^own!$") as info:
        call("errors_raise", "own")
    assert isinstance(info.value, ValueError)
    with pytest.raises(KeyError, match="given"):
        call("errors_raise", "given", KeyError)
    try:
        raise OSError("first")
    except OSError:
        with pytest.raises(LookupError) as info:
            call("errors_raise", "second", LookupError)
        assert isinstance(info.value.__context__, OSError)


def test_errors_passing_through_c(call):
    def fail(kind):
        def f():
            raise kind("from Python")

        return f

    assert call("errors_swallow", fail(KeyError)) is None
    assert call("errors_swallow", lambda: 5) == 5
    for function in ("errors_swallow", "errors_keep"):
        with pytest.raises(OSError, match="from Python") as info:
            call(function, fail(OSError))
        assert info.traceback[-1].name == "f"


def test_warnings_and_unraisable_errors(call, monkeypatch):
    with pytest.warns(UserWarning, match="look out"):
        call("errors_warn", "look out")
    seen = []
    monkeypatch.setattr(sys, "unraisablehook", seen.append)
    call("errors_unraisable", Thing())
    assert str(seen[0].exc_value) == "nowhere to go"


# --- import --------------------------------------------------------------------------------


def test_imports_from_c(call):
    assert (
        call("import_attribute", "collections.abc", "Sized") is __import__("collections").abc.Sized
    )
    with pytest.raises(ModuleNotFoundError, match="No module named 'no_such_module'"):
        call("import_attribute", "no_such_module", "x")
    with pytest.raises(AttributeError):
        call("import_attribute", "sys", "no_such_name")
    assert call("import_known", "sys") is sys
    assert call("import_known", "never imported") is None


# --- buffer --------------------------------------------------------------------------------


def test_buffers_taken_and_given(call, sample):
    assert call("buffer_describe", b"12345") == (5, 1, 1, 1, "B")
    assert call("buffer_describe", array.array("d", [1, 2])) == (16, 8, 1, 0, "d")
    assert call("buffer_describe", memoryview(bytes(12)).cast("B", (3, 4))) == (12, 1, 2, 1, "B")
    with pytest.raises(TypeError, match="a bytes-like object is required, not 'int'"):
        call("buffer_describe", 5)
    ours = sample.Bytes8()
    view = call("buffer_view", ours)
    assert (len(view), view.readonly, ours.exports) == (8, False, 1)
    call("buffer_fill", ours, 65)
    assert bytes(view) == b"A" * 8
    view.release()
    assert ours.exports == 0
    with pytest.raises(TypeError, match="read-write"):
        call("buffer_fill", b"constant", 1)


# --- memory --------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [0, 1, 511, 512, 513, 100_000])
def test_memory_domains(call, n):
    assert call("memory_tour", n) == (b"r" * n, bytes(n), b"o" * n)


def test_memory_errors(call):
    with pytest.raises(ValueError, match="negative size"):
        call("memory_tour", -5)
    with pytest.raises(MemoryError):
        call("memory_tour", 2**62)


# --- capsule -------------------------------------------------------------------------------


def test_capsules(call):
    capsule = call("capsule_make", 5)
    value, alive = call("capsule_read", capsule)
    assert value == 5
    other = call("capsule_make", 6)
    assert call("capsule_read", other) == (6, alive + 1)
    del capsule
    assert call("capsule_read", other) == (6, alive)
    assert call("capsule_import") == 42
    with pytest.raises(ValueError, match="PyCapsule_GetPointer called with"):
        call("capsule_read", __import__("datetime").datetime_CAPI)


# --- back into Python ------------------------------------------------------------------------


def test_callables_called_from_c(call):
    def f(*args, **kwargs):
        return args, kwargs

    want = [
        ((), {}),
        ((None,), {}),
        ((1, "two"), {}),
        ((None, True), {}),
        ((None,), {"key": True}),
        ((5,), {}),
    ]
    assert call("back_calls", f) == want
    with pytest.raises(TypeError, match="positional argument"):
        call("back_calls", lambda: 1)


def test_generators_and_reentry_from_c(cpy, sample, call):
    def numbers():
        yield 1
        yield from call("back_iterate", [10, 20], lambda v: v + 1)
        raise KeyError("end")

    got = []
    with pytest.raises(KeyError):
        call("back_iterate", numbers(), got.append)
    assert got == [1, 11, 21]
    assert call("back_iterate", range(3), lambda v: cpy.call(sample.o, v)) == [
        ("o", i) for i in range(3)
    ]
    assert sorted([3, 1, 2], key=lambda v: cpy.call(abs, -v)) == [1, 2, 3]


def test_thread_made_by_c(call):
    seen = []
    call("back_from_thread", lambda: seen.append(threading.get_ident()))
    assert seen
    assert seen[0] != threading.get_ident()


# --- nothing is lost -------------------------------------------------------------------------


def raising():
    raise OSError


LOOPS = {
    "object": lambda call, s: call("object_tour", Thing(), "x", [1]),
    "object, error": lambda call, s: call("object_tour", 5, "x", [1]),
    "object compared": lambda call, s: call("object_compare", [1], [2]),
    "number": lambda call, s: call("number_binary", 2**70, 3.5),
    "number, error": lambda call, s: call("number_binary", [], {}),
    "number converted": lambda call, s: call("number_convert", 2**40),
    "sequence": lambda call, s: call("sequence_tour", [1, [2], "x"]),
    "mapping": lambda call, s: call("mapping_tour", {"a": [1]}),
    "mapping walked": lambda call, s: call("mapping_walk", {"a": "b"}),
    "unicode": lambda call, s: call("unicode_tour", "häuser \U0001f600"),
    "type": lambda call, s: call("Box", [1], number=2) + s.Box([3], 4),
    "type, error": lambda call, s: call("Box", wrong=[1]),
    "errors": lambda call, s: call("errors_raise", "x"),
    "errors swallowed": lambda call, s: call("errors_swallow", {}.popitem),
    "errors kept": lambda call, s: call("errors_keep", raising),
    "import": lambda call, s: call("import_attribute", "sys", "path"),
    "import, error": lambda call, s: call("import_attribute", "sys", "absent"),
    "buffer": lambda call, s: call("buffer_describe", b"abc"),
    "buffer, error": lambda call, s: call("buffer_fill", b"abc", 1),
    "buffer given": lambda call, s: call("buffer_view", s.Bytes8()),
    "memory": lambda call, s: call("memory_tour", 1000),
    "capsule": lambda call, s: call("capsule_make", 5),
    "back": lambda call, s: call("back_calls", lambda *a, **k: [a, k]),
    "back, error": lambda call, s: call("back_calls", raising),
    "back in a loop": lambda call, s: call("back_iterate", (i for i in range(5)), str),
}


def test_no_memory_is_lost(call, sample, leaks):
    def churn(names):
        for name in names:
            for _ in range(50):
                with contextlib.suppress(Exception):
                    LOOPS[name](call, sample)

    churn(LOOPS)
    gc.collect()
    before = sys.getrefcount(sample), sys.getrefcount(sample.Box)
    lost = leaks(lambda: churn(LOOPS))

    assert not lost or {name: leaks(lambda n=name: churn([n])) for name in LOOPS} == {}
    assert (sys.getrefcount(sample), sys.getrefcount(sample.Box)) == before
