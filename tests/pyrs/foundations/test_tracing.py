"""A tool that becomes active while VM frames run or wait sees what it would see in CPython.

Each program is run once for each of its events; at the k-th, tracing (or profiling) starts, in
the innermost frame or in all of them, and some events later it ends.  What the tool saw, what the
program returned and the order of its own events are plain CPython's.
"""

import gc
import importlib.util
import sys
from pathlib import Path

import pytest

_pyrs = pytest.importorskip("pyrs._pyrs", reason="needs the VM")

HERE = Path(__file__).resolve().parent
FILES = [HERE / "handover_generators.py", HERE / "handover_programs.py"]


def load(path):
    spec = importlib.util.spec_from_file_location(f"traced_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PROGRAMS = [load(path) for path in FILES]
TOOLS = {
    "trace": (sys.settrace, 10**6, False),
    "trace all": (sys.settrace, 10**6, True),
    "trace for a while": (sys.settrace, 3, True),
    "profile": (sys.setprofile, 10**6, False),
    "profile for a while": (sys.setprofile, 3, False),
}

CASES = [
    pytest.param(module, make, kind, id=f"{name}-{kind}")
    for module in PROGRAMS
    for name, make in module.CASES.items()
    for kind in TOOLS
]


class Tool:
    """Records events in the programs' files; `at` counts down to its start, then to its end."""

    def __init__(self, starts, at, runs_for, all_frames):
        self.starts, self.at, self.runs_for, self.all_frames = starts, at, runs_for, all_frames
        self.seen, self.started = [], False

    def tick(self):
        self.at -= 1
        if self.at == 0 and not self.started:
            self.started, self.at = True, self.runs_for
            self.start()
        elif self.at == 0:
            self.starts(None)

    def start(self):
        frame = sys._getframe(2)
        while frame is not None and self.starts is sys.settrace:
            if frame.f_code.co_filename in map(str, FILES):
                frame.f_trace = self.event
            frame = frame.f_back if self.all_frames else None
        self.starts(self.event)

    def event(self, frame, event, arg):
        code = frame.f_code
        if code.co_filename in map(str, FILES) and code.co_name != "log":
            if event == "exception":
                arg = arg[0].__name__, str(arg[1])
            elif event.startswith("c_"):
                arg = arg.__name__
            # an object's address is no fact
            self.seen.append((code.co_name, frame.f_lineno, event, repr(arg).split(" at 0x")[0]))
        return self.event


class Ticks(list):
    """A program's own events; each one is a tick of the tool, but not the death of an object: a
    tool that starts inside a finaliser sees the frame that dropped the object a little later."""

    tool = None

    def append(self, what):
        super().append(what)
        if self.tool is not None and what[0] != "del":
            self.tool.tick()


@pytest.fixture(autouse=True)
def quiet():
    gc.collect()
    gc.disable()
    yield
    gc.enable()
    gc.collect()  # what the programs left ends, and logs it
    assert (sys.gettrace(), sys.getprofile()) == (None, None)


def outcome(module, make, execute, tool):
    function, args = make()
    module.LOG = log = Ticks()
    log.tool = tool
    try:
        result = repr(execute(function, args))
    except Exception as e:
        result = repr(e)
    finally:
        log.tool = None  # what is left of the program may end in another one, or in another test
        tool.starts(None)
    return result.split(" at 0x")[0], list(log), tool.seen


def plainly(function, args):
    return function(*args)


def in_vm(function, args):
    return _pyrs.run_function(function, args)


@pytest.mark.parametrize("module, make, kind", CASES)
def test_tool_sees_what_it_would_see(module, make, kind):
    starts, runs_for, all_frames = TOOLS[kind]
    at, seen = 0, True
    while seen:
        at += 1
        for _ in range(2):  # CPython's first may hear of the end of a call whose begin it didn't
            plain = outcome(module, make, plainly, Tool(starts, at, runs_for, all_frames))
        vm = outcome(module, make, in_vm, Tool(starts, at, runs_for, all_frames))
        assert vm == plain, f"from event {at} on"
        seen = plain[2]
