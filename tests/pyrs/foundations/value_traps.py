"""Traps about objects: each returns a list of facts that plain CPython and the VM share.

`IDENTITY` facts say that two names are one object.  Numbers may be merged in the VM (two equal
numbers turn out to be one object), never split: a fact that is true stays true.
"""
# What a linter would tidy away is what is tested here: comparisons by identity, values that are
# never used, shapes of code.
# ruff: noqa: B007, B023, C409, C416, E712, E721, E731, F632, F841, RUF015, RUF059, UP034

import asyncio
import copy
import functools
import gc
import math
import pickle
import types
import weakref
from sys import getrefcount

IDENTITY, ORDER, COUNTS, TYPES = [], [], [], []


def trap(table):
    def add(function):
        table.append(function)
        return function

    return add


class Box:
    def __init__(self, value=None):
        self.value = value

    def get(self):
        return self.value

    def put(self, value):
        self.value = value
        return value


def born(a, b):
    """An int and a float that arithmetic made: no object holds them yet."""
    return a * 1000003 + b, a / 7 + b


def through(value):
    return value


# -- one object stays one ------------------------------------------------------------------


@trap(IDENTITY)
def aliases():
    x, u = born(10**6, 17)
    y, v = x, u
    return [x is y, u is v, id(x) == id(y), id(u) == id(v), id(x) == id(x), not (x is not y)]


@trap(IDENTITY)
def aliases_made_later():
    x, u = born(10**6, 18)
    first = id(x), id(u)
    y, v = x, u
    for _ in range(3):
        through(y)
    return [id(y) == first[0], id(v) == first[1], id(x) == first[0]]


@trap(IDENTITY)
def items():
    x, u = born(10**6, 19)
    many, pair, table = [x, u, x], (x, u), {x: u, "x": x}
    return [
        *(many[0] is many[2], many[0] is x, many[1] is u, pair[0] is many[0], pair[1] is many[1]),
        *(table["x"] is x, table[x] is u, next(iter(table)) is x, id(many[0]) == id(pair[0])),
        *(many.index(x) == 0, many[0] is table["x"]),
    ]


@trap(IDENTITY)
def attributes():
    x, u = born(10**6, 20)
    o, p = Box(x), Box()
    p.value = x
    o.other = p.other = u
    return [o.value is x, o.value is p.value, id(o.get()) == id(x), o.other is p.other is u]


@trap(IDENTITY)
def arguments():
    x, u = born(10**6, 21)
    a, b = through(x), through(u)
    return [a is x, b is u, id(a) == id(x), id(b) == id(u), id(through(x)) == id(x)]


@trap(IDENTITY)
def kept_by_the_callee():
    x, u = born(10**6, 22)
    o, p = Box(), Box()
    o.put(x), p.put(u)
    many = [x, u]
    return [
        *(o.value is x, p.value is u, o.value is many[0], p.value is many[1]),
        *(id(o.value) == id(x), id(p.value) == id(u)),
    ]


@trap(IDENTITY)
def kept_by_two_callees():
    x, u = born(10**6, 23)
    o, p = Box(x), Box(x)
    q, r = Box(u), Box(u)
    return [o.value is p.value, q.value is r.value, id(o.value) == id(p.value)]


@trap(IDENTITY)
def results():
    def make():
        x, u = born(10**6, 24)
        keep.append(x), keep.append(u)
        return x, u

    def one():
        x = born(10**6, 25)[0]
        keep.append(x)
        return x

    keep = []
    x, u = make()
    y = one()
    return [keep[0] is x, keep[1] is u, keep[2] is y, id(keep[2]) == id(y)]


@trap(IDENTITY)
def cells():
    x, u = born(10**6, 26)

    def inner():
        return x, u, id(x)

    again = inner()
    return [again[0] is x, again[1] is u, again[2] == id(x), inner()[0] is again[0]]


@trap(IDENTITY)
def generators():
    def numbers():
        x, u = born(10**6, 27)
        got = yield x
        yield got is x, id(got) == id(x)
        yield u
        yield [x] == [got]

    g = numbers()
    x = next(g)
    facts = [*g.send(x)]
    u, v = next(g), 1.5
    return [*facts, u is not v, next(g), [y for y in (x, x)][0] is x]


