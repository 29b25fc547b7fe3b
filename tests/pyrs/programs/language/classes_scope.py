x = "global"


class A:
    x = "class"
    y = x

    def f(self):
        return x

    g = lambda self: x
    z = [x for _ in range(1)]


print(A.y, A().f(), A().g(), A.z)


def outer():
    x = "outer"

    class B:
        y = x
        x = "B"
        z = x

        def f(self):
            return x

    class C:
        y = x

        def f(self):
            return x

    return B.y, C.y, C().f(), B.z


try:
    print(outer())
except NameError as e:
    print(e)


def with_class_local():
    v = 1

    class D:
        nonlocal v
        v = 2
        w = v

    return v, D.w, hasattr(D, "v")


print(with_class_local())


class E:
    global made
    made = "by class"
    locals()["injected"] = 5
    print(sorted(k for k in locals() if not k.startswith("__")))


print(made, E.injected)


class Mangled:
    __private = 1

    def get(self):
        return self.__private, Mangled.__private

    def set(self):
        self.__own = 2
        return sorted(vars(self))

    def __method(self):
        return "hidden"

    def call(self):
        return self.__method()


m = Mangled()
print(m.get(), m.set(), m.call(), hasattr(m, "__private"), m._Mangled__private)


class Nested:
    class Inner:
        def name(self):
            return type(self).__qualname__

    def make(self):
        return self.Inner()


print(Nested().make().name())


class Doc:
    """The docstring."""

    a: int = 1
    b: str

    def f(self) -> None:
        """f's doc"""


print(Doc.__doc__, Doc.f.__doc__, Doc.__annotations__, Doc.__module__, hasattr(Doc, "b"))
if True:

    class Conditional:
        pass

else:

    class Conditional2:
        pass


print(Conditional.__name__)
for i in range(3):

    class Loop:
        n = i


print(Loop.n)


class Executes:
    print("body runs")
    for i in range(2):
        print("loop", i)
    try:
        raise ValueError("in body")
    except ValueError as e:
        print(e)
    with open(__file__) as f:
        pass
