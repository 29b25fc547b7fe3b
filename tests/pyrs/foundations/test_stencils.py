"""The same instruction bodies, run by the interpreter and as stencils, give the same answers.

Stencils are copied one behind the other, filled in and run; what has no stencil, raises or
wants a poll goes on in the interpreter with the same registers.
"""

import itertools
import math
import signal
import sys
import traceback

import pytest
import regen
from gen import stencils
from support.leaks import growth

_pyrs = pytest.importorskip("pyrs._pyrs", reason="needs the VM")


def have_stencils():
    try:
        _pyrs._run_joined(lambda: None, ())
    except RuntimeError as e:
        return "no stencils for this machine" not in str(e)
    return True


pytestmark = pytest.mark.skipif(not have_stencils(), reason="needs x86-64 and CPython 3.11")


def add(a, b):
    c = a + b
    return c


def add_thrice(a, b):
    return a + b + (b + a)


def less(a, b):
    if a < b:
        c = 1
        return c
    d = 2.5
    return d


def count(i, n, step, total):
    while i < n:
        total = total + i
        i = i + step
    return total


def moves(a, b):
    c = a
    a = b
    b = c
    d = 10**30
    e = d
    return a + b + (e + d)


class Odd:
    """Comes back, complains, or is left alone, depending on whom it meets."""

    def __add__(self, other):
        if isinstance(other, str):
            raise ValueError("no text")
        return NotImplemented

    def __radd__(self, other):
        return [other]

    def __lt__(self, other):
        if other is None:
            raise KeyError("none")
        return ""

    __gt__ = __lt__

    def __repr__(self):
        return "odd"


VALUES = [
    *(0, 1, -1, True, 2**47, 2**48 - 1, -(2**48), 2**48, 2**62, 2**63, -(2**63), 10**400),
    *(0.0, -0.0, 0.5, math.inf, -math.inf, math.nan, 1e308),
    *("text", "", b"b", [1], (1, 2), None, 1j, Odd()),
]


def answer(run):
    """What a call gives: type and text, or the exception with the places it passed."""
    try:
        value = run()
    except Exception as e:
        places = [
            (t.name, t.lineno, t.colno, t.end_colno)
            for t in traceback.extract_tb(e.__traceback__)
            if t.filename == __file__ and t.name != "<lambda>"
        ]
        return type(e).__name__, str(e), places[1:]
    return type(value).__name__, repr(value)


def both(function, *args):
    """Plain CPython's answer, and the stencils'."""
    plain = answer(lambda: function(*args))
    joined = answer(lambda: _pyrs._run_joined(function, args)[0])
    return plain, joined


@pytest.mark.parametrize("function", [add, add_thrice, less, moves], ids=lambda f: f.__name__)
def test_answers_are_plain_pythons(function):
    for a, b in itertools.product(VALUES, repeat=2):
        plain, joined = both(function, a, b)
        assert joined == plain, (a, b)
        assert answer(lambda a=a, b=b: _pyrs.run_function(function, (a, b))) == plain


@pytest.mark.parametrize(
    "args",
    [
        (0, 1000, 1, 0),
        (0, 1000, 7, 2**48 - 100),
        (2**48 - 50, 2**48 + 50, 1, 0),
        (0.0, 10.0, 0.1, 0),
        (5, 1, 1, "untouched"),
        (0, 3, 1, ()),
        (0, 3, None, 0),
    ],
    ids=str,
)
def test_loops_are_plain_pythons(args):
    plain, joined = both(count, *args)

    assert joined == plain


def test_functions_of_those_instructions_never_leave():
    assert _pyrs._run_joined(count, (0, 100, 1, 0)) == (4950, "returned", 5, 0)
    for function in (add_thrice, less, moves):
        _value, how, joined, left = _pyrs._run_joined(function, (1, 2))
        assert (how, left) == ("returned", 0)
        assert joined >= 4


def handled(a, b):
    try:
        return a + b
    except TypeError as e:
        return str(e)


def leaves(a, b):
    c = a + b
    d = [c, a]
    return d, a < b


@pytest.mark.parametrize("args", [(1, 2), (1, "x"), ([], [5])])
def test_interpreter_goes_on_where_stencils_end(args):
    for function in (handled, leaves):
        plain, joined = both(function, *args)
        assert joined == plain
    assert _pyrs._run_joined(handled, (1, "x"))[1] == "raised"
    assert _pyrs._run_joined(leaves, (1, 2))[1] == "left"


def test_loop_can_be_interrupted():
    def stop(number, frame):
        raise InterruptedError(frame.f_code.co_name, frame.f_locals["step"])

    old = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    try:
        with pytest.raises(InterruptedError) as info:
            _pyrs._run_joined(count, (0, 10**18, 1, 0))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)

    assert info.value.args == ("count", 1)


def test_nothing_is_kept():
    def rounds():
        for a, b in itertools.product(VALUES, repeat=2):
            both(moves, a, b)
            both(handled, a, b)

    assert growth(rounds, rounds=4, warm_up=2).per_round() == {}


def writable_code():
    """Where memory can be written and run: other libraries of the process may have some."""
    with open("/proc/self/maps") as maps:
        lines = [line.split() for line in maps]
    return {where for where, rights, *_ in lines if "w" in rights and "x" in rights}


def test_code_is_never_writable_while_it_can_run():
    class Reads:
        def __call__(self, other):
            return writable_code()

    class Looks:
        __add__ = Reads()  # no plain function, so no frame: the stencil calls and waits

    before = writable_code()
    during, how, *_ = _pyrs._run_joined(add, (Looks(), 1))

    assert how == "returned"
    assert during <= before


def test_wrong_arguments_are_refused():
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'b'"):
        _pyrs._run_joined(add, (1,))


@pytest.mark.skipif(stencils.missing() is not None, reason=f"needs {stencils.missing()}")
def test_committed_stencils_are_what_clang_makes_now():
    assert regen.stale(stencils.outputs()) == []


@pytest.mark.skipif(stencils.missing() is not None, reason=f"needs {stencils.missing()}")
def test_constant_of_the_object_file_is_refused(tmp_path, monkeypatch):
    source = tmp_path / "t2.c"
    source.write_text(
        "double stencil_ENTER(double x) { return x * 1.25; }\n"
        "const unsigned short stencil_layout[] = {1};\n"
    )
    monkeypatch.setattr(stencils, "SOURCE", source)
    monkeypatch.setattr(stencils, "STENCILS", {})

    with pytest.raises(ValueError, match="stencil ENTER needs something of its own file"):
        stencils.stencils()


def test_interpreter_and_stencils_agree_on_reference_counts():
    for value in (10**30, "some text", [1, 2], 2.5):
        before = sys.getrefcount(value)
        for _ in range(10):
            both(moves, value, value)
        assert sys.getrefcount(value) == before
