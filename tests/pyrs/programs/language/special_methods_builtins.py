"""format(), ascii(), anext() and `async with` of classes that answer in Python: how deep, and what they say."""

import sys
import traceback

sys.setrecursionlimit(400)
n = 0


def counted(f):
    """Depth and words at the limit, of calls that are cold and of ones that are warm."""
    global n
    seen = []
    for _ in range(12):
        n = 0
        try:
            f()
        except RecursionError as e:
            seen.append((n, str(e)))
    print(f.__name__, seen[0], seen[-1], len(seen))


class F:
    def __format__(self, spec):
        global n
        n += 1
        return format(self, spec)


class FOne:
    def __format__(self, spec):
        global n
        n += 1
        return format(self)


class FEmpty:
    def __format__(self, spec):
        global n
        n += 1
        return format(self, "")


class FStr:
    def __str__(self):
        global n
        n += 1
        return format(self)


class FRepr:
    def __repr__(self):
        global n
        n += 1
        return format(self, "")


class FText:
    def __format__(self, spec):
        global n
        n += 1
        return f"{self:{spec}}"


class FStrText:
    def __str__(self):
        global n
        n += 1
        return f"{self}"


class A:
    def __repr__(self):
        global n
        n += 1
        return ascii(self)


class AText:
    def __repr__(self):
        global n
        n += 1
        return f"{self!a}"


class AFormat:
    def __repr__(self):
        global n
        n += 1
        return f"{self!a:>3}"


class N:
    def __anext__(self):
        global n
        n += 1
        return anext(self)


class Enters:
    def __aenter__(self):
        global n
        n += 1
        return entering(self).send(None)

    def __aexit__(self, *args):
        pass


async def entering(o):
    async with o:
        pass


@counted
def format_():
    format(F(), "x")


@counted
def format_one():
    format(FOne())


@counted
def format_empty():
    format(FEmpty(), "")


@counted
def format_str():
    format(FStr())


@counted
def format_repr():
    format(FRepr())


@counted
def format_text():
    f"{FText():x}"


@counted
def format_str_text():
    f"{FStrText()}"


@counted
def ascii_():
    ascii(A())


@counted
def ascii_text():
    f"{AText()!a}"


@counted
def ascii_format():
    f"{AFormat()!a:>3}"


@counted
def anext_():
    anext(N())


@counted
def aenter():
    entering(Enters()).send(None)


sys.setrecursionlimit(1000)


def says(f):
    try:
        print(f.__name__, ascii(f()))
    except BaseException as e:
        print(f.__name__, type(e).__name__, e, repr(e.__cause__))
        for at in traceback.extract_tb(e.__traceback__)[1:]:
            print("   ", at.name, at.line, at.colno, at.end_colno)


class Text:
    def __init__(self, value):
        self.value = value

    def __format__(self, spec):
        if isinstance(self.value, Exception):
            raise self.value
        return self.value if spec == "" else f"<{spec}>"

    def __repr__(self):
        if isinstance(self.value, Exception):
            raise self.value
        return self.value

    def __anext__(self):
        if isinstance(self.value, Exception):
            raise self.value
        return self.value


class Only:
    def __str__(self):
        return 7


class OnlyStr(str):
    pass


class Plain:
    def __str__(self):
        return "plain"


@says
def f1():
    return format(Text("a"))


@says
def f2():
    return format(Text("a"), "spec")


@says
def f3():
    return format(Text(3))


@says
def f4():
    return f"{Text(3)}"


@says
def f5():
    return format(Text(ValueError("v")), "")


@says
def f6():
    return format(Only())


@says
def f7():
    return format(Plain()), format(Plain(), "")


@says
def f8():
    return format(Plain(), "x")


@says
def f9():
    return format(Text("a"), 3)


@says
def f10():
    return format(Text("a"), "b", "c")


@says
def f11():
    return format(Text("a"), OnlyStr("sub")), type(format(Text(OnlyStr("s"))))


@says
def f12():
    return format(Text("a"), format_spec="x")


@says
def a1():
    return ascii(Text("é☃")), f"{Text('é')!a}", f"{Text('☃')!a:>9}", "{0!a}".format(Text("é"))


@says
def a2():
    return ascii(Text(3))


@says
def a3():
    return f"{Text(None)!a}"


@says
def a4():
    return ascii(Text(KeyError("k")))


@says
def a5():
    return type(ascii(Text(OnlyStr("ascii")))), type(ascii(Text(OnlyStr("é"))))


@says
def n1():
    return anext(Text("any"))


@says
def n2():
    return type(anext(Text("any"), 1)).__name__


@says
def n3():
    return anext(Text(StopAsyncIteration("over")))


# anext(it, 1) whose __anext__ raises is not here: CPython 3.11 goes on with NULL
@says
def n5():
    return anext(3), 1


@says
def n6():
    return anext(Text(1), 2, 3)


def run(coroutine):
    try:
        while True:
            coroutine.send(None)
    except StopIteration as e:
        return e.value


class Steps:
    def __init__(self, *values):
        self.values = list(values)

    def __aiter__(self):
        return self

    def __anext__(self):
        return self.step()

    async def step(self):
        if not self.values:
            raise StopAsyncIteration
        return self.values.pop(0)


async def some(it, *default):
    return [await anext(it, *default) for _ in range(3)]


@says
def s1():
    return run(some(Steps(1, 2), "none"))


@says
def s2():
    return run(some(Steps(1, 2)))


class Manager:
    def __init__(self, enters, exits=None):
        self.enters, self.exits = enters, exits

    def __aenter__(self, more=2):
        return self.enters(more)

    def __aexit__(self, *exc):
        print("exit", [type(e).__name__ for e in exc])
        return self.exits()


class TooMany:
    def __aenter__(self, more):
        pass

    def __aexit__(self, *exc):
        pass


class NoExit:
    def __aenter__(self):
        print("never")


class Star:
    async def __aenter__(*args, **kw):
        return len(args), kw

    async def __aexit__(*args, **kw):
        return len(args)


async def value(v):
    return v


async def use(m):
    async with m as v:
        return v


async def fail(m):
    async with m as v:
        raise ValueError(v)
    return "swallowed"


@says
def w1():
    return run(use(Manager(value, lambda: value(0))))


@says
def w2():
    return run(fail(Manager(value, lambda: value(1))))


@says
def w3():
    return run(fail(Manager(value, lambda: value(0))))


@says
def w4():
    return run(use(Manager(lambda v: v, lambda: value(0))))


@says
def w5():
    return run(use(Manager(value, lambda: 1)))


@says
def w6():
    return run(use(Manager(lambda v: v / 0)))


@says
def w7():
    return run(use(TooMany()))


@says
def w8():
    return run(use(NoExit()))


@says
def w9():
    return run(use(3))


@says
def w10():
    return run(use(Star())), run(fail(Star()))
