"""A VM frame goes on in CPython at any boundary as if CPython had run it from the start.

For every instruction with a map that is reached, the run is repeated with the frame handed
over just there: result, exception with contexts, traceback positions and the order of events
(finalisers too) are plain CPython's.
"""

import gc
import importlib.util
import sys
from itertools import count
from pathlib import Path

import pytest
from support.leaks import growth

_pyrs = pytest.importorskip("pyrs._pyrs", reason="needs the VM")

HERE = Path(__file__).resolve().parent
FILES = [
    HERE / "handover_programs.py",
    HERE / "handover_generators.py",
    HERE.parent / "compat/handover_programs.py",
]


def load(path):
    spec = importlib.util.spec_from_file_location(f"{path.parent.name}_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PROGRAMS = [load(path) for path in FILES]
CASES = [
    pytest.param(module, make, id=name)
    for module in PROGRAMS
    for name, make in module.CASES.items()
]


def positions(tb):
    """Where a traceback leads through the programs: names, lines and columns."""
    while tb is not None:
        code = tb.tb_frame.f_code
        if Path(code.co_filename) in FILES:
            yield code.co_name, tb.tb_lineno, list(code.co_positions())[tb.tb_lasti // 2]
        tb = tb.tb_next


def described(run):
    """What a run returns or raises, as text: nothing is kept alive."""
    try:
        return repr(run())
    except BaseException as e:
        chain = []
        while e is not None:
            chain.append((type(e).__name__, str(e), list(positions(e.__traceback__))))
            e = e.__context__
        return repr(chain)


def outcome(module, make, execute):
    function, args = make()
    module.LOG.clear()
    text = described(lambda: execute(function, args))
    function = args = None
    return text, list(module.LOG)


def plainly(function, args):
    return function(*args)


def in_vm(function, args):
    return _pyrs.run_function(function, args)


@pytest.fixture(autouse=True)
def quiet():
    gc.collect()
    gc.disable()
    yield
    gc.enable()
    _pyrs._hand_over(0)


def handed_over(module, make, left, then=0):
    """The outcome with hand-overs, how many there were, and the last one's instruction."""
    _pyrs._hand_over(left, then)
    try:
        got = outcome(module, make, in_vm)
    finally:
        done, op = _pyrs._hand_over(0)
    return got, done, op


@pytest.mark.parametrize("module, make", CASES)
def test_every_boundary_is_a_place_to_hand_over(module, make):
    wanted = outcome(module, make, plainly)

    assert outcome(module, make, in_vm) == wanted
    for n in count(1):
        got, done, op = handed_over(module, make, n)
        if not done:
            break
        assert got == wanted, f"handed over at boundary {n}, before {op}"
    assert n > 5


@pytest.mark.parametrize("every", [1, 4])
@pytest.mark.parametrize("module, make", CASES)
def test_frames_are_handed_over_again_and_again(module, make, every):
    wanted = outcome(module, make, plainly)

    for first in range(1, every + 1):
        got, done, _op = handed_over(module, make, first, every)
        assert got == wanted
        assert done > 0


def recursion_depth():
    """How deep plain Python can still go from here."""
    depth = 0

    def deeper():
        nonlocal depth
        depth += 1
        deeper()

    with pytest.raises(RecursionError):
        deeper()
    return depth


@pytest.mark.parametrize("name", ["with, escapes", "recursion", "class bodies", "star arguments"])
def test_hand_overs_keep_nothing(name):
    module, make = PROGRAMS[0], PROGRAMS[0].CASES[name]
    before = recursion_depth()

    def rounds():
        for every in range(1, 40):
            handed_over(module, make, every, every)

    assert growth(rounds).per_round() == {}
    assert recursion_depth() == before


def test_module_code_is_handed_over():
    source = "import sys\nx = [1, 2]\nfor i in x:\n    y = i * 2 + len(x)\nz = sorted(globals())\n"
    code = compile(source, "module", "exec")
    wanted = {"__builtins__": __builtins__}
    exec(code, wanted)

    for n in count(1):
        got = {"__builtins__": __builtins__}
        _pyrs._hand_over(n)
        _pyrs.run_code(code, got)
        done, op = _pyrs._hand_over(0)
        if not done:
            break
        assert got == wanted, op
    assert n > 10


def test_other_ways_are_noticed():
    """The comparison has teeth: a lost event, a moved line, another type."""
    module, make = PROGRAMS[0], PROGRAMS[0].CASES["with, escapes"]
    text, events = outcome(module, make, plainly)

    assert "KeyError" in text
    assert str(module.raises_in_with.__code__.co_firstlineno + 6) in text
    assert ("del", "kept") in events
    assert repr((2,)) != repr((2.0,)) != repr((True,))


def kinds_of_instructions():
    """Names of the instructions a frame was handed over at, over all cases."""
    kinds = set()
    for param in CASES:
        module, make = param.values
        for n in count(1):
            _got, done, op = handed_over(module, make, n)
            if not done:
                break
            kinds.add(op.removesuffix("_L"))
    return kinds


@pytest.mark.slow
def test_most_kinds_of_instructions_were_handed_over_at():
    kinds = kinds_of_instructions()

    print(len(kinds), sorted(kinds))
    assert len(kinds) >= 100


def test_frame_object_is_the_same_before_and_after():
    kept = []

    def looks(x):
        kept.append(sys._getframe())
        y = [x, *range(x)]
        kept.append(sys._getframe())
        return y

    for n in count(1):
        kept.clear()
        _pyrs._hand_over(n)
        result = _pyrs.run_function(looks, (3,))
        done, op = _pyrs._hand_over(0)
        if not done:
            break
        assert result == [3, 0, 1, 2]
        assert kept[0] is kept[1], op
        assert kept[0].f_locals == {"x": 3, "y": result, "kept": kept}
    assert n > 5
