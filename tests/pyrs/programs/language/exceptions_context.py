import sys


def show(e):
    seen = []
    while e is not None:
        seen.append(f"{type(e).__name__}({e})")
        link = "cause" if e.__cause__ else "context"
        e = e.__cause__ or (None if e.__suppress_context__ else e.__context__)
        if e is not None:
            seen.append(link)
    print(" <- ".join(seen))


try:
    try:
        try:
            raise ValueError("a")
        except ValueError:
            raise TypeError("b")
    except TypeError as e:
        raise KeyError("c") from e
except KeyError as e:
    show(e)
try:
    try:
        raise ValueError("a")
    except ValueError:
        raise TypeError("b") from None
except TypeError as e:
    show(e)
try:
    raise ValueError from KeyError("cause")
except ValueError as e:
    show(e)
try:
    raise ValueError from 5
except TypeError as e:
    print(e)
for bad in (5, "text", object, None):
    try:
        raise bad
    except TypeError as e:
        print(e)
try:
    raise
except RuntimeError as e:
    print(e)


def inner():
    return sys.exc_info()[1]


def outer():
    try:
        raise ValueError("x")
    except ValueError:
        return inner()


print(repr(outer()), sys.exc_info())
try:
    try:
        raise ValueError(1)
    except ValueError:
        try:
            raise KeyError(2)
        except KeyError:
            pass
        raise
except ValueError as e:
    print("same", e, e.__context__)


class Custom(Exception):
    def __init__(self, *args, code=0):
        super().__init__(*args)
        self.code = code

    def __str__(self):
        return f"custom {self.code}"


try:
    raise Custom("m", code=3)
except Custom as e:
    print(e, repr(e), e.args, e.code)
try:
    raise Custom
except Exception as e:
    print(e)


class NoArgs(Exception):
    def __init__(self):
        raise RuntimeError("constructor failed")


try:
    raise NoArgs
except RuntimeError as e:
    print(e)
e = ValueError("noted")
e.add_note("a note")
print(e.__notes__)
try:
    raise e.with_traceback(None)
except ValueError as again:
    print(again is e, again.__traceback__.tb_lineno > 0)
