"""Operators, comparisons, truth and membership by special methods: order, NotImplemented,
reflected ones, messages, tracebacks and what happens to the operands."""

import sys
import traceback

log = []


def plain(x):
    return x if isinstance(x, (int, float, str, type(None))) else type(x).__name__


def said(*what):
    log.append(tuple(map(plain, what)))


def shown(function, *args):
    del log[:]
    try:
        value = function(*args)
        outcome = tuple(map(plain, value)) if isinstance(value, tuple) else plain(value)
    except Exception as e:
        outcome = f"{type(e).__name__}: {e}"
    print(function.__name__, outcome, log)


class Refuses:
    """Everything is NotImplemented."""

    def __init__(self, name):
        self.name = name

    def refuse(self, *args):
        said(self.name, *(getattr(a, "name", a) for a in args))
        return NotImplemented

    __add__ = __radd__ = __iadd__ = __sub__ = __rsub__ = __pow__ = __rpow__ = refuse
    __mul__ = __rmul__ = __rshift__ = __matmul__ = __mod__ = __and__ = __or__ = refuse
    __lt__ = __gt__ = __le__ = __ge__ = __eq__ = __ne__ = refuse
    __hash__ = None


class Own(Refuses):
    pass


class Overrides(Refuses):
    def __radd__(self, other):
        said("override", self.name)
        return "override"

    def __gt__(self, other):
        said("override gt", self.name)
        return "override gt"


class Num(int):
    def __radd__(self, other):
        said("Num.__radd__", int(self), other)
        return 100

    def __eq__(self, other):
        said("Num.__eq__", int(self), other)
        return NotImplemented

    __hash__ = int.__hash__


class Text(str):
    def __add__(self, other):
        said("Text.__add__")
        return NotImplemented

    def __mod__(self, other):
        return ("mod", other)


class Seq(list):
    def __add__(self, other):
        said("Seq.__add__")
        return NotImplemented

    def __iadd__(self, other):
        said("Seq.__iadd__")
        return NotImplemented

    def __mul__(self, other):
        return NotImplemented


a, b, own, over = Refuses("a"), Refuses("b"), Own("own"), Overrides("over")


def add(x, y):
    return x + y


def iadd(x, y):
    x += y
    return x


def sub(x, y):
    return x - y


def power(x, y):
    return x**y


def ipower(x, y):
    x **= y
    return x


def shift(x, y):
    return x >> y


def matmul(x, y):
    return x @ y


def mod(x, y):
    return x % y


def mul(x, y):
    return x * y


def add_one(x):
    return x + 1


def one_add(x):
    return 1 + x


def lt(x, y):
    return x < y


def eq(x, y):
    return x == y


def ne(x, y):
    return x != y


def ge(x, y):
    return x >= y


def lt_jump(x, y):
    return "yes" if x < y else "no"


def eq_jump(x, y):
    return "yes" if x == y else "no"


def ne_one(x):
    return "yes" if x != 1 else "no"


PAIRS = [
    (a, b), (a, own), (own, a), (a, over), (over, a), (a, 1), (1, a), (a, "s"), ("s", a),
    (a, None), (1.5, over), (Num(3), 4), (4, Num(3)), (Num(3), Num(4)), (a, Num(3)), (Num(3), a),
    (True, Num(1)), (Text("t"), "u"), (Text("t"), a), ([1], a), (a, [1]), (Seq([1]), [2]),
    (Seq([1]), a), (Seq([1]), 2), (print, a), (2**70, a), (a, 2**70), (1j, a), (object(), a),
]  # fmt: skip
for operation in (
    add,
    iadd,
    sub,
    power,
    ipower,
    shift,
    matmul,
    mod,
    mul,
    lt,
    eq,
    ne,
    ge,
    lt_jump,
    eq_jump,
):
    for pair in PAIRS:
        shown(operation, *pair)
for operation in add_one, one_add, ne_one:
    for x in (a, own, over, Num(5), 7):
        shown(operation, x)


# -- one side only, inherited, taken away -------------------------------------------------


class Half:
    def __add__(self, other):
        return ("half", type(other).__name__)


class Reflected:
    def __radd__(self, other):
        return ("reflected", type(other).__name__)


class Nothing:
    pass


class ByInstance:
    pass


by_instance = ByInstance()
by_instance.__add__ = lambda other: "never"
for pair in (
    (Half(), 1),
    (1, Half()),
    (Reflected(), 1),
    (1, Reflected()),
    (Half(), Reflected()),
    (Reflected(), Half()),
    (Nothing(), Reflected()),
    (Nothing(), Nothing()),
    (by_instance, 1),
):
    shown(add, *pair)


class Callable:
    def __call__(self, *args):
        return ("called with", len(args))


class Odd:
    __add__ = Callable()
    __radd__ = staticmethod(lambda *args: ("static", len(args)))
    __sub__ = classmethod(lambda cls, *args: ("class", cls.__name__, len(args)))
    __mul__ = len
    __neg__ = property(lambda self: lambda: "negative by property")
    __eq__ = Callable()
    __lt__ = None
    __contains__ = None
    __iter__ = None


def negative(x):
    return -x


def inside(x, y):
    return x in y


def loop(x):
    for y in x:
        return y


odd = Odd()
shown(add, odd, 1)
shown(add, 1, odd)
shown(sub, odd, 1)
shown(mul, odd, [1, 2])
shown(negative, odd)
shown(eq, odd, 3)
shown(lt, odd, 3)
shown(inside, 1, odd)
shown(loop, odd)


