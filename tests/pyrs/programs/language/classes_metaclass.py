class Meta(type):
    @classmethod
    def __prepare__(meta, name, bases, **kw):
        print("prepare", name, kw)
        return {"prepared": True}

    def __new__(meta, name, bases, namespace, **kw):
        print("new", name, sorted(k for k in namespace if not k.startswith("__")))
        return super().__new__(meta, name, bases, namespace)

    def __init__(cls, name, bases, namespace, **kw):
        print("init", name)
        super().__init__(name, bases, namespace)

    def __call__(cls, *a, **k):
        print("call", cls.__name__, a)
        return super().__call__(*a, **k)

    def __getattr__(cls, name):
        return f"meta {name}"

    def __len__(cls):
        return 7

    def __iter__(cls):
        return iter("abc")

    def __contains__(cls, x):
        return x == 1

    def __getitem__(cls, x):
        return cls.__name__, x

    @property
    def title(cls):
        return cls.__name__.title()


class A(metaclass=Meta, option=1):
    x = 1

    def __init__(self, *a):
        self.a = a


class B(A):
    pass


b = B(1, 2)
print(b.a, B.unknown, len(A), list(A), 1 in A, A[5], A.title, A.prepared, type(B) is Meta)
try:
    b.unknown
except AttributeError as e:
    print(e)


class Ordered(type):
    @classmethod
    def __prepare__(meta, name, bases):
        class Log(dict):
            def __setitem__(self, k, v):
                if not k.startswith("__"):
                    print("define", k)
                dict.__setitem__(self, k, v)

        return Log()


class C(metaclass=Ordered):
    a = 1
    b = a + 1

    def f(self):
        pass

    for i in range(2):
        pass
    del i


print(C.b, hasattr(C, "i"))
T = type("T", (C,), {"z": 5, "m": lambda self: self.z})
print(T().m(), T.__name__, T.__mro__[1] is C)


def function_as_metaclass(name, bases, namespace):
    return name, bases, sorted(k for k in namespace if not k.startswith("__"))


class F(metaclass=function_as_metaclass):
    a = b = 1


print(F)


class Other(type):
    pass


try:
    class Conflict(A, metaclass=Other):
        pass
except TypeError as e:
    print("conflict")


class Singleton(type):
    instances = {}

    def __call__(cls, *args):
        if cls not in cls.instances:
            cls.instances[cls] = super().__call__(*args)
        return cls.instances[cls]


class Only(metaclass=Singleton):
    pass


print(Only() is Only())


class WithBases:
    def __mro_entries__(self, bases):
        return (A,)


class FromEntries(WithBases()):
    pass


print(FromEntries.__bases__[0] is A, isinstance(FromEntries.__orig_bases__[0], WithBases))


def make(n):
    class Local:
        value = n

        def get(self):
            return n, self.value, __class__.__name__

    return Local


print(make(1)().get(), make(2)().get(), make(1) is make(1), make.__qualname__, make(1).__qualname__)
