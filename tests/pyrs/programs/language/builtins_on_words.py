"""Builtins of numbers and plain objects, with every kind of argument."""

import sys


class Int(int):
    def __abs__(self):
        return "own abs"

    def __int__(self):
        return 77

    def __lt__(self, other):
        print("asked", other)
        return True


class Proxy:
    def __repr__(self):
        return "proxy"

    @property
    def __class__(self):
        return int


class Meta(type):
    def __instancecheck__(cls, o):
        return "never"


class Checked(metaclass=Meta):
    pass


class Sized:
    def __repr__(self):
        return "sized"

    def __len__(self):
        return 3

    def __bool__(self):
        return False


NAN, BIG = float("nan"), 2**70
VALUES = [0, 1, -1, 5, 300, -300, 2**47, -(2**48), 2**48 - 1, 2**48, BIG, -BIG, 0.0, -0.0, 1.5, -2.5, NAN,
          float("inf"), -float("inf"), 1e15, True, False, None, "a", "ab", "", "ä", "\U0001f600", b"x", b"", [],
          [1], (), (1, 2), {}, {1: 2}, set(), {1}, frozenset({2}), Int(5), Sized(), Proxy(), 3j, range(3)]  # fmt: skip
SEQUENCES = [[], (), [1, 2, 3], (1, 2, 3), [2**48, 2**48], [2**60], [1.5, 2.5], (0.1,) * 10, [-0.0], [1, 2.5],
             [2.5, 1], [0, -0.0], [NAN], [float("inf"), -float("inf")], [True, 2], ["a"], [[1]], [1, None],
             [Int(3), 4], {1: 2, 3: 4}, "12", range(5), [1e308, 1e308]]  # fmt: skip


def shown(value):
    return f"{value!r} {type(value).__name__}"


def attempt(f, *args):
    try:
        return shown(f(*args))
    except Exception as e:
        return f"{type(e).__name__}: {e}"


def one(v):
    calls = (lambda: abs(v), lambda: int(v), lambda: float(v), lambda: bool(v), lambda: ord(v), lambda: len(v),
             lambda: min(v), lambda: max(v), lambda: str(v), lambda: sum(v))  # fmt: skip
    return [attempt(c) for c in calls]


def two(a, b):
    calls = (lambda: min(a, b), lambda: max(a, b), lambda: min(a, b, 2), lambda: max(1, b, a), lambda: isinstance(a, type(b)))
    return [attempt(c) for c in calls]


def identities():
    big, other = 2**60 + 1, 2**60 + 2
    number, fraction = 1000, 1.25
    print(min(big, other) is big, max(big, other) is other, max(number, number + 0) is number)
    print(int(number) is number, int(big) is big, float(fraction) is fraction, abs(number) is number)
    print(min(0.0, -0.0), max(-0.0, 0.0), min(-0.0, 0.0), max(1, 1.0), max(1.0, 1), min(True, 1))
    print(min(NAN, 1), min(1, NAN), max(NAN, 1), max(1, NAN), max(1, 2, NAN, 3))


def kinds():
    for o in (1, True, 1.5, "s", None, Int(1), Proxy(), Checked(), Meta, int):
        print([attempt(isinstance, o, c) for c in (int, float, object, type, Checked, (str, int), int | str, 5)])


def misuse():
    for f in (abs, int, float, bool, ord, len, min, max, sum, isinstance):
        print([attempt(f), attempt(f, 1, 2, 3, 4), attempt(f, "x", "y")])
    print(attempt(lambda: min(3, 1, key=lambda x: -x)), attempt(lambda: max([], default=4)), attempt(lambda: sum([1], start=5)))


def at_the_limit():
    """A builtin takes a place of the recursion limit, or not, as CPython says."""
    def deep(n):
        return abs(-5) + max(1, 2) if n == 0 else deep(n - 1)

    limit, failed = sys.getrecursionlimit(), []
    for n in range(limit - 30, limit):
        try:
            deep(n)
        except RecursionError as e:
            failed.append((n, str(e)))
    return len(failed) > 0


def main():
    for _ in range(2):
        for v in VALUES:
            print(*one(v), sep=" | ")
        for s in SEQUENCES:
            print(attempt(sum, s), attempt(lambda: sum(s)), attempt(lambda: sum(s, 5)))
        for a in VALUES[::2]:
            print(*(r for b in VALUES[::3] for r in two(a, b)), sep=" | ")
    identities()
    kinds()
    misuse()
    print(at_the_limit())


main()