class Generated:
    def __add__(self, other):
        yield self

    def __iter__(self):
        yield 1
        yield 2

    async def __sub__(self, other):
        return 1

    def __mul__(self, other, *rest, key=5, **more):
        return ("mul", rest, key, more)

    def __mod__(self):
        return "too few"

    def __pow__(self, other, modulus, /, more):
        return "too many"

    def __neg__(self, *args):
        return ("neg", args)


g = Generated()
print(type(g + 1).__name__, [*g], g * 2, -g)
coroutine = g - 1
print(type(coroutine).__name__)
coroutine.close()
shown(mod, g, 1)
shown(power, g, 1)
for x in g:
    print(x)

# -- comparisons fall back to identity, __ne__ to __eq__ ------------------------------------


class Answers:
    def __init__(self, answer):
        self.answer = answer

    def __eq__(self, other):
        said("__eq__", self.answer)
        return self.answer

    __hash__ = None


class NoTruth:
    def __bool__(self):
        raise ZeroDivisionError("no truth")


class Truth:
    def __init__(self, truth):
        self.truth = truth

    def __bool__(self):
        said("__bool__", self.truth)
        return self.truth


for answer in (
    True,
    False,
    1,
    0,
    "",
    "x",
    [],
    NotImplemented,
    None,
    Truth(True),
    Truth(False),
    Truth(3),
):
    x = Answers(answer)
    shown(eq, x, 1)
    shown(ne, x, 1)
    shown(ne, 1, x)
    shown(eq_jump, x, 1)
    shown(ne_one, x)
    shown(ne, x, x)
x = Answers(NoTruth())
shown(eq_jump, x, 1)
shown(ne, x, 1)
shown(ne_one, x)

# -- truth ------------------------------------------------------------------------------------


class Length:
    def __init__(self, length):
        self.length = length

    def __len__(self):
        said("__len__")
        return self.length


class Both(Length):
    def __bool__(self):
        said("__bool__")
        return False


class Index:
    def __index__(self):
        said("__index__")
        return 2


def truth(x):
    return not x


def branch(x):
    if x:
        return "true"
    return "false"


def negated(x):
    if not x:
        return "false"
    return "true"


def either(x, y):
    return x or y


def both(x, y):
    return x and y


def while_true(x):
    n = 0
    while x:
        n += 1
        x.length = 3 - n
    return n


LENGTHS = 0, 1, -1, 2**70, -(2**70), True, "x", None, 1.5, Index()
for length in LENGTHS:
    for kind in Length, Both:
        x = kind(length)
        for operation in truth, branch, negated:
            shown(operation, x)
        shown(either, x, 5)
        shown(both, x, 5)
shown(while_true, Length(3))
for value in True, False, 1, None, "x", Truth(True):
    shown(truth, Truth(value))
    shown(branch, Truth(value))
    shown(either, Truth(value), 6)
    shown(both, Truth(value), 6)

# -- membership ---------------------------------------------------------------------------------


class Contains:
    def __init__(self, answer):
        self.answer = answer

    def __contains__(self, item):
        said("in", item)
        return self.answer


def not_inside(x, y):
    return x not in y


for answer in True, False, 1, [], Truth(True), Truth(5), NoTruth():
    shown(inside, 1, Contains(answer))
    shown(not_inside, 2.5, Contains(answer))
shown(inside, 1, Generated())
shown(inside, 1, Nothing())

# -- tracebacks, contexts, frames, references -------------------------------------------------


class Fails:
    def fail(self, *args):
        raise LookupError("no")

    __add__ = __radd__ = __lt__ = __bool__ = __contains__ = __iter__ = __next__ = __neg__ = fail
    __getitem__ = __setitem__ = __delitem__ = fail


def places(function, *args):
    try:
        function(*args)
    except Exception as e:
        chain = []
        while e is not None:
            names = [
                (f.name, f.lineno, f.colno, f.end_colno)
                for f in traceback.extract_tb(e.__traceback__)
            ]
            chain.append((type(e).__name__, names))
            e = e.__context__
        print(function.__name__, chain)


def handler(x):
    try:
        raise KeyError(1)
    except KeyError:
        return x + 1


fails = Fails()
for operation in add, lt, lt_jump:
    places(operation, fails, 1)
places(add, 1, fails)
places(inside, 1, fails)
for operation in negative, truth, branch, negated, loop, handler:
    places(operation, fails)
places(either, fails, 1)
places(both, fails, 1)


class Frames:
    def __add__(self, other):
        f = sys._getframe()
        return (
            f.f_code.co_name,
            f.f_back.f_code.co_name,
            f.f_back.f_lineno,
            f.f_back.f_locals["x"] is self,
        )

    __lt__ = __neg__ = __add__


print(add(Frames(), 1))
print(lt(Frames(), 1))


class Mortal:
    def __init__(self, name):
        self.name = name

    def __add__(self, other):
        said("add")
        del self, other
        said("deleted")
        return 5

    __lt__ = __add__

    def __bool__(self):
        said("bool")
        del self
        said("deleted")
        return True

    def __getitem__(self, key):
        said("getitem")
        del self
        said("deleted")
        return key

    def __del__(self):
        said("gone", self.name)


def mortal():
    x = Mortal("left") + Mortal("right")
    said("added")
    y = Mortal("less") < Mortal("more")
    said("compared")
    z = "t" if Mortal("truth") else "f"
    said("tested")
    w = Mortal("item")[1]
    said("subscripted")
    return (x, y, z, w)


shown(mortal)


def counts():
    x = Half()
    before = sys.getrefcount(x), sys.getrefcount(NotImplemented)
    for _ in range(100):
        x + 1
        try:
            x - 1
        except TypeError:
            pass
        a == b
        try:
            a < b
        except TypeError:
            pass
    after = sys.getrefcount(x), sys.getrefcount(NotImplemented)
    return before == after


shown(counts)
