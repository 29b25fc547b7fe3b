import numpy as np

a = np.arange(12).reshape(3, 4)
print(a, a[1], a[:, 2], a[a > 5], a[1:, ::2], a.shape, a.dtype, a.T.shape)
a[0] = 100
a[:, 1] += 5
a[a == 100] = -1
print(a, a.sum(axis=0), a.mean(axis=1), a.max(), a.argmin(), a.cumsum()[:5], np.where(a > 6, 1, 0))
b = np.linspace(0, 1, 5)
print(b, np.sin(b).round(4), b @ b, np.outer([1, 2], [3, 4]), np.dot(np.eye(2), [[1, 2], [3, 4]]), b[::-1], np.concatenate([b[:2], [9.0]]))
print(np.array([[1, 2], [3, 4]]) * np.array([10, 20]), np.linalg.det(np.array([[1.0, 2], [3, 4]])).round(3), np.unique([3, 1, 3]), np.sort([3, 1, 2]))
print(np.apply_along_axis(lambda r: r.max() - r.min(), 1, a), np.fromfunction(lambda i, j: i * 10 + j, (2, 3)), np.vectorize(lambda x, y: x if x > y else y)([1, 5], [3, 2]))
for bad in (lambda: np.zeros(2) + np.zeros(3), lambda: a[10], lambda: np.array([1, 2]).reshape(3), lambda: np.zeros(-1), lambda: a.nothing, lambda: np.linalg.inv(np.zeros((2, 2)))):
    try:
        print(bad())
    except Exception as e:
        print(type(e).__name__, e)
with np.errstate(divide="ignore", invalid="ignore"):
    print(np.array([1.0, 0.0]) / 0)


class Sub(np.ndarray):
    def __array_finalize__(self, obj):
        self.tag = getattr(obj, "tag", "new")

    def __add__(self, o):
        return "added " + str(np.asarray(self) + o)


s = np.arange(3).view(Sub)
s.tag = "mine"
print(s + 1, s[1:].tag, type(s * 2).__name__)


class Wraps:
    def __array_ufunc__(self, ufunc, method, *inputs, **kw):
        return f"{ufunc.__name__} {method}"

    def __array__(self, dtype=None, copy=None):
        return np.array([1, 2])


print(np.add(Wraps(), 1), np.arange(3) + Wraps(), np.asarray(Wraps()))
total = 0
for row in a:
    for x in row:
        total += int(x)
print(total, a.tolist()[1], float(a[2, 3]), [int(x) for x in np.nditer(a[:1])], sum(np.arange(5)), max(np.array([1.5, 2.5])))
r = np.random.default_rng(1)
print(r.integers(0, 10, 5), np.bincount([0, 1, 1]), np.histogram([1, 2, 2, 5], bins=2)[0], np.array(["b", "a"]).astype("U3"), np.array([1, "x", None], dtype=object))
rec = np.array([(1, 2.5)], dtype=[("n", "i4"), ("v", "f8")])
print(rec["n"], rec[0]["v"], np.datetime64("2024-01-31") + 1, np.array([True, False]).any(), ~np.array([True]), np.bool_(1) is np.True_)
x = np.int64(5)
print(x + 1, x / 2, x // 2, x == 5, 5 == x, int(x), [1, 2, 3, 4, 5, 6][x], hash(x) == hash(5), f"{x:3d}", 2 ** x, -x, x << 1, "a" * x, range(x))
f = np.float64(1.5)
print(f * 2, 2 * f, f + np.int8(1), f > 1, 1 < f, round(float(f)), np.isnan(np.nan), f"{f:.2f}", f.is_integer(), [f] == [1.5], 3 - f, 10 % f, f // 1)
