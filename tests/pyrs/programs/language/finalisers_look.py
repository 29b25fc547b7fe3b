"""Who goes with a variable, a temporary or a frame and looks for its caller sees it at its line."""

import sys


class N:
    def __init__(s, n):
        s.n = n

    def __del__(s):
        f = sys._getframe(1)
        print("del", s.n, f.f_code.co_name, f.f_lineno, sorted(f.f_locals))


def f():
    x = N(1)
    x = 2
    x = N(2)
    y = 3
    x = y
    x = N(3)
    x = None
    x = N(4)
    x = [1]
    x = N(5)
    for x in [1, 2]:
        pass
    x = N(6)
    x, y = 4, 5
    x = N(7)
    x = y + 1
    x = N(8)
    x = y < 3
    x = N(9)
    x = len([1])
    x = N(10)
    x = g()
    x = N(11)
    x = i(3)
    x = N(12)
    x = z.a
    x = N(13)
    x = z.m()
    x = N(14)
    [N(15)]
    N(16).n
    t = N(17).n + N(18).n
    x = [N(19)]
    x[0] = 3
    z.q = N(20)
    z.q = 5
    d = {1: N(21)}
    d[1] = 3
    d = N(22)
    d = {}
    d = N(23)
    d = lambda: 3
    d = N(24)
    for d in range(3):
        pass
    d = N(25)
    with z as d:
        pass
    d = N(26)
    try:
        1 / 0
    except ZeroDivisionError as d:
        pass
    d = N(27)
    import os as d

    d = N(28)
    d = z[0]
    d = N(29)
    d = not z
    d = N(30)
    d = "a%s" % 3
    d = N(31)
    d = f"{y}"

    def c():
        return e

    e = N(32)
    e = 3
    e = N(33)
    e = g()
    w = N(34), N(35)
    a, b = w
    del w
    a = b = None
    return N(36)


def i(a):
    return a


def g():
    return i(4)


class Z:
    a = 3

    def m(s):
        return g()

    def __enter__(s):
        return 1

    def __exit__(s, *a):
        pass

    def __getitem__(s, i):
        return i


z = Z()
f().n


def many():
    for k in range(3):
        f().n


many()


def first(a):
    x = N(1)
    y = N(2)
    if a:
        z = 3
    return z


def second(a):
    return first(a)


def k():
    for i in range(3):
        second(1)
    x = [N(i) for i in range(3)]
    return 1


k()


def gen():
    x = N(7)
    yield 1
    y = N(8)


def l():
    for i in gen():
        pass
    for i in gen():
        break
    list(gen())
    x = gen()
    next(x)
    x = 3


l()


class C:
    def __init__(s, a):
        s.x = N("in C")

    def __add__(s, o):
        t = N("add")
        return 3

    @property
    def p(s):
        t = N("prop")
        return 3


def makes():
    C(1)
    x = C(2)
    x = C(3)
    x + x
    x.p
    y = x.p
    x + y
    h(N("arg"))
    h(N("arg"), N("arg2"))
    return x


def h(*a):
    a = 3


makes()


def raising():
    x = N("r")
    1 / 0


def n():
    try:
        raising()
    except ZeroDivisionError:
        pass
    x = N("n")


n()


def rec(k):
    x = N(k)
    if k:
        rec(k - 1)


rec(4)


# more than once in what goes
def twice_in_list(x):
    q = [x, x]
    x = None

    q = 1
    return q


def twice_in_tuple(x):
    q = (x, 5, x)
    x = None

    q = 2
    return q


def twice_in_dict(x):
    q = {1: x, 2: x}
    x = None

    q = 3
    return q


for k in range(3):
    twice_in_list(N(k))
    twice_in_tuple(N(k))
    twice_in_dict(N(k))
