"""Entries of tracebacks: which frame, where in it, made once or again."""

import sys
import traceback


def entries(e):
    tb, found = e.__traceback__, []
    while tb is not None:
        code = tb.tb_frame.f_code
        line = tb.tb_lineno - code.co_firstlineno
        found.append((code.co_name, line, tb.tb_frame.f_lineno - code.co_firstlineno))
        assert tb.tb_lasti >= 0
        tb = tb.tb_next
    return found


def raises(kind):
    if kind == 0:
        raise ValueError("an instance")
    if kind == 1:
        raise ValueError
    if kind == 2:
        return {}["key"]
    if kind == 3:
        return (
            1
            +
            [][kind]
        )
    raise TypeError("last") from OSError("cause")


def through(kind):
    try:
        return raises(kind)
    finally:
        kind = None


def again(kind):
    try:
        through(kind)
    except Exception:
        raise


def handled_and_raised(kind):
    try:
        through(kind)
    except Exception as e:
        kept = e
    raise kept


def generator(kind):
    yield 1
    through(kind)


class Point:
    def __init__(self, kind):
        through(kind)

    @property
    def x(self):
        return raises(0)

    def __add__(self, other):
        raise NotImplementedError(other)


def point(kind):
    return Point(kind)


def attribute():
    p = object.__new__(Point)
    return p.x


def operator():
    p = object.__new__(Point)
    return p + 1


def shown(f, *args):
    try:
        f(*args)
    except Exception as e:
        print(f.__name__, args, entries(e), repr(e), repr(e.__context__), repr(e.__cause__))
        frames = [tb.tb_frame for tb in walk(e.__traceback__)]
        assert frames[0] is sys._getframe()
        print([b.f_back is a for a, b in zip(frames, frames[1:])])
        return e


def walk(tb):
    while tb is not None:
        yield tb
        tb = tb.tb_next


def generate(kind):
    for _ in generator(kind):
        pass


def matching():
    class Mine(KeyError):
        pass

    for raised in (Mine("m"), KeyError("k"), IndexError("i"), OSError("o")):
        for types in (Mine, KeyError, LookupError, (IndexError, Mine), (), (OSError, (KeyError,))):
            try:
                try:
                    raise raised
                except types as e:
                    print(type(raised).__name__, types, "yes", e is raised)
            except Exception as e:
                print(type(raised).__name__, types, type(e).__name__, len(entries(e)))
            raised.__traceback__ = None
    for types in (1, int, (KeyError, 1), "text", None):
        try:
            try:
                raise KeyError("k")
            except types:
                print("caught")
        except TypeError as e:
            print(e, repr(e.__context__))


class Meta(type):
    def __instancecheck__(cls, o):
        return True

    def __subclasscheck__(cls, o):
        return True


class Anything(Exception, metaclass=Meta):
    pass


def by_class_only():
    try:
        try:
            raise ValueError("not Anything")
        except Anything:
            print("wrong")
    except ValueError as e:
        print("right", e)


def grows():
    e = ValueError("kept")
    for i in range(3):
        try:
            raise e
        except ValueError as same:
            print(same is e, len(list(walk(e.__traceback__))))
    try:
        raise e.with_traceback(None)
    except ValueError:
        print(len(list(walk(e.__traceback__))))


for _ in range(3):
    for kind in range(5):
        for f in through, again, handled_and_raised, point, generate:
            shown(f, kind)
    shown(attribute)
    shown(operator)
matching()
by_class_only()
grows()
try:
    again(3)
except IndexError:
    print(traceback.format_exc().replace(__file__, "FILE"))
