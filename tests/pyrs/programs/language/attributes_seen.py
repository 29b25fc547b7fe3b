"""Attributes found at one site are found at others, as long as their types are as they were."""

from collections import namedtuple


def load(o):
    return o.x


def load_too(o):
    return o.x


def call(o):
    return o.m()


def name(cls):
    return cls.__name__, cls.kind


class Base:
    kind = "base"
    x = "class"

    def m(self):
        return type(self).__name__, "method"


# more types than a site has rows, and each of them first seen elsewhere
KINDS = [type(f"K{i}", (Base,), {"kind": i}) for i in range(12)]
for turn in range(3):
    print([load(k()) for k in KINDS], [load_too(k()) for k in KINDS])
    print([call(k()) for k in KINDS])
    print([name(k) for k in KINDS])

# instances that differ although their type is one
for k in KINDS[:6]:
    o, p, q = k(), k(), k()
    o.x = 1
    p.y, p.x = 2, 3
    q.__dict__ = {"x": 4, "m": lambda: "own"}
    print(load(o), load_too(p), load(q), load(k()), call(q), call(o))

# the types change
Base.x = "changed"
print([load(k()) for k in KINDS[:6]])
KINDS[0].x = property(lambda self: "property")
KINDS[1].m = staticmethod(lambda: "static")
KINDS[2].__getattr__ = lambda self, name: ("hook", name)
del Base.x
print(load(KINDS[0]()), call(KINDS[1]()), load(KINDS[2]()), load_too(KINDS[2]()))
for k in KINDS[3:5]:
    try:
        load(k())
    except AttributeError as error:
        print(error, error.name, type(error.obj).__name__)

# descriptors of C code
Point = namedtuple("Point", "x y")
Other = namedtuple("Other", "y x")
for turn in range(3):
    print([load(p) for p in (Point(1, 2), Other(1, 2), Point(3, 4), 3 + 4j if 0 else Point(5, 6))])
Other.x = 17
print(load(Other(1, 2)), load_too(Point(1, 2)))


class Slots:
    __slots__ = ("x", "m")


class Hooked(Slots):
    def __getattr__(self, name):
        return "hooked", name


class Meta(type):
    x = property(lambda cls: ("meta", cls.__name__))
    kind = "of the metaclass"


class Made(metaclass=Meta):
    pass


class MadeToo(Made):
    kind = "its own"


for turn in range(3):
    for o in (Slots(), Hooked(), Made, MadeToo):
        try:
            print(load(o))
        except AttributeError as error:
            print(error, error.name, error.obj is o)
    print(name(Made), name(MadeToo), name(Base))


class Loud:
    """What a getter runs sees the frame that asked."""

    def __get__(self, o, cls):
        import sys

        return sys._getframe(1).f_code.co_name, o is None

    def __set__(self, o, value):
        raise AttributeError


class Asked:
    x = Loud()


print(load(Asked()), load_too(Asked()), load(Asked))
try:
    call.__code__.co_code = b""
except AttributeError as error:
    print(error)


def facts(f):
    return f.__code__.co_argcount, f.__name__, f.__doc__, f.__class__.__name__, f.__dict__


for turn in range(3):
    print([facts(f) for f in (load, call, name, facts)])


def plain(o):
    return object.__repr__(o)[:8], type.__call__(list), dict.fromkeys("a"), str.upper("a")


for turn in range(3):
    print(plain(1))


# fields of named tuples: too short a tuple, an exchanged field, one hidden by a subclass
class Hidden(Point):
    __slots__ = ()
    y = property(lambda self: "its own")


class Asking(Point):
    def __getattribute__(self, name):
        return "asked", name


def both(o):
    return o.x, o.y


for turn in range(3):
    print([both(p) for p in (Point(turn, -turn), Hidden(3, 4), Asking(5, 6))])
try:
    both(tuple.__new__(Point, (1,)))
except IndexError as error:
    print(error)
field = Point.x
Point.x = property(lambda self: "exchanged")
print(both(Point(1, 2)), field.__get__(Point(7, 8)))
del Point.x
try:
    both(Point(1, 2))
except AttributeError as error:
    print(error)
