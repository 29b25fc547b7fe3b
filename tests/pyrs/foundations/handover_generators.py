"""Generators, coroutines and async generators, driven in every way there is: what leaves the VM
while one of them runs or waits takes the whole object along."""

import gc
import sys
import types
import weakref

LOG = []
TICK = []  # called at every event, when there is one


def log(*what):
    LOG.append(what)
    for call in TICK:
        call()
    return what[0] if what else None


class Noisy:
    """Its death is an event."""

    def __init__(self, name):
        self.name = name

    def __repr__(self):
        return f"Noisy({self.name!r})"

    def __del__(self):
        LOG.append(("del", self.name))


def counts(n, *, noise=None):
    total = 0
    try:
        for i in range(n):
            total += i * 3
            got = yield log(total)
            if got:
                total += got
    except KeyError as e:
        log("caught", str(e))
        yield "after"
    finally:
        log("finally", total)
    return total


def for_loops(n):
    out = [x + 1 for x in counts(n)]
    for a, b in zip(counts(3), counts(2)):
        out.append((a, b))
    return out, sum(counts(4)), max(counts(2), default=None), list(map(log, counts(2)))


def sends(n):
    g = counts(n)
    out = [next(g), g.send(5), g.send(None), next(g)]
    try:
        g.send("x")
    except TypeError as e:
        log(str(e))
    for again in (next, list, lambda g: g.send(1)):
        try:
            out.append(again(g))
        except StopIteration as e:
            out.append(("stop", e.value))
    return out


def throws(n):
    out = []
    g = counts(n)
    out.append(next(g))
    out.append(g.throw(KeyError("k")))
    try:
        out.append(next(g))
    except StopIteration as e:
        out.append(e.value)
    g = counts(n)
    next(g)
    try:
        g.throw(ValueError, ValueError("v"), None)
    except ValueError as e:
        out.append((str(e), e.__context__, e.__traceback__.tb_next.tb_lineno > 0))
    new = counts(n)
    try:
        new.throw(KeyError("new"))
    except KeyError as e:
        out.append(str(e))
    return out


def closes(n):
    out = []
    g = counts(n)
    next(g)
    g.close()
    out.append(list(g))

    def stubborn():
        while True:
            try:
                yield log("here")
            except GeneratorExit:
                log("no")
                if n:
                    yield "still here"
                return

    g = stubborn()
    next(g)
    try:
        g.close()
    except RuntimeError as e:
        out.append(str(e))
    n = 0
    g.close()
    return out


def dies(n):
    def holds(what):
        try:
            yield what
            log("never")
        finally:
            log("cleaned")

    g = holds(Noisy("held"))
    next(g)
    ref = weakref.ref(g)
    del g
    out = [ref() is None]

    def circle():
        me = yield
        try:
            yield me
        finally:
            log("circle broken")

    c = circle()
    next(c)
    c.send(c)
    del c
    gc.collect()
    return out


def delegates(n):
    def inner(k):
        try:
            got = yield log("inner", k)
            if k:
                got = yield from inner(k - 1)
            return (k, got)
        except KeyError as e:
            log("inner caught", k, str(e))
            return "recovered"
        finally:
            log("inner ends", k)

    def outer():
        first = yield from inner(n)
        second = yield from [1, 2]
        third = yield from counts(2)
        return first, second, third

    out = []
    g = outer()
    out.append(next(g))
    out.append(type(g.gi_yieldfrom).__name__)
    for x in (4, None, None):
        out.append(g.send(x))
    out.append(g.throw(KeyError("down")))
    try:
        while True:
            out.append(next(g))
    except StopIteration as e:
        out.append(e.value)
    g = outer()
    next(g)
    g.close()
    return out


def stops(n):
    def raises_stop():
        yield 1
        next(iter(()))

    out = []
    try:
        list(raises_stop())
    except RuntimeError as e:
        out.append((str(e), type(e.__cause__).__name__))

    def reenters():
        yield next(g)

    g = reenters()
    try:
        next(g)
    except ValueError as e:
        out.append(str(e))
    return out


