class Manager:
    def __init__(self, name, swallow=False, fail=None):
        self.name, self.swallow, self.fail = name, swallow, fail

    def __enter__(self):
        print("enter", self.name)
        if self.fail == "enter":
            raise RuntimeError("enter failed")
        return self.name.upper()

    def __exit__(self, kind, value, tb):
        print("exit", self.name, kind and kind.__name__, value, tb is not None)
        if self.fail == "exit":
            raise RuntimeError("exit failed")
        return self.swallow


def attempt(f):
    try:
        print("->", f())
    except Exception as e:
        print("!!", type(e).__name__, e, "|", repr(e.__context__))


def plain():
    with Manager("a") as x:
        return x


def two():
    with Manager("a") as x, Manager("b") as y:
        return x + y


def raising():
    with Manager("a"), Manager("b", swallow=True):
        raise ValueError("v")
    return "swallowed"


def not_swallowed():
    with Manager("a"):
        {}["k"]


def enter_fails():
    with Manager("a"), Manager("b", fail="enter"):
        print("never")


def exit_fails():
    with Manager("a"), Manager("b", fail="exit"):
        raise ValueError("v")


def in_loop():
    result = []
    for i in range(4):
        with Manager(str(i)):
            if i == 1:
                continue
            if i == 2:
                break
            result.append(i)
    return result


def parenthesised():
    with (
        Manager("a") as x,
        Manager("b"),
    ):
        pass
    return x


for f in (plain, two, raising, not_swallowed, enter_fails, exit_fails, in_loop, parenthesised):
    print(f.__name__)
    attempt(f)


class NoExit:
    def __enter__(self):
        print("never entered")


class OnInstance:
    def __init__(self):
        self.__enter__ = self.__exit__ = lambda *a: None


for bad in (5, NoExit(), OnInstance()):
    try:
        with bad:
            pass
    except TypeError as e:
        print(e)
with Manager("target") as [first, *rest]:
    print(first, rest)
