import sys

sys.setrecursionlimit(5000)


def gen_chain(n):
    def leaf():
        yield from range(3)

    def wrap(g):
        yield from g

    g = leaf()
    for _ in range(n):
        g = wrap(g)
    return g


print(list(gen_chain(500)))


def deep_try(n):
    try:
        if n == 0:
            raise ValueError("bottom")
        deep_try(n - 1)
    except ValueError as e:
        if n % 100 == 0:
            e.args = (e.args[0] + f" {n}",)
        raise
    finally:
        counter.append(n)


counter = []
try:
    deep_try(400)
except ValueError as e:
    print(e, len(counter))
    tb, depth = e.__traceback__, 0
    while tb:
        depth, tb = depth + 1, tb.tb_next
    print(depth)


class Nested:
    def __init__(self, inner=None):
        self.inner = inner

    def __repr__(self):
        return f"N({self.inner!r})"

    def __len__(self):
        return 1 + (len(self.inner) if self.inner else 0)

    def __eq__(self, o):
        return self.inner == o.inner

    def __hash__(self):
        return hash(self.inner) + 1

    def __enter__(self):
        if self.inner:
            self.inner.__enter__()
        return self

    def __exit__(self, *exc):
        if self.inner:
            self.inner.__exit__(*exc)

    def __iter__(self):
        yield 1
        if self.inner:
            yield from self.inner

    def __getitem__(self, i):
        return self if i == 0 else self.inner[i - 1]

    def __bool__(self):
        return True


n = None
for _ in range(60):
    n = Nested(n)
print(len(repr(n)), len(n), n == n, sum(n), len(repr(n[50])))
with n as m:
    print(m is n)
compose = lambda f, g: lambda x: f(g(x))
h = lambda x: x
for i in range(300):
    h = compose(h, lambda x: x + 1)
print(h(0))
x = []
for _ in range(100):
    x = [x]
print(len(str(x)), x == x)


def decorated(f, n):
    for _ in range(n):
        f = (lambda inner: lambda *a: inner(*a))(f)
    return f


print(decorated(lambda a, b: a * b, 200)(6, 7))


class Chain:
    def __init__(self, value=0):
        self.value = value

    def add(self, n):
        return Chain(self.value + n)

    def __getattr__(self, name):
        return lambda: Chain(self.value * 2)


print(Chain(1).add(2).double().add(3).twice().value)
expr = "+".join(["1"] * 200)
print(eval(expr), eval("(" * 50 + "5" + ")" * 50), eval("[" * 50 + "]" * 50) != [])


def mutual(n, fs):
    return n if n > 500 else fs[n % 3](n + 1, fs)


print(mutual(0, [mutual, lambda n, fs: mutual(n, fs), lambda n, fs: fs[0](n, fs)]))
print(max(map(len, map(str, map(lambda i: i * i, filter(lambda i: i % 2, range(100)))))))
sorted_twice = sorted(sorted(range(20), key=lambda i: -i), key=lambda i: sorted([i, 5], key=lambda j: -j))
print(sorted_twice)


def through_c(n):
    return n if n == 0 else max(map(lambda _: through_c(n - 1), [0])) + 1


print(through_c(60))
