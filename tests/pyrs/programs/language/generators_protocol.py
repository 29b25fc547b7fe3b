import inspect


def g():
    try:
        received = yield 1
        print("received", received)
        received = yield 2
        print("received", received)
    except ValueError as e:
        print("handled", e)
        yield "after throw"
    finally:
        print("finally")
    return "result"


it = g()
print(inspect.getgeneratorstate(it), next(it), inspect.getgeneratorstate(it))
print(it.send("hello"))
print(it.throw(ValueError("boo")))
try:
    next(it)
except StopIteration as e:
    print("stop", e.value)
print(inspect.getgeneratorstate(it))
try:
    next(it)
except StopIteration as e:
    print("again", e.value)
it = g()
try:
    it.send(1)
except TypeError as e:
    print(e)
it.close()
it = g()
next(it)
it.close()
it.close()
it = g()
try:
    it.throw(KeyError, "early")
except KeyError as e:
    print("thrown", e)


def stubborn():
    try:
        yield 1
    except GeneratorExit:
        yield 2


it = stubborn()
next(it)
try:
    it.close()
except RuntimeError as e:
    print(e)


def stops():
    yield 1
    raise StopIteration("inner")


try:
    list(stops())
except RuntimeError as e:
    print(e, repr(e.__cause__))


def running():
    yield next(me)


me = running()
try:
    next(me)
except ValueError as e:
    print(e)
print(type(it).__name__, it.__name__, it.__qualname__, it.gi_frame is None, it.gi_running)
print(hasattr(it, "gi_yieldfrom"), iter(it) is it)
