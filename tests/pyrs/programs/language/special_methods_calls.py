"""Calls through special methods: __call__, __new__ with __init__ behind it, metaclasses, and the
builtins that ask objects."""

import abc
import sys
import traceback

log = []


def plain(x):
    return x if isinstance(x, (int, float, str, type(None))) else type(x).__name__


def said(*what):
    log.append(tuple(map(plain, what)))


def shown(label, function):
    for _ in range(3):
        del log[:]
        try:
            outcome = function()
            outcome = tuple(map(plain, outcome)) if isinstance(outcome, tuple) else plain(outcome)
        except Exception as e:
            names = [(f.name, f.lineno, f.colno) for f in traceback.extract_tb(e.__traceback__)]
            outcome = type(e).__name__, str(e), names[1:]
        print(label, outcome, log)


# -- __call__ -----------------------------------------------------------------------------------


class Callable:
    def __call__(self, x, y=2, *rest, key=None, **more):
        return (x, y, len(rest), key, len(more))


class Strict:
    def __call__(self):
        return "strict"


class Nested:
    __call__ = Callable()


class Static:
    __call__ = staticmethod(lambda *args: ("static", len(args)))


class Class:
    @classmethod
    def __call__(cls, *args):
        return (cls.__name__, len(args))


class Async:
    async def __call__(self):
        return 1


class Yields:
    def __call__(self, n):
        yield from range(n)


class Fails:
    def __call__(self):
        raise LookupError("inside")


class Instance:
    pass


c, args, kwargs = Callable(), (1, 2, 3), {"key": 4, "other": 5}
shown("plain", lambda: c(1))
shown("positions", lambda: c(1, 2, 3, 4))
shown("keywords", lambda: c(1, key=3, z=4))
shown("by name", lambda: c(y=1, x=3))
shown("star", lambda: c(*args))
shown("stars", lambda: c(*args, **kwargs))
shown("no argument", lambda: c())
shown("twice", lambda: c(1, x=2))
shown("strict", lambda: Strict()())
shown("strict too many", lambda: Strict()(1))
shown("strict keyword", lambda: Strict()(k=1))
shown("nested", lambda: Nested()(1))
shown("static", lambda: Static()(1))
shown("class", lambda: Class()(1))
shown("yields", lambda: sum(Yields()(4)))
shown("fails", lambda: Fails()())
shown("bound call", lambda: c.__call__(5))
shown("method of instance", lambda: Callable.__call__(c, 6))
coroutine = Async()()
print(type(coroutine).__name__)
coroutine.close()
instance = Instance()
instance.__call__ = lambda: 1
shown("of the instance", lambda: instance())


class Attribute:
    called = Callable()


shown("attribute", lambda: Attribute().called(7))
shown("map", lambda: tuple(map(Strict(), ())) + tuple(x[0] for x in map(c, args)))


def frames():
    class Looks:
        def __call__(self):
            f = sys._getframe()
            return (f.f_code.co_name, f.f_back.f_code.co_name, f.f_back.f_lineno)

    return Looks()()


shown("frames", frames)


class Mortal:
    def __init__(self, name="mortal"):
        self.name = name

    def __call__(self):
        said("called")
        del self
        said("deleted")
        return 1

    def __del__(self):
        said("gone", self.name)


def mortal():
    x = Mortal()()
    said("returned")
    return x


shown("mortal", mortal)

# -- __new__ and __init__ ----------------------------------------------------------------------------


class New:
    def __new__(cls, *args, **kwargs):
        said("new", cls.__name__, len(args), len(kwargs))
        return super().__new__(cls)


class NewInit(New):
    def __init__(self, x, y=0, **kwargs):
        said("init", x, y, len(kwargs))
        self.x = x


class Other:
    def __new__(cls, x):
        return x


class OtherInit(Other):
    def __init__(self, *args):
        said("never")


class Sub(NewInit):
    def __init__(self, *args):
        said("sub init", len(args))


class Chooses:
    def __new__(cls, *args):
        return object.__new__(Chosen)

    def __init__(self, *args):
        said("chooses", len(args))