def handles(n):
    def inside():
        try:
            raise KeyError("in generator")
        except KeyError:
            log(str(sys.exc_info()[1]))
            yield "one"
            log(str(sys.exc_info()[1]))
            try:
                yield "two"
            except ValueError as e:
                log(repr(e.__context__))
                raise TypeError("out") from e

    out = []
    g = inside()
    try:
        raise IndexError("caller")
    except IndexError:
        out.append(next(g))
        out.append(str(sys.exc_info()[1]))
        out.append(next(g))
    try:
        g.throw(ValueError("thrown"))
    except TypeError as e:
        out.append((repr(e.__cause__), repr(e.__context__)))
    return out


def looks(n):
    def seen():
        x = 1
        y = yield sys._getframe()
        z = [x, y]
        yield z

    g = seen()
    out = [g.gi_frame.f_lasti >= 0, sorted(g.gi_frame.f_locals), g.gi_running, g.gi_suspended]
    frame = next(g)
    out += [frame is g.gi_frame, frame.f_locals, frame.f_back is None, g.gi_suspended]
    out += [g.gi_frame.f_lineno - g.gi_code.co_firstlineno, g.send(7), frame.f_locals]
    out += [list(g), g.gi_frame, frame.f_locals["z"], frame.f_back is None]
    return out


def clears(n):
    def waits(what):
        try:
            yield what
        finally:
            log("cleared")

    out = []
    g = waits(Noisy("in a cleared frame"))
    f = g.gi_frame
    next(g)
    f.clear()
    out += [list(g), f.f_locals, g.gi_frame]
    g = waits(1)
    g.gi_frame.clear()
    out.append(list(g))

    def clears_itself():
        f = sys._getframe()
        try:
            f.clear()
        except RuntimeError as e:
            log(str(e))
        yield f

    f = next(clears_itself())
    f.clear()
    return out


def base_functions(n):
    out = []
    G = types.GeneratorType
    g = counts(n)
    out += [G.__next__(g), G.send(g, 3), type(g).send(g, None)]
    out += [G.throw(g, KeyError("base")), G.close(g), list(g)]

    async def coro():
        return await Wait(2)

    c = coro()
    C = types.CoroutineType
    out.append(C.send(c, None))
    try:
        C.throw(c, IndexError("thrown"))
    except IndexError as e:
        out.append(str(e))
    out.append(C.close(c))
    c = coro()
    out += list(C.__await__(c))

    a = agen(n)
    A = types.AsyncGeneratorType
    out += [finish(A.__anext__(a)), finish(A.asend(a, 4)), finish(type(a).__anext__(a))]
    out += [finish(A.athrow(a, KeyError("base"))), finish(A.aclose(a))]
    return out


class Wait:
    """Suspends its awaiter some times."""

    def __init__(self, n):
        self.n = n

    def __await__(self):
        for i in range(self.n):
            log("wait", (yield i))
        return self.n


def finish(awaitable, sent=None):
    """Run it to the end: what it returns, and what it waited for."""
    waited = []
    it = awaitable.__await__()
    try:
        while True:
            waited.append(it.send(sent))
    except StopIteration as e:
        return e.value, waited
    except StopAsyncIteration:
        return "end", waited


async def agen(n):
    try:
        for i in range(n):
            await Wait(i)
            got = yield log(i)
            if got:
                log("got", got)
    except KeyError as e:
        log("caught", str(e))
        yield await Wait(1)
    finally:
        log("agen ends")
        await Wait(1)


def coroutines(n):
    async def add(a, b):
        x = await Wait(a)
        y = await Wait(b)
        return x + y

    async def chain(k):
        if k:
            return 1 + await chain(k - 1)
        return await add(1, 2)

    class Context:
        async def __aenter__(self):
            return log(await add(0, 1))

        async def __aexit__(self, kind, value, tb):
            log(kind and kind.__name__, await Wait(1))
            return kind is KeyError

    async def uses():
        out = []
        async with Context() as c:
            out.append(c)
            raise KeyError("swallowed")
        try:
            async with Context():
                out.append(await chain(n))
                raise ValueError("not swallowed")
        except ValueError as e:
            out.append(str(e))
        out.append([await add(i, 1) for i in range(2)])
        return out

    c = chain(1)
    out = [finish(uses()), finish(chain(2), sent=7)]
    next(iter([c])).close()
    return out


