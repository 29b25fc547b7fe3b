"""The compiled half's own functions: each with what it refuses, and keeping nothing."""

import pytest
from support.leaks import growth

_pyrs = pytest.importorskip("pyrs._pyrs", reason="needs the machine on this interpreter")


def function(a, b=2, *rest, c=3, **more):
    return [a, b, rest, c, more]


def fails(x):
    return [x][1]


def outer():
    x = 1
    return lambda: x


CODE = compile("[i for i in range(3)]", "code", "eval")
STATEMENTS = compile("x = [1]\ny = {'x': x}", "code", "exec")
BROKEN = CODE.replace(co_code=bytes([255, 0] * 8))

GOOD = {
    "run_function": lambda: _pyrs.run_function(function, (1, [2], 3), {"c": [4], "d": 5}),
    "run_function without keywords": lambda: _pyrs.run_function(function, (1,), None),
    "run_code": lambda: _pyrs.run_code(CODE, {}),
    "run_code with locals": lambda: _pyrs.run_code(STATEMENTS, {}, {}),
    "main_source": lambda: _pyrs.main_source(b"x = [1]\n", "name", {}, True),
    "main_source of a command": lambda: _pyrs.main_source("x = 'é'".encode(), "<string>", {}, False),
    "main_code": lambda: _pyrs.main_code(STATEMENTS, {}),
    "main_function": lambda: _pyrs.main_function(function, (1,)),
    "stats": lambda: _pyrs.stats(),
    "reset_stats": lambda: (_pyrs.reset_stats(), _pyrs.stats()),
    "explain": lambda: _pyrs.explain(function),
    "explain code": lambda: _pyrs.explain(CODE),
    "explain broken code": lambda: _pyrs.explain(BROKEN),
    "dis": lambda: _pyrs.dis(function),
    "dis broken code": lambda: _pyrs.dis(BROKEN),
    "verify": lambda: _pyrs.verify(function),
    "undecodable": lambda: (_pyrs.undecodable(CODE), _pyrs.undecodable(BROKEN)),
    "own": lambda: list(map(_pyrs.own(lambda x: [x]), [1, 2])),
}  # fmt: skip

BAD = {
    "run_function of a builtin": (
        lambda: _pyrs.run_function(len, ()),
        TypeError, "run_function() expects a Python function, not builtin_function_or_method"),
    "run_function with a list": (
        lambda: _pyrs.run_function(function, []), TypeError, "must be tuple, not list"),
    "run_function with other keywords": (
        lambda: _pyrs.run_function(function, (), []),
        TypeError, "run_function() expects a dict of keyword arguments, not list"),
    "run_function with keys that are no names": (
        lambda: _pyrs.run_function(function, (1,), {5: 1}), TypeError, "keywords must be strings"),
    "run_function without an argument": (
        lambda: _pyrs.run_function(function, ()), TypeError, "missing 1 required positional"),
    "run_function that raises": (
        lambda: _pyrs.run_function(fails, (1,)), IndexError, "list index out of range"),
    "run_code of a string": (
        lambda: _pyrs.run_code("1", {}), TypeError, "run_code() expects a code object, not str"),
    "run_code without a dict": (
        lambda: _pyrs.run_code(CODE, []), TypeError, "run_code() expects a dict as globals, not list"),
    "run_code with wrong locals": (
        lambda: _pyrs.run_code(CODE, {}, 5),
        TypeError, "run_code() expects a mapping as locals, not int"),
    "run_code that raises": (
        lambda: _pyrs.run_code(compile("x = 1\nnope", "code", "exec"), {}),
        NameError, "name 'nope' is not defined"),
    "run_code with free variables": (
        lambda: _pyrs.run_code(outer().__code__, {}), TypeError, "without free variables"),
    "main_source of text": (
        lambda: _pyrs.main_source("x", "name", {}, True), TypeError, "must be bytes, not str"),
    "main_source that exits": (
        lambda: _pyrs.main_source(b"raise SystemExit(3)", "name", {}, True), SystemExit, "3"),
    "main_code of text": (lambda: _pyrs.main_code("x", {}), TypeError, "must be code, not str"),
    "main_function of a builtin": (
        lambda: _pyrs.main_function(len, ()), TypeError, "must be function, not builtin"),
    "explain a number": (
        lambda: _pyrs.explain(5), TypeError,
        "explain() expects a function or code object, not int"),
    "dis a number": (
        lambda: _pyrs.dis(5), TypeError, "dis() expects a function or code object, not int"),
    "verify a number": (
        lambda: _pyrs.verify(5), TypeError, "verify() expects a function or code object, not int"),
    "undecodable number": (
        lambda: _pyrs.undecodable(5), TypeError,
        "undecodable() expects a function or code object, not int"),
    "own a builtin": (
        lambda: _pyrs.own(len), TypeError,
        "own() expects a Python function, not builtin_function_or_method"),
}  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
def test_entry_keeps_nothing(name):
    assert growth(GOOD[name]).per_round() == {}


@pytest.mark.parametrize("name", BAD)
def test_entry_refuses_and_keeps_nothing(name):
    call, kind, message = BAD[name]

    def refused():
        with pytest.raises(kind) as raised:
            call()
        assert message in str(raised.value)

    refused()
    assert growth(refused).per_round() == {}


@pytest.mark.parametrize(
    ("source", "kind"),
    [(b"1/0", ZeroDivisionError), (b"x = (", SyntaxError), (b"\xe9", SyntaxError),
     (b"raise KeyboardInterrupt", KeyboardInterrupt), (b"class A(BaseException): pass\nraise A", None)],
)  # fmt: skip
def test_program_prints_what_it_raises(source, kind, capsys, monkeypatch):
    seen = []
    monkeypatch.setattr("sys.excepthook", lambda *raised: seen.append(raised))

    raised = _pyrs.main_source(source, "name", {}, True)

    ((shown, error, traceback),) = seen
    assert raised is shown is type(error)
    assert kind is None or raised is kind
    assert traceback is None or traceback.tb_frame.f_code.co_name == "<module>"


def test_program_that_raises_keeps_nothing(monkeypatch):
    monkeypatch.setattr("sys.excepthook", lambda *raised: None)

    assert growth(lambda: _pyrs.main_source(b"1/0", "name", {}, True)).per_round() == {}


def test_values_come_back():
    assert _pyrs.run_function(function, (1, 2, 3), {"c": 4, "d": 5}) == [1, 2, (3,), 4, {"d": 5}]
    assert _pyrs.run_code(CODE, {}) == [0, 1, 2]
    assert _pyrs.run_code(STATEMENTS, {}) is None
    assert _pyrs.main_code(STATEMENTS, {}) is None
    assert _pyrs.verify(function) is None
    assert _pyrs.undecodable(CODE) is None
    assert "unknown opcode" in _pyrs.undecodable(BROKEN)
    assert _pyrs.own(function) is function


def test_counters_begin_again():
    _pyrs.run_function(function, (1,))
    _pyrs.reset_stats()
    _pyrs.run_function(function, (1,))

    assert _pyrs.stats()["native"] == 1


def test_frames_below_a_program_come_back():
    import sys

    space = {}
    before = sys._getframe()
    _pyrs.main_source(
        b"import sys\nbelow = sys._getframe().f_back\nsys.setrecursionlimit(sys.getrecursionlimit() + 7)",
        "name", space, True,
    )  # fmt: skip
    sys.setrecursionlimit(sys.getrecursionlimit() - 7)

    assert space["below"] is None
    assert sys._getframe() is before
    assert before.f_back is not None
