"""f-strings, str(), join and += where text is put together without a str for each part."""

import sys


class Loud(str):
    def __format__(self, spec):
        return f"<{str(self)}|{spec}>"


class Money(int):
    def __format__(self, spec):
        return "money:" + spec

    def __str__(self):
        return "a money"


class Cold(float):
    def __repr__(self):
        return "cold"


class Shown:
    def __repr__(self):
        return "shown é"

    def __format__(self, spec):
        log.append(spec)
        return "formatted"


log = []
VALUES = [
    0, 1, -1, 7, 42, -99, 100, 12345678, -(2**40), 2**47, 2**48, -(2**48), 2**59, 2**60, -(2**63), 10**30,
    0.0, -0.0, 1.5, -2.25, 1e16, 1e22, 1e-7, 123456789.125, float("inf"), float("-inf"), float("nan"),
    "", "a", "text", "é", "\u20ac uro", "\U0001f600", True, False, None, Money(5), Cold(1.5), Loud("x"), b"b", (1, 2),
]
SPECS = [
    "", "d", "x", "X", "o", "b", "02d", "08x", "5", ">5", "<5", "^6", "^7d", "05", "010b", ",", ",d", "12,", "012,",
    "<08", ".2f", "8.3f", "08.2f", "<9.1f", "^9.1f", ".0f", ".3e", ".4g", "e", "f", "g", ".2", ".10", "s", ">6s", ".1s",
    "^5.2s", "n", "%", ".1%", "c", "+d", " d", "#x", "_d", "*^9", "=8", "é>4", "z.1f", "q", ".f", "5,x", ",x",
    "99999999999999999999d",
]


def one(value, spec):
    try:
        return f"{value:{spec}}"
    except Exception as e:
        return f"{type(e).__name__}: {e}"


def whole(a, b, c):
    return f"{a}:{b!s}-{c!r} {a!a:>4}|{b}{c}|{{}}"


def numbers(i, d):
    return f"{i}/{i:x}/{i:05}/{d:.2f}/{d}/{i:>8,}|{i!r}{d!s}"


for spec in SPECS:
    print(repr(spec), [one(v, spec) for v in VALUES])
for spec in ("1000", ".400f", "399d", "400d", "401s"):
    for v in (5, 1.5, "a", None):
        print(repr(spec), len(one(v, spec)), one(v, spec).count(" "), one(v, spec)[-5:])
for a, b, c in zip(VALUES, VALUES[3:] + VALUES[:3], VALUES[7:] + VALUES[:7]):
    print(whole(a, b, c))
for i, d in [(0, 0.5), (-17, -1e300), (10**9, 3.0), (True, 1.0), (10**20, float("nan")), (255, 2**53 + 0.0)]:
    print(numbers(i, d))
print(f"{Shown()}{1}", f"{1}{Shown():abc}", f"{Shown()!r}{2}", f"{Shown()!a}{2}", log)


def spec_of_number(i):
    return f"{i:{i}}"


for bad in (3, "x"):
    try:
        print(f"{5:{bad}}", spec_of_number(bad))
    except (TypeError, ValueError) as e:
        print(type(e).__name__, e)


# the order of what is done, and what of it is seen when it raises
def tell(x):
    log.append(x)
    return x


class Refuses:
    def __format__(self, spec):
        log.append("asked")
        raise KeyError("no")


log.clear()
try:
    f"{tell(1)}{Refuses()}{tell(2)}"
except KeyError:
    print(log)
log.clear()
print(f"{tell(1):{tell(2)}}{tell(3)}{tell('a'):>{tell(4)}}", log)


def unbound(i):
    if i:
        late = 1
    return f"{i}:{late}:{i}"


for i in (1, 0):
    try:
        print(unbound(i))
    except UnboundLocalError as e:
        print(type(e).__name__, e)


def kinds_of_part(a, box):
    return f"{a}{box[0]}{a + 1}{box}{a}x", f"{f'{a}'}{f'{a:x}':>4}{'k'}", f"{a}", f"{'k'!r}{a}"


print(kinds_of_part(5, [7]), kinds_of_part(1 << 70, ["é"]))
long = "n" * 390
for n in (8, 9, 10, 11, 12, 500):
    s = f"{long}{n}:{'z' * n}"
    print(len(s), s[385:405])
    s = f"{n}{long}{n:>{n}}"
    print(len(s), s[-14:])


# identity: what exists once
def empties(a, b):
    return f"{a}{b}"


assert empties("", "") is str()
whole_str = "the same str"
assert f"{whole_str}" is whole_str and str(whole_str) is whole_str


