class A:
    kind = "A"

    def __init__(self, v):
        self.v = v

    def m(self):
        return ("A.m", self.v)


class B(A):
    def m(self):
        return ("B.m", self.v)


class C:
    __slots__ = ("v",)

    def __init__(self, v):
        self.v = v

    def m(self):
        return ("C.m", self.v)


class D:
    v = property(lambda self: "D.v")

    def __getattr__(self, name):
        return lambda: ("D", name)


class E:
    def __init__(self, v):
        self.other = 0
        self.more = 1
        self.v = v
        self.m = lambda: ("E.m", v)


def read(o):
    return o.v


def call(o):
    return o.m()


def write(o, v):
    o.v = v
    return o.v


objects = [A(1), B(2), C(3), D(), E(5), A(6), type("F", (A,), {})(7), type("G", (B,), {"m": lambda s: "G.m"})(8)]
for _ in range(3):
    print([read(o) for o in objects])
    print([call(o) for o in objects])
print([write(o, i) for i, o in enumerate(objects) if not isinstance(o, D)])


def loop(o, n, change):
    out = []
    for i in range(n):
        if i == n // 2:
            change()
        out.append(o.m())
    return out


a = A("x")
print(loop(a, 4, lambda: setattr(A, "m", lambda self: "patched")))
print(loop(a, 4, lambda: setattr(a, "m", lambda: "on instance")))
del a.m
print(loop(a, 4, lambda: setattr(a, "__class__", B)))


def swap_base():
    B.__bases__ = (E,)


b = B("y")
try:
    print(loop(b, 4, swap_base), b.other if hasattr(b, "other") else "no other", B.__mro__[1].__name__)
except TypeError as e:
    print(e)


def read_kind(o, n, change):
    out = []
    for i in range(n):
        if i == 2:
            change()
        out.append(o.kind)
    return out


a = A(1)
print(read_kind(a, 4, lambda: setattr(A, "kind", "changed")))
print(read_kind(a, 4, lambda: setattr(a, "kind", "own")))
print(read_kind(a, 4, lambda: a.__dict__.clear()))
print(read_kind(a, 4, lambda: setattr(A, "kind", property(lambda s: "property"))))
print(read_kind(a, 4, lambda: setattr(A, "__getattribute__", lambda s, n: "intercepted " + n)))
del A.__getattribute__
try:
    read_kind(a, 4, lambda: delattr(A, "kind"))
except AttributeError as e:
    print(e)


def many(n):
    o = A(0)
    for i in range(n):
        setattr(o, f"a{i}", i)
    total = 0
    for i in range(n):
        total += getattr(o, f"a{i}")
    o.a1 += 1
    del o.a0
    return total, o.a1, hasattr(o, "a0"), len(vars(o))


print(many(5), many(60))


class Counter:
    n = 0

    def bump(self):
        self.n += 1
        return self.n


c = Counter()
print([c.bump() for _ in range(3)], Counter.n, vars(c))
o = A(1)
o.__dict__ = {"v": "new dict"}
print(read(o), read(A(2)), write(o, 3), o.__dict__)
import types

m = types.ModuleType("m")


def mod(n):
    out = []
    for i in range(n):
        m.x = i
        out.append(m.x)
        if i == 1:
            m.__dict__["y"] = 5
    return out, m.y


print(mod(4))
