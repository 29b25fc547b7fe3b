"""Debuggers, profilers, coverage and what else looks at a running program: as without the VM."""

import json
import re
from dataclasses import replace

import pytest

pytest.importorskip("pyrs._pyrs", reason="needs the VM")

PROGRAM = """\
import sys

def double(n):
    result = n * 2
    return result

class Counter:
    def __init__(self, start):
        self.value = start

    def __add__(self, other):
        if other > 100:
            return None
        return Counter(self.value + other)

    @property
    def shown(self):
        return f"<{self.value}>"

def numbers(n):
    for i in range(n):
        yield double(i)

async def waits():
    return [x async for x in steps()]

async def steps():
    for i in range(2):
        yield i

def run(coroutine):
    try:
        coroutine.send(None)
    except StopIteration as e:
        return e.value

def main():
    total = sum(numbers(4))
    c = Counter(total)
    c = c + 3
    try:
        {}["missing"]
    except KeyError:
        total += 1
    items = [double(x) for x in range(3)]
    print(total, c.shown, items, sorted(items, key=lambda x: -x), run(waits()))

if __name__ == "__main__":
    main()
    if len(sys.argv) > 5:
        print("never")
"""
FILES = {"program.py": PROGRAM}

PDB = {
    "steps": "s\nn\nn\ns\ns\nw\np n, result if 'result' in dir() else 0\nr\nq\n",
    "breakpoints": "b double, n == 2\nb 13\nc\np n\na\nu\np i\nd\nc\nc\nbt\nc\nq\n",
    "to the end": "c\nq\n",
    "until, jump, display": "b main\nc\nn\nn\np total\nuntil 38\np c.value\n!total = 50\nc\nq\n",
    "generator": "b numbers\nc\nn\nn\np i\nn\nn\nwhatis i\nw\ncl 1\ny\nc\nq\n",
    "coroutines": "b waits\nb steps\nc\nc\nw\nn\nn\nc\nc\nq\n",
    "interact with names": "b 13\nc\npp self.value, other\nl\nll\nsource Counter\nq\n",
}


@pytest.mark.parametrize("script", PDB)
def test_debugger(script, sides):
    plain, vm = sides(["-m", "pdb", "program.py"], files=FILES, stdin=PDB[script])

    assert vm == plain
    assert "(Pdb)" in vm.stdout


def test_debugger_behind_a_breakpoint(sides):
    source = PROGRAM.replace("    c = c + 3\n", "    breakpoint()\n    c = c + 3\n")

    plain, vm = sides(
        ["program.py"], files={"program.py": source}, stdin="p total\nn\np c.value\ns\nw\nr\nc\n"
    )

    assert vm == plain
    assert "(Pdb)" in vm.stdout


def test_debugger_after_an_exception(sides):
    source = PROGRAM.replace("    items =", "    c.missing\n    items =")

    plain, vm = sides(
        ["-m", "pdb", "-c", "c", "program.py"],
        files={"program.py": source},
        stdin="w\np total\nup\nq\n",
    )

    assert vm == plain
    assert "Post mortem" in vm.stdout


@pytest.mark.parametrize("options", [[], ["--branch"], ["--timid"]], ids=" ".join)
def test_coverage(options, sides):
    """The report and every line, arc and missing line in it."""
    command = "PYTHON -m coverage run {} program.py && PYTHON -m coverage report -m && PYTHON -m coverage json -q -o - "
    plain, vm = sides([], files=FILES, shell=command.format(" ".join(options)))

    (shown, told), (plainly, expected) = ((o.stdout.split("{", 1)) for o in (vm, plain))
    assert shown == plainly
    told, expected = (json.loads("{" + text)["files"] for text in (told, expected))
    assert told == expected
    assert vm.code == plain.code == 0
    assert told["program.py"]["missing_lines"]


COUNTS = re.compile(r"^ *(\S+) +[\d.]+ +[\d.]+ +[\d.]+ +[\d.]+ (.*)$", re.MULTILINE)


def test_profiler(sides):
    """Calls and where they were made; times are nobody's."""
    plain, vm = sides(["-m", "cProfile", "-s", "stdname", "program.py"], files=FILES)

    assert COUNTS.findall(vm.stdout) == COUNTS.findall(plain.stdout)
    assert ("12", "program.py:3(double)") in COUNTS.findall(vm.stdout) or "(double)" in vm.stdout
    assert vm.code == plain.code == 0


def test_profiler_within_a_program(sides):
    source = PROGRAM.replace(
        "    main()\n",
        "    import cProfile, pstats\n    with cProfile.Profile() as p:\n        main()\n"
        "    stats = pstats.Stats(p).stats\n"
        "    for key in sorted(stats, key=repr):\n        print(key, stats[key][:2], sorted(stats[key][4]))\n",
    )

    plain, vm = sides(["program.py"], files={"program.py": source})

    assert vm == plain
    assert "double" in vm.stdout


