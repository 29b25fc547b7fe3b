class A:
    def __init__(self, **kw):
        print("A", kw)
        super().__init__()

    def f(self):
        return ["A"]


class B(A):
    def __init__(self, b=0, **kw):
        print("B", b)
        super().__init__(**kw)

    def f(self):
        return ["B", *super().f()]


class C(A):
    def __init__(self, c=0, **kw):
        print("C", c)
        super().__init__(**kw)

    def f(self):
        return ["C", *super().f()]


class D(B, C):
    def __init__(self, **kw):
        super().__init__(**kw)

    def f(self):
        return ["D", *super().f()]

    def each(self):
        return [super(D, self).f() for _ in range(1)], super(B, self).f()


d = D(b=1, c=2, other=3)
print(d.f(), d.each(), [k.__name__ for k in D.__mro__])
try:
    class Bad(A, B):
        pass
except TypeError as e:
    print("no order")


class Base:
    registry = []

    def __init_subclass__(cls, /, tag=None, **kw):
        super().__init_subclass__(**kw)
        cls.registry.append((cls.__name__, tag))


class One(Base, tag="1"):
    pass


class Two(One):
    pass


print(Base.registry)


class New:
    def __new__(cls, x):
        print("new", x)
        return super().__new__(cls) if x else "not an instance"

    def __init__(self, x):
        print("init", x)


print(type(New(1)).__name__, New(0))


class Tuple(tuple):
    def __new__(cls, *items):
        return super().__new__(cls, items)

    def total(self):
        return sum(self)


print(Tuple(1, 2, 3).total(), Tuple(1) + (2,))


class Int(int):
    def __add__(self, o):
        return Int(int(self) + o)

    def __repr__(self):
        return f"Int({int(self)})"


print(Int(3) + 4, Int(3) * 2, sum([Int(1), Int(2)], Int(0)), Int(5) == 5, {5: "five"}[Int(5)])


class Str(str):
    def upper(self):
        return "UP:" + super().upper()


print(Str("a").upper(), Str("a") + "b", f"{Str('q')}")


class Dict(dict):
    def __missing__(self, key):
        self[key] = value = key * 2
        return value


m = Dict(a=1)
print(m["a"], m["b"], m, m.get("c"))


class Abstract:
    def run(self):
        return self.step() + self.step()

    def step(self):
        raise NotImplementedError(type(self).__name__)


class Concrete(Abstract):
    def step(self):
        return 2


print(Concrete().run())
try:
    Abstract().run()
except NotImplementedError as e:
    print(e)
print(isinstance(d, (int, A)), issubclass(D, C), D.__bases__ == (B, C), A.f(d), D.f is D.__dict__["f"])


class Init:
    def __init__(self):
        return 5


try:
    Init()
except TypeError as e:
    print(e)
