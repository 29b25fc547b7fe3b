"""Which instruction a frame says it is at while it waits, and where an exception came through: f_lasti
and tb_lasti, of calls that make frames and of calls of C."""

import sys
from functools import partial


def here(*args, **kwargs):
    return sys._getframe(1).f_lasti


def fails(*args, **kwargs):
    raise KeyError(args)


def entries(e):
    found, tb = [], e.__traceback__.tb_next
    while tb is not None:
        found.append((tb.tb_frame.f_code.co_name, tb.tb_lineno, tb.tb_lasti, tb.tb_frame.f_lasti))
        tb = tb.tb_next
    return found


class Made:
    def __init__(self, f):
        self.at = f()

    def method(self, f):
        return f()

    def __call__(self, f):
        return f()

    def __enter__(self):
        return here()

    def __exit__(self, *args):
        self.at = here()


class Meta(type):
    def __call__(cls, f):
        return super().__call__(f)


class Odd(metaclass=Meta):
    def __init__(self, f):
        self.at = f()


def by_position(f):
    return f(), f(1), f(1, 2)


def by_keyword(f):
    return f(a=1), f(1, b=2)


def by_star(f):
    return f(*(1, 2)), f(**{"a": 1})


def of_method(f):
    m = Made(lambda: 0)
    bound = m.method
    return m.method(f), bound(f), m(f)


def of_class(f):
    return Made(f).at, Odd(f).at


def of_partial(f):
    return partial(f, 1)(2)


def of_lambda(f):
    return (lambda: f())(), [f() for _ in "ab"], {f() for _ in "ab"}


def from_generator(f):
    yield f()
    yield f(1)


def delegating(f):
    yield from from_generator(f)


def walked(f):
    return [*delegating(f)], [x for x in delegating(f)]


def handled(f):
    try:
        f()
    except KeyError:
        at = sys._getframe().f_lasti
        f()
    finally:
        f()
    return at


def again(f):
    try:
        f()
    finally:
        here()


def in_with(f):
    m = Made(here)
    with m as entered:
        f()
    return entered, m.at


WAYS = [by_position, by_keyword, by_star, of_method, of_class, of_partial, of_lambda, walked, in_with]
for way in WAYS:
    first = way(here)
    for _ in range(30):
        last = way(here)
    print(way.__name__, first == last, first)
for way in [*WAYS, handled, again]:
    found = []
    for _ in range(30):
        try:
            way(fails)
        except KeyError as e:
            if (said := entries(e)) not in found:
                found.append(said)
    print(way.__name__, *found)


def deep(n):
    return deep(n - 1) + 1 if n else fails()


try:
    deep(5)
except KeyError as e:
    print(entries(e))


def too_few(a, b):
    pass


def wrong(f):
    return f(1)


for _ in range(3):
    try:
        wrong(too_few)
    except TypeError as e:
        print(e, entries(e))
