"""Functions that leave much between CPython's stack and the VM's registers: operands that are
still locals or constants, NULLs, numbers without a box, tests joined with their jumps."""

import sys
from types import SimpleNamespace

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


class Manager:
    def __init__(self, name, swallow=False):
        self.name, self.swallow = name, swallow

    def __enter__(self):
        return log("enter", self.name)

    def __exit__(self, kind, value, tb):
        log("exit", self.name, kind and kind.__name__, tb and tb.tb_lineno)
        return self.swallow


def operands_that_change(x):
    a = x + (x := log(5)) * x
    b = [x, (x := x + 1), x, (x := log(x * 2)), x]
    c = x if (y := x > 3) else -x
    del x
    return a, b, c, y


def unboxed(n):
    big, small, half = 2**47, -3, 0.5
    for i in range(n):
        big = big * 3 + i
        small = small - big // 7 % 5
        half = half * 1.5 - small
    nan = half * float("inf") - float("inf")
    return big, small, half, nan != nan, [nan].count(nan), (big is big, half is half)


def one_object_twice(a):
    x = y = a * 1000003
    z = [x, y]
    return x is y, z[0] is z[1], x is z[0], id(x) == id(y), sys.getrefcount(None) > 3


def joined_tests(lo, hi):
    out = []
    i = lo
    while i < hi and not (i == 7 or log(i) > 100):
        if lo < i <= hi - 2 != 4:
            out.append(i)
        elif i >= 3:
            out.append(-i)
        i += 1
    else:
        out.append("end")
    return out, i


def chained(a, b, c):
    return a < log(b) < c, a == b == c, (a or b) and (c or log("never")), not (a and b)


def arguments(f, seq, names):
    first = f(1, log(2), *seq, k=log("k"), **names)
    second = f(*seq, *"ab", **names, **{"q": log("q")})
    third = f(log("a"), *[], k=f())
    try:
        f(**names, **names)
    except TypeError as e:
        log(str(e))
    return first, second, third


def everything(*args, **kwargs):
    return args, sorted(kwargs.items(), key=repr)


def defaults(a, /, b=2, *c, d=4, e, **f):
    return a, b, c, d, e, sorted(f)


def binds(x):
    out = [defaults(1, e=5), defaults(1, x, 3, e=x, z=1), defaults(*range(4), d=0, e=1)]
    for call in (lambda: defaults(), lambda: defaults(1), lambda: defaults(1, b=2, a=3)):
        try:
            call()
        except TypeError as e:
            log(str(e))
    return out


def unpacks(pairs):
    out = []
    for a, (b, *c) in pairs:
        a, b = b, a
        d = e = a
        out.append((a, b, c, d is e))
    try:
        a, b, c = out[0]
    except ValueError as e:
        log(str(e))
    [*a], b = out, (yes := not out)
    return a, b, yes


def texts(x, w):
    return f"{x}{x!r:>{w}}{log(x)!s:*^{w + 1}}{{}}{x + 1:08.3f}|{'%s' % x}" + "end", f"{w=}"


def containers(x):
    a = {x, *range(x), log(9)}
    b = {x: log(1), **{"k": x}, **dict(q=2)}
    c = [*a, x, *(y for y in b)]
    c[1:2] = [x, x]
    c[-1] = c[0] = log("new")
    del c[2], c[0]
    b["k"] += 1
    return sorted(map(str, a)), b, sorted(map(str, c)), c[x:], c[::x]


def nested_loops(n):
    out = []
    for i in range(n):
        for j in (x for x in range(i, n)):
            for k in [i, j]:
                if k > j:
                    break
                if k == 1:
                    continue
                out.append((i, j, k))
            else:
                out.append("whole")
            if len(out) > 12:
                return out
    return out


def comprehensions(n):
    t = [[i * j for j in range(i) if j % 2] for i in range(n) if i]
    d = {i: {j for j in range(i)} for i in range(n)}
    g = sum(x * y for x in range(n) for y in range(x))
    return t, d, g, [*map(lambda k, n=n: k + n, t[-1])], [i for i in [log(n)] * 2]


def closes_over(n):
    made = []
    for i in range(n):
        k = i * 10

        def inner(x, *, y=i):
            nonlocal k
            k += x + y
            return k, lambda: (k, n)

        made.append(inner)
    first = [f(1) for f in made]
    n = log("later")
    try:
        del k
        made[-1](1)
    except NameError as e:
        log(type(e).__name__, str(e))
    return [a for a, _ in first], [b() for _, b in first[:-1]], n


def makes_classes(base):
    class Outer(base, metaclass=type, flag=log("keyword")):
        x: int = log(3)
        y = [x, *map(lambda k: k + 1, (x, 2))]

        class Inner:
            z = log("inner")

        def __init_subclass__(cls, **kw):
            log("subclass", cls.__name__, sorted(kw))
            super().__init_subclass__()

        def get(self):
            return super().get() + (__class__.__name__,)

        @property
        def prop(self):
            return self.y

        @staticmethod
        def st(v):
            return v

    class Last(Outer, k=1):
        locals()["dynamic"] = log("set")

    o = Last()
    return o.get(), o.prop, o.st(4), Last.dynamic, Last.Inner.z, Outer.__annotations__


