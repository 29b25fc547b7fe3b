def apply(f, *args):
    return f(*args)


def call1(f, x):
    return f(x)


class K:
    def __init__(self, x=0):
        self.x = x

    def __call__(self, x):
        return ("called", x)

    def m(self, x):
        return ("m", x)

    @staticmethod
    def s(x):
        return ("s", x)

    @classmethod
    def c(cls, x):
        return (cls.__name__, x)


def f(x):
    return ("f", x)


def g(x, y=5):
    return ("g", x, y)


def gen(x):
    yield x


import functools

targets = [f, g, K, K(), K().m, K.s, K.c, len, str, int, functools.partial(g, y=1), lambda x: x, [].append, abs, type, gen, list, dict.fromkeys, "{}".format, print]
for t in targets:
    arg = [1] if t in (len, list, dict.fromkeys) else 3
    r = call1(t, arg)
    print(list(r) if type(r).__name__ == "generator" else r.x if isinstance(r, K) else r, end=" ")
print()


def loop(n, change):
    out = []
    for i in range(n):
        if i == 2:
            change()
        out.append(f(i))
    return out


def h(x):
    return "code swapped"


print(loop(4, lambda: setattr(f, "__code__", h.__code__)))


def d(a, b=1, *, c=2):
    return a, b, c


def defaults(n):
    out = []
    for i in range(n):
        if i == 1:
            d.__defaults__ = (10,)
        if i == 2:
            d.__kwdefaults__ = {"c": 20}
        if i == 3:
            d.__defaults__ = None
        try:
            out.append(d(i))
        except TypeError as e:
            out.append(str(e))
    return out


print(defaults(5))


class P:
    def __init__(self, x):
        self.x = x


def make(n):
    out = []
    for i in range(n):
        if i == 2:
            P.__init__ = lambda self, x: setattr(self, "x", "new init")
        if i == 4:
            P.__new__ = lambda cls, x: "from new"
        out.append(P(i))
    return [getattr(o, "x", o) for o in out]


print(make(6))


class Bad:
    def __init__(self):
        return "x"


try:
    Bad()
except TypeError as e:
    print(e)


class Meta(type):
    def __call__(cls, *a):
        return ("meta", a)


class M(metaclass=Meta):
    pass


print(M(1), call1(M, 2))
for bad in (5, None, "x", [], K().x):
    try:
        call1(bad, 1)
    except TypeError as e:
        print(e)
recursion = {"n": 0}


class Deep:
    def __call__(self, n):
        return n and self(n - 1) + 1

    def __getitem__(self, n):
        return n and self[n - 1] + 1

    def __getattr__(self, name):
        n = int(name[1:])
        return n and getattr(self, f"a{n - 1}") + 1

    def __add__(self, n):
        return n and (self + (n - 1)) + 1

    def __contains__(self, n):
        return n == 0 or (n - 1) in self

    def __iter__(self):
        return iter([1])

    def __eq__(self, n):
        return n == 0 or self == n - 1

    def __lt__(self, n):
        return n and self < n - 1


x = Deep()
print(x(100), x[100], x.a100, x + 100, 50 in x, x == 50, x < 50)
print(sorted([3, 1, 2], key=lambda v: -v), list(map(f, [1])), max([1, 2], key=lambda v: -v))
