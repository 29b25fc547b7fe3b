"""Code that runs with other globals, or other builtins, than it did before."""

import builtins
import types

SOURCE = """
def add(x):
    return x + step

def through(x):
    return add(x)

def count(n):
    total = 0
    for i in range(n):
        total += step + len((1, 2))
    return total
"""
NAMES = ("add", "through", "count")


def made(**names):
    space = {"__builtins__": builtins, "step": 3, **names}
    exec(SOURCE, space)
    for _ in range(50):
        space["add"](1), space["through"](1), space["count"](3)
    return space


def with_globals(space, of):
    """The functions of one, in those globals."""
    for name in NAMES:
        space[name] = types.FunctionType(of[name].__code__, space)
    return space


def results(space):
    return [[space[name](5) for _ in range(6)][-1] for name in NAMES]


def copies():
    for copied in (dict, dict.copy, lambda d: {**d}, lambda d: d | {}):
        first = made()
        second = with_globals(copied(first), first)
        second["step"] = 10
        print(results(first), results(second), results(first))
        del first
        print(results(second))


def restored():
    space = made()
    saved = space.copy()
    saved["step"] = 100
    functions = {name: space[name] for name in NAMES}
    space.clear()
    print([type(outcome(functions["add"])).__name__])
    space.update(saved)
    saved.clear()
    print([functions[name](5) for name in NAMES])


def outcome(function):
    try:
        return function(1)
    except Exception as e:
        return e


class Mapping:
    def __getitem__(self, name):
        return (lambda *_: 7) if name == "len" else getattr(builtins, name)


def of_instances():
    class Holder:
        pass

    a, b = Holder(), Holder()
    for holder, step in (a, 1), (b, 2):
        holder.__builtins__ = builtins
        holder.step = step
    code = made()
    for holder in (a, b, a, b):
        functions = [types.FunctionType(code[name].__code__, vars(holder)) for name in ("add", "count")]
        print([[f(5) for _ in range(3)] for f in functions])


def other_builtins():
    space = made()
    mine = dict(vars(builtins))
    mine["len"] = lambda _: 77
    for found in (mine, Mapping(), builtins, 5, "text", [1, 2, 3], None, 1.5, object()):
        space["__builtins__"] = found
        count = types.FunctionType(space["count"].__code__, space)
        what = [outcome(lambda _: count(4)) for _ in range(5)][-1]
        print(type(found).__name__, what if isinstance(what, int) else type(what).__name__)


copies()
restored()
of_instances()
other_builtins()
