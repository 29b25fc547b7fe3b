"""A frame handed over at any instruction ends as if CPython had run it from the start.

Results, the order of events (finalisers included), tracebacks with their lines and
contexts are compared with the undisturbed run, for every instruction that is reached.
"""

import contextlib
import dis
import functools
import gc
import opcode
import sys
import traceback
import weakref
from pathlib import Path

import pytest

VERSION = sys.version_info[:2]
HERE = Path(__file__).resolve().parent


def load_programs():
    import importlib.util

    spec = importlib.util.spec_from_file_location(
        "handover_programs", HERE / "handover_programs.py"
    )
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


programs = load_programs()
LOG = programs.LOG

# --- static stack depths -----------------------------------------------------------------

ENDS = "RETURN_VALUE RETURN_CONST RAISE_VARARGS RERAISE JUMP_FORWARD JUMP_BACKWARD".split()
ENDS.append("JUMP_BACKWARD_NO_INTERRUPT")
JUMPS = {*dis.hasjrel, *dis.hasjabs}
_maps = {}


def effect(i, jump):
    arg = i.arg
    if VERSION < (3, 13) and i.opcode < dis.HAVE_ARGUMENT:
        arg = None
    if VERSION == (3, 11):  # its compiler books the operands of CALL on PRECALL
        if i.opname == "PRECALL":
            return 0
        if i.opname == "CALL":
            return -i.arg - 1
    if i.opname == "RETURN_GENERATOR":
        return 1
    return dis.stack_effect(i.opcode, arg, jump=jump)


