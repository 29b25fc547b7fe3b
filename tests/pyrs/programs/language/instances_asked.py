"""isinstance() and issubclass() of classes that answer themselves, of tuples, and of pretenders."""

import sys
import weakref
from collections.abc import Hashable, Mapping, Sized


class ByName(type):
    def __instancecheck__(cls, instance):
        return getattr(instance, "kind", None) in cls.kinds

    def __subclasscheck__(cls, sub):
        return cls.kinds[0] in sub.__name__


class ByClassMethod(type):
    __instancecheck__ = classmethod(lambda meta, instance: (meta.__name__, instance))
    __subclasscheck__ = classmethod(lambda meta, sub: [])


class Raising(type):
    def __instancecheck__(cls, instance):
        raise ValueError(instance.kind)

    def __subclasscheck__(cls, sub):
        raise KeyError(cls.__name__)


class WithoutTruth:
    def __bool__(self):
        raise TypeError("no truth")


class Undecided(type):
    def __instancecheck__(cls, instance):
        return WithoutTruth()


class Watching(type):
    def __instancecheck__(cls, instance):
        caller = sys._getframe().f_back
        seen.append(
            (caller.f_code.co_name, caller.f_lineno - caller.f_code.co_firstlineno, instance)
        )
        return False


A = ByName("A", (), {"kinds": ("a", "b")})
B = ByName("B", (), {"kinds": ("b", "c")})
C = ByClassMethod("C", (), {})
D = Raising("D", (), {})
N = Undecided("N", (), {})
W = Watching("W", (), {})
seen = []


class T:
    kind = "a"


class U:
    kind = "c"


class Pretender:
    @property
    def __class__(self):
        return T


class Asked:
    def __getattribute__(self, name):
        seen.append(name)
        return U if name == "__class__" else object.__getattribute__(self, name)


class Missing:
    def __getattr__(self, name):
        seen.append(name)
        raise AttributeError(name)


def is_of(x, classes):
    return isinstance(x, classes)


def is_sub(x, classes):
    return issubclass(x, classes)


CLASSES = (
    A, B, (A, B), (int, A, B), (B, int, str), C, (A, C), (A, (B, int)), (), int | str, (int | str, B),
    Mapping, Sized, (Sized, Mapping), Hashable, (W, A), T, U, (T, U), type, object,
)  # fmt: skip


def attempt(ask, x, classes):
    try:
        return ask(x, classes)
    except Exception as e:
        lines = []
        at = e.__traceback__
        while at is not None:
            lines.append(at.tb_frame.f_code.co_name)
            at = at.tb_next
        return type(e).__name__, str(e), lines


def many_kinds():
    things = (
        T(),
        U(),
        A(),
        Pretender(),
        Asked(),
        Missing(),
        5,
        1.5,
        "x",
        None,
        T,
        A,
        2**70,
        {},
        [],
    )
    for _ in range(20):
        answers = [attempt(is_of, thing, classes) for classes in CLASSES for thing in things]
        names = list(seen)
        seen.clear()
    rows = zip(*[iter(answers)] * len(things), strict=True)
    for row in rows:
        print("".join(str(int(answer)) for answer in row))
    print(len(names), names[:7], sorted({name for name in names if isinstance(name, str)}))


def subclasses():
    for _ in range(20):
        answers = [
            attempt(is_sub, x, classes)
            for x in (T, Mapping, int, A, dict, 5)
            for classes in (A, B, (A, int), C, (C, B), Mapping, (int, Mapping), D)
        ]
    print(answers)


def errors():
    for _ in range(20):
        answers = [
            attempt(is_of, U(), x) for x in (D, (A, D), (B, D), N, (A, N), 5, (A, 5), (A, (5,)))
        ]
    for answer in answers:
        print(answer)


def own_sites():
    """Each class has a site of its own, and so a way of its own."""
    found = 0
    t, u, w = T(), U(), W()
    for _ in range(50):
        found += isinstance(t, A) + 2 * isinstance(u, A) + 4 * isinstance(u, (A, B))
        found += 8 * isinstance(t, W) + 16 * isinstance(w, W) + 32 * issubclass(U, A)
        found += 64 * isinstance(3, Hashable) + 128 * isinstance([], (Hashable, A))
    print(found, len(seen), set(seen[:50]) == {seen[0]}, seen[0][:2])
    seen.clear()


class Counted:
    kind = "b"


def what_is_held():
    """What is asked about lives until the answer is there, whatever the method does with it."""

    class Forgetting(type):
        def __instancecheck__(cls, instance):
            refs.append(weakref.ref(instance))
            del instance
            alive.append(refs[-1]() is not None)
            return False

    forgets = Forgetting("F", (), {})
    refs, alive = [], []
    for _ in range(30):
        isinstance(Counted(), (forgets, A, forgets))
    print(alive.count(True), [ref() for ref in refs].count(None))


def deep():
    class Again(type):
        def __instancecheck__(cls, instance):
            nonlocal depth
            depth += 1
            return depth < 600 and isinstance(instance, (str, again) if depth % 2 else again)

    again = Again("Again", (), {})
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(5000)
    for _ in range(3):
        depth = 0
        print(isinstance(4, again), depth)
    sys.setrecursionlimit(limit)


many_kinds()
subclasses()
errors()
own_sites()
what_is_held()
deep()
