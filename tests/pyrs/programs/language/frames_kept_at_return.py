"""Frames somebody keeps after their return still have every variable, the returned one too."""

import sys

kept = []


def keep():
    kept.append(sys._getframe(1))


def returned(a, b=2):
    c = a, b
    keep()
    return c


def parameter(a):
    keep()
    return a


def number(a):
    n = a * 1_000_003
    keep()
    return n


def constant(a):
    keep()
    return 1


def expression(a):
    keep()
    return a + a


def deleted(a):
    keep()
    b = a
    del a
    return b


def closed_over(a):
    keep()

    def inner():
        return a

    return a if inner() else None


def generator(a):
    yield a
    keep()
    return a


def ends(generator):
    try:
        while True:
            next(generator)
    except StopIteration as e:
        return e.value


def in_class(a):
    class C:
        x = a
        keep()

    return C.x


def show(result):
    for frame in kept:
        values = {name: value for name, value in frame.f_locals.items() if isinstance(value, (int, str, tuple))}
        same = [name for name, value in frame.f_locals.items() if value is result]
        print(frame.f_code.co_name, frame.f_lineno, values, same)
    kept.clear()


for value in (7, 10**6, 2.5, "text", None):
    for function in (returned, parameter, number, constant, expression, deleted, closed_over, in_class):
        try:
            result = function(value)
        except TypeError as e:
            result = e
        show(result)
    show(ends(generator(value)))
