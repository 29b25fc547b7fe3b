"""How deep generators and coroutines that run each other go before RecursionError."""

import sys

sys.setrecursionlimit(400)
n = 0


def show(f):
    global n
    seen = []
    for _ in range(12):
        n = 0
        try:
            f()
        except RecursionError as e:
            seen.append((n, str(e)))
    print(f.__name__, seen[0], seen[-1])


def g():
    global n
    n += 1
    yield g().send(None)


@show
def send():
    g().send(None)


def h():
    global n
    n += 1
    yield next(h())


@show
def next_():
    next(h())


def k():
    global n
    n += 1
    for x in k():
        yield x


@show
def for_():
    for x in k():
        pass


def y():
    global n
    n += 1
    yield from y()


@show
def yf():
    list(y())


async def c():
    global n
    n += 1
    c().send(None)


@show
def csend():
    c().send(None)


async def a():
    global n
    n += 1
    await a()


@show
def await_():
    a().send(None)


def t():
    global n
    n += 1
    x = t()
    yield x.__next__()


@show
def dunder():
    t().__next__()


async def ag():
    global n
    n += 1
    async for x in ag():
        yield x


async def ua():
    async for x in ag():
        pass


@show
def asyncfor():
    ua().send(None)


async def w():
    global n
    n += 1
    async with M():
        pass


class M:
    async def __aenter__(s):
        await w()

    async def __aexit__(s, *a):
        pass


@show
def awith():
    w().send(None)
