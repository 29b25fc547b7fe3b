def attempt(make):
    try:
        try:
            raise make()
        except* ValueError as e:
            print("values", [str(x) for x in e.exceptions])
        except* (KeyError, IndexError) as e:
            print("lookups", [type(x).__name__ for x in e.exceptions])
        else:
            print("else")
        finally:
            print("finally")
    except BaseException as e:
        print("left:", type(e).__name__, getattr(e, "exceptions", e.args))


attempt(lambda: ExceptionGroup("g", [ValueError(1), KeyError(2), ValueError(3)]))
attempt(lambda: ExceptionGroup("g", [ValueError(1), TypeError(2)]))
attempt(lambda: ValueError("alone"))
attempt(lambda: OSError("not handled"))
attempt(lambda: ExceptionGroup("n", [ExceptionGroup("m", [ValueError(1), IndexError(2)])]))
try:
    raise ExceptionGroup("outer", [ValueError("a"), KeyError("b")])
except ExceptionGroup as g:
    match, rest = g.split(ValueError)
    print(match, rest, g.subgroup(lambda e: isinstance(e, KeyError)).exceptions)
try:
    try:
        raise ExceptionGroup("r", [ValueError("v"), TypeError("t")])
    except* ValueError:
        raise KeyError("from handler")
except ExceptionGroup as g:
    print([type(e).__name__ for e in g.exceptions])
try:
    try:
        raise ExceptionGroup("r", [ValueError("v"), TypeError("t")])
    except* ValueError:
        raise
except ExceptionGroup as g:
    print([type(e).__name__ for e in g.exceptions])
try:
    pass
except* ValueError:
    print("never")
else:
    print("no exception")
for i in range(2):
    try:
        raise ExceptionGroup("loop", [ValueError(i)])
    except* ValueError as e:
        print("loop", i)
try:
    try:
        raise ValueError
    except* ExceptionGroup:
        pass
except TypeError as e:
    print(e)
