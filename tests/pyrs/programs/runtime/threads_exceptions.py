"""PyThreadState_SetAsyncExc reaches a thread in any loop; what handles it goes on."""

import ctypes
import itertools
import threading
import time
import traceback


class Stop(BaseException):
    pass


def set_exception(thread, exc):
    return ctypes.pythonapi.PyThreadState_SetAsyncExc(
        ctypes.c_ulong(thread.ident), None if exc is None else ctypes.py_object(exc)
    )


def while_loop(started):
    started.set()
    while True:
        pass


def while_loop_of_ints(started):
    started.set()
    n = 0
    while n >= 0:
        n += 1


def for_loop(started):
    started.set()
    for _ in itertools.repeat(1):
        pass


def for_range(started):
    started.set()
    for _ in range(10**15):
        pass


def generators(started):
    def forever():
        while True:
            yield

    started.set()
    for _ in forever():
        pass


def calls(started):
    def f():
        return 1

    started.set()
    while f():
        f()


def methods(started):
    class C:
        def __bool__(self):
            return True

    started.set()
    c = C()
    while c:
        pass


def recursion(started):
    def down(n):
        if n:
            down(n - 1)
            down(n - 1)

    started.set()
    down(200)


def handles_others(started):
    started.set()
    while True:
        try:
            [].missing
        except Exception:
            pass


def comprehension(started):
    started.set()
    [x for x in itertools.repeat(1)]


def c_loop(started):
    started.set()
    while True:
        sum(map(lambda x: x, range(100)))


def finally_loop(started):
    started.set()
    try:
        while True:
            pass
    finally:
        print("finally", end=" ")


def with_loop(started):
    class M:
        def __enter__(self):
            started.set()

        def __exit__(self, kind, *_):
            print("exit", kind.__name__, end=" ")

    with M():
        while True:
            pass


def coroutines(started):
    async def step():
        return 1

    async def forever():
        while True:
            await step()

    started.set()
    forever().send(None)


def run(f, started, ended):
    try:
        f(started)
    except Stop as e:
        names = [frame.name for frame in traceback.extract_tb(e.__traceback__)]
        ended.append(("Stop", names[:2], e.args, e.__context__))


for f in (while_loop, while_loop_of_ints, for_loop, for_range, generators, calls, methods, recursion,
          handles_others, c_loop, finally_loop, with_loop, coroutines):
    started, ended = threading.Event(), []
    t = threading.Thread(target=run, args=(f, started, ended))
    t.start()
    started.wait()
    reached = set_exception(t, Stop)
    t.join(60)
    print(f.__name__, reached, ended, t.is_alive())

print("nobody", ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(1), None))


def handles_and_goes_on(seen):
    for _ in range(3):
        try:
            seen.append("loop")
            while True:
                pass
        except Stop:
            seen.append("handled")
    seen.append("over")


seen = []
t = threading.Thread(target=handles_and_goes_on, args=(seen,))
t.start()
for k in range(3):
    while seen.count("loop") <= k:
        time.sleep(0.001)
    time.sleep(0.01)
    set_exception(t, Stop)
t.join(60)
print(seen, t.is_alive())