class Base:
    def __init_subclass__(cls, **kw):
        log("base subclass", sorted(kw))

    def get(self):
        return (type(self).__name__,)


def properties(o):
    o.a = log(1)
    o.a += o.a
    o.b = o.a, o
    del o.a
    try:
        return o.a
    except AttributeError as e:
        log(str(e))
        return o.b[1] is o, getattr(o, "a", "none")


def matches(values):
    out = []
    for v in values:
        match v:
            case 0 | 1 | None:
                out.append("small")
            case (a, b) if a > b:
                out.append((b, a))
            case [SimpleNamespace(x=[_, *mid]), *_] | {"x": mid, "y": [*_] | 6}:
                out.append(mid)
            case str(s) if log(s):
                out.append(s)
            case float():
                out.append(-v)
            case _:
                log("nothing", v)
    return out


def stars(kinds):
    try:
        try:
            raise ExceptionGroup("g", [k(log(k.__name__)) for k in kinds])
        except* ValueError as e:
            log("value", [str(x) for x in e.exceptions])
            del e
        except* (KeyError, OSError) as e:
            log("other", len(e.exceptions))
            raise RuntimeError("from a handler") from e
        else:
            log("else")
        finally:
            log("finally", type(sys.exception()).__name__)
    except ExceptionGroup as e:
        return [type(x).__name__ for x in e.exceptions], type(e.__cause__).__name__
    except RuntimeError as e:
        return str(e), type(e.__cause__).__name__


def raises_in_with(x):
    keep = Noisy("kept")
    with Manager("out", swallow=x > 2), Manager("in") as m:
        for i in [Noisy(1), Noisy(2)]:
            y = i.name * x
            if y > 3:
                raise KeyError(m, y)
    return y, keep.name


def finally_wins(n):
    for i in range(n):
        try:
            try:
                if i == 1:
                    continue
                if i == 2:
                    break
                log("body", i)
            finally:
                log("finally", i)
                try:
                    1 // (i - 2)
                except ZeroDivisionError:
                    log("inside", type(sys.exception().__context__).__name__)
        except KeyError:
            log("never")
    else:
        log("else")
    try:
        return log("value")
    finally:
        if n > 3:
            return log("instead")  # noqa: B012


def chain_of_causes(x):
    try:
        try:
            {}[x]
        except KeyError as e:
            e.add_note("noted")
            raise ValueError(log("second")) from e
    except ValueError as e:
        try:
            raise
        finally:
            log(str(e.__cause__), e.__cause__.__notes__)


def bare(x):
    def inner():
        raise

    try:
        return [][x]
    except IndexError:
        inner()


def asserts(x):
    assert x < 3, f"{log(x)} is too much"
    assert not x, Noisy("message").name
    return "fine"


def unbound(x):
    if x:
        y = log("bound")
    for z in range(x - 1):
        log(z)
    try:
        log(y)
        del y
        return y
    except UnboundLocalError as e:
        log(str(e))
    return z


def globals_and_builtins():
    global made_here
    made_here = log(1)
    made_here += len(str(made_here))
    out = made_here, max(3, made_here)
    del made_here
    try:
        return made_here
    except NameError as e:
        return out, str(e)


def imports():
    import os.path
    import string as s
    from collections import OrderedDict, abc
    from importlib import util as u

    try:
        from os import nothing_of_that_name
    except ImportError as e:
        log(e.name, e.msg.split(" (")[0])
    return os.path.sep, s.digits, OrderedDict(a=1), abc.Sized.__name__, u.__name__


def finalises(n):
    a = Noisy("a")
    b = [Noisy(i) for i in range(n)]
    a = log("a rebound")
    b[0] = None
    log("item gone")
    c = (Noisy("temporary"), 1)[1]
    log("temporary gone", c)
    Noisy("statement")
    log(Noisy("argument").name)
    del b
    return log("end")


def recurses(n):
    if n <= 0:
        return Noisy("bottom").name
    x = Noisy(n)
    return [recurses(n - 1), x.name + log(n)]


def numbers(a, b):
    return (
        a + b, a - b, a * b, a / b, a // b, a % b, a**2, -a, +b, ~(a & 7), a | 1, a ^ b, a << 3,
        a >> 1, divmod(a, b), a == b, a != b, a <= b, a is b, a in (b, a), not a,
    )  # fmt: skip


def wrong_operands(x):
    for f in (lambda: x + "", lambda: x[0], lambda: x(), lambda: x.y, lambda: -[], lambda: x < ""):
        try:
            f()
        except (TypeError, AttributeError) as e:
            log(str(e))
    for _ in x:
        pass


def annotated(x: log("annotation") = log("default"), *y: int) -> None:
    z: list[int] = [x, *y]
    return z, annotated.__annotations__


annotated.__annotations__  # where they are evaluated when somebody looks: somebody did


def sets_while_it_loops(d):
    seen = []
    try:
        for k in d:
            seen.append(k)
            d[k + 10] = log(k)
    except RuntimeError as e:
        seen.append(str(e))
    return seen


