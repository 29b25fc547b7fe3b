def which(e, *kinds):
    for kind in kinds:
        try:
            raise e
        except kind:
            return getattr(kind, "__name__", kind)
        except BaseException:
            pass
    return "none"


print(which(KeyError(1), ValueError, LookupError))
print(which(KeyError(1), (ValueError, KeyError)))
print(which(OSError(2, "x"), FileNotFoundError))


def ordered(e):
    try:
        raise e
    except (ZeroDivisionError, OverflowError):
        return "tuple"
    except ArithmeticError:
        return "arithmetic"
    except Exception:
        return "exception"
    except BaseException:
        return "base"


for e in (ZeroDivisionError(), FloatingPointError(), ValueError(), SystemExit(), KeyboardInterrupt()):
    print(type(e).__name__, ordered(e))
for bad in (5, "x", (ValueError, 5)):
    try:
        try:
            raise KeyError(1)
        except bad:
            pass
    except TypeError as e:
        print(e)


def kinds():
    print("evaluated")
    return ValueError


try:
    pass
except kinds():
    pass
try:
    raise ValueError
except kinds() as e:
    print("caught", type(e).__name__)


class Meta(type):
    def __instancecheck__(cls, instance):
        print("not asked")
        return True

    def __subclasscheck__(cls, sub):
        print("not asked either")
        return True


class Never(Exception, metaclass=Meta):
    pass


try:
    raise ValueError("real")
except Never:
    print("wrong")
except ValueError:
    print("right")
def deepest(n):
    try:
        if n:
            deepest(n - 1)
        else:
            raise ValueError("deep")
    except KeyError:
        print("never")


try:
    deepest(50)
except ValueError as e:
    tb, n = e.__traceback__, 0
    while tb:
        tb, n = tb.tb_next, n + 1
    print(n)
