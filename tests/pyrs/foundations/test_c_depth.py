"""Python and C calling each other to any depth end in RecursionError, never in a crash."""

import resource
import subprocess
import sys

import pytest

pytest.importorskip("pyrs._pyrs", reason="needs the VM")

PROGRAM = """
import copy, functools, itertools, json, operator, re, sys
from collections import Counter, defaultdict
sys.setrecursionlimit(20_000)
depth = 0

def down(*args, **named):
    global depth
    depth += 1
    return step()

class Thing:
    def __init__(self, *args): self.x = args
    def __getattr__(self, name): return down()
    def __repr__(self): return down()
    def __format__(self, spec): return down()
    def __lt__(self, other): return down()
    def __eq__(self, other): return down()
    def __hash__(self): return down()
    def __iter__(self): return down()
    def __contains__(self, x): return down()
    def __index__(self): return down()
    def __add__(self, other): return down()
    def __missing__(self, key): return down()
    def __deepcopy__(self, memo): return down()
    def __reduce_ex__(self, protocol): return down()
    def __getitem__(self, i): return down()
    def __len__(self): return down()
    def __call__(self): return down()

class Missing(dict):
    __missing__ = Thing.__missing__

class Meta(type):
    def __call__(cls, *args): return down()
    def __instancecheck__(cls, x): return down()

class Described:
    def __get__(self, o, cls): return down()
    def __set_name__(self, cls, name):
        if depth: down()

class Has(metaclass=Meta):
    d = Described()

class Super:
    def __getattribute__(self, name): return down()

STEPS = {
    "sorted": lambda: sorted([1, 2], key=down),
    "reduce": lambda: functools.reduce(down, [1, 2]),
    "map": lambda: list(map(down, [1])),
    "filter": lambda: list(filter(down, [1])),
    "max": lambda: max([1, 2], key=down),
    "partial": functools.partial(down, 1),
    "lru_cache": lambda: functools.lru_cache(down)(depth),
    "cmp_to_key": lambda: sorted([1, 2], key=functools.cmp_to_key(down)),
    "getattr": lambda: getattr(Thing(), "y"),
    "hasattr": lambda: hasattr(Thing(), "y"),
    "attrgetter": lambda: operator.attrgetter("y")(Thing()),
    "getattribute": lambda: operator.attrgetter("y")(Super()),
    "sub": lambda: re.sub("a", down, "a"),
    "subn": lambda: re.compile("(a)").subn(down, "a"),
    "repr": lambda: repr([Thing()]),
    "str": lambda: str({1: Thing()}),
    "format": lambda: "{}".format(Thing()),
    "percent": lambda: "%r" % (Thing(),),
    "sort": lambda: [Thing(), Thing()].sort(),
    "equality": lambda: [Thing()] == [Thing()],
    "membership": lambda: 1 in [Thing()],
    "contains": lambda: operator.contains(Thing(), 1),
    "hash": lambda: hash((Thing(),)),
    "dict key": lambda: {Thing(): 1},
    "missing": lambda: Missing()[1],
    "defaultdict": lambda: defaultdict(down)[1],
    "iter": lambda: list(Thing()),
    "index": lambda: [1][Thing()],
    "add": lambda: sum([1], Thing()),
    "deepcopy": lambda: copy.deepcopy([Thing()]),
    "json": lambda: json.dumps(Thing(), default=down),
    "takewhile": lambda: list(itertools.takewhile(down, [1])),
    "groupby": lambda: list(itertools.groupby([1], down)),
    "accumulate": lambda: list(itertools.accumulate([1, 2], down)),
    "eval": lambda: eval("down()", globals()),
    "exec": lambda: exec("down()", globals()),
    "type call": lambda: map(Has, [1]).__next__(),
    "isinstance": lambda: any(map(isinstance, [1], [Has])),
    "descriptor": lambda: operator.attrgetter("d")(Has),
    "set_name": lambda: type("T", (), {"d": Described()}),
    "generator": lambda: list(down() for _ in [1]),
    "send": lambda: operator.methodcaller("send", None)(down() for _ in [1]),
    "bound": lambda: operator.methodcaller("__call__")(Thing()),
    "Counter": lambda: Counter(map(down, [1])),
    "min": lambda: min(Thing(), Thing()),
    "len": lambda: operator.length_hint(Thing()),
    "subscript": lambda: operator.itemgetter(1)(Thing()),
}
for name, step in STEPS.items():
    depth = 0
    try:
        down()
        end = "ended"
    except RecursionError:
        end = "RecursionError"
    except RuntimeError as e:       # type.__new__ wraps what __set_name__ raises
        while e.__cause__ is not None:
            e = e.__cause__
        end = type(e).__name__
    step = None
    print(name, end, depth > 20)
print("alive")
"""


# The program in threads whose stacks end a page apart: some call is the last one everywhere.
IN_THREADS = """
import sys, threading
for kilobytes in {sizes}:
    threading.stack_size(kilobytes << 10)
    thread = threading.Thread(target=exec, args=({program!r}, {{"__name__": "program"}}))
    thread.start()
    thread.join()
"""


def run_limited(program, kilobytes=None):
    """Run it with that much stack."""

    def limit():
        # what runs away here must not take the machine along
        resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
        if kilobytes is not None:
            resource.setrlimit(resource.RLIMIT_STACK, (kilobytes << 10, kilobytes << 10))

    return subprocess.run(
        [sys.executable, "-m", "pyrs", "-c", program],
        preexec_fn=limit, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


def check(run, times=1):
    assert (run.returncode, run.stderr[-2000:]) == (0, "")
    lines = run.stdout.splitlines()
    assert lines.count("alive") == times
    assert [line for line in lines if not line.endswith((" RecursionError True", "alive"))] == []


# functions that a frame makes after its hand-over are CPython's, and so is their depth
@pytest.mark.native
@pytest.mark.limits
@pytest.mark.parametrize("kilobytes", [256, pytest.param(8192, marks=pytest.mark.slow)])
def test_depth_through_c_ends_in_recursion_error(kilobytes):
    check(run_limited(PROGRAM, kilobytes))


@pytest.mark.native
@pytest.mark.limits
def test_stack_may_end_in_any_call():
    sizes = range(256, 256 + 4 * 24, 4)

    check(run_limited(IN_THREADS.format(sizes=sizes, program=PROGRAM)), len(sizes))
