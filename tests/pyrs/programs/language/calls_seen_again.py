"""Call sites remember which C code they called, and notice when it is something else."""

import functools
import operator
import sys


def at_one_site(function, values):
    """Each value goes through the same call."""
    answers = []
    for value in values:
        try:
            answers.append(function(value))
        except Exception as e:
            answers.append(f"{type(e).__name__}: {e}")
    return answers


class Sized:
    def __init__(self, n):
        self.n = n

    def __len__(self):
        return self.n

    def __iter__(self):
        yield from range(self.n)

    def __bool__(self):
        return self.n > 1

    def __repr__(self):
        return f"<{self.n}>"

    def __hash__(self):
        return self.n


class Countdown:
    def __init__(self, n):
        self.n = n

    def __iter__(self):
        return self

    def __next__(self):
        self.n -= 1
        if self.n < 0:
            raise StopIteration(self)
        return self.n


def squares(n):
    for i in range(n):
        yield i * i


MANY = [[], [1, 2], (3,), "ab", Sized(2), {"k": 1}, squares(3), Sized(0), 5, None, range(2), b"x"]

for f in (len, list, tuple, iter, bool, any, all, sum, sorted, callable, dict):
    if f is not iter:
        print(f.__name__, at_one_site(f, [*MANY, squares(4)]))
print(at_one_site(lambda x: (hash(x), repr(x))[x is not None], [Sized(1), 5, (), Sized(2), 2.5]))
print(at_one_site(lambda x: list(x), MANY))
print(at_one_site(lambda x: tuple(x), [*MANY, squares(2), Countdown(3)]))
print(at_one_site(lambda x: next(x), [iter([4]), squares(2), Countdown(2), 7, iter(()), iter("q")]))
print(at_one_site(lambda x: next(x, "end"), [iter([]), squares(0), Countdown(0), 7, iter("q")]))
print(at_one_site(lambda x: type(iter(x)).__name__, [[], (), {}, 3, "s", set()]))
print([next(it, None) for it in [iter([1]), iter([])] * 3])
print(at_one_site(lambda x: [int(x), float(x)], ["12", 3.5, True, "no", None, b"7", " 8 "]))
print(
    at_one_site(lambda x: (hasattr(x, "n"), getattr(x, "n", 0)), [Sized(3), 5, Sized, Countdown(1)])
)

# -- the class at a site changes ------------------------------------------------------------------


class Plain:
    pass


def make(cls):
    return cls()


print([type(make(Plain)).__name__ for _ in range(3)])
Plain.__init__ = lambda self: setattr(self, "made", 1)
print(make(Plain).made)
Plain.__new__ = lambda cls: "something else"
print(make(Plain))
del Plain.__new__
print(make(Plain).made)
del Plain.__init__
print(make(Plain).__dict__)


class Meta(type):
    def __call__(cls, *args):
        return "called by Meta"


print([make(c) for c in (int, str, list, dict, Sized.__class__, float) if c is not type])
print(make(Plain).__class__.__name__)


class Other(type):
    pass


class Changing(metaclass=Other):
    pass


print([type(make(Changing)).__name__ for _ in range(3)])
Changing.__class__ = Meta
print(make(Changing))


class Numbers(list):
    def __init__(self, *args):
        super().__init__(*args)
        self.reverse()


def convert(cls, value):
    return cls(value)


for cls in (list, list, Numbers, tuple, Numbers, set, list, frozenset, bytes, functools.partial):
    try:
        print(cls.__name__, repr(convert(cls, [3, 1, 2]))[:40])
    except TypeError as e:
        print(cls.__name__, e)
print([type(convert(cls, "x")).__name__ for cls in (ValueError, KeyError, OSError, ValueError)])

# -- methods of one site, with other receivers ---------------------------------------------------------


class Shout(str):
    def upper(self):
        return str.upper(self) + "!"


print([s.upper() for s in ("a", Shout("b"), "c", Shout("d"))])
print(at_one_site(lambda s: s.strip(), [" a ", b" b ", Shout(" c "), 4, "d"]))
print(at_one_site(lambda s: s.pop(), [[1, 2], {3}, bytearray(b"4"), [], {}, [5]]))
print(at_one_site(lambda s: s.count("a"), ["aa", ["a"], ("a", "b"), 3, Shout("a")]))
get = operator.itemgetter(1)
print(at_one_site(get, ["ab", [1, 2], {1: "x"}, 3, (7,)]))
print(at_one_site(lambda f: f(3), [get.__class__, abs, str, hex, lambda x: x, Sized, operator.neg]))

# -- as many arguments as it takes --------------------------------------------------------------------

for f, args in [(len, ()), (len, (1, 2)), (hex, ()), (divmod, (7, 2)), (divmod, (7,)), (iter, ())]:
    try:
        print(f(*args))
    except TypeError as e:
        print(e)


def depth_of_errors(call):
    """Which lines a traceback names."""
    for value in ("ok", None, "ok", None):
        try:
            call(value)
        except (AttributeError, TypeError) as e:
            tb = e.__traceback__
            lines = []
            while tb is not None:
                lines.append(tb.tb_lineno - depth_of_errors.__code__.co_firstlineno)
                tb = tb.tb_next
            print(type(e).__name__, lines)


depth_of_errors(lambda v: len(v))
depth_of_errors(lambda v: v.upper())
depth_of_errors(lambda v: list(v))


class Looks:
    def __index__(self):
        return sys._getframe(1).f_code.co_name.__len__()


def looked_at():
    return [hex(Looks()), hex(Looks()), hex(Looks())]


print(looked_at())
for pair in [(1, 2), [3, 4], "ab", (5, Sized(1))]:
    first, second = pair
    print(first, second)
for pair in [(1,), (1, 2, 3), 4, [], {6: 7, 8: 9}]:
    try:
        first, second = pair
        print(first, second)
    except (TypeError, ValueError) as e:
        print(e)