# growing
def grown(n, piece):
    text = ""
    seen = []
    for i in range(n):
        text += piece
        if i % 7 == 3:
            seen.append(hash(text))     # it has a hash now
        if i % 11 == 5:
            kept = text                 # somebody else has it
            text += "!"
            seen.append(len(kept))
        if i % 50 == 49:
            seen.append(sys.intern(text[:] + str(i)) is sys.intern(text[:] + str(i)))
            text = text[: len(text) // 2]
    return text, len(seen), sum(map(hash, seen)) == sum(map(hash, seen)), seen[-2:]


for piece in ("ab", "x", "é", "\u20ac", "piece of text " * 20):
    text, n, same, _ = grown(300, piece)
    print(len(text), n, same, ascii(text[:20]), ascii(text[-5:]), text.count(piece), text.isascii())


def keeps_all(n):
    text, all_of_them = "", []
    for i in range(n):
        text += chr(97 + i % 26)
        if i % 3:
            all_of_them.append(text)
    return all_of_them


kept = keeps_all(2000)
assert all(kept[i].startswith(kept[i - 1]) and len(kept[i]) > len(kept[i - 1]) for i in range(1, len(kept)))
print(len(kept), len(kept[-1]), len(set(kept)))


def doubled(n):
    text = "ab"
    for _ in range(n):
        text += text
    return text


print(len(doubled(14)), doubled(3))


def shared_name():
    text = "begin " * 100
    other = text
    text += "end"
    return len(other), len(text), other == "begin " * 100


def global_text():
    global GROWS
    GROWS = ""
    for i in range(400):
        GROWS += str(i)
    return len(GROWS), GROWS[-6:]


class Holder:
    pass


def attribute_text():
    h = Holder()
    h.text = ""
    for i in range(400):
        h.text += str(i)
    return len(h.text), h.text[-6:]


def cell_text():
    text = ""

    def add(x):
        nonlocal text
        text += x

    for i in range(400):
        add(str(i))
    return len(text), text[-6:]


def mixed_text():
    text = "a" * 600
    for x in ("é", "b", "\u20ac", "c", "\U0001f600", "d"):
        text += x
        text += x * 100
    return len(text), [text.count(x) for x in "éb\u20acc\U0001f600d"]


def sizes_agree():
    text = ""
    for i in range(3000):
        text += "q"
    return sys.getsizeof(text) == sys.getsizeof("q" * 3000), text == "q" * 3000, hash(text) == hash("q" * 3000)


print(shared_name(), global_text(), attribute_text(), cell_text(), mixed_text(), sizes_agree())


class Sub(str):
    def __add__(self, other):
        return "added"

    def __radd__(self, other):
        return "radded"


def added(a, b):
    a += b
    return a


print(added("a", Sub("b")), added(Sub("a"), "b"), added("", "x"), added("x", ""), added("k", str(12)))
for a, b in (("a", 1), (1, "a"), ("a", None), ("a", b"b")):
    try:
        added(a, b)
    except TypeError as e:
        print(e)


# join
def joined(separator, parts):
    return separator.join(parts)


class Parts(list):
    def __iter__(self):
        return iter(["own", "items"])


for separator in ("", ",", ", ", "é", "-" * 30, Sub("+")):
    for parts in ([], [""], ["one"], ["", ""], ["a", ""], ["a", "b"], ("x", "y", "z"), ["é", "b"], ["a" * 40, "b" * 40],
                  Parts(["a"]), {"k": 1}, "text", [Sub("s"), Sub("t")], iter("it")):
        print(ascii(joined(separator, parts)), end=" ")
    print()
only = ["only one str"]
assert joined(",", only) is only[0]
for bad in ([1], ["a", 1], ["a", None], 5, ["a", b"b"]):
    try:
        joined(",", bad)
    except TypeError as e:
        print(e)


# calls whose site remembers a builtin that is computed, and then meets something else
def text_of(x):
    return str(x)


class Told:
    def __str__(self):
        return "told"


for x in (1, 2, -5, 10**6, 2**48, 2**70, "s", 1.5, Told(), Money(3), True, None, 3, 4):
    print(text_of(x), end=" ")
print()
for replaced in (str, repr, lambda x: "f", len, str):

    def through(f, x):
        return f(x)

    print([through(f, "ab") for f in (replaced, str, replaced, str)], end=" ")
print()


class Meta(type):
    def __instancecheck__(cls, o):
        return o == 5


class Claims(metaclass=Meta):
    pass


class Pretends:
    @property
    def __class__(self):
        return int


def is_one(x, kind):
    return isinstance(x, kind)


for kind in (int, str, bool, (int, str), (), (str, (float, int)), Claims, (str, Claims), object, type(None), Told):
    print([is_one(x, kind) for x in (1, True, None, 5, 1.5, "s", Told(), Pretends(), int, 2**70)])
for bad in (1, "int", (str, 5), None):
    try:
        print(is_one(1.5, bad))
    except TypeError as e:
        print(e)
print([type(x).__name__ for x in (1, 1.5, True, None, 2**70, "", Told(), Pretends(), (i for i in ()), int)])
for i in (65, 233, 0x20AC, 0x10FFFF, 0, True):
    print(ascii(chr(i)), end=" ")
for bad in (-1, 0x110000, 2**70, "a", 1.5):
    try:
        chr(bad)
    except (ValueError, TypeError, OverflowError) as e:
        print(type(e).__name__, e)
print(hash(-1), hash(5), hash(2**40), hash(2**61 - 1), hash("a") == hash(chr(97)), hash(1.5), hash(True))


def made_twice(i):
    return str(i) is str(i), repr(i) is repr(i), f"{i}" is f"{i}", f"{i:d}" is f"{i:d}", f"{i!r}" is f"{i!r}"


print([made_twice(i) for i in (7, 7, 7, 42, -3)])
