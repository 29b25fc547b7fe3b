# Texts, hashes and attributes that Python code makes when repr(), str(), format(), f-strings, hash(),
# getattr() and hasattr() ask for them: values, errors, order, tracebacks.

import sys
import traceback

LOG = []


def log(*what):
    LOG.append(what)
    return what[-1]


def told(f):
    LOG.clear()
    try:
        result = f()
    except Exception as e:
        lines = [(fr.name, fr.lineno, fr.line) for fr in traceback.extract_tb(e.__traceback__)[1:]]
        result = type(e).__name__, str(e), lines, type(e.__context__).__name__
    print(result, list(LOG))


class S(str):
    def __format__(self, spec):
        return log("S format", f"<{spec}>")


def text(kind, result):
    class T:
        pass

    def method(self, *args):
        log(kind, *args)
        if isinstance(result, type):
            raise result(kind)
        return result
    setattr(T, kind, method)
    return T()


class Gone:
    def __init__(self, name):
        self.name = name

    def __repr__(self):
        return log("repr", f"Gone({self.name})")

    def __hash__(self):
        return log("hash", 3)

    def __del__(self):
        log("del", self.name)


for kind in ("__repr__", "__str__", "__format__", "__hash__"):
    for result in ("text", S("s"), 5, -1, -2, True, 2**70, 2**61 - 1, None, ValueError, 1.5):
        o = text(kind, result)
        print("--", kind, result)
        if kind == "__hash__" and isinstance(result, S):
            continue    # a __hash__ that is no int is kept for good by CPython, and its class with it
        if kind == "__hash__":
            told(lambda: hash(o))
            told(lambda: {o: 1}[o])
            continue
        if kind == "__repr__" or kind == "__str__":
            told(lambda: str(o) if kind == "__str__" else repr(o))
            told(lambda: f"{o!r}" if kind == "__repr__" else f"{o!s}")
            told(lambda: f"{o!r:>6}" if kind == "__repr__" else f"{o!s:>6}")
            told(lambda: "%s" % o if kind == "__str__" else "%r" % o)
            told(lambda: type(str(o) if kind == "__str__" else repr(o)))
        if kind != "__repr__" or isinstance(result, str):
            told(lambda: f"{o}")
            told(lambda: f"{o:x}" if kind == "__format__" else "")
            told(lambda: f"{o:{'>'}{4}}" if kind == "__format__" else "")
            told(lambda: f"{o}{o}" + format(o) + str(type(f"{o}")))

print(f"{Gone(1)}{Gone(2)!r}{Gone(3)!s:>9}", LOG)
LOG.clear()
print(repr(Gone(4)), str(Gone(5)), hash(Gone(6)), LOG)
LOG.clear()


class A:
    x = 1

    @property
    def p(self):
        return log("p", 2)

    @property
    def bad(self):
        raise AttributeError("in bad")

    @property
    def worse(self):
        raise KeyError("in worse")


class G(A):
    def __getattr__(self, name):
        log("getattr", name)
        if name == "none":
            raise AttributeError(f"no {name}")
        if name == "key":
            raise KeyError(name)
        return name


class GA(G):
    def __getattribute__(self, name):
        log("attribute", name)
        if name == "plain":
            return "plain"
        return super().__getattribute__(name)


class OnlyGA:
    def __getattribute__(self, name):
        if name == "there":
            return 1
        raise AttributeError(name)


class Meta(type):
    @property
    def m(cls):
        return log("meta", cls.__name__)

    def __getattr__(cls, name):
        return log("meta getattr", name)


class M(metaclass=Meta):
    d = 1


class Descr:
    def __get__(self, o, cls):
        log("get", o is None)
        if o is None:
            raise AttributeError("on the class")
        return 7


class D:
    d = Descr()


for o in (A(), G(), GA(), OnlyGA(), M, D(), D):
    for name in ("x", "p", "bad", "worse", "none", "key", "other", "plain", "there", "m", "d"):
        print("--", type(o).__name__, name)
        told(lambda: getattr(o, name))
        told(lambda: getattr(o, name, "default"))
        told(lambda: getattr(o, name, 3) == 3)
        told(lambda: hasattr(o, name))
        told(lambda: [getattr(o, name, None) for _ in range(2)][-1])
print(getattr(Gone(7), "name"), hasattr(Gone(8), "name"), getattr(Gone(9), "no", "default"), LOG)
try:
    getattr(G(), "none")
except AttributeError as e:
    print(e.name, type(e.obj).__name__, e)
try:
    getattr(A(), "bad")
except AttributeError as e:
    print(e.name, type(e.obj).__name__, e)
for call in (lambda: getattr(G()), lambda: getattr(G(), 1), lambda: hasattr(G(), "a", 1), lambda: hasattr(G(), 1),
             lambda: getattr(G(), "a", 1, 2), lambda: repr(), lambda: repr(1, 2), lambda: hash([])):
    told(call)


class Missing(dict):
    def __missing__(self, key):
        log("missing", key)
        if key == "raise":
            raise LookupError(key)
        return key * 2


class Key:
    def __init__(self, value):
        self.value = value

    def __hash__(self):
        return log("hash", 1)

    def __eq__(self, other):
        return log("eq", self.value == other)

    def __mul__(self, n):
        return "twice"

    def __repr__(self):
        return f"Key({self.value})"


m = Missing({1: "one", "k": "v"})
for key in (1, 2, "k", "l", "raise", True, 1.0, 2.5, Key(1), Key(5)):
    told(lambda: m[key])
    told(lambda: {1: 2}[key])
told(lambda: m[[]])
told(lambda: (m[1], m[3], m["x"], dict.__getitem__(m, 1)))
told(lambda: dict.__getitem__(m, "n"))


class Generic:
    def __class_getitem__(cls, key):
        return cls.__name__, log("class_getitem", key)


class Sub(Generic):
    pass


class OfMeta(type):
    def __getitem__(cls, key):
        return "meta", key


class Both(Generic, metaclass=OfMeta):
    pass


told(lambda: (Generic[1], Sub["a", 2], Both[1], list[int], type[int]))
told(lambda: A[1])
told(lambda: Generic()[1])


class Singleton(type):
    made = {}

    def __call__(cls, *args, **kwargs):
        if cls not in cls.made:
            cls.made[cls] = super().__call__(*args, **kwargs)
        return cls.made[cls]


class One(metaclass=Singleton):
    def __init__(self, value, *, more=0):
        self.value = value, more


class Two(metaclass=Singleton):
    def __new__(cls, value):
        self = super().__new__(cls)
        self.new = value
        return self

    def __init__(self, value):
        self.init = value


class Wrong(metaclass=Singleton):
    def __init__(self):
        return 5


told(lambda: (One(1, more=2).value, One(3) is One(4), Two(5).new, Two(6).init))
told(lambda: Wrong())
told(lambda: type(Singleton.__call__(One)))
told(lambda: type(type.__call__(One, 1)))
told(lambda: type.__call__(A).x)
told(lambda: type.__call__(type, 1))
told(lambda: A.__call__().x)
told(lambda: type.__call__(int, "12"))
print(sys.getrecursionlimit() > 0)
