log = []


def g(name):
    try:
        try:
            yield name
        finally:
            log.append(f"{name} inner")
            yield f"{name} from finally"
    finally:
        log.append(f"{name} outer")


print(list(g("a")), log)
log.clear()
it = g("b")
next(it)
try:
    it.close()
except RuntimeError as e:
    print(e)
it.close()
print(log)


def collected():
    try:
        yield
    finally:
        print("collected")


it = collected()
next(it)
del it
it = collected()
del it
print("never started: nothing")


def returns_in_finally():
    try:
        yield 1
        raise ValueError
    finally:
        return "swallowed"


it = returns_in_finally()
next(it)
try:
    next(it)
except StopIteration as e:
    print(e.value, e.__context__)


def with_loop():
    for i in range(3):
        try:
            if i == 1:
                continue
            yield i
        finally:
            print("finally", i)


print(list(with_loop()))
for x in with_loop():
    break
print("after break")


def reraise():
    try:
        yield 1
    except ValueError:
        print("handling")
        raise


it = reraise()
next(it)
try:
    it.throw(ValueError("x"))
except ValueError as e:
    print("reraised", e)


def exc_state():
    try:
        raise KeyError("in generator")
    except KeyError:
        yield 1
        import sys

        yield sys.exc_info()[0].__name__


import sys

it = exc_state()
next(it)
print(sys.exc_info()[0], next(it), sys.exc_info()[0])
