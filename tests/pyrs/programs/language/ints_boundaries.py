def walk(start, step, n):
    out = []
    x = start
    for _ in range(n):
        x = x + step
        out.append(x)
    return out


def mul_chain(x, n):
    out = []
    for _ in range(n):
        x = x * 3
        out.append(x % 1000003)
    return x, out[-1]


edges = [2**k + d for k in (15, 16, 29, 30, 31, 32, 47, 48, 52, 53, 62, 63, 64) for d in (-1, 0, 1)]
for e in edges:
    for v in (e, -e):
        print(v + v, v - 1, v + 1, v * v, v // 7, v % 7, v >> 3, v << 3, v & 255, v | 1, v ^ v - 1, -v, ~v, v == v + 0, v < v + 1, float(v))
print(walk(2**48 - 3, 1, 6), walk(-(2**48) + 3, -1, 6), walk(2**63 - 3, 1, 6))
print(mul_chain(1, 60), mul_chain(-1, 61))
a = 2**48
b = 2**48
print(a == b, a is a, {a: 1}[b], a in [b], [a].index(b), (a,) == (b,), hash(a) == hash(b))


def ids(x):
    y = x
    z = [x, y]
    return x is y, z[0] is z[1], z[0] is x, id(x) == id(y)


print(ids(5), ids(2**40), ids(2**50), ids(2**70), ids(1.5), ids(-1))
x = 2**60
y = x
y += 1
print(x, y)
for r in (range(2**47, 2**47 + 3), range(2**63, 2**63 + 3), range(-(2**64), -(2**64) - 3, -1)):
    print(list(r), len(r), r[1], r[-1])
print(sum([2**62] * 4), max(2**48, 2**48 + 1), sorted([2**48, -(2**48), 0, 2**47]))
print(list(map(lambda v: v * 2**47, range(-3, 4))), [v // 2**47 for v in walk(0, 2**46, 5)])
