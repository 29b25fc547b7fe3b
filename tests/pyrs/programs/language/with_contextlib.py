import contextlib
import io


@contextlib.contextmanager
def tag(name):
    print(f"<{name}>")
    try:
        yield name
    except ValueError as e:
        print("handled", e)
    finally:
        print(f"</{name}>")


with tag("a") as a, tag("b"):
    print("in", a)
with tag("c"):
    raise ValueError("v")
try:
    with tag("d"):
        raise KeyError("k")
except KeyError as e:
    print("out", e)


@tag("decorator")
def f(x):
    return x * 2


print(f(4))


@contextlib.contextmanager
def no_yield():
    if False:
        yield


@contextlib.contextmanager
def two_yields():
    yield 1
    yield 2


for bad in (no_yield, two_yields):
    try:
        with bad():
            pass
    except RuntimeError as e:
        print(e)
with contextlib.suppress(ZeroDivisionError, KeyError):
    1 / 0
with contextlib.ExitStack() as stack:
    for i in range(3):
        stack.enter_context(tag(str(i)))
    stack.callback(print, "callback", 1)
    print("inside stack")
out = io.StringIO()
with contextlib.redirect_stdout(out):
    print("hidden")
print(repr(out.getvalue()))


class Closes:
    def close(self):
        print("closed")


with contextlib.closing(Closes()):
    pass
with contextlib.nullcontext(5) as five:
    print(five)
try:
    with contextlib.ExitStack() as stack:
        stack.push(lambda *exc: print("pushed sees", exc[0].__name__) or True)
        stack.enter_context(tag("x"))
        raise TypeError("t")
finally:
    print("end")
