"""Small functions that only compute, called by C code: keys, filters, properties, comparisons.

Such a function may be run without a frame; what it returns, raises and shows must not depend on it.
"""

import functools
import sys


class Point:
    kind = "point"

    def __init__(self, x, y):
        self.x, self.y = x, y

    @property
    def area(self):
        return self.x * self.y

    @property
    def missing(self):
        return self.z

    def norm(self):
        return abs(self.x) + abs(self.y)

    def longer(self):
        return self.norm() + len(self.kind)

    def __lt__(self, other):
        return self.norm() < other.norm()

    def __eq__(self, other):
        return self.x == other.x and self.y == other.y

    def __hash__(self):
        return self.x * 31 + self.y

    def __bool__(self):
        return self.x is not None

    def __len__(self):
        return self.y


def rows():
    return [(i * 7919 % 101, -i, f"k{i % 13}", i / 4) for i in range(120)]


def keys():
    t = rows()
    for key in (
        lambda r: r[0],
        lambda r: -r[0],
        lambda r: r[1] * 2 + 1,
        lambda r: r[2],
        lambda r: r[3] * r[0] - 0.5,
        lambda r: r[3] if r[0] > 50 else r[1],
        lambda r: r[0] % 10 if r[0] else None or 3,
        lambda r: not r[0] & 1,
        lambda r: r[2] < "k5",
        lambda r: len(r[2]) << 3 | r[0] & 7,
        lambda r: (r[0] // 3) ^ 5,
        lambda r, k=3: r[0] % k,
        lambda r, *, k=4: r[0] % k,
    ):
        for _ in range(3):
            got = sorted(t, key=key)
        assert got == sorted(t, key=lambda r: (key(r), 0)[0])
        print(got[:3], min(t, key=key), max(t, key=key))


def numbers():
    big = 2**48
    values = [
        0,
        1,
        -1,
        255,
        256,
        257,
        -6,
        big - 1,
        big,
        -big,
        2**62,
        2**64,
        0.0,
        -0.0,
        1e308,
        float("inf"),
        True,
    ]
    for f in (
        lambda x: x + 1,
        lambda x: x * 3,
        lambda x: x - 0.5,
        lambda x: -x,
        lambda x: x * x,
        lambda x: x / 2,
        lambda x: x // 7,
        lambda x: x % 7,
        lambda x: x if x > 0 else -x,
        lambda x: x == 1,
        lambda x: int(x) if x < 1e300 else None,
        lambda x: max(x, 3, 2.5),
        lambda x: bool(x),
    ):
        print([(y, type(y).__name__) for y in map(f, values)])
    nan = float("nan")
    print(list(map(lambda x: x == x, [nan, 1.0])), list(map(lambda x: x is nan, [nan, 1.0])))
    print(list(map(lambda x: x, [nan]))[0] is nan)
    one = 10**6
    print(list(map(lambda x: x, [one]))[0] is one, list(map(lambda x: x or 0, [one]))[0] is one)


def errors():
    def show(f, *args):
        for _ in range(20):
            try:
                f(*args)
            except Exception as e:
                tb, lines = e.__traceback__, []
                while tb is not None:
                    lines.append(
                        (tb.tb_frame.f_code.co_name, tb.tb_lineno - show.__code__.co_firstlineno)
                    )
                    tb = tb.tb_next
                got = (type(e).__name__, str(e), lines)
        print(got)

    show(lambda: list(map(lambda x: x + 1, [1, "a"])))
    show(lambda: sorted([1, 2], key=lambda x: x[0]))
    show(lambda: sorted([(1,), ()], key=lambda x: x[0]))
    show(lambda: list(map(lambda x: x / 0, [1])))
    show(lambda: list(map(lambda x, y: x, [1])))
    show(lambda: list(map(lambda d: d["no"], [{}])))
    show(lambda: list(map(lambda x: nothing, [1])))  # noqa: F821
    show(lambda: Point(1, 2).missing)
    show(lambda: list(map(lambda p: p.longer(), [Point(1, None)])))


def changing():
    """What a leaf reads may be another thing the next time."""
    global scale
    scale = 2
    f = lambda x: x * scale  # noqa: E731
    got = [list(map(f, [1, 2]))]
    scale = "ab"
    got.append(list(map(f, [1, 2])))
    scale = 0.5
    got.append(list(map(f, [1, 2])))
    del scale
    try:
        list(map(f, [1]))
    except NameError as e:
        got.append(str(e))
    f.__code__ = (lambda x: x - 1).__code__
    got.append(list(map(f, [1, 2])))
    print(got)

    p = Point(3, 4)
    area = lambda q: q.area  # noqa: E731
    got = [list(map(area, [p, p]))]
    Point.area = property(lambda self: "other")
    got.append(list(map(area, [p])))
    del Point.area
    p.area = "own"
    got.append(list(map(area, [p])))
    print(got)

    cell = [1]

    def outer():
        n = cell[0]

        def inner(x):
            return x + n

        def set_n(v):
            nonlocal n
            n = v

        def del_n():
            nonlocal n
            del n

        return inner, set_n, del_n

    inner, set_n, del_n = outer()
    got = [list(map(inner, [1]))]
    set_n("z")
    got.append(list(map(inner, ["a"])))
    del_n()
    try:
        list(map(inner, [1]))
    except NameError as e:
        got.append(str(e))
    print(got)


class Counted:
    alive = 0

    def __init__(self):
        Counted.alive += 1

    def __del__(self):
        Counted.alive -= 1


def lifetimes():
    holder = Point(Counted(), 1)
    take = lambda p: p.x  # noqa: E731
    got = list(map(take, [holder] * 3))
    del holder
    print(Counted.alive, len(got), sys.getrefcount(got[0]) - 4)
    got.clear()
    print(Counted.alive)
    print(list(map(lambda x: None, [Counted() for _ in range(3)])), Counted.alive)
    t = (object(), 2)
    before = sys.getrefcount(t[0])
    for _ in range(50):
        list(map(lambda r: r[0], [t, t]))
        list(map(lambda r: r[0] is None or r[1], [t, t]))
    print(sys.getrefcount(t[0]) - before)


def specials():
    points = [Point(i * 37 % 11 - 5, i % 4) for i in range(30)]
    print([(p.x, p.y) for p in sorted(points)][:6], min(points).x, points.index(Point(-5, 0)))
    print(len({p: 1 for p in points}), len(list(filter(None, points))), points.count(Point(0, 2)))
    print(
        [p.longer() for p in points[:4]],
        functools.reduce(lambda a, b: a + b, map(Point.norm, points)),
    )
    print(
        functools.partial(lambda a, b: a - b, 10)(3), list(filter(lambda p: p.y > 2, points))[0].x
    )


def at_the_limit():
    """The limit is the same with and without a frame."""
    f = lambda x: x + 1  # noqa: E731

    def deep(n):
        return list(map(f, [n])) if n == 0 else deep(n - 1)

    failed = []
    for n in range(sys.getrecursionlimit() - 30, sys.getrecursionlimit()):
        try:
            deep(n)
        except RecursionError:
            failed.append(n)
    return failed[0] - sys.getrecursionlimit()


for part in (keys, numbers, errors, changing, lifetimes, specials):
    print(part.__name__)
    part()
print("limit", at_the_limit())