def iterates(n):
    it = iter(range(n))
    out = [next(it), *zip(it, it, strict=False)]
    for i, (a, b) in enumerate(zip("ab", [1, 2], strict=True), start=log(5)):
        out += [i, a, b]
    return out, next(it, "none"), list(reversed(out))[:2], any(x == 1 for x in out)


# name of the case -> function and arguments, made anew for each run
class Named:
    def __set_name__(self, owner, name):
        log(("set_name", owner.__name__, name))
        self.name = name


class RefusesName:
    def __set_name__(self, owner, name):
        raise KeyError(name)


class Hooked:
    def __init_subclass__(cls, **kw):
        log(("subclass", cls.__name__, kw))
        super().__init_subclass__()


class Hooks(type):
    @classmethod
    def __prepare__(cls, name, bases, **kw):
        log(("prepare", name))
        return {"prepared": kw}

    def __new__(cls, name, bases, namespace, **kw):
        log(("new", name))
        made = super().__new__(cls, name, bases, namespace)
        log(("made", name))
        return made

    def __init__(cls, name, bases, namespace, **kw):
        log(("init", name))


def class_hooks(n):
    class First(Hooked, k=n):
        a = Named()
        b = Named()

    class Second(First, metaclass=Hooks):
        c = Named()

    third = type("Third", (Hooked,), {"d": Named()}, k=n)
    fourth = Hooks("Fourth", (), {"e": Named()}, k=n)
    try:

        class Fifth(Hooked):
            a = Named()
            f = RefusesName()

    except RuntimeError as e:
        log((str(e), repr(e.__cause__)))
    return First.b.name, Second.c.name, Second.prepared, third.d.name, fourth.e.name


class Asked:
    def __init__(self, value):
        self.value = value

    def __format__(self, spec):
        log(("format", spec))
        return spec + self.value

    def __repr__(self):
        log("repr")
        return self.value

    def __anext__(self):
        log("anext")
        return self.value


def asked(o):
    texts = format(o), format(o, "x"), f"{o:y}", ascii(o), f"{o!a}", f"{o!a:>5}", anext(o)
    step = anext(o, 1)
    bad = Asked(3)
    for ask in (format, ascii, repr, anext):
        try:
            texts += (ask(bad),)
        except TypeError as e:
            log(str(e))
    return texts, type(step).__name__


CASES = {
    "operands that change": lambda: (operands_that_change, (3,)),
    "unboxed numbers": lambda: (unboxed, (6,)),
    "one object twice": lambda: (one_object_twice, (10**9,)),
    "joined tests": lambda: (joined_tests, (1, 9)),
    "chained comparisons": lambda: (chained, (1, 2, 3)),
    "star arguments": lambda: (arguments, (everything, [7, 8], {"n": 1})),
    "binding": lambda: (binds, (9,)),
    "unpacking": lambda: (unpacks, ([(1, "bcd"), (2, [3])],)),
    "texts": lambda: (texts, (5, 8)),
    "containers": lambda: (containers, (3,)),
    "nested loops": lambda: (nested_loops, (4,)),
    "comprehensions": lambda: (comprehensions, (4,)),
    "closures": lambda: (closes_over, (3,)),
    "class bodies": lambda: (makes_classes, (Base,)),
    "class hooks": lambda: (class_hooks, (3,)),
    "asked by builtins": lambda: (asked, (Asked("\xe9"),)),
    "attributes": lambda: (properties, (SimpleNamespace(),)),
    "match": lambda: (
        matches,
        ([0, (2, 1), (1, 2), [SimpleNamespace(x=[1, 2, 3])], {"x": 5, "y": 6}, "text", 2.5, []],),
    ),
    "except*": lambda: (stars, ([ValueError, KeyError, OSError],)),
    "except*, something left": lambda: (stars, ([ValueError, TypeError],)),
    "with, swallowed": lambda: (raises_in_with, (3,)),
    "with, escapes": lambda: (raises_in_with, (2,)),
    "finally and the loop": lambda: (finally_wins, (3,)),
    "finally returns": lambda: (finally_wins, (4,)),
    "causes": lambda: (chain_of_causes, ("k",)),
    "bare raise": lambda: (bare, (1,)),
    "assert": lambda: (asserts, (1,)),
    "assert, formatted": lambda: (asserts, (5,)),
    "unbound": lambda: (unbound, (2,)),
    "unbound at the end": lambda: (unbound, (1,)),
    "globals": lambda: (globals_and_builtins, ()),
    "imports": lambda: (imports, ()),
    "finalisers": lambda: (finalises, (3,)),
    "recursion": lambda: (recurses, (4,)),
    "integers": lambda: (numbers, (-(2**48) + 1, 7)),
    "big integers": lambda: (numbers, (10**30, -(10**20))),
    "wrong operands": lambda: (wrong_operands, (5,)),
    "annotations": lambda: (annotated, (1, 2)),
    "changed while iterating": lambda: (sets_while_it_loops, ({1: 1},)),
    "iterators": lambda: (iterates, (5,)),
}
