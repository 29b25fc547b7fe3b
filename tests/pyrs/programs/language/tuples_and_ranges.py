t = (1, "a", [2])
print(t, t[0], t[-1], t[1:], t + (3,), t * 2, len(t), "a" in t, t.index("a"), t.count(1), (), (1,), tuple("ab"), tuple([]))
t[2].append(3)
print(t, hash((1, 2)) == hash((1, 2)), (1, 2) < (1, 3), (1, 2) == (1, 2.0), (1,) != [1], {(1, 2): "k"}[1, 2])
try:
    t[0] = 5
except TypeError as e:
    print(e)
try:
    t[2] += [4]
except TypeError as e:
    print(e, t)
try:
    hash(t)
except TypeError as e:
    print(e)
try:
    t[5]
except IndexError as e:
    print(e)
a = 1, 2, 3
x, y, z = a
print(x + y + z, a[::-1], sum(a), max(a), sorted(a, reverse=True), a[True])


def many():
    return 1, [2], {"three": 3}


print(many(), many()[2]["three"], type(many()).__name__)
r = range(10)
print(r, list(r[2:8:2]), r[-1], 5 in r, 5.0 in r, 10 in r, len(r), r.index(3), r.count(3), range(0, 10, 3) == range(0, 12, 3), range(0) == range(5, 2))
print(list(range(5, 0, -2)), list(range(0)), range(1, 10, 3)[1], list(reversed(range(4))), sum(range(101)), hash(range(3)) == hash(range(0, 3)))
for bad in (lambda: range(1.5), lambda: range(1, 2, 0), lambda: range(), lambda: range(3)[5], lambda: range("a")):
    try:
        print(bad())
    except Exception as e:
        print(type(e).__name__, e)
print([i for i in range(-3, 3)], list(range(10**20, 10**20 + 2)), range(3).start, range(3).stop, range(3).step, max(range(5)))
for i in range(3):
    i = i * 10
    print(i, end=" ")
print(i)
it = iter(range(3))
print(next(it), list(it), list(it), next(it, "done"))
from collections import namedtuple

P = namedtuple("P", "x y", defaults=[0])
p = P(1)
print(p, p.x, p[1], p._replace(y=5), p._asdict(), P(*"ab"), p == (1, 0), *p)
empty = ()
print(empty is (), not empty, empty == (), () < (0,), ((),) != ())
s = slice(1, 5, 2)
print(s, s.start, s.indices(4), "abcdef"[s], slice(None), [1, 2, 3][slice(-2, None)])


class Sliced:
    def __getitem__(self, k):
        return k

    def __setitem__(self, k, v):
        print("set", k, v)


q = Sliced()
print(q[1], q[1:2], q[::3], q[1, 2], q[1:2, ...], q[-1:], q[()], q["a":"b"])
q[1:2] = 5
q[:] = 6
try:
    q[1:2] += 5
except TypeError as e:
    print(e)
