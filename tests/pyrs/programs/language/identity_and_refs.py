import sys


class Obj:
    def __init__(self, n):
        self.n = n


def same(a, b):
    return a is b


x = 10**6
y = x
z = [x, y, x + 0]
print(same(x, y), same(z[0], z[1]), z[0] is x, id(x) == id(y), same(x, 10**6 + 0) in (True, False))
big = 2**80
d = {"k": big, big: "v"}
print(d["k"] is big, next(iter([big])) is big, [k for k in d if k is big] == [big], (big,)[0] is big)
f = 1.5
g = f
fs = [f, g]
print(f is g, fs[0] is fs[1], fs[0] is f, {f: 1}.popitem()[0] is f)


def returns(v):
    return v


def through(v):
    w = returns(v)
    a, b = w, v
    return a is b, w is v, [w][0] is v


for v in (5, 2**50, 2**49 + 1, -(2**60), 1.25, float("nan"), "s", (1,), None):
    print(through(v))


def loop_identity(n):
    seen = []
    total = 0.5
    for i in range(n):
        total = total + 1.0
        seen.append(total)
    return seen[-1] is total, len({id(s) for s in seen}) == n


print(loop_identity(5))
o = Obj(1)
print(sys.getrefcount(o))


def refs(a):
    b = a
    c = [a]
    return sys.getrefcount(a), c[0] is b


print(refs(o)[1], sys.getrefcount(o))


def count_local():
    local = Obj(2)
    before = sys.getrefcount(local)
    alias = local
    during = sys.getrefcount(local)
    del alias
    return during - before, sys.getrefcount(local) - before


print(count_local())


def count_args(a, b):
    return sys.getrefcount(a) - sys.getrefcount(b)


p, q = Obj(1), Obj(2)
print(count_args(p, q), count_args(p, p))
cell = Obj("cell")


def closes():
    kept = Obj("kept")

    def inner():
        return kept

    before = sys.getrefcount(kept)
    i = inner
    return before == sys.getrefcount(kept), i() is kept


print(closes())
t = (1, 2)
print(t is t[:], [1] is [1], () is (), "a" + "b" == "ab", (lambda: (1, 2))() is (lambda: (1, 2))(), (lambda: "const")() is (lambda: "const")())


def const():
    return (1, 2, 3)


print(const() is const(), frozenset({1}) == {1})
s = "interned_name"
print(sys.intern("interned_name") is sys.intern("interned" + "_name"))
a = [1, 2, 3]
b = a
b[0] = 99
print(a, a is b)
n = float("nan")
m = n
print(n is m, [n].count(m), n in {m}, (n, 1) == (m, 1), {n: 1}.get(m), [n] != [m], max([n, 1.0]) is n)
w = 3
w += 1
v = w
w += 1
print(v, w)
h = [0.1] * 3
print(h[0] is h[1], h[0] + h[1] == 0.2)
items = []
for i in range(3):
    items.append(i * 1.0)
    items.append(items[-1])
print(items[0] is items[1], items[2] is items[3], sum(items))
