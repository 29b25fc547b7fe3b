"""The end of the interpreter, with everything still there."""

import asyncio
import atexit
import sys
import threading
import weakref


class Loud:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        print("gone", self.name, sys is None or sys.is_finalizing())


def generator(name):
    held = Loud(f"{name}'s local")
    try:
        yield held
    finally:
        print("finally", name)


suspended = generator("suspended")
next(suspended)
never_started = generator("never started")


def in_a_cycle():
    g = None

    def inner():
        held = Loud("in a cycle")
        try:
            yield g
        finally:
            print("finally of the cycle")

    g = inner()
    next(g)


in_a_cycle()


def keeps_frame():
    held = Loud("frame's")
    return sys._getframe()


frame = keeps_frame()


async def waits():
    held = Loud("coroutine's")
    try:
        await asyncio.sleep(0)
    finally:
        print("finally of the coroutine")


coroutine = waits()
coroutine.send(None)


async def async_generator():
    try:
        yield Loud("async generator's")
    finally:
        print("finally of the async generator")


agen = async_generator()
step = agen.__anext__()
try:
    step.send(None)
except StopIteration as e:
    value = e.value


def daemon():
    held = [0]
    while True:
        held[0] += 1


def daemon_in_generator():
    def forever():
        while True:
            yield [1]

    for _ in forever():
        pass


for target in (daemon, daemon, daemon_in_generator):
    threading.Thread(target=target, daemon=True).start()


def last():
    print("atexit", next(generator("of atexit")).name, sys.is_finalizing())


atexit.register(last)
weakref.finalize(suspended, print, "finalize")


def late():
    def run():
        threading.main_thread().join()
        print("thread goes on")
        for _ in range(1000):
            pass
        print("thread ends")

    threading.Thread(target=run).start()


late()
loud = Loud("global")
print("end of the program")
