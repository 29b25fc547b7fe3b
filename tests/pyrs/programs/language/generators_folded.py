"""sum, any, all, list and tuple of generators: what they take, raise and leave behind."""

import gc
import sys


class Number:
    def __init__(self, n):
        self.n = n

    def __add__(self, other):
        return Number(self.n + getattr(other, "n", other))

    __radd__ = __add__

    def __bool__(self):
        seen.append(self.n)
        return self.n > 2

    def __repr__(self):
        return f"Number({self.n})"


class Odd(int):
    def __add__(self, other):
        return "odd " + str(other)


class Text:
    def __radd__(self, other):
        return f"{other}!"


class Last:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        print("gone", self.name, sys._getframe(1).f_code.co_name)


seen = []


def outcome(f, *args):
    try:
        return repr(f(*args))
    except BaseException as e:
        tb, names = e.__traceback__, []
        while tb is not None:
            names.append((tb.tb_frame.f_code.co_name, tb.tb_lineno))
            tb = tb.tb_next
        return type(e).__name__, str(e), names, repr(e.__context__)


def each(items):
    for x in items:
        yield x


def ends(items, value):
    for x in items:
        yield x
    return value


def sums():
    for items in (
        [],
        [1, 2, 3],
        [True, False, True, 5],
        [2**47, 2**47, 2**47],
        [2**70, 1, -(2**70)],
        [1, 2.5, 3],
        [0.1] * 10,
        [1e308, 1e308, -1e308],
        [1, 2 + 3j, 4],
        [Number(1), 2, Number(3)],
        [1, Number(2), 3, Number(4)],
        [1, Odd(2), 3],
        [1, Text()],
        [[1], [2]],
        ["a"],
        [1, "a", 2],
        [1, None],
        [-1, -(2**48), 2**48, 2**62],
    ):
        print(outcome(lambda: sum(each(items))), outcome(lambda: sum(x for x in items)))
    r = sum(x for x in [2**40, 1])
    print(r, type(r), sum(x > 1 for x in range(5)), sum(each([True])) is True)
    print(outcome(lambda: sum(each([1, 2]), 10)), outcome(lambda: sum(each([1]), start=2.5)))


def truths():
    for items in (
        [],
        [0, 0.0, "", None, [], False],
        [1, 2, "x", True, [0]],
        [0, Number(1), Number(3), Number(5)],
        [Number(3), Number(2), 1],
        [1000000, 0],
    ):
        seen.clear()
        print(any(each(items)), all(each(items)), seen)
    g = each([0, 1, 2, 3])
    print(any(g), list(g), any(g), all(g))
    g = each([Number(1), Number(3), Number(5), 7])
    print(any(g), list(g))
    g = each([1, 0, 2])
    print(all(g), g.gi_frame is not None, next(g), next(g, "end"))


def collected():
    for n in (0, 1, 3, 4, 5, 8, 9, 20, 1000):
        a, b = list(each(range(n))), tuple(each(range(n)))
        print(len(a), len(b), sys.getsizeof(a), sys.getsizeof(b), a == list(b), gc.is_tracked(a))
    x = 10**6
    print(all(p is x for p in list(each([x, x]))))
    big = [i * 1000 for i in range(3)]
    again = list(y for y in big)
    print([p is q for p, q in zip(big, again)])


def raising(n):
    for i in range(n):
        yield i
    raise ValueError("after", n)


def stops(n):
    yield n
    raise StopIteration("inside")


def errors():
    for f in (sum, any, all, list, tuple):
        print(outcome(f, raising(0)), outcome(f, raising(2)), outcome(f, stops(0)))

        def called(f=f):
            return f(raising(1))

        try:
            raise KeyError("handled")
        except KeyError:
            print(outcome(called))
        g = ends([0], "value")
        print(f(g), outcome(next, g), outcome(f, g), outcome(f), outcome(f, each([1]), 2, 3))


def itself():
    yield 1
    for f in (sum, any, all, list, tuple):
        yield outcome(f, running)


def nested(n):
    if n:
        yield sum(nested(n - 1)) + n
        yield len(list(nested(n - 1)))


class Outside:
    def __bool__(self):
        print("running", going.gi_running, going.gi_suspended, next(going))
        return False


def watched():
    yield 0
    print(sys._getframe().f_back.f_code.co_name, going.gi_running)
    yield Outside()
    yield "taken by the test"
    yield 1


class Ordered:
    def __init__(self, n):
        self.n = n

    def __lt__(self, other):
        if self.n == 5:
            raise ValueError("no order", sys._getframe(1).f_code.co_name)
        return self.n < other.n

    def __repr__(self):
        return f"O{self.n}"


class Comma(str):
    def __str__(self):
        return "never"


def joined():
    for items in (["a", "b", "c"], [], ["one"], ["\xe9", "\u20ac", "a"], ["a", 1], [None], [b"a"]):
        for between in ("", ", ", "\u20ac", Comma("-")):
            print(outcome(lambda: between.join(each(items))), outcome(lambda: between.join(x for x in items)))
    print(outcome(str.join, "-", each("ab")), outcome(lambda: str.join("-", each("ab"))))
    print(outcome(lambda: str.join(1, each("ab"))), outcome(lambda: "-".join(raising(1))))
    for items in ([3, 1, 2], [], "hello", [1, "a"], [1.5, 2, True], [None, None]):
        print(outcome(lambda: sorted(each(items))), outcome(lambda: sorted(x for x in items)))
    print(outcome(lambda: sorted(Ordered(n) for n in (3, 1, 2))))
    print(outcome(lambda: sorted(Ordered(n) for n in (3, 5, 2))))
    print(outcome(lambda: sorted((n for n in (3, 5, 2)), reverse=True)))
    print(outcome(lambda: sorted(each([3, -5]), key=abs)), outcome(lambda: sorted(raising(2))))
    print(type(sorted(each([1]))), sys.getsizeof(sorted(each([1]))), sys.getsizeof(sorted(each([]))))


def let_go(f):
    def holds(name):
        last = Last(name)
        yield 0
        yield last.name

    print(f(holds("to the end")) if f is not sum else None)
    print(f(holds(i) for i in range(2)) is not None if f is not sum else None)
    print(any(holds("not to the end")), "then")


def deep(n):
    return 1 + sum(deep(n - 1) for _ in range(1)) if n else 0


def depth():
    try:
        return 1 + list(depth() for _ in range(1))[0]
    except RecursionError:
        return 1


def replaced():
    class Mine(list):
        pass

    print(type(Mine(each([1]))), sorted(each([3, 1])), set(each([1, 1])), max(each([1, 5])))
    print("-".join(each("ab")), dict(each([(1, 2)])), frozenset(each([1])))


for _ in range(2):
    sums()
    truths()
    collected()
    errors()
    running = itself()
    print([next(running) for _ in range(6)])
    print(sum(nested(4)), list(nested(3)))
    going = watched()
    print(any(going))
    for f in (list, tuple, any, all):
        let_go(f)
    print(deep(20))
    replaced()
    joined()