@trap(IDENTITY)
def defaults_and_stars():
    x, u = born(10**6, 28)

    def f(a=x, *args, b=u, **named):
        return a, b, args, named

    a, b, args, named = f(x, x, u, b=u, n=x)
    return [
        *(f()[0] is x, f()[1] is u, f.__defaults__[0] is x, a is x, b is u),
        *(args[0] is x, args[1] is u, named["n"] is x, args[0] is named["n"]),
    ]


@trap(IDENTITY)
def globals_and_classes():
    global kept
    kept, u = born(10**6, 29)
    x = kept

    class C:
        y = x
        z = kept

    return [kept is x, C.y is C.z, C.y is x, C().z is x, globals()["kept"] is x, id(C.y) == id(x)]


@trap(IDENTITY)
def constants():
    def one():
        return 1234567

    def other():
        x = 3.25
        return x

    x = y = 7654321
    return [
        *(one() is one(), other() is other(), x is y, id(x) == id(y)),
        *(one() is one.__code__.co_consts[-1], other() is other.__code__.co_consts[-1]),
        *([one()][0] is [one()][0], id(one()) == id(one.__code__.co_consts[-1])),
        *({"a": one()}["a"] is one.__code__.co_consts[-1], (lambda: 2.5)() is (lambda: 2.5)()),
    ]


@trap(IDENTITY)
def iteration():
    seen, last = [], None
    for i in range(10**6, 10**6 + 3):
        seen.append(i)
        last = i
    for a, b in zip(seen, seen):
        if a is not b:
            return [False]
    return [seen[-1] is last, last is i, id(last) == id(i), [*seen][0] is seen[0]]


@trap(IDENTITY)
def locals_dict():
    x, u = born(10**6, 30)
    here = locals()
    return [here["x"] is x, here["u"] is u, id(here["x"]) == id(x), locals()["x"] is here["x"]]


@trap(IDENTITY)
def exceptions():
    x, u = born(10**6, 31)
    try:
        raise ValueError(x, u)
    except ValueError as e:
        return [e.args[0] is x, e.args[1] is u, id(e.args[0]) == id(x)]


