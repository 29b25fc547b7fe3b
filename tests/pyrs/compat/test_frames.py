"""Shadow frames are what CPython's own frames are to everybody who looks."""

import contextlib
import ctypes
import functools
import gc
import inspect
import signal
import sys
import threading
import time
import traceback
import types
import weakref

import pytest

VERSION = sys.version_info[:2]
CLOSED = types.CellType("in a cell")
UNBOUND = ...


def sample(a, b):
    c = a
    return c + b


def closing(a, b):
    def inner():
        return a, outside

    return inner, b


outside = None
WORD = len(sample.__code__.co_code) // 2 - 1  # the return: third line
LINE = sample.__code__.co_firstlineno + 2
VALUES = (["one"], 2.5, UNBOUND)
SEEN = {"a": ["one"], "b": 2.5}


def test_selftest_accepts_this_interpreter(cpy):
    cpy.selftest()
    cpy.selftest()


def test_frame_says_code_line_globals_and_caller(cpy):
    def look():
        f = sys._getframe(1)
        return (
            f.f_code,
            f.f_lineno,
            f.f_lasti,
            f.f_globals is globals(),
            f.f_back.f_code,
            f.f_builtins,
        )

    (seen,), fills = cpy.shadow(sample, WORD, VALUES, look)

    me = sys._getframe().f_code
    assert seen == (sample.__code__, LINE, 2 * WORD, True, me, vars(__import__("builtins")))
    assert fills == 0, "nobody asked for the locals"


@pytest.mark.parametrize(
    "reader",
    [
        locals,
        vars,
        lambda: dict(sys._getframe(1).f_locals),
        functools.partial(eval, "dict(a=a, b=b)"),
    ],
    ids=["locals", "vars", "f_locals", "eval"],
)
def test_readers_of_locals_find_them(cpy, reader):
    (seen,), fills = cpy.shadow(sample, WORD, VALUES, reader)

    assert dict(seen) == SEEN
    assert fills == 1
    if VERSION < (3, 13):
        assert type(seen) is dict


def test_dir_and_exec_find_locals(cpy):
    (names, _), _fills = cpy.shadow(
        sample, WORD, VALUES, dir, VALUES, functools.partial(exec, "assert b == 2.5")
    )

    assert names == ["a", "b"]


def test_unbound_and_missing_first_variable(cpy):
    (first, second), _fills = cpy.shadow(
        sample,
        WORD,
        (UNBOUND, 1, 2),
        locals,
        (UNBOUND, UNBOUND, UNBOUND),
        lambda: dict(sys._getframe(1).f_locals),
    )

    assert first == {"b": 1, "c": 2} or VERSION < (3, 13)
    assert second == {}


