"""Functions that only return a constant or an attribute, called in every way."""

import sys


def one():
    return 1


def text(a, b=2):
    return "text"


def value_of(x):
    return x.value


def second(a, b):
    return b.value


class Thing:
    kind = "class attribute"

    def __init__(self, value):
        self.value = value

    def get(self):
        return self.value

    def is_thing(self):
        return True

    def get_kind(self):
        return self.kind

    @property
    def prop(self):
        return self.value

    def __del__(self):
        print("gone", self.value, sys._getframe(1).f_code.co_name)


class Lazy:
    def __getattr__(self, name):
        return f"lazy {name}"


class Slotted:
    __slots__ = ("value",)


def main():
    thing = Thing(7)
    for i in range(12):
        got = one(), text(i), text(i, 3), text(a=1), thing.get(), thing.is_thing()
        assert got == (1, "text", "text", "text", 7, True), got
        assert (value_of(thing), second(None, thing), thing.prop, thing.get_kind()) == (
            7, 7, 7, "class attribute")  # fmt: skip
        assert value_of(Lazy()) == "lazy value"
    print("temporaries")
    for i in range(3):
        print(value_of(Thing(i)), Thing(i + 10).get(), Thing(i + 20).prop)
        print(text(Thing(i + 30)), second(Thing(1), Thing(2)))
        print((lambda: 5)(), (lambda t: t.value)(thing))
    print("misuse")
    for call in (lambda: one(1), lambda: text(), lambda: thing.get(1), lambda: value_of(3),
                 lambda: value_of(Slotted()), lambda: text(1, c=2)):  # fmt: skip
        for _ in range(3):
            try:
                call()
            except (TypeError, AttributeError) as e:
                message = f"{type(e).__name__}: {e}"
        print(message)
    print("changes")
    calls = [lambda: value_of(thing), lambda: thing.get(), lambda: thing.prop, one]
    print([c() for c in calls])
    thing.value = "changed"
    print([c() for c in calls])
    thing.__dict__["value"] = "through the dict"
    print([c() for c in calls])
    del thing.value
    for c in calls:
        try:
            print(c())
        except AttributeError as e:
            print("AttributeError:", e, "at", e.__traceback__.tb_next.tb_lineno > 0)
    Thing.value = "of the class"
    print([c() for c in calls])
    one.__code__ = (lambda: "another code").__code__
    print([c() for c in calls])
    del Thing.value
    thing.value = "last"


def deep(n):
    return one() if n == 0 else deep(n - 1)


def at_the_limit():
    limit = sys.getrecursionlimit()
    depths = []
    for n in range(limit - 40, limit):
        try:
            deep(n)
        except RecursionError:
            depths.append(n)
    return len(depths) > 0 and depths[0] - limit


def many():
    """More functions than are remembered at once, each called at a site of its own."""
    kinds = ["x.value", "1", "x", "x.value + 0"]
    source = [f"def f{i}(x): return {kinds[i % 4]}\ndef c{i}(x): return f{i}(x)" for i in range(1500)]
    namespace = {}
    exec("\n".join(source), namespace)
    slotted = Slotted()
    slotted.value = 4
    thing = Thing(3)
    for x in (thing, slotted, thing):
        got = [namespace[f"c{i}"](x) for i in range(1500)]
        assert got == [x.value, 1, x, x.value] * 375
    return len(got)


main()
print("many", many())
print("limit", at_the_limit())
