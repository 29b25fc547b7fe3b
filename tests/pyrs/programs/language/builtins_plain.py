"""Builtins of numbers, attributes and sequences, computed without a call: what they answer, each twice
at its site, and what they leave to the general way."""

import sys


def answers(name, function, *cases):
    for case in cases:
        for _ in range(2):
            try:
                answer = function(*case)
                text = f"{type(answer).__name__} {answer!r}"
            except Exception as e:
                text = f"{type(e).__name__}: {e}"
        print(name, text)


BIG = 2**47 + 1
HUGE = 2**70
ints = [0, 1, -1, 7, -7, 255, 256, 257, BIG, -BIG, HUGE, True]
answers("round", lambda x: round(x), *[(x / 2,) for x in range(-7, 8)], *[(x,) for x in ints])
answers(
    "round", lambda x: round(x), (0.49999999999999994,), (-0.3,), (1e15,), (float("inf"),), ("x",)
)
answers("divmod", lambda x, y: divmod(x, y), *[(x, y) for x in ints for y in (3, -3, 1, 0, BIG)])
answers(
    "pow", lambda x, y: pow(x, y), *[(x, y) for x in (0, 1, -2, 3, BIG, True) for y in (0, 1, 2, 5)]
)
answers(
    "pow", lambda x, y: pow(x, y), (2, 46), (2, 47), (2, 48), (-2, 48), (2, 49), (2, -1), (0, -1)
)
answers("hex", lambda x: hex(x), *[(x,) for x in ints], (1.5,))
answers("repr", lambda x: repr(x), *[(x,) for x in ints], ("x",), (2.5,), (None,))
one = 2**40
print(round(one) is one, repr(one) == str(one))

# -- attributes by name ---------------------------------------------------------------------------------


class Base:
    kind = "base"

    def method(self):
        return "method"

    @property
    def computed(self):
        return "computed"

    @staticmethod
    def static():
        return "static"


class Item(Base):
    def __init__(self, n):
        self.n = n


class Slots:
    __slots__ = ("n",)

    def __init__(self, n):
        self.n = n


class Hooked(Item):
    def __getattr__(self, name):
        return f"hooked {name}"


class Watched(Item):
    def __setattr__(self, name, value):
        object.__setattr__(self, name, ("watched", value))


class Descriptor:
    def __set__(self, o, value):
        o.__dict__["stored"] = value


class WithDescriptor:
    described = Descriptor()


def names_of(o):
    found = []
    for name in ("n", "kind", "method", "computed", "static", "missing", "__class__", "other"):
        value = getattr(o, name, "default")
        bound = callable(value) and not isinstance(o, type) and name != "__class__"
        found.append(value() if bound else type(value).__name__ if callable(value) else value)
        found.append(hasattr(o, name))
    return found


item = Item(1)
hidden = Item(2)
hidden.__dict__["kind"] = "own"
hidden.__dict__["method"] = lambda: "own method"
for o in (item, item, hidden, Slots(3), Hooked(4), Item, sys.__class__("m"), 5, "s", item):
    print([str(x).split(" at ")[0] for x in names_of(o)])
Base.other = "now there"
print([str(x).split(" at ")[0] for x in names_of(item)])
del Base.other
print(names_of(item)[-2:])


def store(o, name, value):
    try:
        setattr(o, name, value)
        return getattr(o, name, "nothing")
    except (AttributeError, TypeError) as e:
        return f"{type(e).__name__}: {e}"


class Dying:
    def __del__(self):
        print("gone")


for o in (item, item, hidden, Slots(3), Watched(1), Hooked(2), Item, 5):
    print([str(store(o, name, 2**40))[:60] for name in ("n", "kind", "computed", "fresh")])
print(store(item, "n", Dying()).__class__, store(item, "n", 1), store(item, "n", 1.5))
print(type(store(WithDescriptor(), "described", 3)), store(item, "n" + "x", 1), store(item, 3, 1))
described = WithDescriptor()
setattr(described, "described", 4)
print(described.__dict__)
number = 2**41
setattr(item, "n", number)
print(item.n is number, getattr(item, "n") is number)

# -- classes and callables -------------------------------------------------------------------------------


class Claims(type):
    def __subclasscheck__(cls, other):
        return "claimed" in other.__name__


class Claimer(metaclass=Claims):
    pass


class claimed:
    pass


answers(
    "issubclass",
    lambda a, b: issubclass(a, b),
    (Item, Base),
    (Base, Item),
    (claimed, Claimer),
    (Item, Claimer),
    (Claimer, object),
    (bool, int),
    (int, (str, float)),
    (3, int),
    (int, 3),
)
answers("callable", lambda x: callable(x), (len,), (Item,), (item,), (3,), (None,), (lambda: 0,))

# -- sequences ---------------------------------------------------------------------------------------------


class Ordered(list):
    def __iter__(self):
        return iter(["iterated"])


def slices(s):
    return [s[1:3], s[:2], s[2:], s[:], s[-2:], s[:-1], s[5:2], s[-99:99], s[True:], s[None:2]]


for s in (
    [1, 2, 3, 4],
    (1, 2, 3, 4),
    "abcd",
    "äb€d",
    "😀bcd",
    b"abcd",
    range(4),
    [],
    (),
    "",
    Ordered("xy"),
):
    print(slices(s))
text, row = "unchanged", (1, 2)
print(text[:] is text, row[:] is row, text[0:99] is text, text[2:3] is chr(99), text[0] is chr(117))
for bad in ({}, 3, None):
    answers("slice", lambda o: o[1:2], (bad,))
answers(
    "slice", lambda a, b: "abcd"[a:b], (1, 2.0), ("x", 1), (None, None), (HUGE, None), (-HUGE, 2)
)
answers(
    "item",
    lambda s, i: s[i],
    ("abc", 0),
    ("abc", -1),
    ("abc", 3),
    ("ä€", 0),
    ("ä€", 1),
    ("x", True),
)
answers("list", lambda x: list(x), ([1],), ((1, 2),), (Ordered("ab"),), ("ab",), (5,), ({1: 2},))
answers("tuple", lambda x: tuple(x), ([1],), ((1, 2),), (Ordered("ab"),), ("ab",), (5,), ([],))
print(
    tuple(row) is row,
    list(text) == [*text],
    sys.getsizeof(list([1, 2, 3])) == sys.getsizeof(list((1, 2, 3))),
)
queue = [1, 2, 3, 4, 5, 6]
print([queue.pop(i) for i in (0, 2, -1, 1)], queue)
answers("pop", lambda q, i: q.pop(i), ([1], 0), ([], 0), ([1], 1), ([1, 2, 3], True), ([1], "x"))
places = [1]
for i in (0, -1, 99, 1, True, -99):
    places.insert(i, 2**40 + i)
    places.insert(i, "s")
print(places)
it = iter(range(2))
print([next(it, "end") for _ in range(4)], [next(it, None) for _ in range(2)])
shared = 2**42
kept = []
kept.append(shared)
kept.insert(0, shared)
print(kept[0] is shared, kept[1] is shared)
