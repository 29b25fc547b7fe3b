"""Loops over what reversed(), enumerate(), zip() and dicts yield, whatever happens to them meanwhile."""

# ruff: noqa: B007, C416, F841

import sys


class Gone:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        frame = sys._getframe(1)
        print(
            f"({self.name} went in {frame.f_code.co_name} at {frame.f_lineno - frame.f_code.co_firstlineno})"
        )


def attempt(f, *args):
    for _ in range(3):
        try:
            answer = f(*args)
        except Exception as e:
            answer = f"{type(e).__name__}: {e}, line {e.__traceback__.tb_next.tb_lineno - f.__code__.co_firstlineno}"
        print(f.__name__, answer)


def counted():
    total = []
    for i, x in enumerate(["a", "b", "c"]):
        total.append((i, x))
    for i, x in enumerate((1, 2), 2**48 - 1):
        total.append((i, x, i is total))
    for i, x in enumerate(range(3), 2**63 - 2):
        total.append((i, x))
    for i, x in enumerate("xy"):
        total.append((i, x))
    for i, x in enumerate({5: 6}):
        total.append((i, x))
    for i, (a, b) in enumerate([(1, 2), "ab"]):
        total.append((i, a, b))
    for i, i in enumerate("pq"):
        total.append(i)
    return total


def zipped():
    total = []
    one = iter([1, 2, 3, 4, 5])
    for a, b in zip(one, one):
        total.append((a, b))
    for a, b in zip([1, 2, 3], (4, 5)):
        total.append((a, b))
    first, second = iter([1, 2, 3]), iter([4])
    for a, b in zip(first, second):
        total.append((a, b))
    total.append((list(first), list(second)))
    for a, b in zip(range(2), "xyz"):
        total.append((a, b))
    for a, b, c in zip([1], [2], [3]):
        total.append((a, b, c))
    for pair in zip([1], [2]):
        total.append(pair)
    return total


def strict(a, b):
    total = 0
    for x, y in zip(a, b, strict=True):
        total += x * y
    return total


def wrong_number():
    for a, b, c in enumerate("ab"):
        print(a, b, c)


def reverse():
    total, numbers = [], [1, 2, 3, 4, 5, 6]
    for x in reversed(numbers):
        total.append(x)
        if x == 5:
            del numbers[2:]
    for x in reversed([]):
        total.append(x)
    for x in reversed((1, 2)):
        total.append(x)
    for x in reversed({1: 2, 3: 4}):
        total.append(x)
    it = reversed([1, 2, 3])
    for x in it:
        break
    return total, x, list(it), list(it)


def dicts():
    d = {"a": 1, "b": 2, "c": 3, 4: 5}
    del d["b"]
    total = [k for k in d]
    for k in d.keys():
        total.append(k)
    for v in d.values():
        total.append(v)
    for k, v in d.items():
        total.append((k, v))
        d[k] = v + 1
    for item in d.items():
        total.append(item)
    for k, (a, b) in {"x": (1, 2)}.items():
        total.append((k, a, b))
    it = iter(d.items())
    for k, v in it:
        total.append((k, v))
        break
    return total, list(it), list(it)


class Plain:
    def __init__(self):
        self.x = 1
        self.y = 2


def attributes():
    o = Plain()
    o.__dict__["z"] = 3
    total = []
    for k, v in vars(o).items():
        total.append((k, v))
    for k, v in vars(Plain()).items():
        total.append((k, v))
    return total


def grows():
    d = {1: 2, 3: 4}
    for k, v in d.items():
        d[k + 10] = v
    return d


def exchanges():
    d = {1: 2, 3: 4}
    for k in d:
        del d[k]
        d[k + 1] = 0
    return d


def shrinks():
    d = {1: 2, 3: 4}
    for v in d.values():
        d.clear()
    return v


def places():
    class Holder:
        pass

    o, total = Holder(), []
    for o.a, o.b in enumerate("ab"):
        total.append((o.a, o.b))
    places_by = {}
    for places_by["k"], b in zip("xy", [1, 2]):
        total.append((dict(places_by), b))

    def inner():
        return a, b

    for a, b in {"q": 7}.items():
        total.append(inner())
    total.append([(y, x) for x, y in enumerate("mn")])
    total.append({y: x for x, y in zip([1, 2], [3, 4])})
    return total


def finalisers():
    for i, x in enumerate([Gone("first"), Gone("second")]):
        print(i, x.name)
    x = None
    for a, b in zip([Gone("left")], [Gone("right")]):
        print(a.name, b.name)
    a = b = None
    for k, v in {"k": Gone("value")}.items():
        print(k, v.name)
    v = None
    for y in reversed([Gone("one"), Gone("two")]):
        print(y.name)
    y = None
    for i, x in enumerate([1, Gone("kept"), 2]):
        print(i)
        x = None
    mixed = {"a": 1, "b": Gone("in a dict"), "c": 2}
    for k, v in mixed.items():
        mixed[k] = v = None
        print(k)
    print(a, b, k, v, x, y)


def kept():
    pairs = []
    for pair in enumerate("ab"):
        pairs.append(pair)
    for pair in zip("ab", "cd"):
        pairs.append(pair)
    return pairs, len({id(p) for p in pairs})


def traced():
    lines = []

    def trace(frame, event, arg):
        if frame.f_code.co_name == "body":
            lines.append((event, frame.f_lineno - frame.f_code.co_firstlineno))
        return trace

    def body():
        for i, x in enumerate("abc"):
            if i == 1:
                sys.settrace(trace)
                sys._getframe().f_trace = trace
            x = i
        sys.settrace(None)

    body()
    return lines


for f in (
    counted,
    zipped,
    wrong_number,
    reverse,
    dicts,
    attributes,
    grows,
    exchanges,
    shrinks,
    places,
    finalisers,
    kept,
    traced,
):
    attempt(f)
attempt(strict, [1, 2], [3, 4])
attempt(strict, [1, 2], [3])
attempt(strict, [1], [3, 4])
