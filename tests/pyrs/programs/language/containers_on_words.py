"""Methods of containers, strs and bytes, and functions of modules, whose arguments may be of any kind."""

import math
import operator
import sys
import zlib


class Loud:
    """Compares by code, equal to 3 and "b"."""

    def __eq__(self, other):
        print("(compared)", end=" ")
        return other == 3 or other == "b"

    def __hash__(self):
        return hash(3)

    def __repr__(self):
        return "loud"


class Raises:
    def __eq__(self, other):
        raise OSError("no comparison")

    __hash__ = None

    def __repr__(self):
        return "raises"


class Int(int):
    def __eq__(self, other):
        return False

    def __hash__(self):
        return int(self)


class Str(str):
    def __eq__(self, other):
        print("(asked)", end=" ")
        return True

    __hash__ = str.__hash__


class List(list):
    def append(self, item):
        return "own append"

    def index(self, *args):
        return "own index"


LOUD, NAN = Loud(), float("nan")
VALUES = [0, 3, -1, 300, 2**45, 2**48, 2**70, 3.0, NAN, True, None, "b", "", "ab" * 3, "ä", Str("b"), Int(3), LOUD, Raises(), b"b", b"", (3,)]  # fmt: skip
LISTS = [[], [0, 3, 300, 3], ["a", "b", "ababab"], [None, "b", 3], [2**45, 2**48, 2**70, -1, 0], [3.0, True, NAN],
         [LOUD, 3], [1, LOUD], [Int(3), 3], [1, Str("x"), "b"], [Raises()], List([3, "b"])]  # fmt: skip
KEYS = [v for v in VALUES if not isinstance(v, Raises)]
DICTS = [{}, {3: "three", 300: 1, 2**48: 2}, {"b": 1, "a": 2, "": 3}, {3: 1, "b": 2, None: 3}, {3.0: 1, "b": 2}, {LOUD: 1, 4: 2},
         {Str("b"): 1, "c": 2}, {-1: 1, -2: 2, 2**70: 3}]  # fmt: skip
TEXTS = [
    "",
    "b",
    "abababab",
    "äb",
    "12",
    "b2",
    " b ",
    Str("ab"),
    b"",
    b"b",
    b"abababab",
    b"12",
    b"\xe4b",
    bytearray(b"b"),
]


def shown(value):
    return f"{value!r}:{type(value).__name__}"


def tell(answers):
    """How they begin, and what all of them come to."""
    text = "; ".join(answers)
    print(text[:60], zlib.crc32(text.encode()))


def each(site, wholes, values):
    """Three times through one site: as it is seen first, and again."""
    for whole in wholes:
        line = []
        for value in values:
            for _ in range(3):
                o = whole.copy() if hasattr(whole, "copy") else whole
                try:
                    answer = shown(site(o, value))
                except Exception as e:
                    answer = f"{type(e).__name__}({e})"
            line.append(f"{answer}{'' if o is whole else o}")
        tell(line)


def sites(*lines):
    for line in lines:
        names = globals() | {"__name__": "site"}
        exec(f"def site(o, v):\n    return {line}\n", names)
        yield line, names["site"]


def lists():
    for line, site in sites("o.index(v)", "o.count(v)", "o.remove(v)", "o.insert(1, v)", "o.extend(v)", "o.pop()", "v in o", "o.reverse()",
                            "o.copy()", "o.append(v)"):  # fmt: skip
        print("--", line)
        each(site, LISTS, VALUES if "v" in line else [0])
        each(site, [tuple(s) for s in LISTS[:6]], VALUES[::3])
    stack = list(range(100))
    print(
        sum(stack.pop() for _ in range(90)),
        stack,
        sys.getsizeof(stack) < sys.getsizeof(list(range(100))),
    )
    own = [1, 2]
    own.extend(own)
    print(own, [].extend(()), sys.getsizeof(grown()))


def grown():
    made = []
    for _ in range(2):
        made = []
        made.extend([1, 2, 3])
    return made


def dicts():
    for line, site in sites("o.get(v)", "o.setdefault(v, 9)", "o.pop(v)", "o.pop(v, 9)", "v in o", "list(o.keys())", "list(o.values())",
                            "list(o.items())", "o.copy()"):  # fmt: skip
        print("--", line)
        each(site, DICTS, KEYS if "v" in line and "values" not in line else [0])


