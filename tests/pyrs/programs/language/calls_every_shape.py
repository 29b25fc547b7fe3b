"""Every kind of signature, called in every way, again and again at the same site."""

import sys

SIGNATURES = [
    "", "a", "a, b=2", "a, /, b", "a, /, b=5, *, k", "*, k=1", "*, k", "*args", "a, *args",
    "a, b=7, *args, k=3", "**kw", "a, **kw", "a, /, **kw", "*args, **kw", "a, b=1, *args, k=2, **kw",
    "a, *, k, **kw", "self, other=None, *rest, end='', **options",
]  # fmt: skip
CALLS = [
    "f()", "f(1)", "f(1, 2)", "f(1, 2, 3, 4)", "f(a=1)", "f(1, b=2)", "f(1, k=9)", "f(k=4)",
    "f(1, 2, k=5)", "f(a=1, b=2, k=3)", "f(1, a=2)", "f(z=1)", "f(1, z=2, k=3)", "f(*none)",
    "f(*one)", "f(*three)", "f(*three, k=6)", "f(0, *three)", "f(*iter(three))", "f(**empty)",
    "f(**ak)", "f(1, **ka)", "f(*one, **ka)", "f(*three, **{'z': 0})", "f(**{1: 2})", "f(*5)",
    "f(**5)", "f(1, **{'a': 1})", "f(k=1, **ka)", "f(big, 1.5, 'text')", "f(*[big, 2**70])",
    "f(Text('k'), **{Text('k'): 1})",
]  # fmt: skip


class Text(str):
    pass


class Loud:
    def __init__(self, name):
        self.name = name

    def __repr__(self):
        return self.name

    def __del__(self):
        print("gone", self.name, sys._getframe(1).f_code.co_name)


def compile_all():
    source = ["def calls(f, none, one, three, empty, ak, ka, big):"]
    for call in CALLS:
        source += [f"    try:\n        yield {call!r}, {call}",
                   f"    except TypeError as e:\n        yield {call!r}, str(e)"]  # fmt: skip
    namespace = {"Text": Text}
    exec("\n".join(source), namespace)
    for i, signature in enumerate(SIGNATURES):
        exec(f"def f{i}({signature}):\n    return {{**locals()}}", namespace)
    return namespace.pop("calls"), [namespace[f"f{i}"] for i in range(len(SIGNATURES))]


def every_shape():
    calls, functions = compile_all()
    one, three, ak, ka = (10,), (11, "b", 2**40), {"a": 1, "k": 2}, {"k": 2}
    seen = {}
    for run in range(4):
        for f, signature in zip(functions, SIGNATURES):
            for call, result in calls(f, (), one, three, {}, ak, ka, 2**65):
                shown = f"({signature}) {call}: {result}".replace("<locals>.", "")
                if run == 0:
                    print(shown)
                    seen[signature, call] = shown
                assert seen[signature, call] == shown, (seen[signature, call], shown)


def new_tuples(*args):
    return args


def new_dicts(**kw):
    return kw


def identity():
    t, d = (1, 2), {"a": 1}
    for _ in range(3):
        print(new_tuples(*t) is t, new_tuples(*()) is new_tuples(), new_dicts(**d) is d, new_dicts() is new_dicts())
        big = 2**70
        print(new_tuples(*[big])[0] is big, new_dicts(x=big)["x"] is big)


def last_references():
    def take(a, *rest, **options):
        print("in take", a, rest, options)
        a = None
        print("a let go")
        rest = options = None
        print("rest let go")
        return 1

    def wrap(*args, **kw):
        return take(*args, **kw)

    for _ in range(2):
        take(Loud("one"), Loud("two"), key=Loud("three"))
        take(*[Loud("four"), Loud("five")])
        take(*(Loud("six"),), **{"key": Loud("seven")})
        wrap(Loud("eight"), Loud("nine"), key=Loud("ten"))


class Rest:
    def __new__(cls, x, *rest, k=5):
        print("new", rest, k)
        return object.__new__(cls)

    def __init__(self, x, *rest, k=5):
        print("init", rest, k)

    def __call__(self, x, *rest, k=5, **kw):
        return rest, k, kw

    def __getattr__(self, name, *rest, k=4):
        return rest, k

    def __add__(self, other, *rest, k=3):
        return rest, k


def special_methods():
    made = list(map(Rest, [1, 2]))
    r = made[0]
    print(list(map(r, [1])), list(map(Rest.__getattr__, made, "xy")), list(map(Rest.__add__, made, made)))
    for _ in range(3):
        print(r(1), r(1, 2, k=3, z=4), r.missing, r + r, Rest(7) is r)


every_shape()
identity()
last_references()
special_methods()