SEEN = {
    "faulthandler": """
import faulthandler, sys, threading
def outer(n):
    if n: return outer(n - 1)
    faulthandler.dump_traceback(file=sys.stdout, all_threads=False)
def generator():
    yield outer(1)
class C:
    def __add__(self, other): return next(generator())
C() + 1
list(map(outer, [2]))
ready, go = threading.Event(), threading.Event()
def waits():
    ready.set()
    go.wait()
t = threading.Thread(target=waits); t.start(); ready.wait()
import io, os, tempfile
with tempfile.TemporaryFile() as f:
    faulthandler.dump_traceback(f)
    f.seek(0)
    text = f.read().decode()
go.set(); t.join()
print([line.rsplit("/")[-1] for line in text.splitlines() if "program.py" in line])
""",
    "fatal error": """
import faulthandler, os, signal
faulthandler.enable()
def dies(n):
    if n == 0:
        os.kill(os.getpid(), signal.SIGSEGV)
    dies(n - 1)
def generator(): yield dies(3)
list(generator())
""",
    "a profiler that comes and goes": """
import sys
seen = []
def hook(frame, event, arg): seen.append((frame.f_code.co_name, event))
f = lambda x: x + 1
list(map(f, range(50)))
sys.setprofile(hook)
list(map(f, range(2)))
sys.setprofile(None)
list(map(f, range(50)))
print("program.py", [s for s in seen if s[0] == "<lambda>"])
""",
    "tracemalloc": """
import tracemalloc
def makes(n): return [bytes(1000) for _ in range(n)]
def calls(): return makes(3)
tracemalloc.start(5)
kept = calls()
x = {str(i): bytes(i) for i in range(300, 350)}
shot = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(True, __file__)])
tb = tracemalloc.get_object_traceback(kept[0])
tracemalloc.stop()
for s in sorted(shot.statistics("lineno"), key=lambda s: s.traceback[0].lineno)[:9]:
    print(s.traceback[0].lineno)
print([(f.lineno) for f in tb])
""",
    "warnings": """
import warnings
warnings.simplefilter("always")
def warns(level): warnings.warn(f"level {level}", stacklevel=level)
def middle(level): warns(level)
def generator(level):
    yield middle(level)
class C:
    def __init__(self, level): next(generator(level))
    def __getattr__(self, name): warnings.warn(name, DeprecationWarning, stacklevel=2); return 1
    @property
    def p(self): warnings.warn("p", stacklevel=2)
for level in range(1, 8):
    C(level)
C(1).missing
C(1).p
[C(2) for _ in range(1)]
list(map(C, [5]))
class Base:
    def __init_subclass__(cls): warnings.warn("subclass", stacklevel=2)
class Derived(Base): pass
exec("warns(2)")
""",
    "logging": """
import logging, sys
logging.basicConfig(stream=sys.stdout, format="%(filename)s:%(lineno)d %(funcName)s %(message)s", level=0)
log = logging.getLogger("x")
def logs(): log.info("logs")
def above(level): log.info("level %s", level, stacklevel=level)
def caller(level): above(level)
class C:
    def __call__(self): log.warning("call", stack_info=False)
    def __format__(self, spec): log.debug("format"); return spec
def generator():
    log.info("generator")
    yield logs()
logs()
for level in (1, 2, 3): caller(level)
C()()
f"{C():x}"; format(C(), "y")
list(generator())
[log.info("comprehension") for _ in range(1)]
(lambda: log.info("lambda"))()
try: 1 / 0
except ZeroDivisionError: log.exception("exception")
log.info("stack", stack_info=True)
""",
    "columns": """
import traceback
class C:
    def __add__(self, other): return self.x.y[0](1, 2) + other
    x = property(lambda self: 1 / 0)
    def __getitem__(self, i): return i + None
    def __format__(self, spec): return [].missing
    def __aenter__(self): raise KeyError
    def __init_subclass__(cls): cls.a.b
def f1(): return 1 + (C() + 2) * 3
def f2(): return [x for x in C()[3]] + [1]
def f3(): return "text" + f"{C():spec}" + "more"
def f4(): return format(C(), "x").join([])
def f5():
    class D(C, metaclass=type): a = 1
async def f6():
    async with (1, C())[1] as x: pass
def f7(): return (lambda a, b: a(b))(*[len], **{"b": 5})
def f8(): return max(C(), key=(yield))
def f9():
    try: f1()
    except ZeroDivisionError as e: raise ValueError("from") from e
for f in (f1, f2, f3, f4, f5, lambda: f6().send(None), f7, lambda: list(f8()), f9):
    try: f()
    except Exception: traceback.print_exc()
""",
}


# the sanitizer's library tells of a fatal signal by itself
MARKS = {"fatal error": pytest.mark.limits}


@pytest.mark.parametrize("name", [pytest.param(name, marks=MARKS.get(name, ())) for name in SEEN])
def test_what_looks_at_frames(name, sides):
    plain, vm = sides(["program.py"], files={"program.py": SEEN[name]})

    ours = "\nExtension modules: pyrs._pyrs (total: 1)\n"  # loaded, as it says
    assert replace(vm, stderr=vm.stderr.replace(ours, "")) == plain
    assert "program.py" in plain.stdout + plain.stderr or name == "tracemalloc"