def sets():
    wholes = [
        set(),
        {0, 3, 300},
        {"b", "", "c"},
        {None, 3.0},
        {LOUD},
        {Str("b")},
        {-1, -2, 2**70},
        set(range(64)),
    ]
    for line, site in sites("o.add(v)", "o.discard(v)", "o.remove(v)", "v in o"):
        print("--", line)
        for whole in wholes:
            answers = []
            for value in KEYS:
                for _ in range(3):
                    o = set(whole)
                    try:
                        answer = site(o, value)
                    except Exception as e:
                        answer = f"{type(e).__name__}({e})"
                answers.append(f"{answer}/{len(o)}")
            tell(answers)
    many = set()
    for i in range(2000):
        many.add(i * 64)
        many.add(f"k{i}")
        many.discard(i * 32)
    print(
        len(many),
        all(i * 64 in many for i in range(1000, 2000)),
        7 in many,
        "k7" in many,
        "j7" in many,
    )


def texts():
    for line, site in sites("o.find(v)", "o.index(v)", "o.count(v)", "o.replace('b', v)", "o.replace(v, 'xy')", "o.isalpha()", "o.isdigit()",
                            "o.isalnum()", "o.encode()", "o.decode()", "o.startswith(v)", "o.endswith(v)", "v in o"):  # fmt: skip
        print("--", line)
        each(site, TEXTS, VALUES[10:] if "v" in line else [0])
    text = "abc"
    print(
        text.replace("x", "y") is text,
        text.replace("b", "b") is text,
        "a".replace("a", "b") == "b",
        "aa".replace("a", ""),
    )
    print(
        [
            "z\x80".isalpha(),
            "_".isalnum(),
            "a" * 1000 + "b" in "a" * 3000,
            ("a" * 3000 + "b").find("a" * 1000 + "b"),
        ]
    )


def functions():
    numbers = [
        0,
        3,
        -2,
        2**48 - 1,
        2**60,
        1.5,
        -0.0,
        NAN,
        float("inf"),
        True,
        "3",
        " 4 ",
        "1_0",
        "x",
        "1e3",
        "",
        None,
        LOUD,
        b"5",
    ]
    for line, site in sites("operator.add(o, v)", "operator.sub(o, v)", "operator.mul(o, v)", "operator.truediv(o, v)", "operator.lt(o, v)",
                            "operator.eq(o, v)", "operator.ge(o, v)", "math.sqrt(o)", "math.fabs(o)", "math.floor(o)", "math.ceil(o)",
                            "int(o)", "float(o)", "str(o)", "repr(o)", "abs(o)", "hash((o, 1)) == hash((o, 1))"):  # fmt: skip
        print("--", line)
        # a str so many times is more than there is memory for
        usual = [n for n in numbers if "mul" not in line or type(n) is not int or n < 2**40]
        each(site, numbers if "v" not in line else usual, usual if "v" in line else [0])
    for line, site in sites(
        "any(o)",
        "all(o)",
        "min(o)",
        "max(o)",
        "list(iter(o))",
        "hash(o) == hash(v)",
        "sorted(o)[:2]",
    ):
        print("--", line)
        wholes = [*LISTS, *map(tuple, LISTS), "ba", range(3), {}, {4: 1}, {5}, b"ba"]
        each(site, [w for w in wholes if not any(isinstance(i, Loud) for i in w)], [()])
    for a, b, c in (
        (2, 10, 7),
        (-2, 3, 7),
        (5, 0, 1),
        (5, 3, -7),
        (2**47, 2**47, 2**47 - 1),
        (3, -1, 7),
        (2, 3, 0),
        (2.0, 3, 4),
        (5, 3, None),
    ):
        for _ in range(3):
            try:
                answer = pow(a, b, c)
            except Exception as e:
                answer = f"{type(e).__name__}({e})"
        print(answer, end=" ")
    print([make() for make in (int, float, str)])


def forged():
    """Names say nothing: what a function is defined as counts."""

    def add(a, b):
        return "own"

    module = type(sys)("_operator")
    module.add = add
    for f in (operator.add, add, operator.sub, operator.add, math.fabs):
        try:
            print(f(3, 4), end=" ")
        except TypeError as e:
            print(e)
    print(module.add(3, 4))


lists()
dicts()
sets()
texts()
functions()
forged()
