"""The memory of frames: thousands of activations, little address space, foreign checkers."""

import resource
import shutil
import subprocess
import sys

import pytest

pytest.importorskip("pyrs._pyrs", reason="needs the VM")

LIMIT = 3 << 30  # 20,000 greenlets take 64 KiB each
GREENLETS = """
import greenlet, sys
def leaf(n):
    total = n
    while True:
        total += greenlet.getcurrent().parent.switch(total)
def middle(n):
    return sum(map(leaf, [n]))
lets = [greenlet.greenlet(middle) for _ in range({n})]
first = [let.switch(i) for i, let in enumerate(lets)]
second = [let.switch(1) for let in reversed(lets)]
print(first == list(range({n})), second[::-1] == [i + 1 for i in range({n})])
from pyrs import _pyrs
for let in lets[::2]:
    let.throw()
del let, lets
print("alive")
"""
DEEP = """
import sys
sys.setrecursionlimit(10**9)
def f(n):
    return 0 if n == 0 else 1 + f(n - 1)
print(f(10**6), f(10**6))
"""
THREADS = """
import threading
def gen(n):
    for i in range(n):
        yield from map(lambda x: x + 1, [i])
def work(n):
    for _ in range(n):
        assert sum(gen(50)) == 1275
        assert sorted(range(9), key=lambda x: -x)[0] == 8
def deep(n):
    return n and 1 + deep(n - 1)
threads = [threading.Thread(target=work, args=({n},)) for _ in range(4)]
[t.start() for t in threads]
assert deep(900) == 900
[t.join() for t in threads]
print("alive")
"""
# eight threads that take turns every 10 microseconds
TOGETHER = """
import sys, threading
sys.setswitchinterval(1e-5)
errors = []
{work}
def guarded():
    try:
        for _ in range(12):
            work()
    except BaseException as e:
        errors.append(e)
threads = [threading.Thread(target=guarded) for _ in range(8)]
for t in threads: t.start()
for t in threads: t.join()
print(*errors or ["alive"])
"""
SIDE_BY_SIDE = {
    "activations in each other": """
def down(n):
    return n and 1 + sum(map(down, [n - 1]))
def work():
    assert down(40) == 40
""",
    "segments that grow": """
def deep(n, *more):
    a = b = c = d = e = f = n
    return n and 1 + deep(n - 1, a, b, c, d, e, f)
def work():
    assert deep(700) == 700
""",
    "generators of others": """
lock = threading.Lock()
def numbers():
    n = 0
    while True:
        n += yield n
shared = numbers()
next(shared)
def work():
    own = numbers()
    assert [next(own)] + [own.send(1) for _ in range(30)] == list(range(31))
    for _ in range(30):
        with lock:
            shared.send(1)
""",
    "exceptions and frames": """
def fails(n):
    if n == 0:
        raise KeyError(sys._getframe())
    try:
        fails(n - 1)
    finally:
        sorted([2, 1], key=lambda x: n)
def work():
    try:
        fails(25)
    except KeyError as e:
        assert e.args[0].f_locals == {"n": 0}
""",
    "code seen for the first time": """
def work():
    for i in range(10):
        scope = {}
        exec(f"class C:\\n    x = {i}\\n    def f(self, *a): return [self.x + k for k in a]", scope)
        assert scope["C"]().f(1, 2) == [i + 1, i + 2]
""",
    "threads that come and go": """
def work():
    seen = []
    t = threading.Thread(target=lambda: seen.extend(map(lambda x: x * 2, range(5))))
    t.start()
    t.join()
    assert seen == [0, 2, 4, 6, 8]
""",
}


def run(program, *, before=(), limits=(), timeout=240):
    def limit():
        for what, size in limits:
            resource.setrlimit(what, (size, size))

    return subprocess.run(
        [*before, sys.executable, "-m", "pyrs", "-c", program],
        preexec_fn=limit, capture_output=True, text=True, timeout=timeout, check=False,
    )  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("limits", [(), ((resource.RLIMIT_AS, LIMIT),)], ids=["free", "limited"])
def test_twenty_thousand_greenlets(limits):
    pytest.importorskip("greenlet", reason="needs greenlet")

    done = run(GREENLETS.format(n=20_000), limits=limits)

    assert (done.stdout, done.stderr[-2000:]) == ("True True\nalive\n", "")


@pytest.mark.limits
def test_greenlets_in_a_gibibyte():
    pytest.importorskip("greenlet", reason="needs greenlet")

    done = run(GREENLETS.format(n=3_000), limits=((resource.RLIMIT_AS, 1 << 30),))

    assert (done.stdout, done.stderr[-2000:]) == ("True True\nalive\n", "")


@pytest.mark.limits
def test_a_million_frames_in_a_gibibyte():
    done = run(DEEP, limits=((resource.RLIMIT_AS, 1 << 30),))

    assert (done.stdout, done.stderr[-2000:]) == ("1000000 1000000\n", "")


# meant for ThreadSanitizer's build, where a race ends the program with an exit code of its own
@pytest.mark.parametrize("name", SIDE_BY_SIDE)
def test_threads_beside_each_other(name):
    done = run(TOGETHER.format(work=SIDE_BY_SIDE[name]), timeout=600)

    assert (done.stdout, done.stderr[-4000:]) == ("alive\n", "")
    assert done.returncode == 0


@pytest.mark.long
def test_valgrind_finds_no_damage():
    if shutil.which("valgrind") is None:
        pytest.skip("needs valgrind")

    done = run(
        THREADS.format(n=3),
        before=("env", "PYTHONMALLOC=malloc", "valgrind", "-q", "--error-exitcode=9",
                "--undef-value-errors=no"),
        timeout=900,
    )  # fmt: skip

    assert (done.returncode, done.stdout) == (0, "alive\n"), done.stderr[-2000:]