def test_cells_are_looked_into(cpy):
    co = closing.__code__
    values = tuple(
        types.CellType(f"cell {n}") if n in co.co_cellvars else f"plain {n}" for n in co.co_varnames
    )

    (seen,), _fills = cpy.shadow(closing, len(co.co_code) // 2 - 1, values, locals)

    assert seen == {n: f"cell {n}" if n == "a" else f"plain {n}" for n in co.co_varnames}


def test_free_variables_are_looked_into(cpy):
    inner = closing("captured", 0)[0]
    cell = inner.__closure__[0]

    (seen,), _fills = cpy.shadow(inner, len(inner.__code__.co_code) // 2 - 1, (cell,), locals)

    assert seen == {"a": "captured"}


def test_module_level_namespace_is_itself(cpy):
    module = types.FunctionType(compile("x = 1", "<module>", "exec"), {"x": 5})

    (seen,), fills = cpy.shadow(module, 3, (), locals)

    assert seen is module.__globals__
    assert fills == 0


def test_second_look_sees_new_values(cpy):
    def look():
        return dict(sys._getframe(1).f_locals)

    (one, two), fills = cpy.shadow(sample, WORD, (1, 2, 3), look, (1, UNBOUND, 9), look)

    assert (one, two) == ({"a": 1, "b": 2, "c": 3}, {"a": 1, "c": 9})
    assert fills == 2


@pytest.mark.skipif(VERSION >= (3, 13), reason="needs CPython 3.12 or older: one dict a frame")
def test_dict_of_an_earlier_look_stays_the_frames(cpy):
    def first():
        seen = sys._getframe(1).f_locals
        seen["extra"] = [1]
        return id(seen)

    def second():
        seen = sys._getframe(1).f_locals
        return id(seen), dict(seen), type(seen), gc.is_tracked(seen)

    (one, two), _fills = cpy.shadow(sample, WORD, (1, 2, 3), first, (4, UNBOUND, 6), second)

    assert two == (one, {"a": 4, "c": 6, "extra": [1]}, dict, True)


@pytest.mark.skipif(VERSION >= (3, 13), reason="needs CPython 3.12 or older: one dict a frame")
def test_dict_that_is_kept_is_updated_by_the_next_look(cpy):
    kept = []

    (_, again), _fills = cpy.shadow(
        sample, WORD, (1, 2, 3), lambda: kept.append(sys._getframe(1).f_locals), (4, 5, 6), locals
    )

    assert again is kept[0]
    assert again == {"a": 4, "b": 5, "c": 6}
    assert type(again) is dict


@pytest.mark.skipif(VERSION < (3, 13), reason="needs CPython 3.13: proxies that look at the frame")
def test_proxy_follows_the_frame(cpy):
    kept = []

    (_, again), _fills = cpy.shadow(
        sample,
        WORD,
        (1, 2, 3),
        lambda: kept.append(sys._getframe(1).f_locals),
        (4, 5, 6),
        lambda: dict(kept[0]),
    )

    assert again == {"a": 4, "b": 5, "c": 6}


def test_frame_object_survives_with_its_locals(cpy):
    kept = []
    target = ["one"]
    counts = sys.getrefcount(sample), sys.getrefcount(sample.__code__)

    cpy.shadow(sample, WORD, (target, 2.5, UNBOUND), lambda: kept.append(sys._getframe(1)))

    frame = kept.pop()
    assert frame.f_locals == {"a": target, "b": 2.5}
    assert frame.f_lineno == LINE
    assert frame.f_back is sys._getframe()
    assert frame.f_code is sample.__code__
    assert gc.is_tracked(frame)
    frame.clear()
    assert frame.f_locals == {} or VERSION < (3, 13)
    del frame
    assert (sys.getrefcount(sample), sys.getrefcount(sample.__code__)) == counts


def test_frame_in_a_cycle_is_collected(cpy):
    class Target:
        pass

    def round_trip(target):
        cpy.shadow(sample, WORD, (target, 0, UNBOUND), lambda: keep_frame(target))
        return weakref.ref(target)

    def keep_frame(target):
        target.frame = sys._getframe(1)

    ref = round_trip(Target())
    gc.collect()

    assert ref() is None


def test_exception_passes_through_with_the_right_line(cpy):
    def fail():
        raise KeyError("deep")

    with pytest.raises(KeyError) as info:
        cpy.shadow(sample, WORD, VALUES, fail)

    entries = [(t.tb_frame.f_code.co_name, t.tb_lineno) for t in iterate(info.tb)]
    assert entries[-2:] == [("sample", LINE), ("fail", fail.__code__.co_firstlineno + 1)]
    frame = list(iterate(info.tb))[-2].tb_frame
    assert frame.f_locals == SEEN


def iterate(tb):
    while tb is not None:
        yield tb
        tb = tb.tb_next


def test_captured_locals_in_a_traceback(cpy):
    try:
        cpy.nested(sample, WORD, (1, 2, 3), 3, lambda: 1 / 0)
    except ZeroDivisionError as e:
        report = traceback.TracebackException.from_exception(e, capture_locals=True)

    middle = [frame for frame in report.stack if frame.name == "sample"]
    assert [f.locals for f in middle] == [{"a": "1", "b": "2", "c": "3"}] * 3


def test_stack_of_shadows_is_walked_in_order(cpy):
    def look():
        return [(f.function, f.lineno) for f in inspect.stack(0)[1:5]]

    seen, fills = cpy.nested(sample, WORD, (1, 2, 3), 3, look)

    me = sys._getframe()
    assert seen[:3] == [("sample", LINE)] * 3
    assert seen[3][0] == me.f_code.co_name
    assert fills == 0


def test_locals_of_a_caller_further_down(cpy):
    def look():
        return dict(sys._getframe(3).f_locals)

    seen, _fills = cpy.nested(sample, WORD, (1, 2, 3), 3, look)

    assert seen == {"a": 1, "b": 2, "c": 3}


def test_locals_seen_from_another_thread(cpy):
    me = threading.get_ident()
    answers = []

    def from_outside():
        f = sys._current_frames()[me]
        while f.f_code is not sample.__code__:
            f = f.f_back
        answers.append(dict(f.f_locals))

    def look():
        t = threading.Thread(target=from_outside)
        t.start()
        while t.is_alive():
            t.join(0.01)

    cpy.shadow(sample, WORD, (1, 2, 3), look)

    assert answers == [{"a": 1, "b": 2, "c": 3}]


def test_incomplete_frame_is_invisible(cpy):
    co = closing.__code__
    assert co.co_code[0] == __import__("opcode").opmap["MAKE_CELL"]

    (name,), _fills = cpy.shadow(
        closing, 0, (UNBOUND,) * len(co.co_varnames), lambda: sys._getframe(1).f_code.co_name
    )

    assert name == sys._getframe().f_code.co_name


def test_collector_runs_over_shadow_frames(cpy):
    def look():
        gc.collect()
        seen = sys._getframe(1).f_locals
        gc.collect()
        return dict(seen)

    (seen,), _fills = cpy.shadow(sample, WORD, VALUES, look)

    assert seen == SEEN


def test_armed_dicts_are_not_in_the_collectors_lists(cpy):
    def look():
        kinds = map(type, gc.get_objects())  # isinstance() would ask strangers' __class__
        return [kind for kind in kinds if issubclass(kind, dict) and kind is not dict]

    (odd,), _fills = cpy.shadow(sample, WORD, VALUES, look)

    assert not [kind for kind in odd if kind.__name__ == "dict"]


@pytest.mark.parametrize(
    "callback",
    [
        lambda: None,
        locals,
        lambda: sys._getframe(1).f_locals,
        lambda: sys._getframe(1).f_locals.update(extra=1) if VERSION < (3, 13) else None,
        lambda: 1 / 0,
    ],
    ids=["nothing", "locals", "f_locals", "extra key", "exception"],
)
def test_no_memory_is_lost(cpy, callback, leaks):
    values = ([1, 2], object(), {"k": 1})
    counts = [sys.getrefcount(v) for v in values]

    def churn():
        for _ in range(100):
            with contextlib.suppress(ZeroDivisionError):
                cpy.shadow(sample, WORD, values, callback, values, callback)

    assert leaks(churn) == {}
    assert [sys.getrefcount(v) for v in values] == counts


# --- the thread ------------------------------------------------------------------------


def test_recursion_limit_is_an_ordinary_recursion_error(cpy):
    with pytest.raises(RecursionError, match=r"^maximum recursion depth exceeded$"):
        cpy.recursion_error(0)
    assert cpy.recursion_error(1) == 0, "while a RecursionError is made, CPython lets it pass"


def test_recursion_counter_counts_python_frames(cpy):
    def deeper():
        return cpy.recursion_left()

    here = cpy.recursion_left()
    assert 0 < here < sys.getrecursionlimit()
    assert here - deeper() == 1


def test_signal_handler_runs_from_the_poll(cpy):
    class Alarm(Exception):
        pass

    def handler(signum, frame):
        raise Alarm

    old = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    try:
        with pytest.raises(Alarm):
            cpy.spin(10**12)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, old)


def test_other_threads_get_the_interpreter_from_the_poll(cpy):
    count = 0
    done = threading.Event()

    def work():
        nonlocal count
        while not done.is_set():
            count += 1

    t = threading.Thread(target=work)
    t.start()
    try:
        end = time.monotonic() + 0.3
        while time.monotonic() < end:
            cpy.spin(1_000_000)
    finally:
        done.set()
        t.join()

    assert count > 1000


def test_asynchronous_exception_arrives_at_the_poll(cpy):
    class Stop(Exception):
        pass

    me = ctypes.c_ulong(threading.get_ident())
    timer = threading.Timer(
        0.05, ctypes.pythonapi.PyThreadState_SetAsyncExc, (me, ctypes.py_object(Stop))
    )
    timer.start()
    with pytest.raises(Stop):
        cpy.spin(10**12)
    timer.join()

    assert cpy.spin(1000) == 1000


def test_tracing_is_noticed(cpy):
    assert not cpy.tracing()
    old = sys.getprofile()
    sys.setprofile(lambda *args: None)
    try:
        assert cpy.tracing()
    finally:
        sys.setprofile(old)
    sys.settrace(lambda *args: None)
    try:
        assert cpy.tracing()
    finally:
        sys.settrace(None)
    assert not cpy.tracing()


@pytest.mark.skipif(VERSION < (3, 12), reason="needs CPython 3.12: sys.monitoring")
def test_monitoring_is_noticed(cpy):
    mon = sys.monitoring
    mon.use_tool_id(4, "test")
    mon.set_events(4, mon.events.LINE)
    try:
        assert cpy.tracing()
    finally:
        mon.set_events(4, 0)
        mon.free_tool_id(4)
    assert not cpy.tracing()


def test_raised_exception_is_taken_and_set(cpy):
    def fail():
        raise ValueError("text")

    def lazily():
        int("x")

    assert cpy.raised(lambda: None) is None
    e = cpy.raised(fail)
    assert isinstance(e, ValueError)
    assert e.args == ("text",)
    assert e.__traceback__.tb_frame.f_code is fail.__code__
    e = cpy.raised(lazily)
    assert isinstance(e, ValueError)
