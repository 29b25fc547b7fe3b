def f(kind):
    log = []
    try:
        log.append("try")
        if kind == "raise":
            raise ValueError("v")
        if kind == "other":
            raise KeyError("k")
        if kind == "return":
            return log
    except ValueError as e:
        log.append(f"except {e}")
    else:
        log.append("else")
    finally:
        log.append("finally")
    log.append("after")
    return log


for kind in ("nothing", "raise", "return"):
    print(kind, f(kind))
try:
    f("other")
except KeyError as e:
    print("out", e)


def finally_overrides():
    try:
        return "try"
    finally:
        return "finally"


def finally_in_loop():
    for i in range(5):
        try:
            if i == 1:
                continue
            if i == 3:
                break
        finally:
            print("f", i)
    else:
        print("no break")
    return i


def nested():
    try:
        try:
            raise ValueError(1)
        except TypeError:
            print("never")
        finally:
            print("inner finally")
    except ValueError as e:
        print("outer", e)
        try:
            raise KeyError(2) from e
        except KeyError as k:
            print(repr(k.__cause__), k.__suppress_context__)


def name_unbound():
    e = "before"
    try:
        raise ValueError
    except ValueError as e:
        pass
    try:
        return e
    except UnboundLocalError as u:
        return str(u)


def while_else(n):
    while n:
        n -= 1
        if n == 2:
            break
    else:
        return "else"
    return "break"


print(finally_overrides(), finally_in_loop())
nested()
print(name_unbound(), while_else(5), while_else(2))


def return_value_kept():
    x = 1
    try:
        return x
    finally:
        x = 2


def exception_swallowed():
    while True:
        try:
            raise ValueError
        finally:
            break
    return "swallowed"


print(return_value_kept(), exception_swallowed())
try:
    try:
        raise ValueError("first")
    finally:
        raise KeyError("second")
except KeyError as e:
    print(repr(e.__context__))