@trap(IDENTITY)
def small_numbers():
    a, b = 255, 1
    return [
        *(a + b is 256, id(a + b) == id(256), a - 260 is -5, id(a // 2) == id(127)),
        *([a + b][0] is [256][0], (a + b is not 256) is False),
    ]


@trap(IDENTITY)
def singletons():
    one, text = 1, "text"
    return [
        *((one < 2) is True, (not one) is False, (one == 1.0) is True, bool(one) is True),
        *(text[0] is "t", text[:0] is "", () is tuple([]), (one in [1]) is True, None is None),
        *((lambda: None)() is None, [].append(1) is None, type(one) is int, ... is Ellipsis),
    ]


@trap(ORDER)
def numbers_of_other_kinds():
    one, zero = 1, 0
    return [
        *(one is True, one is 1.0, zero is False, 0.0 is -0.0, -(zero * 1.0) is 0.0),
        *(one == True, one == 1.0, 0.0 == -0.0, str(-0.0), repr(0.0 * -1), 2**53 + 1 is 2.0**53),
        *({1: "a"}[True], {1.0: "b"}[1], [1] == [True], hash(one) == hash(1.0)),
    ]  # fmt: skip


# -- NaN: equal to nothing, found in containers by identity --------------------------------


def not_numbers():
    inf = 1e308 * 10
    return [
        float("nan"),
        inf - inf,
        inf * 0,
        math.nan,
        -(inf - inf),
        (inf - inf) + 1,
        abs(math.nan),
    ]


@trap(ORDER)
def nan_compares():
    return [
        (x == x, x != x, x < x, x <= 1, not x, bool(x), x is x, min(x, 1) is x, max(1, x))
        for x in not_numbers()
    ]


@trap(ORDER)
def nan_in_containers():
    facts = []
    for x in not_numbers():
        many, pair, group, table = [x, 1, x], (x,), {x}, {x: "found"}
        facts += [
            *(x in many, x in pair, x in group, x in table, table[x], many.count(x)),
            *(many.index(x), many == [x, 1, x], pair == (x,), {x: 1} == {x: 1}, {x} == {x}),
            *(x in [float("nan")], (x, 2) < (x, 3), [x] < [x], many[0] is many[2], len({x, x})),
        ]
    return facts


@trap(ORDER)
def nan_travels():
    facts = []
    for x in not_numbers():
        y, z = through(x), Box(x)

        def cell(x=x):
            return [x].count(y)

        def gen(x):
            yield x
            yield x

        a, b = gen(x)
        facts += [y is x, z.value is x, z.get() in [x], cell(), a is b, (lambda: x)() is x]
    return facts


@trap(ORDER)
def nan_arithmetic():
    inf, facts = float("inf"), []
    for op in (
        lambda a, b: a - b, lambda a, b: a * 0, lambda a, b: a / b, lambda a, b: a % b,
        lambda a, b: a // b, lambda a, b: a**0, lambda a, b: 0.0 * a, lambda a, b: -a + b,
    ):  # fmt: skip
        x = op(inf, inf)
        x += 1
        facts += [repr(x), [x] == [x], x == x]
    return facts


# -- who dies when ----------------------------------------------------------------------------


class Dies:
    log = []

    def __init__(self, name):
        self.name = name

    def __del__(self):
        Dies.log.append(f"-{self.name}")

    def __add__(self, other):
        return Dies(f"{self.name}+{other.name}")

    def __enter__(self):
        return Dies(f"{self.name}.entered")

    def __exit__(self, *what):
        Dies.log.append(f"exit {self.name}")

    def __iter__(self):
        return iter([Dies(f"{self.name}.{i}") for i in range(2)])

    def method(self, *args):
        Dies.log.append("method")

    def fail(self, *args):
        raise ValueError(self.name)


def say(what):
    Dies.log.append(what)
    return what


def log_of(function):
    """What happens while function() runs and is left."""
    Dies.log = log = []
    try:
        function()
    except ValueError as e:
        log.append(f"raised {e}")
        e = None
    log.append("end")
    Dies.log = []
    return log


@trap(ORDER)
def dying_locals():
    def f(a, b=None):
        c = Dies("c")
        d = [Dies("in d"), Dies("in d too")]
        b = Dies("b")
        say("body")
        a = c
        say("a gone")
        del d
        return Dies("result").name

    return log_of(lambda: f(Dies("a")))


@trap(ORDER)
def dying_temporaries():
    def f():
        Dies("statement")
        say("next")
        Dies("x") + Dies("y")
        say("added")
        Dies("m").method(Dies("arg"), Dies("arg2"))
        say("called")
        [Dies("i0"), Dies("i1")][1].name
        say("indexed")
        (Dies("t0"), Dies("t1"))
        {Dies("k"): Dies("v")}
        say("built")
        f"{Dies('formatted').name}"
        a, b = Dies("left"), Dies("right")
        a, b = b, a
        say("swapped")

    return log_of(f)


@trap(ORDER)
def dying_when_it_raises():
    def f():
        here = Dies("here")
        try:
            [Dies("0"), Dies("1"), Dies("2").fail(Dies("arg")), Dies("3")]
        except ValueError:
            say("handler")
        say("after")
        here.method(Dies("a"), Dies("b"), here.fail(Dies("c")))

    return log_of(f)


@trap(ORDER)
def dying_through_frames():
    def bottom(x):
        y = Dies("y")
        x.fail()

    def middle(x):
        z = Dies("z")
        bottom(x)

    def top():
        try:
            middle(Dies("x"))
        except ValueError as e:
            say("caught")
            del e
            say("exception gone")
        say("end of top")

    return log_of(top)


@trap(ORDER)
def dying_in_loops():
    def f():
        for x in Dies("looped"):
            say(x.name)
            if x.name.endswith("1"):
                break
        say("out")
        while True:
            x = Dies("rebound")
            break
        [say(y.name) for y in Dies("comprehended")]
        say("done")

    return log_of(f)


@trap(ORDER)
def dying_in_with():
    def f():
        with Dies("manager") as m:
            say("inside")
        say("outside")
        with Dies("a"), Dies("b") as b:
            b.fail()

    return log_of(f)


@trap(ORDER)
def dying_generators():
    def gen(x):
        y = Dies("y")
        try:
            yield Dies("first")
            yield Dies("second")
        finally:
            say("finally")

    def f():
        g = gen(Dies("x"))
        next(g)
        say("one")
        a = next(g)
        say("two")
        del g
        say("closed")

    return log_of(f)


@trap(ORDER)
def dying_in_finally():
    def f():
        try:
            return Dies("returned")
        finally:
            x = Dies("x")
            say("finally")

    return log_of(lambda: say(f().name))


@trap(ORDER)
def dying_cells_and_classes():
    def f():
        x = Dies("x")

        class C:
            y = Dies("y")
            z = lambda self: x

        o = C()
        say(o.z().name)
        C.y = None
        say("y gone")
        del o, C
        gc.collect()
        say("collected")
        x = None
        say("x gone")

    return log_of(f)


@trap(ORDER)
def dying_arguments():
    def f(a, *args, k=None, **named):
        say("in f")
        args = named = None
        say("stars gone")
        k = None

    return log_of(lambda: f(Dies("a"), Dies("b"), *[Dies("c")], k=Dies("k"), n=Dies("n")))


@trap(ORDER)
def weak_references():
    log = []

    class Some:
        pass

    def f():
        o = Some()
        r = weakref.ref(o, lambda r: log.append("dead"))
        log.append(r() is o)
        o = None
        log.append(r())

    f()
    o = Some()
    d = weakref.WeakValueDictionary(k=o)
    log.append(len(d))
    del o
    log.append(len(d))
    return log


# -- reference counts ----------------------------------------------------------------------------


@trap(COUNTS)
def counts_of_names():
    x = object()
    y = x
    z = [x, x]
    facts = [getrefcount(x), getrefcount(z), getrefcount(object()), getrefcount([])]
    del y
    facts.append(getrefcount(x))
    z.clear()
    facts.append(getrefcount(x))
    return facts


@trap(COUNTS)
def counts_of_arguments():
    def f(a, b=None, *args, **named):
        return getrefcount(a), b and getrefcount(b), args and getrefcount(args), getrefcount(named)

    def g(*args):
        return f(*args), f(args[0], b=args[0])

    x = object()
    return [f(x), f(x, x), f(object()), f(x, b=x), f(x, x, x, n=x), g(x), g(x, x), getrefcount(x)]


@trap(COUNTS)
def counts_of_self():
    class C:
        def count(self):
            return getrefcount(self)

        @property
        def seen(self):
            return getrefcount(self)

        def __len__(self):
            return getrefcount(self)

    o = C()
    bound = o.count
    return [o.count(), C().count(), bound(), C().seen, len(o), getrefcount(o)]


@trap(COUNTS)
def counts_of_items():
    x = object()
    facts = []
    for y in [x, x]:
        facts.append(getrefcount(y))
    for i, y in enumerate((x,)):
        facts.append(getrefcount(y))
    a, *b = x, x, x
    facts += [getrefcount(x), [getrefcount(k) for k in (x,)], getrefcount({"k": x})]
    d = {"k": x}
    facts += [getrefcount(d["k"]), getrefcount([x][0]), getrefcount(x if d else None)]
    return facts


@trap(COUNTS)
def counts_in_generators():
    def gen(a):
        b = a
        yield getrefcount(a)
        got = yield a
        yield getrefcount(got)

    x = object()
    g = gen(x)
    facts = [getrefcount(g), next(g), getrefcount(x)]
    y = next(g)
    facts += [getrefcount(y), g.send(y) > 4, getrefcount(g)]
    del g
    return [*facts, getrefcount(x)]


@trap(COUNTS)
def counts_of_cells():
    x = object()

    def inner():
        return getrefcount(x)

    return [inner(), getrefcount(x), getrefcount(inner), (lambda: getrefcount(x))()]


@trap(COUNTS)
def counts_of_exceptions():
    facts = []
    try:
        raise ValueError("v")
    except ValueError as e:
        facts.append(getrefcount(e))
        f = e
        facts.append(getrefcount(e))
        e = None
        facts.append(getrefcount(f))
    del f
    try:
        {}["k"]
    except KeyError as e:
        facts.append(getrefcount(e))
    return facts


@trap(COUNTS)
def counts_come_back():
    """Nothing that was used in passing stays referenced."""
    x, y, text = Box(), [1], "some text of its own " * 2
    before = [getrefcount(o) for o in (x, y, text, Box, through)]
    for i in range(50):
        through(x).put(y)
        z = [x, *y, text + "!", f"{text}{x}", x.get(), through]
        a, b = x, (lambda q=x: q)()
        if x is a and y == [1] and not isinstance(b, int):
            x.value = None
        try:
            through(x, y)
        except TypeError:
            pass
    z = a = b = None
    after = [getrefcount(o) for o in (x, y, text, Box, through)]
    return [b - a for a, b in zip(before, after)]


# -- what type an object has ------------------------------------------------------------------------


def a_generator():
    yield 1


async def a_coroutine():
    return 1


async def an_async_generator():
    yield 1


def one_of_each():
    c = a_coroutine()
    made = [a_generator(), (x for x in ()), c, an_async_generator(), c.__await__()]
    c.close()
    return made


@trap(TYPES)
def types_of_generators():
    facts = []
    for o in one_of_each():
        t = type(o)
        facts += [
            *(t.__name__, t.__qualname__, t.__module__, repr(t), repr(o).split(" at ")[0]),
            *(o.__class__ is t, isinstance(o, t), issubclass(t, object), t.__mro__ == (t, object)),
            *(type(t) is type, hash(t) == hash(o.__class__), {t: 1}[o.__class__]),
        ]
    return facts


@trap(TYPES)
def types_by_name():
    g, _, c, a, w = one_of_each()
    return [
        *(type(g) is types.GeneratorType, type(c) is types.CoroutineType),
        *(type(a) is types.AsyncGeneratorType, isinstance(g, types.GeneratorType)),
        *(isinstance(w, types.CoroutineType), type(w).__name__, type(g) == type(a_generator())),
        *(type(g) is type((x for x in ())), asyncio.iscoroutine(c), asyncio.iscoroutine(g)),
        *(g.__class__.__name__, type(g)(*()) if False else "not called"),
    ]


@trap(TYPES)
def types_refuse():
    facts = []
    for o in one_of_each():
        for attempt in (
            copy.copy, pickle.dumps, type(o), len, iter, next, float, lambda o: o(), lambda o: o[0],
            lambda o: o + 1, lambda o: setattr(o, "x", 1), lambda o: o.nothing, lambda o: [*o],
        ):  # fmt: skip
            try:
                facts.append(type(attempt(o)).__name__)
            except Exception as e:
                facts.append((type(e).__name__, str(e).split(" at 0x")[0]))
    return facts


@trap(TYPES)
def types_dispatch():
    @functools.singledispatch
    def kind(o):
        return "object"

    kind.register(types.GeneratorType, lambda o: "generator")
    kind.register(types.FunctionType, lambda o: "function")
    kind.register(int, lambda o: "int")
    kind.register(float, lambda o: "float")
    x, u = born(3, 4)
    return [kind(o) for o in (a_generator(), through, x, u, True, x < u, kind, [])]


@trap(TYPES)
def types_of_functions():
    def f(a, *, b=2):
        """Doc."""
        return a

    g = lambda: None
    return [
        *(type(f) is types.FunctionType, type(g) is type(f), f.__name__, g.__name__, f.__doc__),
        *(f.__qualname__, f.__kwdefaults__, f.__code__.co_argcount, type(f.__code__).__name__),
        *(type(Box().get) is types.MethodType, Box.get is Box.get, copy.copy(f) is f),
        *(pickle.loads(pickle.dumps(through)) is through, callable(f), f.__module__ == __name__),
        *(repr(f).split(" at ")[0], f == f, hash(f) == hash(f), getrefcount(f)),
    ]


@trap(TYPES)
def types_of_numbers():
    x, u = born(3, 4)
    return [
        *(type(x) is int, type(u) is float, type(x + u) is float, type(x // 1) is int),
        *(type(x / 1) is float, type(x * 2**60) is int, type(True + True) is int, type(x == x)),
        *(x.__class__ is int, u.__class__ is float, isinstance(x, int), x.bit_length()),
        *(u.is_integer(), (x).__add__(1), x.real, u.imag, type(-True), type(not x), x.__sizeof__()),
    ]
