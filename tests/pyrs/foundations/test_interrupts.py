"""Ctrl-C ends any loop, soon, with a traceback of where it was."""

import signal
import subprocess
import sys

import pytest

pytest.importorskip("pyrs._pyrs", reason="needs the VM")

PROGRAM = """
import itertools, os, signal, sys, threading, time

class Yes:
    def __bool__(self): return True
class Long:
    def __len__(self): return 1
class Same:
    def __eq__(self, other): return True
    def __lt__(self, other): return True
    def __contains__(self, item): return True
class Endless:
    def __iter__(self): return self
    def __next__(self): return 1
class Attribute:
    def __getattr__(self, name): return 1
    @property
    def p(self): return 1
    def __getitem__(self, i): return 1
    def __add__(self, other): return self
    def __call__(self): return 1
class Manager:
    def __enter__(self): return 1
    def __exit__(self, *args): pass
class Made:
    def __init__(self, x): self.x = x

def generator():
    while True: yield 1
async def step(): return 1
async def forever():
    while True: await step()
async def asteps():
    while True: yield 1
async def aforever():
    async for _ in asteps(): pass
def binary(f, n):
    if n:
        f(n - 1)
        f(n - 1)
def down(n):
    if n:
        down(n - 1)
        down(n - 1)
class Down:
    def __init__(self, n):
        if n:
            Down(n - 1)
            Down(n - 1)
class Adds:
    def __init__(self, n): self.n = n
    def __add__(self, other): return other and self + (other - 1) + (other - 1) and self
    def __radd__(self, other): return self
class Sub:
    depth = 0
    def __getitem__(self, n): return n and (self[n - 1], self[n - 1])

def loop_while():
    while True: pass
def loop_counting():
    n = 0
    while n >= 0: n += 1
def loop_floats():
    x = 0.5
    while x < 2: x = x * 1.0
def loop_for_range():
    for _ in range(10**18): pass
def loop_for_repeat():
    for _ in itertools.repeat(1): pass
def loop_for_generator():
    for _ in generator(): pass
def loop_for_next():
    for _ in Endless(): pass
def loop_bool():
    y = Yes()
    while y: pass
def loop_len():
    y = Long()
    while y: pass
def loop_equal():
    y = Same()
    while y == 1: pass
def loop_less():
    y = Same()
    while y < 1: pass
def loop_in():
    y = Same()
    while 1 in y: pass
def loop_attribute():
    y = Attribute()
    while y.anything: pass
def loop_property():
    y = Attribute()
    while y.p: pass
def loop_item():
    y = Attribute()
    while y[1]: pass
def loop_call():
    y = Attribute()
    while y(): pass
def loop_add():
    y = Attribute()
    while True: y = y + 1
def loop_with():
    while True:
        with Manager(): pass
def loop_new():
    while Made(1): pass
def loop_class():
    while True:
        class C: pass
def loop_try():
    while True:
        try: raise ValueError
        except ValueError: pass
def loop_continue_in_finally():
    while True:
        try: pass
        finally: continue
def loop_comprehension(): [1 for _ in itertools.repeat(1)]
def loop_genexpr(): all(1 for _ in itertools.repeat(1))
def loop_next():
    g = generator()
    while next(g): pass
def loop_sorted():
    while True: sorted([3, 1, 2], key=lambda x: -x)
def loop_text():
    while True: f"{1}{2:>5}".join(["a", "b"])
def loop_unpacking():
    while True: a, *b = [1, 2, 3]
def loop_import():
    while True: import os
def loop_exec(): exec("while True: pass")
def loop_global():
    global g
    while True: g = 1
def loop_coroutines(): forever().send(None)
def loop_async_generators(): aforever().send(None)
def loop_recursion(): down(300)
def loop_lambda(): (f := lambda n: n and (f(n - 1), f(n - 1)))(300)
def loop_constructors(): Down(300)
def loop_items(): Sub()[300]
def loop_yield_from():
    def chain(n):
        if n: yield from chain(n - 1)
        while True: yield 1
    for _ in chain(20): pass

main = threading.get_ident()
def interrupt():
    global sent
    time.sleep(0.02)
    sent = time.perf_counter()
    os.kill(os.getpid(), signal.SIGINT)

def interrupted(name, loop):
    # where it was; nothing when the machine was too busy to get into the loop
    t, names = threading.Thread(target=interrupt), []
    try:
        t.start()
        loop()
    except KeyboardInterrupt as e:
        took, tb = time.perf_counter() - sent, e.__traceback__
        while tb:
            names.append(tb.tb_frame.f_code.co_name)
            tb = tb.tb_next
    while t.is_alive():
        try: t.join()
        except KeyboardInterrupt: pass
    return names[1:2] == [name] and (name, round(took * 1000, 1))

for name, loop in [(n, f) for n, f in globals().items() if n.startswith("loop_")]:
    while not (told := interrupted(name, loop)): pass
    print(*told, flush=True)
print("over")
"""


def test_every_loop_ends():
    """In time, by far: what takes how long is printed, a hang is what fails."""
    run = subprocess.run(
        [sys.executable, "-m", "pyrs", "-c", PROGRAM], capture_output=True, text=True, timeout=120
    )

    print(run.stdout)
    *lines, last = run.stdout.splitlines()
    # a text that exec() ran was ended by it
    assert run.returncode == -signal.SIGINT
    assert (run.stderr, last) == ("", "over")
    assert len(lines) == PROGRAM.count("def loop_")


CAUGHT = """
import os, signal
text = "import os, signal\\nos.kill(os.getpid(), signal.SIGINT)\\nwhile 1: pass"
hit = "__import__('os').kill(__import__('os').getpid(), 2) or [0 for _ in iter(int, 1)]"
try:
    {}
except KeyboardInterrupt as e:
    print("caught")
{}
"""
WAYS = {
    "exec of a text": ("exec(text)", ""),
    "eval of a text": ("eval(hit)", ""),
    "exec of code": ("exec(compile(text, 'text', 'exec'))", ""),
    "a later text": ("exec(text)", "exec('1')"),
    "later code": ("exec(text)", "exec(compile('1', 'text', 'exec'))"),
    "raised": ("exec('raise KeyboardInterrupt')", ""),
    "a subclass": ("exec('class K(KeyboardInterrupt): pass\\nraise K')", ""),
    "inside": (
        "exec('try: raise KeyboardInterrupt\\nexcept KeyboardInterrupt: raise ValueError')",
        "",
    ),
}


@pytest.mark.parametrize("way", WAYS)
def test_exit_after_one_that_was_caught(way):
    program = CAUGHT.format(*WAYS[way])
    plain, vm = (
        subprocess.run([sys.executable, *args, "-c", program], capture_output=True, text=True)
        for args in ([], ["-m", "pyrs"])
    )
    assert (vm.returncode, vm.stdout) == (plain.returncode, plain.stdout)
