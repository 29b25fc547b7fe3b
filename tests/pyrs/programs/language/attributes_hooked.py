"""Properties and descriptors of classes that also have __getattr__, and descriptors written in C."""

import ctypes


class Hooked:
    __slots__ = ("n", "slot", "__dict__")

    def __init__(self):
        self.n = 0

    def __getattr__(self, name):
        return "hook", name

    @property
    def plain(self):
        return 5

    @property
    def moody(self):
        self.n += 1
        if self.n % 3 == 0:
            raise AttributeError("moody")
        if self.n % 7 == 0:
            raise ValueError("seven")
        return self.n

    @property
    def outer(self):
        return self.missing


class Failing:
    def __getattr__(self, name):
        raise AttributeError(name + "!")

    @property
    def plain(self):
        raise AttributeError("plain")


class Error(Exception):
    def __getattr__(self, name):
        return "error " + name


class Pair(ctypes.Structure):
    _fields_ = [("left", ctypes.c_int), ("right", ctypes.c_double)]

    def __getattr__(self, name):
        return "pair " + name


class Descriptor:
    def __get__(self, o, cls):
        return "got"


class Own:
    value = Descriptor()

    def __getattr__(self, name):
        return "own " + name


def read_plain(o):
    return o.plain


def read_moody(o):
    return o.moody


def read_more(o):
    return o.__class__.__name__, o.slot, o.outer, o.plain.real


def read_error(e):
    return e.args, e.__traceback__, e.__cause__, e.nothing


def read_pair(p):
    return p.left, p.right, p.middle


def read_value(o):
    return o.value


def attempt(function, o):
    try:
        return function(o)
    except Exception as e:
        return type(e).__name__, str(e), getattr(e, "name", None), e.__context__


def many_times():
    o, pair, own = Hooked(), Pair(1, 2.5), Own()
    keep = Hooked.__getattr__
    for i in range(60):
        answers = [attempt(f, o) for f in (read_plain, read_moody, read_more)]
        answers += [attempt(read_plain, Failing()), attempt(read_error, Error(i))]
        answers += [attempt(read_pair, pair), attempt(read_value, own)]
        if i == 20:
            o.slot = 3
        if i == 30:
            del Hooked.__getattr__
        if i == 40:
            Hooked.__getattr__ = lambda self, name: "new " + name
        if i == 45:
            Hooked.__getattr__ = keep
            Descriptor.__set__ = lambda self, o, v: None
            own.__dict__["value"] = "in the dict"
        if i == 50:
            del Descriptor.__set__
        if i % 5 == 0 or 38 < i < 48:
            print(i, answers)


many_times()
