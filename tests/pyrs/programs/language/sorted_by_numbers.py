"""sorted() with keys that are numbers, and with everything that may come instead."""

import gc
import random
import sys


def by(items, key, reverse=False):
    return sorted(items, key=key, reverse=reverse)


rng = random.Random(7)
LISTS = [
    [], [5], [2, 1], [1, 2], [3, 3, 3], list(range(40)), list(range(40, 0, -1)), [0, 1] * 30, list(range(20)) * 3,
    [rng.randrange(-50, 50) for _ in range(200)], [rng.randrange(-(2**40), 2**40) for _ in range(300)],
    [rng.randrange(10**6) for _ in range(3000)], [rng.randrange(-(2**45), 2**45) for _ in range(1500)],
    [rng.randrange(7) for _ in range(1200)], [2**70, 3, -(2**70), 2**48, -(2**48), 2**47], [True, 3, False, 2, 1],
    [rng.uniform(-1, 1) for _ in range(700)], [0.0, -0.0, 1.5, -1.5, -0.0, 0.0, float("inf"), float("-inf")],
    [1, 2.5, 0, -1.5], [3.0, float("nan"), 1.0, float("nan"), 2.0], ["b", "a", "é"], [(2, "x"), (1, "y"), (1, "b")],
    [-(2**48), 2**48 - 1, 0, -(2**48), 2**48 - 1] * 200,
]


def digest(items):
    text = repr(items)
    return text if len(text) < 300 else (len(items), text[:60], text[-60:], sum(i * hash(x) for i, x in enumerate(items)) % 10**9)


