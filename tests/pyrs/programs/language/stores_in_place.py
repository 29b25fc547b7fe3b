"""Numbers stored over numbers: who still holds the old one keeps it."""


class Point:
    def __init__(self, x):
        self.x = x


def attributes():
    p = Point(1000)
    p.x = p.x + 5000
    kept = p.x
    p.x = p.x + 1
    p.x = p.x * 3
    print(kept, p.x, kept is p.x)
    p.x = p.x * 10**5
    p.x = p.x * 10**5
    p.x = p.x - p.x + 1
    p.x = p.x * 10**30
    print(p.x)
    p.x = 2.5
    p.x = p.x * 2
    half = p.x
    p.x = p.x / 4
    print(p.x, half)
    p.x = p.x + 10**20
    p.x = p.x * 0.0 - 0.0
    print(p.x)


def lists():
    a = [1000 + i for i in range(5)]
    b = a[:]
    for i in range(5):
        a[i] = a[i] * 2 + i
    for i in range(5):
        a[i] = a[i] - 1
    print(a, b)
    a[0] = same = a[0] + 7
    a[1] = a[0]
    a[0] = a[0] + 1
    print(a[:2], same, a[1] is same)
    m = [[0] * 3 for _ in range(3)]
    for i in range(3):
        for j in range(3):
            m[i][j] = (i + 1) * 1000 + j
    row = m[1]
    m[1][2] = m[1][2] + 1
    print(m, row)


def dicts():
    d = {i: i * 1000 for i in range(4)}
    e = dict(d)
    for k in d:
        d[k] = d[k] + 1
        d[k] += 5
    print(d, e)
    d["s"] = d[1] + d[2]
    d["s"] = d["s"] + 1
    d[1.0] = d[1] * 2
    d[True] = d[True] + 3
    print(d)
    values = list(d.values())
    for k in d:
        d[k] = d[k] * 2
    print(values, d)

    class Same:
        def __hash__(self):
            return hash("s")

        def __eq__(self, other):
            print("compared with", other)
            return other == "s"

    d[Same()] = d["s"] + 1
    f = {Same(): 1000}
    f["s"] = f["s"] + 1
    f["s"] = f["s"] + 1
    print(d["s"], list(f.values()))


def constants():
    d = {}
    d["a"] = 1000
    d["a"] = d["a"] + 1
    d["a"] = 1000
    d["b"] = 1000
    print(d["a"] is d["b"], d)
    x = d["a"] + 5
    d["a"] = x
    d["a"] = d["a"] + 1
    print(x, d["a"])


def seen_by_finalizers():
    class Loud:
        def __del__(self):
            import sys
            frame = sys._getframe(1)
            print("gone at", frame.f_lineno - frame.f_code.co_firstlineno, sorted(frame.f_locals))

    p = Point(Loud())
    p.x = 1
    lst = [Loud()]
    lst[0] = 2
    d = {"k": Loud(), 3: Loud()}
    d["k"] = 4
    d[3] = 5
    print(p.x, lst, d)


def while_iterating():
    d = {"a": 1000, "b": 2000}
    for k, v in d.items():
        d[k] = v + d["a"]
    print(d)
    it = iter([5000, 6000])
    lst = [next(it), 0]
    for i, v in enumerate(lst):
        lst[0] = lst[0] + v
        lst[1] = lst[1] + v + 300
    print(lst)


count = 1000


def globals_too():
    global count
    before = count
    for _ in range(3):
        count = count + 1000
    print(before, count)


for part in (attributes, lists, dicts, constants, seen_by_finalizers, while_iterating, globals_too):
    for _ in range(3):
        part()
