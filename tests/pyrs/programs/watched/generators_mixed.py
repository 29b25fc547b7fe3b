"""Generators and coroutines made while a tool watched are CPython's, those they wait for are not: frames
while something is thrown through both, what they say they wait for, what may be delegated to."""

import asyncio
import collections.abc
import sys
import traceback
import types


def callers():
    frame, names = sys._getframe(1), []
    while frame is not None and frame.f_code.co_name != "<module>":
        names.append((frame.f_code.co_name, frame.f_lineno))
        frame = frame.f_back
    return names


def made_watched(make, *args):
    """What make() returns, made while a tool is active."""
    sys.settrace(lambda *_: None)
    made = make(*args)
    sys.settrace(None)
    return made


def started_watched(make, *args):
    sys.settrace(lambda *_: None)
    made = make(*args)
    made.send(None)
    sys.settrace(None)
    return made


# -- what waits at the bottom -----------------------------------------------------------------------


def bottom():
    while True:
        try:
            yield "waiting"
        except KeyError:
            yield callers()
        except GeneratorExit:
            print("closed from", callers())
            raise


def middle():
    return (yield from bottom())


@types.coroutine
def wait():
    return (yield from bottom())


async def awaits():
    return await wait()


async def awaits_more():
    return await awaits()


@types.coroutine
def once():
    yield "started"


# -- what waits for it ------------------------------------------------------------------------------


def given(what):
    yield "started"
    yield from what


def passes(what):
    yield from given(what)


async def coroutine(what):
    await once()
    await what


@types.coroutine
def of_old(what):
    yield "started"
    return (yield from what)


async def agen(what):
    await once()
    await what
    yield 1


async def loops(what):
    async for _ in agen(what):
        pass


async def asks(what):
    await anext(agen(what))


def by_wrapper(what):
    return coroutine(what).__await__()


def by_asend(what):
    return agen(what).asend(None)


async def waits_at_its_end(what):
    try:
        yield "first"
    finally:
        await once()
        await what


def thrown_into(what, end):
    g = waits_at_its_end(what)
    try:
        g.asend(None).send(None)
    except StopIteration as e:
        print("yielded", e.value)
    return getattr(g, end)(*[KeyError("thrown")] * (end == "athrow"))


def by_athrow(what):
    return thrown_into(what, "athrow")


def by_aclose(what):
    return thrown_into(what, "aclose")


def throw_through(name, g):
    print(name, g.send(None))
    print(g.throw(KeyError("one")))
    g.send(None)
    print(g.throw(KeyError, KeyError("two"), None))
    try:
        g.close()
    except RuntimeError as e:
        print(type(e), e)


for make in (given, passes):
    throw_through(make.__name__, started_watched(make, bottom()))
    throw_through(make.__name__, started_watched(make, middle()))
    begun = middle()
    begun.send(None)
    throw_through(make.__name__, started_watched(make, begun))
for make in (coroutine, of_old, loops, asks, by_wrapper, by_asend, by_athrow, by_aclose):
    throw_through(make.__name__, started_watched(make, awaits_more()))


# -- while it closes, the one that waits runs ---------------------------------------------------------


def stubborn(what):
    yield "started"
    try:
        yield from what
    except GeneratorExit:
        try:
            what.throw(KeyError("late"))
        except KeyError as e:
            print("late:", e)
        print(callers())
        yield "goes on"


g = started_watched(stubborn, bottom())
print(g.send(None), g.throw(GeneratorExit))


# -- what they say they wait for ----------------------------------------------------------------------


def shown(o):
    return type(o).__name__, getattr(o, "__name__", None)


for make, name in (coroutine, "cr_await"), (of_old, "gi_yieldfrom"), (given, "gi_yieldfrom"):
    one = middle() if make is given else awaits()
    g = started_watched(make, one)
    print(shown(getattr(g, name)), g.send(None), shown(getattr(g, name)), getattr(g, name) is one)
    g.close()
one = awaits()
g = agen(one)
step = made_watched(g.asend, None)
print(shown(g.ag_await), step.send(None), step.send(None), shown(g.ag_await), g.ag_await is one)
step.close()
one.close()
explicit = started_watched(given, awaits().__await__())
print(explicit.send(None), shown(explicit.gi_yieldfrom))
explicit.close()


# -- coroutines are delegated to, and not iterated ------------------------------------------------------


async def five():
    await once()
    return 5


g = made_watched(of_old, five())
print(g.send(None), g.send(None))
try:
    g.send(None)
except StopIteration as e:
    print("returned", e.value)


def unpacks(c):
    a, b = c
    return a, b


def looped(c):
    result = []
    for x in c:
        result.append(x)
    return result


WAYS = {
    "iter": iter,
    "list": list,
    "loop": looped,
    "unpack": unpacks,
    "star": lambda c: [*c],
    "call": lambda c: print(*c),
    "call of two": lambda c: print(1, *c),
    "in": lambda c: 1 in c,
    "next": next,
    "yield from": lambda c: [*given(c)],
    "watched yield from": lambda c: [*made_watched(given, c)],
}
for name, way in WAYS.items():
    c = five()
    try:
        print(name, way(c))
    except TypeError as e:
        print(name, "--", e)
    c.close()
print(isinstance(c, collections.abc.Iterable), hasattr(c, "__iter__"), "__iter__" in dir(c))


# -- a cancelled task whose outer half was made under a tool --------------------------------------------


async def sleeps():
    try:
        await asyncio.sleep(10)
    except asyncio.CancelledError:
        print([name for name, _ in callers()][:4])
        raise


async def outer(inner):
    try:
        await inner
    except asyncio.CancelledError as e:
        print([frame.name for frame in traceback.extract_tb(e.__traceback__)])
        raise


async def cancels():
    task = asyncio.ensure_future(made_watched(outer, sleeps()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        print("cancelled")


asyncio.run(cancels())
