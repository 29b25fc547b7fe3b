class V:
    def __init__(self, *v):
        self.v = v

    def __repr__(self):
        return f"V{self.v}"

    def __add__(self, o):
        return V(*(a + b for a, b in zip(self.v, o.v))) if isinstance(o, V) else NotImplemented

    def __radd__(self, o):
        return f"radd {o}"

    def __iadd__(self, o):
        self.v += ("i",)
        return self

    def __mul__(self, k):
        return V(*(a * k for a in self.v))

    __rmul__ = __mul__

    def __matmul__(self, o):
        return sum(a * b for a, b in zip(self.v, o.v))

    def __neg__(self):
        return V(*(-a for a in self.v))

    def __pos__(self):
        return "pos"

    def __invert__(self):
        return "inv"

    def __abs__(self):
        return "abs"

    def __eq__(self, o):
        return isinstance(o, V) and self.v == o.v

    def __lt__(self, o):
        return self.v < o.v

    def __hash__(self):
        return hash(self.v)

    def __bool__(self):
        return any(self.v)

    def __len__(self):
        return len(self.v)

    def __getitem__(self, i):
        return ("item", i)

    def __setitem__(self, i, x):
        print("set", i, x)

    def __delitem__(self, i):
        print("del", i)

    def __contains__(self, x):
        return x in self.v

    def __iter__(self):
        return iter(self.v)

    def __call__(self, *a, **k):
        return a, k

    def __divmod__(self, o):
        return "divmod"

    def __pow__(self, o, m=None):
        return "pow", o, m

    def __index__(self):
        return 2

    def __float__(self):
        return 1.5

    def __round__(self, n=None):
        return "round", n

    def __format__(self, spec):
        return f"<{spec}>"

    def __reversed__(self):
        return "reversed"


a, b = V(1, 2), V(3, 4)
print(a + b, a + b == V(4, 6), 5 + a, a * 2, 2 * a, a @ b, -a, +a, ~a, abs(a))
a += b
print(a, a < b, b > a, bool(V(0)), not V(0), len(b), b[1], b[1:2], b[1, ::2], b[...])
b[0] = 1
del b[0]
b[1:3] = "x"
print(3 in b, 9 not in b, list(b), b(1, k=2), divmod(b, 1), b**2, pow(b, 2, 3), [10, 20, 30][b])
print(float(b), round(b), round(b, 1), f"{b:spec}", reversed(b), {b: 1}[V(3, 4)], hex(b), range(9)[b])
for attempt in (lambda: b + 5, lambda: b - 1, lambda: b > 5, lambda: 5 @ b, lambda: b // 2):
    try:
        print(attempt())
    except (TypeError, AttributeError) as e:
        print(type(e).__name__, e)


class L:
    def __add__(self, o):
        return NotImplemented


class R(L):
    def __radd__(self, o):
        return "R.radd"


class RSub(L):
    def __add__(self, o):
        return "sub add"

    def __radd__(self, o):
        return "sub radd first"


print(L() + R(), L() + RSub(), RSub() + L())
try:
    L() + L()
except TypeError as e:
    print(e)


class Cmp:
    def __init__(self, r):
        self.r = r

    def __lt__(self, o):
        return self.r

    def __eq__(self, o):
        return self.r


print(Cmp([]) < 1, Cmp("x") == 1, Cmp(0) != 1, 1 > Cmp("reflected"), Cmp("a") < 2 < 3)
if Cmp([]) < 1:
    print("never")
try:
    hash(Cmp(1))
except TypeError as e:
    print(e)
