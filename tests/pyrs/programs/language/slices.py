s = list(range(10))
for sl in (slice(None), slice(2, 5), slice(-3, None), slice(None, -3), slice(None, None, -1), slice(8, 2, -2), slice(20, 30), slice(-20, 3), slice(5, 5), slice(3, 1)):
    print(sl, s[sl], tuple(s)[sl], "0123456789"[sl], bytes(s)[sl], list(range(10)[sl]))
s[2:4] = []
s[1:1] = [100, 200]
s[::3] = range(len(s[::3]))
s[-1:] = "xy"
print(s)
del s[::2]
print(s)
s[:] = reversed(s)
print(s)
for bad in (lambda: s.__setitem__(slice(None, None, 2), [1]), lambda: s["a":], lambda: s[::0], lambda: s.__setitem__(slice(1, 2), 5), lambda: "abc"[1:2:"x"], lambda: 5[1:2]):
    try:
        print(bad())
    except Exception as e:
        print(type(e).__name__, e)


class I:
    def __init__(self, n):
        self.n = n

    def __index__(self):
        print("index", self.n)
        return self.n


print("abcdef"[I(1) : I(4)], [1, 2, 3][I(0)], list(range(I(3))), "x" * I(2), [1, 2, 3, 4][:: I(2)])
a = [1, 2, 3, 4]
a[1:3] += [9]
print(a)
a[1:2], a[0] = "zz", a[1:2]
print(a)
m = [[1, 2, 3], [4, 5, 6]]
print([row[1:] for row in m], m[0][:2] + m[1][-1:], m[:1])
t = "hello"
print(t[1:][1:][1:], t[:-1][::-1], t[-3:-1], t[0:0] == "", t[:2] + t[2:] == t, t[2:][0])


def chunks(x, n):
    return [x[i : i + n] for i in range(0, len(x), n)]


def rotate(x, k):
    return x[k:] + x[:k]


print(chunks("abcdefgh", 3), chunks([1, 2, 3, 4, 5], 2), rotate([1, 2, 3, 4], 1), rotate("abcd", -1), chunks((), 2))
