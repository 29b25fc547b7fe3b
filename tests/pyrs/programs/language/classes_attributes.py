class A:
    shared = []
    x = 1

    def __init__(self):
        self.y = 2


a, b = A(), A()
a.shared.append(1)
a.x = 10
print(A.shared, b.x, a.x, A.x, a.__dict__, b.__dict__)
del a.x
print(a.x)
try:
    del a.x
except AttributeError as e:
    print(type(e).__name__)
A.z = "new on class"
print(b.z)
A.method = lambda self, k=1: (self.y, k)
print(a.method(), b.method(5))
setattr(a, "odd name", 1)
print(getattr(a, "odd name"), getattr(a, "none", "default"), hasattr(a, "none"), vars(a))


class G:
    def __init__(self):
        self.log = []

    def __getattr__(self, name):
        if name.startswith("dyn"):
            return name[3:]
        raise AttributeError(f"no {name}")

    def __setattr__(self, name, value):
        object.__setattr__(self, name, value)
        if name != "log":
            self.log.append(name)

    def __delattr__(self, name):
        print("del", name)
        object.__delattr__(self, name)


g = G()
g.a = 1
g.b = 2
del g.a
print(g.log, g.dyn_x, getattr(g, "q", "default"))
try:
    g.missing
except AttributeError as e:
    print(e)


class H:
    def __getattribute__(self, name):
        if name == "secret":
            return "told"
        return super().__getattribute__(name)

    x = 5


print(H().secret, H().x, type(H()).__name__)


class S:
    __slots__ = ("a", "b")

    def __init__(self):
        self.a = 1


s = S()
try:
    s.b
except AttributeError as e:
    print(type(e).__name__)
try:
    s.c = 1
except AttributeError as e:
    print(type(e).__name__)
s.b = 3
print(s.a, s.b, hasattr(s, "__dict__"))


class Sub(S):
    pass


sub = Sub()
sub.c = 1
print(sub.__dict__, sub.a)


def change_class():
    class P:
        def who(self):
            return "P"

    class Q:
        def who(self):
            return "Q"

    p = P()
    out = [p.who()]
    p.__class__ = Q
    out.append(p.who())
    return out


print(change_class())
values = []
for i in range(6):
    if i == 3:
        A.x = property(lambda self: "property now")
    values.append(a.x)
print(values)
