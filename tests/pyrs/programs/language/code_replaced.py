"""Functions get other code while they run: what runs is what was called."""

import asyncio
import gc
import sys
import threading
import traceback

X = 5


def other(*_, **__):
    return "other"


def with_fresh_code(function, i):
    """The function with code that nobody else holds."""
    function.__code__ = templates[function].replace(co_name=f"{function.__name__}{i}")
    return function


def replaced(function):
    function.__code__ = other.__code__
    gc.collect()
    return [bytearray(64) for _ in range(200)]


def itself(n):
    replaced(itself)
    made = [n + X, str(n), {"n": n}]
    return made[0], made[1:], len(made)


def caller(n):
    x = called(n)
    y = [v + n for v in range(3)]
    return x, y, locals()


def called(n):
    replaced(caller)
    replaced(called)
    z = [n]
    return z + [X]


def raising(n):
    try:
        replaced(raising)
        return [].n
    except AttributeError as e:
        lines = traceback.extract_tb(e.__traceback__)
        return [(line.name.rstrip("0123456789"), line.line) for line in lines], n
    finally:
        assert X == 5


def generator(n):
    replaced(generator)
    yield n
    gc.collect()
    yield [n + X, sys._getframe().f_lineno > 0]
    yield from (n + i for i in range(2))


def kept(n):
    replaced(kept)
    y = n + X
    return sys._getframe() if y else None


def traced(n):
    replaced(traced)
    sys.settrace(lambda *_: None)
    y = [n + X]
    sys.settrace(None)
    return y


def eaten(*, a, b=2):
    return a, b, [X]


class Name(str):
    """A keyword that changes who is called."""

    __hash__ = str.__hash__

    def __eq__(self, other_name):
        replaced(eaten)
        return str.__eq__(self, other_name)


class Finalized:
    def __init__(self, function):
        self.function = function

    def __del__(self):
        replaced(self.function)


def dropping(n):
    x = Finalized(dropping)
    x = n
    y = [x + X]
    return y


async def coroutine(n):
    await asyncio.sleep(0)
    replaced(coroutine)
    await asyncio.sleep(0)
    return [n + X]


def waiting(n):
    begun.set()
    go_on.wait()
    return [n + X]


FUNCTIONS = (
    itself,
    caller,
    called,
    raising,
    generator,
    kept,
    traced,
    eaten,
    dropping,
    coroutine,
    waiting,
)
templates = {function: function.__code__ for function in FUNCTIONS}
begun, go_on = threading.Event(), threading.Event()


def by_thread(i):
    got = []
    begun.clear(), go_on.clear()
    thread = threading.Thread(target=lambda: got.append(with_fresh_code(waiting, i)(i)))
    thread.start()
    begun.wait()
    replaced(waiting)
    go_on.set()
    thread.join()
    return got


def shown(value):
    """Names have the number of the code in them."""
    return str(value) if not hasattr(value, "f_locals") else str(sorted(value.f_locals.items()))


def once(i):
    yield with_fresh_code(itself, i)(i)
    with_fresh_code(called, i)
    yield with_fresh_code(caller, i)(i)
    yield with_fresh_code(raising, i)(i)
    yield list(with_fresh_code(generator, i)(i))
    yield with_fresh_code(kept, i)(i)
    yield with_fresh_code(traced, i)(i)
    yield with_fresh_code(eaten, i)(**{Name("a"): i})
    yield with_fresh_code(dropping, i)(i)
    yield asyncio.run(with_fresh_code(coroutine, i)(i))
    yield by_thread(i)


for i in range(12):
    results = [shown(value) for value in once(i)]
    if i % 4 == 3:
        print(*results, sep="\n")
results = None


def counts():
    return [sys.getrefcount(code) for code in templates.values()]


def all_ways():
    """What links frames, hands them over and drops them, with code that stays."""
    for function in FUNCTIONS:
        function.__code__ = templates[function]
    frame = sys._getframe()
    held = [eaten(a=1), list(zip("ab", held_generator())), held_generator().gi_frame.f_lineno]
    half = held_generator()
    next(half)
    half.gi_frame.f_locals
    sys.settrace(lambda *_: None)
    next(half)
    held.append(eaten(a=frame.f_lineno))
    sys.settrace(None)
    for code in (held_generator, fails):
        try:
            list(code())
        except ZeroDivisionError as e:
            held.append(e)
    return len(held)


def held_generator():
    yield sys._getframe().f_back is not None
    try:
        yield 2
    finally:
        gc.collect()


def fails():
    return eaten(a=1 / 0)


templates |= {
    held_generator: held_generator.__code__,
    fails: fails.__code__,
    all_ways: all_ways.__code__,
}
all_ways()
gc.collect()
before = counts()
for _ in range(10):
    all_ways()
gc.collect()
print([now - then for now, then in zip(counts(), before)])