class Chosen(Chooses):
    def __init__(self, *args):
        said("chosen", len(args))


class InitReturns(New):
    def __init__(self):
        return 5


class InitFails(New):
    def __init__(self, *args):
        raise ValueError("init")


class NewFails:
    def __new__(cls):
        raise ValueError("new")


class NewReturnsNone:
    def __new__(cls):
        pass


class Int(int):
    def __new__(cls, x, extra=0):
        said("Int", x)
        return super().__new__(cls, x + extra)


class Tuple(tuple):
    def __new__(cls, *items):
        return tuple.__new__(cls, items)

    def __init__(self, *items):
        said("tuple init", len(items))


class Error(Exception):
    def __new__(cls, *args):
        said("error new")
        return super().__new__(cls, *args)

    def __init__(self, *args):
        super().__init__("changed", *args)


class ListNew(list):
    def __new__(cls, *args):
        said("list new")
        return super().__new__(cls)


class OnlyNew:
    def __new__(cls):
        return object.__new__(cls)


class ClassMethodNew:
    __new__ = classmethod(lambda cls, *args: ("classmethod", len(args)))


class CallableNew:
    __new__ = Callable()


class GeneratorNew:
    def __new__(cls):
        yield cls


class Singleton:
    instance = None

    def __new__(cls):
        if cls.instance is None:
            cls.instance = super().__new__(cls)
        return cls.instance

    def __init__(self):
        said("again")


class Abstract(abc.ABC):
    def __new__(cls):
        return super().__new__(cls)

    @abc.abstractmethod
    def f(self): ...


class Concrete(Abstract):
    def f(self):
        return 1


class AbstractInit(abc.ABC):
    def __init__(self, x):
        said("abc init", x)


shown("New", lambda: New())
shown("New args", lambda: New(1, k=2))
shown("NewInit", lambda: NewInit(1))
shown("NewInit kw", lambda: NewInit(x=1, y=2, z=3))
shown("NewInit star", lambda: NewInit(*[1, 2], **{"a": 3}))
shown("NewInit few", lambda: NewInit())
shown("Other", lambda: Other(5))
shown("Other few", lambda: Other())
shown("OtherInit", lambda: OtherInit("x"))
shown("OtherInit itself", lambda: OtherInit(OtherInit(3)))
shown("Sub", lambda: Sub(1, 2))
shown("Chooses", lambda: Chooses(1))
shown("Chosen", lambda: Chosen(1, 2))
for cls in (
    InitReturns,
    InitFails,
    NewFails,
    NewReturnsNone,
    OnlyNew,
    ClassMethodNew,
    CallableNew,
    GeneratorNew,
):
    shown(cls.__name__, lambda: cls())
shown("OnlyNew args", lambda: OnlyNew(1))
shown("Int", lambda: Int(3, extra=4) + 1)
shown("Int big", lambda: Int(2**70) - 2**70)
shown("Tuple", lambda: Tuple(1, 2))
shown("Error", lambda: Error(1).args)
shown("ListNew", lambda: ListNew([1, 2]) + [3] == [1, 2, 3])
shown("Singleton", lambda: Singleton() is Singleton())
shown("Abstract", lambda: Abstract())
shown("Concrete", lambda: Concrete().f())
shown("AbstractInit", lambda: AbstractInit(1))


def raised():
    raise Error(2)


shown("raise", raised)


class MortalNew:
    def __new__(cls, name):
        self = super().__new__(cls)
        self.name = name
        return self

    def __del__(self):
        said("gone", self.name)


def mortal_new():
    MortalNew("one")
    said("made")


shown("mortal new", mortal_new)


def replaced():
    class C:
        def __new__(cls, *args):
            said("first")
            return object.__new__(cls)

    def make():
        return type(C()).__name__

    make()
    C.__new__ = staticmethod(lambda cls, *args: 17)
    try:
        make()
        said("other")
    except Exception as e:
        said(type(e).__name__)
    C.__new__ = lambda cls, *args: object.__new__(cls)
    make()
    C.__init__ = lambda self, *args: said("init")
    make()
    return 1


