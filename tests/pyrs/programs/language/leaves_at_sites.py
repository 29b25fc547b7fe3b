"""Sites that call small functions over and over: every shape of arguments, and what may change meanwhile."""

import sys

ROUNDS = 40


def report(name, values):
    print(name, *values)


def ends(call, *odd):
    """The last results of `call(i)` in a loop, then of the odd arguments."""
    results = [call(i) for i in range(ROUNDS)][-2:]
    for value in odd:
        try:
            results.append(call(value))
        except Exception as e:
            line = e.__traceback__
            while line.tb_next is not None:
                line = line.tb_next
            results.append(f"{type(e).__name__}({e}) in {line.tb_frame.f_code.co_name}")
    return results


def add(a, b=2, c=1000):
    return a + b + c


def keyword(a, *, k=7):
    return a * k


def star(*args):
    return args[0] + len(args) + args[-1]


def star_behind(a, *rest):
    return rest[1] if len(rest) > 1 else a


def star_kept(*args):
    return args


def nested(a):
    return add(a, add(a, 1, 1), add(b=a, a=3))


def chain(a):
    return nested(nested(a)) + nested(1)


def choose(a, b):
    low, high = a, b
    if a > b:
        low, high = high, low
    a = low if low is not None else 5
    return high - a


def unbound(a):
    if a < 30:
        b = a
    return b


def absolute(a):
    if a < 0:
        return -a
    return a


def logic(a, b):
    return (a and b) or (not a and 9) or None


def rarely(a):
    return add(a) if a < 1000 else missing(a)  # noqa: F821


def adder(n):
    def inner(a):
        return a + n

    def change(value):
        nonlocal n
        n = value

    return inner, change


class Point:
    scale = 3

    def __init__(self, x):
        self.x = x

    def __del__(self):
        gone.append(self.x)

    def get(self):
        return self.x

    def times(self, k, *more, by=1):
        return self.x * k * by + len(more)

    def scaled(self):
        return self.get() * self.scale

    @property
    def double(self):
        return self.x + self.x


class Other(Point):
    def get(self):
        return -self.x


class Odd:
    def __add__(self, other):
        return "odd"

    def __mul__(self, other):
        return NotImplemented


gone = []
BIG = 2**48 - 1

report("defaults", ends(lambda i: add(i), 2.5, BIG, None, Odd()))
report("two", ends(lambda i: add(i, 1), "s", True, float("nan")))
report("three", ends(lambda i: add(i, i, i), BIG, -BIG, 1e308))
report("keywords", ends(lambda i: add(c=i, a=1), None, 2.5))
report("keyword only", ends(lambda i: keyword(i, k=i), BIG, Odd()))
report("its default", ends(lambda i: keyword(i), "s", 1.5))
report("star", ends(lambda i: star(i, 1, i), None, 2.5))
report("star of one", ends(lambda i: star(i), "s"))
report("star of none", ends(lambda i: star() if i > 1000 else star(i, i), 2000))
report("star behind", ends(lambda i: star_behind(i, 1, i), None))
report("star alone", ends(lambda i: star_behind(i), None))
report("star kept", ends(lambda i: star_kept(i, 2)))
report("nested", ends(lambda i: nested(i), 0.5, None))
report("chain", ends(lambda i: chain(i), 0.5, BIG))
report("choose", ends(lambda i: choose(i, 20), 50, 19.5, None))
report("unbound", ends(lambda i: unbound(i % 30), 31, 30.5))
report("absolute", ends(lambda i: absolute(-i), 3, 2.5, -0.0, None))
report("logic", ends(lambda i: logic(i % 2, i), None, "", (), Odd()))
report("rarely", ends(lambda i: rarely(i), 1001, 5))
report("too many", ends(lambda i: add(i, 1, 2, 3) if i == 1000 else add(i), 1000))

# what a site has seen may be another thing the next time


def changing(i):
    return add(i)


report("before", ends(changing))
add.__defaults__ = (5, 6)
report("defaults changed", ends(changing))
add.__defaults__ = (5,)
report("defaults missing", ends(lambda i: nested(i) if i == -1 else i, -1))
add.__defaults__ = (3, 2000)
report("the default itself", [add.__defaults__[1] is (lambda a=add.__defaults__[1]: a)()])
add.__code__ = choose.__code__
report("code changed", ends(lambda i: add(i, 100), 200))


def add(a, b=2, c=3):
    return a - b - c


report("function changed", ends(changing, 0.5))
len_before = len
len = lambda value: 100  # noqa: E731
report("len changed", ends(lambda i: star(i, i)))
del len
report("len again", ends(lambda i: star(i, i)))

inner, change = adder(10)
report("closure", ends(inner))
change(2.5)
report("cell changed", ends(lambda i: inner(i), None))

# methods, of several classes
points = [Point(2), Point(2.5), Other(4), Point(None)]


def method(i):
    return points[i % 3].get()


report("methods", ends(method, 3))
report("scaled", ends(lambda i: points[i % 3].scaled(), 2, 1))
report("times", ends(lambda i: points[i % 2].times(i, i, i, by=2), 0, 1))
report("property", ends(lambda i: points[i % 3].double, 2))
points[0].get = lambda: "own"
report("own attribute", ends(lambda i: points[0].get()))
Point.get = lambda self: self.x * 100
report("class changed", ends(lambda i: points[i % 3].get(), 1))
Point.scale = property(lambda self: 1000)
report("class attribute changed", ends(lambda i: points[1].scaled()))

# objects that only the call holds
report("temporaries", ends(lambda i: Point(i).double))
report("gone", gone[-3:])
pairs = [[o, o] for o in map(Point, range(ROUNDS))]


def last_two(i):
    pair = pairs[i]
    return choose_first(pair.pop(), pair.pop())


def choose_first(a, b):
    return a.x


del gone[:]
report("both references", ends(last_two))
report("gone", (sorted(gone)[-3:], len_before(gone)))

# identity
big = 10**20


def same(a):
    return a


def thousand():
    return 1000


report("identity", [same(big) is big, same(points) is points, thousand() is thousand(), same(same) is same])

# the recursion limit counts calls that need no frame


def deep(n):
    try:
        return deep(n + 1)
    except RecursionError:
        return n > 100


report("limit", [deep(0)])
report("refcounts", [sys.getrefcount(points[1]), sys.getrefcount(add)])
