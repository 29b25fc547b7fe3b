"""Functions whose every instruction is a place to hand over; LOG makes their order visible."""

import contextlib
import sys

LOG = []


def log(*what):
    LOG.append(what)
    return what[0] if what else None


class Noisy:
    """Its death is an event."""

    def __init__(self, name):
        self.name = name

    def __del__(self):
        LOG.append(("del", self.name))

    def method(self, x, *, plus=1):
        return log("method", self.name, x, plus) and x + plus


class Manager:
    def __init__(self, name, swallow=False):
        self.name, self.swallow = name, swallow

    def __enter__(self):
        log("enter", self.name)
        return self

    def __exit__(self, kind, value, tb):
        log("exit", self.name, kind and kind.__name__, str(value))
        return self.swallow


@contextlib.contextmanager
def managed(name, swallow=False):
    log("enter", name)
    try:
        yield name
    except ValueError as e:
        log("caught in manager", str(e))
        if not swallow:
            raise
    finally:
        log("leave", name)


def tens(n):
    for i in range(n):
        yield 10 * i


def expressions(a, b):
    c = a * b + (a - b) * [a, b, log(a + b)][-1]
    d = {"x": c, "y": (a, *range(3))}
    e = f"{c!r:>10}|{d['y'][1:]}|{a}"
    return e, [c < 5 < d["x"], not c], a if b else c


def loops(n):
    total = 0
    for i in range(n):
        for j in (3, 4):
            if j == 4 and i == 1:
                continue
            total += i * j
            for _k, v in {"a": i, "b": j}.items():
                if v > 3:
                    break
                total -= v
            else:
                total += 100
    while total > 50:
        total //= 2
        if total == 60:
            break
    nested = [x * y for x in range(3) for y in tens(3) if x]
    return nested, dict.fromkeys("ab", total), sum(x for x in tens(3)), total