shown("replaced", replaced)

# -- metaclasses ----------------------------------------------------------------------------------------


class Meta(type):
    def __new__(meta, name, bases, namespace, **kwargs):
        said("meta new", name, len(kwargs))
        return super().__new__(meta, name, bases, namespace)

    def __init__(cls, name, bases, namespace, **kwargs):
        said("meta init", name)

    def __call__(cls, *args, **kwargs):
        said("meta call", len(args), len(kwargs))
        return super().__call__(*args, **kwargs)

    @classmethod
    def __prepare__(meta, name, bases, **kwargs):
        return {"prepared": name}


class CallsOnly(type):
    def __call__(cls, x):
        return ("made", x)


def made():
    class Made(metaclass=Meta, flag=1):
        def __init__(self, x):
            said("init", x)

    return (Made(1), Made(x=2), Made.prepared, type(Made("x")).__name__)


class Bare(metaclass=CallsOnly):
    pass


shown("made", made)
shown("CallsOnly", lambda: Bare(4))
shown("CallsOnly few", lambda: Bare())
shown("type itself", lambda: (type(1).__name__, type("T", (), {}).__name__))


def changed_meta():
    class M(type):
        pass

    class C(metaclass=M):
        def __init__(self):
            said("init")

    def make():
        return C()

    for _ in range(3):
        make()
    M.__call__ = lambda cls: "called"
    x = make()
    del M.__call__
    return (x, make())


shown("changed_meta", changed_meta)

# -- builtins that ask ------------------------------------------------------------------------------------


class Asked:
    def __len__(self):
        said("len")
        return 3

    def __bool__(self):
        said("bool")
        return False

    def __iter__(self):
        said("iter")
        return self

    def __next__(self):
        said("next")
        return 4

    def __getattr__(self, name):
        said("getattr", name)
        if name.startswith("no"):
            raise AttributeError(name)
        return name

    def __getitem__(self, key):
        return key


class Length:
    def __init__(self, n):
        self.n = n

    def __len__(self):
        return self.n

    def __iter__(self):
        return self.n

    def __bool__(self):
        return self.n

    def __next__(self):
        raise self.n


asked = Asked()
shown("len", lambda: len(asked))
shown("bool", lambda: bool(asked))
shown("iter", lambda: iter(asked) is asked)
shown("next", lambda: next(asked))
shown("next default", lambda: next(asked, 5))
shown("getattr", lambda: getattr(asked, "x"))
shown("getattr no", lambda: getattr(asked, "no"))
shown("getattr default", lambda: getattr(asked, "no", 6))
shown("hasattr", lambda: (hasattr(asked, "x"), hasattr(asked, "no")))
for n in 0, 5, True, -1, 2**80, "x", None, 1.0, StopIteration(3), ValueError("v"), StopIteration:
    length = Length(n)
    shown("len of", lambda: len(length))
    shown("bool of", lambda: bool(length))
    shown("iter of", lambda: iter(length))
    shown("next of", lambda: next(length))
    shown("next of, default", lambda: next(length, "default"))
for f in len, bool, iter, next:
    shown("wrong " + f.__name__, lambda: f(asked, 1, 2, 3))
    shown("none " + f.__name__, lambda: f(object()))


def counts():
    objects = c, NewInit, Int, asked, Strict.__call__, NewInit.__init__
    before = [sys.getrefcount(x) for x in objects]
    for _ in range(100):
        c(1, 2, 3, key=4)
        Strict()()
        NewInit(1, y=2)
        Int(400)
        len(asked), bool(asked), iter(asked), next(asked), getattr(asked, "x")
        for failing in (InitFails, NewFails, NewInit, Strict(), InitReturns):
            try:
                failing(
                    *((1,) if failing is InitFails else ()),
                    **({} if failing is not NewFails else {}),
                )
            except (ValueError, TypeError):
                pass
    del log[:]
    return before == [sys.getrefcount(x) for x in objects]


shown("counts", counts)