def coroutine_ends(n):
    async def waits():
        try:
            return await Wait(2)
        except KeyError as e:
            log("caught", str(e))
            return await Wait(1)
        finally:
            log("ends")

    out = []
    c = waits()
    out.append(c.send(None))
    out.append(c.throw(KeyError("in")))
    try:
        c.send(None)
    except StopIteration as e:
        out.append(e.value)
    try:
        c.send(None)
    except RuntimeError as e:
        out.append(str(e))
    c = waits()
    w = c.__await__()
    out.append(next(w))
    try:
        finish(waiting(c))
    except RuntimeError as e:
        out.append(str(e))
    w.close()

    @types.coroutine
    def old():
        got = yield "old"
        return got

    async def new():
        return await old()

    out.append(finish(new(), sent=3))
    return out


async def waiting(c):
    return await c


def async_generators(n):
    async def consumes():
        out = []
        async for x in agen(n):
            out.append(x)
        out.append([x async for x in agen(3) if x])
        a = agen(n)
        out.append(await a.__anext__())
        out.append(await a.asend("sent"))
        out.append(await a.athrow(KeyError("thrown")))
        try:
            await a.__anext__()
        except StopAsyncIteration:
            out.append("end")
        b = agen(n)
        await anext(b)
        await b.aclose()
        out.append(await anext(b, "default"))
        out.append(await anext(agen(1), "unused"))
        async for x in agen(n):
            if x:
                break
        else:
            out.append("else")
        return out

    return finish(consumes())


def steps_by_hand(n):
    out = []
    a = agen(n)
    first = a.__anext__()
    for _ in range(3):
        try:
            out.append(first.send(None))
        except (StopIteration, RuntimeError) as e:
            out.append(repr(e))
    second = a.asend(1)
    out.append(second.send(None))
    third = a.asend(2)
    try:
        third.send(None)
    except RuntimeError as e:
        out.append(str(e))
    try:
        second.throw(KeyError("inside"))
    except StopIteration as e:
        out.append(e.value)
    except KeyError as e:
        out.append(repr(e))
    closing = a.aclose()
    for _ in range(3):
        try:
            out.append(closing.send(None))
        except (StopIteration, RuntimeError) as e:
            out.append(repr(e))
    b = agen(n)
    thrown = b.athrow(ValueError("never started"))
    try:
        finish(thrown)
    except ValueError as e:
        out.append(str(e))
    return out, a.ag_running, a.ag_frame is None, b.ag_frame


def genexprs(n):
    k = 3
    pairs = ((x, y, k) for x in range(n) for y in counts(x) if y != 3)
    nested = (sum(z for z in counts(x)) for x in range(n))
    return list(pairs), list(nested), [*counts(2)], {*counts(3)}, dict(zip("abc", counts(3)))


def star(n):
    a, *b, c = counts(n)
    d = max(*counts(3), key=lambda x: log(-x))
    return a, b, c, d, (lambda *x: x)(*counts(2))


CASES = {
    "for loops": lambda: (for_loops, (3,)),
    "send": lambda: (sends, (4,)),
    "throw": lambda: (throws, (3,)),
    "close": lambda: (closes, (3,)),
    "death": lambda: (dies, (3,)),
    "yield from": lambda: (delegates, (3,)),
    "StopIteration": lambda: (stops, (3,)),
    "handled exceptions": lambda: (handles, (3,)),
    "frames": lambda: (looks, (3,)),
    "frame.clear": lambda: (clears, (3,)),
    "functions of the base types": lambda: (base_functions, (5,)),
    "coroutines": lambda: (coroutines, (3,)),
    "ends of coroutines": lambda: (coroutine_ends, (3,)),
    "async generators": lambda: (async_generators, (3,)),
    "steps of async generators": lambda: (steps_by_hand, (3,)),
    "generator expressions": lambda: (genexprs, (4,)),
    "star": lambda: (star, (4,)),
}
