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
