"""Who called a generator whose frame somebody has looked at before: each time another caller."""

import sys


def callers():
    frame, seen = sys._getframe(1), []
    while frame is not None:
        seen.append((frame.f_code.co_name, frame.f_lineno))
        frame = frame.f_back
    return seen


def generator():
    while True:
        yield callers()


def by_next(g):
    a = 1

    return next(g), a


def by_for(g):
    a = 1

    for seen in g:
        return seen, a


def by_send(g):
    a = 1

    return g.send(None), a


def by_unpacking(g):
    a = 1

    first, second = next(g), next(
        g
    )
    return first, second, a


def delegating(g):
    a = 1

    yield from g
    return a


def by_list(g):
    a = 1

    return list(zip(g, [1, 2])), a


async def awaiting(inner):
    a = 1

    return await inner, a


async def looked_at():
    return callers()


def by_await(g):
    a = 1

    inner = looked_at()
    inner.cr_frame.f_lineno
    try:
        awaiting(inner).send(None)
    except StopIteration as e:
        return e.value, a


def by_comprehension(g):
    a = 1

    return [x for x, _ in zip(g, range(2))], a


def by_throw(g):
    def catches():
        while True:
            try:
                yield callers()
            except ValueError:
                pass

    inner = catches()
    inner.gi_frame.f_locals

    next(inner)
    return inner.throw(ValueError)


for way in (by_next, by_for, by_send, by_unpacking, by_list, by_await, by_comprehension, by_throw):
    g = generator()
    for _ in range(3):
        print(way.__name__, way(g))
        g.gi_frame.f_locals
    print(way.__name__, way(delegating(g)))
    held = generator()
    frame = held.gi_frame
    print(way.__name__, way(held), frame.f_lineno, frame.f_back)
