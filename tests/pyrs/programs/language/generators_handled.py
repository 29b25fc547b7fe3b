"""Which exception is being handled, in and around generators that come and go."""

import sys


def handled():
    return repr(sys.exc_info()[1])


def quiet(n):
    for i in range(n):
        yield i


def looking():
    while True:
        yield handled()


def catching():
    try:
        raise KeyError("inside")
    except KeyError:
        yield handled()
        yield handled()
    yield handled()
    try:
        raise LookupError("later")
    except LookupError:
        pass
    yield handled()


def context_of(e):
    chain = []
    while e is not None:
        chain.append(repr(e))
        e = e.__context__
    return chain


def from_outside():
    g = looking()
    print("before", next(g))
    try:
        raise ValueError("outer")
    except ValueError:
        print("while", next(g), handled())
        for i in quiet(2):
            print(i, handled())
        h = catching()
        print([next(h), handled()])
    print("after", next(g))
    print([next(h), handled(), next(h), next(h), handled()])


def raising_in():
    yield 1
    raise TypeError("raised in the generator")


def context():
    try:
        raise ValueError("outer")
    except ValueError:
        try:
            for _ in raising_in():
                pass
        except TypeError as e:
            print(context_of(e))
    g = raising_in()
    next(g)
    try:
        next(g)
    except TypeError as e:
        print(context_of(e))


def receives():
    try:
        yield "ready"
    except Exception as e:
        yield context_of(e)
    yield handled()


def thrown():
    for thrower in (lambda g: g.throw(OSError("thrown")), lambda g: g.throw(OSError)):
        g = receives()
        next(g)
        print(thrower(g), next(g))
        g = receives()
        next(g)
        try:
            1 / 0
        except ZeroDivisionError:
            print(thrower(g), next(g), handled())


def delegating():
    yield from receives()


def thrown_through():
    try:
        raise ValueError("outer")
    except ValueError:
        g = delegating()
        next(g)
        print(g.throw(OSError("deep")), next(g))


def closing():
    try:
        yield 1
    except GeneratorExit:
        print("closing", handled())
        raise
    finally:
        print("finally", handled())


def closed():
    try:
        raise ValueError("outer")
    except ValueError:
        g = closing()
        next(g)
        g.close()
        for _ in closing():
            break
    print(handled())


def helper():
    try:
        {}["missing"]
    except KeyError:
        return handled()


def calls_helper():
    for _ in range(2):
        yield helper(), handled()


def nested():
    try:
        raise ValueError("outer")
    except ValueError:
        print(list(calls_helper()))
        for pair in calls_helper():
            print(pair)


def bare():
    yield
    raise


def reraises():
    g = bare()
    next(g)
    try:
        raise ValueError("outer")
    except ValueError as e:
        try:
            next(g)
        except ValueError as again:
            print(again is e)
    g = bare()
    next(g)
    try:
        next(g)
    except RuntimeError as e:
        print(e)


def echo():
    got = None
    while True:
        got = yield got


def states():
    g = echo()
    print(g.gi_running, g.gi_suspended)
    print(next(g), g.send(1), g.send([2]), g.gi_suspended)
    before = sys.getrefcount(g)
    for i in range(3):
        g.send(i)
    print(sys.getrefcount(g) == before)
    g.close()
    try:
        g.send(1)
    except StopIteration as e:
        print("stopped", e.value)
    try:
        echo().send(1)
    except TypeError as e:
        print(e)


class Last:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        print("gone", self.name)


def holding(name):
    last = Last(name)
    yield last.name
    yield handled()


def temporary():
    print(next(holding("next")))
    print(holding("one").__next__())
    for name in holding("broken"):
        print(name)
        break
    print("end")


def itself():
    yield 1
    try:
        next(me)
    except ValueError as e:
        yield str(e)
    try:
        for _ in me:
            pass
    except ValueError as e:
        yield str(e)
    try:
        yield from me
    except ValueError as e:
        yield str(e)


def looked_at():
    value = 1
    yield sys._getframe().f_back.f_code.co_name
    value += 1
    yield sorted(sys._getframe().f_locals)
    yield value


def frames():
    for x in looked_at():
        print(x)
    g = looked_at()
    print(next(g), g.gi_frame.f_locals, g.gi_frame.f_back)
    print(next(g), g.gi_frame.f_locals, next(g))


for _ in range(2):
    from_outside()
    context()
    thrown()
    thrown_through()
    closed()
    nested()
    reraises()
    states()
    temporary()
    me = itself()
    print(list(me))
    frames()
print(sys.exc_info())