class CodeMap:
    """Stack depth before each word, and the words where CPython can't start."""

    def __init__(self, code):
        self.insns = list(dis.get_instructions(code))
        self.at = {i.offset // 2: n for n, i in enumerate(self.insns)}
        self.depth = {}
        work = [(0, 0)]
        for e in dis._parse_exception_table(code):
            work.append((e.target // 2, e.depth + e.lasti + 1))
        while work:
            self.visit(*work.pop(), work)
        self.illegal = set()
        waiting = False
        for i in self.insns:
            if waiting:
                self.illegal.add(i.offset // 2)
            waiting = i.opname in ("EXTENDED_ARG", "KW_NAMES") or (
                waiting and i.opname == "PRECALL"
            )

    def visit(self, word, depth, work):
        if word in self.depth:
            return
        self.depth[word] = depth
        i = self.insns[self.at[word]]
        if i.opcode in JUMPS and i.opname != "END_ASYNC_FOR":
            work.append((i.argval // 2, depth + effect(i, True)))
        after = self.at[word] + 1
        if i.opname not in ENDS and after < len(self.insns):
            work.append((self.insns[after].offset // 2, depth + effect(i, False)))

    def call_in(self, frame):
        """(word of the CALL the frame waits in, stack depth without its operands)"""
        last = frame.f_lasti // 2  # up to 3.12 the last cache of the CALL
        i = max((i for i in self.insns if i.offset // 2 <= last), key=lambda i: i.offset)
        return i.offset // 2, self.depth[i.offset // 2] + effect(i, False) - 1


def map_of(code):
    if code not in _maps:
        _maps[code] = CodeMap(code)
    return _maps[code]


# --- taking frames ----------------------------------------------------------------------------


class Abort(BaseException):
    pass


class Stop:
    """Runs a function in CPython; at the n-th instruction of `code`, takes its frame and
    `levels - 1` callers away, without any handler of theirs running."""

    def __init__(self, cpy, code, n, levels=1, with_object=True):
        self.cpy, self.code, self.n = cpy, code, n
        self.levels, self.with_object = levels, with_object
        self.count = 0
        self.states = self.where = self.handled = None
        self.tables = []

    def run(self, function, args):
        handled = self.cpy.handled()
        watch = self.watch_monitoring if VERSION >= (3, 12) else self.watch_trace
        try:
            return ("returned", watch(function, args))
        except Abort:
            return None
        except BaseException as e:
            return ("raised", e)
        finally:
            for code, table in self.tables:
                self.cpy.exception_table(code, table)
            if self.states is not None:
                self.cpy.handled(handled)

    def watch_monitoring(self, function, args):
        mon = sys.monitoring
        mon.use_tool_id(4, "handover")
        mon.register_callback(4, mon.events.INSTRUCTION, self.on_instruction)
        mon.set_local_events(4, self.code, mon.events.INSTRUCTION)
        try:
            return function(*args)
        finally:
            mon.set_local_events(4, self.code, 0)
            mon.register_callback(4, mon.events.INSTRUCTION, None)
            mon.free_tool_id(4)

    def on_instruction(self, code, offset):
        self.reached(sys._getframe(1), offset // 2)

    def watch_trace(self, function, args):
        old = sys.gettrace()
        sys.settrace(self.on_call)
        try:
            return function(*args)
        finally:
            sys.settrace(old)

    def on_call(self, frame, event, arg):
        if frame.f_code is not self.code:
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return self.on_event

    def on_event(self, frame, event, arg):
        if event == "opcode":
            self.reached(frame, frame.f_lasti // 2)
        return self.on_event

    def reached(self, frame, word):
        m = map_of(frame.f_code)
        if self.states is not None or word in m.illegal:
            return
        if self.count < self.n:
            self.count += 1
            return
        self.where = frame.f_code.co_name, word, m.insns[m.at[word]].opname
        frames = [frame]
        while len(frames) < self.levels:
            frames.append(frames[-1].f_back)
        places = [(word, m.depth[word])]
        places += [map_of(f.f_code).call_in(f) for f in frames[1:]]
        codes = {f.f_code for f in frames}
        states = []
        while frames:
            states.append(self.cpy.take(frames.pop(), *places.pop(), self.with_object))
        self.states = states
        self.handled = self.cpy.handled()
        for code in codes:
            self.tables.append((code, self.cpy.exception_table(code, b"")))
        frame = None
        raise Abort

    def resume(self, probe=None):
        handled = self.cpy.handled()
        self.cpy.handled(self.handled)
        self.handled = None
        try:
            try:
                return ("returned", self.cpy.resume(self.states, probe))
            finally:
                self.cpy.handled(handled)
        except BaseException as e:
            return ("raised", e)


def described(outcome):
    """An outcome as text, an exception with its contexts and the lines it passed."""
    kind, value = outcome
    if kind == "returned":
        return repr(value)
    out = []
    while value is not None:
        lines = [
            (t.name, t.lineno)
            for t in traceback.extract_tb(value.__traceback__)
            if t.filename == programs.__file__
        ]
        out.append((type(value).__name__, str(value), lines))
        value = value.__context__
    return repr(out)


def undisturbed(make):
    function, args = make()
    LOG.clear()
    try:
        outcome = ("returned", function(*args))
    except BaseException as e:
        outcome = ("raised", e)
    text = described(outcome)
    outcome = args = function = None
    return text, list(LOG)


@pytest.fixture(autouse=True)
def quiet_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def hand_over_everywhere(cpy, make, code, levels=1, with_object=True):
    """Number of places; asserts that all end alike."""
    want = undisturbed(make)
    n = 0
    while True:
        function, args = make()
        LOG.clear()
        stop = Stop(cpy, code, n, levels, with_object)
        stop.run(function, args)
        if stop.states is None:
            return n
        function = args = None
        got = described(stop.resume())
        where = stop.where
        del stop
        assert (got, LOG) == (want[0], want[1]), f"handed over at {where}"
        n += 1


@pytest.mark.parametrize("with_object", [True, False], ids=["its frame object", "no frame object"])
@pytest.mark.parametrize("name", programs.CASES)
def test_every_instruction_is_a_place_to_hand_over(cpy, name, with_object):
    make = programs.CASES[name]
    code = make()[0].__code__

    assert hand_over_everywhere(cpy, make, code, with_object=with_object) > 20


@pytest.mark.parametrize(
    "code, levels",
    [(programs.middle.__code__, 2), (programs.innermost.__code__, 3)],
    ids=["two frames", "three frames"],
)
def test_callers_go_on_behind_their_calls(cpy, code, levels):
    n = hand_over_everywhere(cpy, lambda: (programs.outer, (3,)), code, levels)

    assert n > 20


# --- from inside a call ------------------------------------------------------------------------


def probed(a, b):
    c = [a, b]
    try:
        with programs.Manager("m"):
            c.append(probe_here())
    except ValueError as e:
        c.append(str(e))
    return c, a


def probe_here():
    raise AssertionError("replaced by the test")


def guarded(a):
    with programs.Manager("m"):
        a = probe_here()
    return a


@pytest.fixture
def waiting(cpy, monkeypatch):
    """A State of probed(3, 4), waiting for the result of probe_here()."""
    return take_in_probe(cpy, monkeypatch, probed, 3, 4)


def take_in_probe(cpy, monkeypatch, function, *args):
    box = []

    def take():
        f = sys._getframe(1)
        box.append(cpy.take(f, *map_of(f.f_code).call_in(f), False))
        raise Abort

    monkeypatch.setitem(globals(), "probe_here", take)
    table = cpy.exception_table(function.__code__, b"")
    try:
        function(*args)
    except Abort:
        pass
    cpy.exception_table(function.__code__, table)
    return box[0]


def test_result_of_a_call_arrives(cpy, waiting):
    assert cpy.resume([cpy.copy(waiting)], lambda: "result", True) == ([3, 4, "result"], 3)


def test_exception_finds_the_frames_handler(cpy, waiting):
    def fail():
        raise ValueError("from below")

    assert cpy.resume([cpy.copy(waiting)], fail, True) == ([3, 4, "from below"], 3)


def test_exception_passes_with_traceback(cpy, waiting):
    def fail():
        raise KeyError("through")

    with pytest.raises(KeyError) as info:
        cpy.resume([cpy.copy(waiting)], fail, True)

    line = next(
        i
        for i, t in enumerate(Path(__file__).read_text().splitlines(), 1)
        if "c.append(probe_here())" in t
    )
    names = [(t.name, t.lineno) for t in traceback.extract_tb(info.tb)]
    assert names[-2:] == [("probed", line), ("fail", fail.__code__.co_firstlineno + 1)]


def test_instruction_that_raised_is_remembered(cpy, monkeypatch):
    # called through C: up to 3.12 a frame that waits for Python code says the call's last cache
    fail = functools.partial({}.__getitem__, "through")

    def frame_that_raised(run):
        with pytest.raises(KeyError) as info:
            run()
        return next(e.frame.raw for e in info.traceback if e.frame.raw.f_code is guarded.__code__)

    state = take_in_probe(cpy, monkeypatch, guarded, 1)
    monkeypatch.setitem(globals(), "probe_here", fail)
    stock = frame_that_raised(lambda: guarded(1))
    ours = frame_that_raised(lambda: cpy.resume([state], fail, True))

    assert (ours.f_lasti, ours.f_lineno) == (stock.f_lasti, stock.f_lineno)


def test_frame_object_seen_in_the_call_lives_on(cpy, waiting):
    kept = []

    def look():
        f = sys._getframe(1)
        kept.append((f, f.f_lineno, f.f_back))
        return "seen"

    result = cpy.resume([cpy.copy(waiting)], look, True)

    frame, line, back = kept.pop()
    assert result[0] == [3, 4, "seen"]
    assert frame.f_code is probed.__code__
    assert frame.f_lineno > line
    assert back is sys._getframe()
    assert frame.f_back is back
    assert frame.f_locals["c"] == [3, 4, "seen"]
    frame.clear()


def test_frame_object_is_the_same_before_and_after(cpy, waiting):
    kept = []

    class Manager:
        def __enter__(self):
            return self

        def __exit__(self, *what):
            kept.append(sys._getframe(1))

    state = cpy.copy(waiting)
    cpy.resume([state], lambda: kept.append(sys._getframe(1)), True)

    assert kept[0].f_locals["a"] == 3


def test_recursion_counter_is_neutral(cpy, waiting):
    counts = []
    before = cpy.recursion_left()

    for _ in range(100):
        cpy.resume([cpy.copy(waiting)], lambda: counts.append(cpy.recursion_left()), True)

    assert cpy.recursion_left() == before
    assert len(set(counts)) == 1


def test_deep_data_stack_and_recursion_error(cpy, waiting):
    def deeper(n):
        return cpy.resume([cpy.copy(waiting)], lambda: deeper(n + 1), True) and n

    before = cpy.recursion_left()
    for _ in range(5):
        with pytest.raises(RecursionError):
            deeper(0)
        assert cpy.recursion_left() == before


@pytest.mark.parametrize("depth", [0, 1, 7, 60, 300])
def test_hand_over_across_data_stack_chunks(cpy, waiting, depth):
    def down(n):
        if n:
            return down(n - 1)
        return cpy.resume([cpy.copy(waiting)], lambda: "deep", True)

    for _ in range(3):
        assert down(depth)[0][-1] == "deep"


class Target:
    pass


@pytest.mark.parametrize("what", ["plain", "frame kept", "caught", "through"])
def test_no_memory_is_lost(cpy, waiting, what, leaks):
    kept = []

    def probe():
        if what == "frame kept":
            kept.append(sys._getframe(1))
            kept.append(kept[0].f_locals)
        if what == "caught":
            raise ValueError
        if what == "through":
            raise KeyError
        return 1

    def churn():
        for _ in range(300):
            with contextlib.suppress(KeyError):
                cpy.resume([cpy.copy(waiting)], probe, True)
            kept.clear()
            LOG.clear()
            del grows[2:]

    grows = cpy.resume([cpy.copy(waiting)], lambda: 1, True)[0]  # the list all copies share
    watched = (probed, probed.__code__, globals(), programs.Manager)
    churn()
    gc.collect()
    before = [sys.getrefcount(o) for o in watched]

    assert leaks(churn) == {}
    assert [sys.getrefcount(o) for o in watched] == before


# --- module and class bodies --------------------------------------------------------------------


def test_module_body_keeps_its_namespace(cpy):
    source = "x = 1\ny = [stop() or 2, x]\nz = 'done'\n"
    code = compile(source, programs.__file__, "exec")
    ns = {"__name__": "body"}
    box = []

    def take():
        f = sys._getframe(1)
        box.append(cpy.take(f, *map_of(f.f_code).call_in(f), False))
        raise Abort

    ns["stop"] = take
    with pytest.raises(Abort):
        exec(code, ns)
    count = sys.getrefcount(ns)
    cpy.resume(box, lambda: 5, True)
    box.clear()

    assert (ns["y"], ns["z"]) == ([5, 1], "done")
    assert sys.getrefcount(ns) <= count


def test_objects_die_when_the_handed_over_frame_ends(cpy):
    ref = []

    def body(target):
        ref.append(weakref.ref(target))
        call_out()
        return 1

    def call_out():
        pass

    m = map_of(body.__code__)
    word = m.insns[-1].offset // 2
    assert opcode.opname[body.__code__.co_code[2 * word]].startswith("RETURN")
    n = hand_over_everywhere(cpy, lambda: (body, (Target(),)), body.__code__)

    assert n > 5
    gc.collect()
    assert all(r() is None for r in ref)
