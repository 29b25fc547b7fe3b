"""Functions and methods written in C, called often at one place, with what the place has not seen."""

import functools
import operator
import sys


def every(calls, times=12):
    """The results and errors of each, the last time."""
    for call in calls:
        for _ in range(times):
            try:
                got = call()
            except Exception as e:
                got = f"{type(e).__name__}: {e}"
        print(got)


def same_place(things, *args):
    """One call in the source for all of them."""
    got = []
    for _ in range(10):
        for f in things:
            try:
                got.append(f(*args) if len(args) > 1 else f(args[0]) if args else f())
            except Exception as e:
                got.append(type(e).__name__)
    return got[-len(things) :]


def one(f, x):
    return f(x)


def two(f, x, y):
    return f(x, y)


def method(o, x):
    return o.count(x)


def nothing(o):
    return o.copy()


class Loud:
    """Looks at who calls."""

    def __init__(self, name):
        self.name = name

    def __eq__(self, other):
        frame = sys._getframe(1)
        seen.append((self.name, frame.f_code.co_name))
        return True

    def __hash__(self):
        return 1

    def __del__(self):
        seen.append((self.name, "gone", sys._getframe(1).f_code.co_name))


seen = []


class Text(str):
    def strip(self):
        return "own"


class Half(functools.partial):
    def __call__(self, *args):
        return "called"


def wrong_numbers():
    f = "abc".strip
    every(
        [
            lambda: f(1),
            lambda: f(None, None),
            lambda: "a".isalpha(1),
            lambda: "a".startswith(),
            lambda: "a".startswith("a", 0, 1, 2),
            lambda: [].append(),
            lambda: [].append(1, 2),
            lambda: sys.getrecursionlimit(1),
            lambda: operator.itemgetter(1)(),
            lambda: functools.partial(int, "12")(8, 9),
            lambda: str.strip(1),
            lambda: next(iter([])),
            lambda: next(iter(range(0))),
            lambda: next(iter(()), "none"),
            lambda: next(3),
        ]
    )


def iterators():
    got = []
    for it in (iter([1, 2.5, "x"]), iter((1, None)), iter(range(2**40, 2**40 + 2)), iter({3: 4}), iter("ab"), zip("ab")):
        for _ in range(5):
            try:
                got.append(next(it))
            except StopIteration:
                got.append("end")
    big = [10**30]
    got.append(next(iter(big)) is big[0])
    last = [Loud("item")]
    it = iter(last)
    got.append(next(it).name)
    del last
    try:
        next(it)
    except StopIteration:
        got.append(seen[-1])
    print(got)


def mixed():
    print([one(f, "  x ") for f in (str.strip, len, Text.strip, repr, Text, operator.itemgetter(2), str.strip) * 5][-7:])
    print([method(o, 1) for o in ([1, 1], (1, 2), range(3), "a1", b"a1") * 6 if not isinstance(o, (str, bytes))][-3:])
    print([nothing(o) for o in ([1], {1: 2}, {3}, [2]) * 6][-4:])
    print(same_place([sys.getrecursionlimit, list, dict, Half(int), functools.partial(int, "7")]))
    print(same_place([abs, str, float, hash, Half(int)], 5))
    half = functools.partial(divmod, 17)
    print([one(half, n) for n in range(1, 9)], one(Half(divmod), 2))


def who_calls():
    a, b = Loud("a"), Loud("b")
    places = [[a], (a,), {a: 1}]

    def ask(o):
        return o.__contains__(b)

    for o in places * 6:
        ask(o)
    print(seen[-3:])

    def drop(items):
        return items.pop()

    lists = [[Loud(str(i))] for i in range(12)]
    for items in lists:
        drop(items)
    print(seen[-2:])

    def clear(items):
        items.clear()

    for i in range(10):
        clear([Loud(f"c{i}")])
    print(seen[-1])


def counts():
    x = object()
    get = sys.getrefcount
    print([get(x) for _ in range(12)][-1], one(get, x))
    t = (x,)
    first = operator.itemgetter(0)
    before = get(x)
    for _ in range(100):
        first(t)
        next(iter(t))
        t.index(x)
        t.count(x)
    print(get(x) - before)


def looked_at():
    """What somebody saw of the variables does not come back."""
    frame, got = sys._getframe(), []
    for i in range(9):
        s = f"  {i}.value "
        frame.f_locals
        s.strip()
        s.startswith("x")
        s = s[3:]
        s.upper()
        s.endswith(" ")
        t = s
        got.append((s, frame.f_locals["s"], t.strip()))
        s = eval("s + t")
        s.strip()
        got.append((s, frame.f_locals["s"]))
    print(got[-2:], all(a == b for a, b, *_ in got))


def limits():
    """How deep C functions may stand, cold and warm."""

    def deep(n):
        if n == 0:
            return "x".upper()
        return deep(n - 1)

    def failing():
        got = []
        for n in range(sys.getrecursionlimit() - 40, sys.getrecursionlimit()):
            try:
                deep(n)
            except RecursionError as e:
                got.append((n - sys.getrecursionlimit(), str(e)))
        return got[0] if got else None

    print(failing(), failing())


for part in (wrong_numbers, iterators, mixed, who_calls, counts, looked_at, limits):
    print(part.__name__)
    part()