for items in LISTS:
    for reverse in (False, True):
        if not isinstance(items[:1], list) or items[:1] and isinstance(items[0], str):
            print(sorted(items, reverse=reverse))
            continue
        print(digest(sorted(items, reverse=reverse)), sorted(tuple(items)) == sorted(iter(items)) or "nan")
        if items and isinstance(items[0], tuple):
            continue
        print(digest(by(items, lambda x: -x, reverse)), digest(by(items, abs, reverse)))
        # equal keys keep their order
        pairs = list(enumerate(items))
        print(digest([i for i, _ in by(pairs, lambda p: p[1] // 3, reverse)]))
        print(digest([i for i, _ in by(pairs, lambda p: p[1] * 0.25, reverse)]))


# keys that begin as numbers
print(by([3, 1, 2, 5, 4], lambda x: x if x != 5 else 2**80))
print(by([3, 1, 2, 5, 4], lambda x: float(x) if x % 2 else x))
for odd in ("s", None, (1,), 1j):
    try:
        print(by([3, 1, 2, 5, 4], lambda x: x if x != 5 else odd))
    except TypeError as e:
        print(e)


class Number(int):
    def __lt__(self, other):
        compared.append((int(self), int(other)))
        return int(self) > int(other)


compared = []
print([int(x) for x in sorted([Number(3), Number(1), Number(2)])], compared)
print([int(x) for x in by([3, 1, 2], Number)], compared)


class Fails:
    def __init__(self, n):
        self.n = n

    def __lt__(self, other):
        raise KeyError(self.n, other.n)

    def __del__(self):
        gone.append(self.n)


gone = []
try:
    by([3, 1, 2], Fails)
except KeyError as e:
    print(e, sorted(gone))
gone.clear()


def raises_at(n):
    def key(x):
        if x == n:
            raise LookupError(x)
        seen.append(x)
        return -x

    return key


seen = []
for n in (3, 5, 1):
    try:
        by([3, 1, 4, 5, 9], raises_at(n))
    except LookupError as e:
        print(type(e).__name__, e, seen)
    seen.clear()
print(by([3, 1, 4], raises_at(None)), seen)
print(by([3, 1, 2], None), by({3: 1, 1: 2}, lambda k: -k), by(range(5), lambda k: k % 2), by("cab", ord, True))
calls = [
    lambda: sorted(),
    lambda: sorted(5),
    lambda: sorted([1], [2]),
    lambda: sorted([2, 1], key=5),
    lambda: sorted([2, 1], keys=5),
    lambda: sorted([2, 1], reverse=1),
    lambda: sorted([2, 1], reverse=0),
    lambda: sorted([2, 1], reverse=None),
    lambda: sorted([2, 1], reverse="x"),
    lambda: sorted([1, 2], key=None, reverse=True),
    lambda: sorted(iterable=[1]),
    lambda: sorted([], key=5),
    lambda: sorted([1], key=lambda: 3),
    lambda: sorted([1], key=lambda a, b: 3),
    lambda: sorted(x for x in (3, 1 / 0)),
    lambda: sorted(*[[2, 1]], **{"reverse": True}),
]
for call in calls:
    try:
        print(call())
    except Exception as e:
        print(type(e).__name__, e)


# a key function that counts, changes what it closes over, sorts itself, looks at its frame
def counting(items):
    n = 0

    def key(x):
        nonlocal n
        n += 1
        return x * n % 7

    return sorted(items, key=key), n


def who(x):
    f = sys._getframe()
    names.add((f.f_code.co_name, f.f_back.f_code.co_name, f.f_back.f_lineno))
    return x


names = set()
print(counting(list(range(20))), by([[3, 1], [2], [9, 8, 0]], lambda part: sorted(part, key=lambda x: -x)[0]))
print(by([2, 1], who), len(names), sorted(n[:2] for n in names))


def traced():
    return sorted([1, 2, 0], key=lambda x: 1 // x)


try:
    traced()
except ZeroDivisionError as e:
    tb, at = e.__traceback__, []
    while tb:
        at.append((tb.tb_frame.f_code.co_name, tb.tb_lineno - tb.tb_frame.f_code.co_firstlineno))
        tb = tb.tb_next
    print(at)


# who finds the list on the way
class Marked(list):
    pass


def meddle(x):
    for o in gc.get_objects():
        if type(o) is list and o is not outer and len(o) == 0 and sys.getrefcount(o) < 5:
            pass
    return -x


outer = []
print(by([1, 3, 2], meddle))
items = [object() for _ in range(50)]
before = [sys.getrefcount(o) for o in items]
out = by(items, lambda o: items.index(o) * -1)
assert out == items[::-1] and out is not items
del out
out = by(items, lambda o: str(items.index(o)))
del out
assert [sys.getrefcount(o) for o in items] == before


# the limit is met where CPython meets it
def deep(x):
    return deep(x + 1)


try:
    by([1], deep)
except RecursionError as e:
    print(e)


def depth(n):
    try:
        return sorted([n], key=depth_below)[0]
    except RecursionError:
        return None


def depth_below(x):
    return depth(x + 1)


print(depth(0))


# methods that are computed
def methods(s, *args):
    out = []
    for name in ("startswith", "endswith", "find", "strip", "lstrip", "rstrip", "lower", "upper", "join"):
        try:
            out.append(getattr(s, name)(*args))
        except Exception as e:
            out.append(f"{type(e).__name__}: {e}")
    try:
        out += [s.startswith(*args), s.endswith(*args), s.find(*args)]
    except Exception as e:
        out.append(str(e))
    return out


def direct(s, a):
    return s.startswith(a), s.endswith(a), s.find(a)


def bare(s):
    return s.strip(), s.lstrip(), s.rstrip(), s.lower(), s.upper()


class Sub(str):
    pass


TEXTS = ["", "a", "abc", "  ab c\t\n", "ABC def", "\x1c\x1dx\x1e\x1f\x0b\x0c", "é abc é", "\u2003wide\u2003", "\x85a", "aaa",
         "ZZ[]@`{}zz", Sub(" Sub "), "\u0130I\xdf", " "]
for s in TEXTS:
    print(ascii(bare(s)), end=" ")
    for a in ("", "a", "abc", "b", "é", " ", Sub("a"), "abcdefghijkl", "zz"):
        print(direct(s, a), end=" ")
    print()
    for args in ((), ("a", 1), ("a", 1, 2), (("a", "b"),), (None,), (5,), ("ab",), (["x", "y"],), (b"a",)):
        print(ascii(methods(s, *args)))
print([ascii(bare(x)) for x in (b" Bytes ", bytearray(b" B "))])
whole = "no spaces around"
assert whole.strip() is whole and whole.lstrip() is whole and whole.rstrip() is whole
sub = Sub("sub")
print(type(sub.strip()), type(sub.lower()), "A b".lower() == "a b")


def popped(l, n):
    out = []
    for _ in range(n):
        try:
            out.append(l.pop())
        except Exception as e:
            out.append(f"{type(e).__name__}: {e}")
    return out


class OwnPop(list):
    def pop(self):
        return "own"


class Bag:
    def pop(self):
        return "bag"


print(popped([1, "a", 2.5, None, 2**70], 7), popped(OwnPop([1]), 2), popped(Bag(), 2), popped({1}, 2), popped(bytearray(b"ab"), 3))
grown = []
sizes = []
for i in range(40):
    grown.append(i)
while grown:
    grown.pop()
    sizes.append(sys.getsizeof(grown))
print(sizes)
print([1, 2, 3].pop(), [[7]].pop().pop(), [1, 2, 3].pop(0), [1, 2, 3].pop(-2))
for bad in ((9,), ("a",), (1, 2)):
    try:
        [1, 2].pop(*bad)
    except (IndexError, TypeError) as e:
        print(e)
