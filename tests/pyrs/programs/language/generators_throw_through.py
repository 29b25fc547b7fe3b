"""Exceptions thrown into chains of delegating generators and coroutines."""

import sys
import traceback
import types


def show(step, *args):
    try:
        print(step(*args))
    except BaseException as e:
        lines = [(t.name, t.lineno) for t in traceback.extract_tb(e.__traceback__)]
        print(type(e).__name__, e, lines, type(e.__context__).__name__)


def inner(kind):
    try:
        x = yield 1
        while True:
            x = yield x
    except KeyError:
        if kind == "return":
            return "returned"
        if kind == "yield":
            print([f.name for f in traceback.extract_stack()][-4:])
            yield "y"
            yield "z"
        if kind == "raise":
            raise ValueError("v") from None
        if kind == "stop":
            raise StopIteration(3) from None
        raise


def middle(kind):
    try:
        r = yield from inner(kind)
    except ValueError:
        yield "caught"
        return
    finally:
        print("finally", sys.exc_info()[0])
    yield "got", r


def outer(kind):
    return (yield from middle(kind))


def started(kind):
    g = outer(kind)
    next(g)
    return g


def chain(kind):
    g = started(kind)
    print(kind, g.send(5))
    show(g.throw, KeyError("k"))
    show(g.throw, KeyError)
    show(next, g)
    print(g.gi_frame)


for kind in ("return", "yield", "raise", "stop", "none"):
    chain(kind)
show(started("exit").throw, GeneratorExit)
show(started("no exception").throw, 5)
show(started("other").throw, ZeroDivisionError())


@types.coroutine
def tick():
    try:
        yield 1
    except KeyError:
        yield len(traceback.extract_stack())


async def first():
    await tick()
    return 1


async def second():
    try:
        return await first()
    finally:
        print("second ends")


c = second()
print(c.send(None))
show(c.throw, KeyError)
show(c.throw, OSError)
show(c.send, None)
c = second()
print(c.send(None))
c.close()


def throws_into_itself():
    yield
    try:
        itself.throw(OSError)
    except ValueError as e:
        print(e)
    yield 1


itself = throws_into_itself()
next(itself)
print(next(itself))


def deep(n):
    return (yield from deep(n - 1)) if n else (yield from inner("return"))


def handling(kind):
    try:
        raise KeyError("handled")
    except KeyError:
        yield from inner(kind)


g = handling("none")
next(g)
show(g.throw, OSError("thrown"))
sys.setrecursionlimit(10**6)
g = deep(900)
next(g)
show(g.throw, KeyError)