def handlers(x):
    seen = []
    for i in range(4):
        try:
            seen.append(10 // (i - x))
            if i == 3:
                raise KeyError("k")
        except ZeroDivisionError as e:
            seen.append((str(e), sys.exc_info()[1] is e))
            try:
                raise ValueError("inner")
            except ValueError as inner:
                seen.append((str(inner), str(inner.__context__), sys.exc_info()[1] is inner))
            seen.append(sys.exc_info()[1] is e)
        except KeyError:
            seen.append("key")
        else:
            seen.append("else")
        finally:
            seen.append(("finally", i, sys.exc_info()[1]))
    return seen


def returns_through_finally(x):
    try:
        try:
            if x:
                return log("early")
            raise ValueError("v")
        finally:
            log("inner finally")
            try:
                [][1]
            except IndexError:
                log("index", type(sys.exc_info()[1]).__name__)
    except ValueError as e:
        log(repr(e))
        try:
            raise
        except ValueError:
            log("again")
        return "caught"
    finally:
        log("outer finally", repr(sys.exc_info()[1]))


def escapes(x):
    first = Noisy("first")
    try:
        with Manager("w"):
            for i in range(3):
                second = Noisy(i)
                if i == x:
                    raise ValueError("boom")
    finally:
        log("cleanup", i, first.name)
        del second


def managers(x):
    out = []
    with Manager("a") as a, managed("b", True) as b, Manager("c", True):
        out.append((a.name, b))
        for i in range(3):
            with Manager(("loop", i)):
                if i == 1:
                    continue
                out.append(i)
        if x:
            raise ValueError("inside")
        out.append("not reached with x")
    with Manager("s", True):
        raise KeyError("swallowed")
    return out


def cells(x):
    y, z = [x], 1

    def grow(k):
        nonlocal z
        z += k
        y.append(z)
        return lambda: (x, y, z)

    f = grow(5)
    z *= 2
    x = x + 1
    defaults = [lambda q=q: (q, z, x) for q in range(2)]
    return f(), grow(1)(), [u() for u in defaults], z


def free_variables(a, b):
    def free(c):
        nonlocal a
        a = a + c
        r = [a + b + i for i in range(c)]

        class Inner(Noisy):
            q = b

            def who(self):
                return __class__, b

        return r, Inner.q, Inner("k").who()[1], a

    return free


class Sink:
    @staticmethod
    def write(text):
        log("write", text)


def calls(o):
    a = o.method(1, plus=log(2)) + o.method(*[3], plus=4)
    b = max(log(3), *[log(1), 7], key=lambda v: -v)
    print(a, b, sep="-", file=Sink)
    del a
    try:
        a  # noqa: F821
    except UnboundLocalError as e:
        log(str(e)[:30])
    x, *y = range(4)
    (p, q), r = (1, 2), 3
    assert x == 0, log("no")
    o.value: int = 5
    global shared
    shared = (x, y, p, q, r)
    return shared, o.value, b, 1 < log(2) < 3, log(0) or log("or"), log(1) and log("and")


def patterns(values):
    out = []
    for subject in values:
        match subject:
            case {"k": k, **rest}:
                out.append((k, rest))
            case [1, *r]:
                out.append(r)
            case Noisy(name=name) if name:
                out.append(name)
            case str() | int() as t:
                out.append(t)
            case _:
                out.append("?")
    return out


def groups():
    out = []
    try:
        raise ExceptionGroup("g", [ValueError(1), TypeError(2), KeyError(3)])
    except* ValueError as e:
        out.append(repr(e.exceptions))
    except* (TypeError, KeyError) as e:
        out.append(repr(e.exceptions))
        log(type(sys.exc_info()[1]).__name__)
    try:
        try:
            raise ExceptionGroup("g", [OSError(1), TypeError(2)])
        except* OSError:
            raise LookupError("new")  # noqa: B904
    except ExceptionGroup as e:
        out.append(repr(e.exceptions))
    return out


def many_names():
    a0 = a1 = a2 = a3 = a4 = a5 = a6 = a7 = a8 = a9 = 1
    import os.path as op
    from sys import maxsize as ms

    s = "x" if op.sep == "/" else "y"
    t = s[0:1], [1, 2, 3][a0:], {*range(2), *"a"} == {0, 1, "a"}, (*"ab", 1)
    t[1][0] += 5
    u = [1, 2, 3]
    u[0:1] = [9, 9]
    del u[-1]
    u += [log(4)]
    return t, u, ms > 1, -a1, ~a2, not a3, a4 is a5, a6 in u, a7**2, a8 @ 1 if a9 is None else None


def outer(n):
    results = []
    for i in range(n):
        try:
            results.append(middle(i, [n]) + 1)
        except ValueError as e:
            results.append(str(e))
        finally:
            log("outer finally", i)
    return results


def middle(i, items):
    x = Noisy(("x", i))
    with Manager(i):
        if i == 1:
            raise ValueError("from the middle")
        return innermost(i) + len(items) + (x is None)


def innermost(i):
    try:
        return {"a": [i, log(i)]}["a"][0] * 2
    finally:
        log("innermost finally")


# name of the case -> function and arguments, made anew for each run
CASES = {
    "expressions": lambda: (expressions, (2, 3)),
    "expressions of zeros": lambda: (expressions, (0, 0)),
    "loops": lambda: (loops, (3,)),
    "handlers": lambda: (handlers, (1,)),
    "handlers, none needed": lambda: (handlers, (9,)),
    "finally after an exception": lambda: (returns_through_finally, (0,)),
    "finally after a return": lambda: (returns_through_finally, (1,)),
    "exception escapes": lambda: (escapes, (1,)),
    "no exception escapes": lambda: (escapes, (5,)),
    "managers": lambda: (managers, (0,)),
    "managers swallow": lambda: (managers, (1,)),
    "cells": lambda: (cells, (3,)),
    "free variables": lambda: (free_variables(10, 20), (2,)),
    "calls": lambda: (calls, (Noisy("o"),)),
    "patterns": lambda: (patterns, ([{"k": 1, "z": 2}, [1, 2, 3], "text", 2.5],)),
    "groups": lambda: (groups, ()),
    "many names": lambda: (many_names, ()),
}
