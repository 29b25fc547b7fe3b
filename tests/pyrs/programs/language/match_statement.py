from dataclasses import dataclass


@dataclass
class Point:
    x: int
    y: int


class Node:
    __match_args__ = ("left", "right")

    def __init__(self, left, right):
        self.left, self.right = left, right


def describe(v):
    match v:
        case 0 | 1:
            return "bit"
        case int(n) if n > 100:
            return f"big {n}"
        case int() | float():
            return f"number {v}"
        case "hello" | "hi":
            return "greeting"
        case str(s):
            return f"string {s!r}"
        case []:
            return "empty"
        case [x]:
            return f"one {x}"
        case [1, *rest, 9]:
            return f"1..9 {rest}"
        case (a, b) if a == b:
            return f"pair of {a}"
        case [first, *_]:
            return f"starts with {first}"
        case {"type": "circle", "r": r}:
            return f"circle {r}"
        case {"type": t, **rest}:
            return f"{t} {rest}"
        case {}:
            return "mapping"
        case Point(0, 0):
            return "origin"
        case Point(x=0, y=y):
            return f"on y at {y}"
        case Point(x, y) as p:
            return f"{p} {x + y}"
        case Node(Node(a, b), c):
            return f"deep {a} {b} {c}"
        case Node(left=None):
            return "leaf"
        case None:
            return "none"
        case True:
            return "never"
        case _:
            return "other"


for v in (0, 1, True, 5, 500, 2.5, "hi", "x", [], [7], [1, 2, 3, 9], (4, 4), [1, 2], {"type": "circle", "r": 3},
          {"type": "sq", "a": 1}, {"q": 1}, Point(0, 0), Point(0, 5), Point(2, 3), Node(Node(1, 2), 3),
          Node(None, 1), Node(1, 1), None, object, {1}, b"ab", range(2)):
    print(describe(v))


class Color:
    RED = 1
    BLUE = 2


def color(c):
    match c:
        case Color.RED:
            return "red"
        case Color.BLUE:
            return "blue"
    return "no match"


print(color(1), color(2), color(3))


def nested(command):
    match command.split():
        case ["go", ("north" | "south") as way]:
            return way
        case ["go", *ways] if len(ways) > 1:
            return ways
        case ["pick", thing, "up"] | ["pick", "up", thing]:
            return thing
        case [action]:
            return action
        case [action, obj]:
            return action, obj


for c in ("go north", "go a b", "pick x up", "pick up y", "quit", "drop z", "a b c d", "go up"):
    print(nested(c))
match [1, [2, [3, 4]]]:
    case [a, [b, [*c]]]:
        print(a, b, c)
match -1, 1 + 2j, "s", b"b", None:
    case -1, 1 + 2j, "s", b"b", None:
        print("literals")
try:
    match 5:
        case int(a, b):
            pass
except TypeError as e:
    print(e)
try:
    match Node(1, 2):
        case Node(1, 2, 3):
            pass
except TypeError as e:
    print(e)
match {"a": 1, "b": 2}:
    case {"a": x, **others}:
        print(x, others)
match Point(1, 2):
    case object(x=1, y=y):
        print("attrs", y)
