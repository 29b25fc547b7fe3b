class Typed:
    def __init__(self, kind):
        self.kind = kind

    def __set_name__(self, owner, name):
        self.name = name
        print("set_name", owner.__name__, name)

    def __get__(self, obj, owner=None):
        if obj is None:
            return self
        return obj.__dict__.get(self.name, f"no {self.name}")

    def __set__(self, obj, value):
        if not isinstance(value, self.kind):
            raise TypeError(f"{self.name} must be {self.kind.__name__}")
        obj.__dict__[self.name] = value

    def __delete__(self, obj):
        print("delete", self.name)
        obj.__dict__.pop(self.name, None)


class P:
    x = Typed(int)
    name = Typed(str)

    def __init__(self, x, name):
        self.x = x
        self.name = name


p = P(1, "n")
p.x += 4
print(p.x, p.name, P.x.kind)
try:
    p.x = "five"
except TypeError as e:
    print(e)
del p.x
print(p.x)
p.__dict__["x"] = "data descriptor wins, but reads it"
print(p.x)


class NonData:
    def __get__(self, obj, owner):
        return "from descriptor"


class Q:
    nd = NonData()


q = Q()
print(q.nd, Q.nd)
q.nd = "instance"
print(q.nd)


class R:
    def __init__(self):
        self._v = 0

    @property
    def v(self):
        "doc of v"
        return self._v

    @v.setter
    def v(self, value):
        print("setting", value)
        self._v = value

    @v.deleter
    def v(self):
        print("deleting")
        self._v = None

    @property
    def readonly(self):
        return "ro"

    @staticmethod
    def s(*a):
        return a

    @classmethod
    def c(cls, *a):
        return cls.__name__, a


r = R()
r.v = 5
r.v += 1
print(r.v, R.v.__doc__)
del r.v
print(r.v, r.s(1), R.s(2), r.c(3), R.c(4))
for bad in (lambda: setattr(r, "readonly", 1), lambda: delattr(r, "readonly")):
    try:
        bad()
    except AttributeError as e:
        print(type(e).__name__)


class Sub(R):
    @property
    def v(self):
        return ("sub", super().v)

    @classmethod
    def c(cls, *a):
        return super().c(*a, "sub")


print(Sub().v, Sub.c(1), Sub().c(2))
bound = r.c
print(bound.__self__ is R, R.__dict__["s"].__func__(9), type(R.__dict__["c"]).__name__)
f = r.s
print(f is R.s, r.c == r.c, r.c is r.c)


class Lazy:
    def __init__(self, f):
        self.f = f

    def __set_name__(self, owner, name):
        self.name = name

    def __get__(self, obj, owner):
        value = obj.__dict__[self.name] = self.f(obj)
        return value


class Uses:
    @Lazy
    def heavy(self):
        print("computed")
        return 42


u = Uses()
print(u.heavy, u.heavy)


class Callable:
    def __call__(self, *a):
        return "called", a


class HasCallable:
    m = Callable()
    length = len


print(HasCallable().m(1), HasCallable().length([1, 2]))


def function(self, *a):
    return self, a


print(function.__get__(5)(6), function.__get__(None, int)(7), type(function.__get__(5)).__name__)
