import inspect


def f(a, b: int = 2, *args, c, d=4, **kw) -> str:
    """Doc."""
    local = 1
    return locals()


print(f.__name__, f.__qualname__, f.__doc__, f.__module__, f.__defaults__, f.__kwdefaults__)
print(inspect.signature(f), f.__code__.co_argcount, f.__code__.co_kwonlyargcount, f.__code__.co_varnames)
f.custom = [1]
f.custom.append(2)
print(f.custom, f.__dict__, f(1, c=3))
f.__name__ = "renamed"
print(f, f.__name__) if False else print(f.__name__, repr(f).startswith("<function f"))


class C:
    def m(self):
        return self

    @classmethod
    def c(cls):
        return cls

    @staticmethod
    def s():
        return "s"


o = C()
print(o.m.__self__ is o, o.m.__func__ is C.m, C.c.__self__ is C, o.m() is o, C.m(5), o.m == o.m, o.m is o.m)
bound = o.m
del o
print(type(bound()).__name__, bound.__name__, C.s.__name__, C.m.__qualname__)
try:
    bound.attr = 1
except AttributeError as e:
    print(e)


def outer():
    x = 1

    def inner():
        return x

    return inner


i = outer()
print(i.__closure__[0].cell_contents, i.__code__.co_freevars, outer.__code__.co_cellvars, i.__qualname__)
i.__closure__[0].cell_contents = 50
print(i())
print(inspect.isfunction(f), inspect.ismethod(bound), inspect.isgeneratorfunction(lambda: (yield)), callable(f))
import copy
import pickle

print(copy.copy(f) is f, copy.deepcopy(f) is f, pickle.loads(pickle.dumps(outer)) is outer)
try:
    pickle.dumps(i)
except Exception as e:
    print(type(e).__name__)


def caller():
    frame = inspect.currentframe()
    return frame.f_code.co_name, frame.f_lineno - frame.f_code.co_firstlineno, frame.f_back.f_code.co_name, sorted(frame.f_locals)


print(caller())


def stack():
    return [s.function for s in inspect.stack()]


def level():
    return stack()


print(level())
import sys


def depth():
    return sys._getframe(1).f_locals["secret"]


def has_secret():
    secret = "found"
    return depth()


print(has_secret())


def modify():
    v = 1
    sys._getframe().f_locals["v"] = 2
    return v in (1, 2)


print(modify())
partial = f.__get__(10)
print(partial(c=1)["a"])
print(len.__name__, len.__self__.__name__, [].append.__self__, str.upper.__name__, type(str.upper).__name__, type(len).__name__, type([].append).__name__)
def gen_code():
    yield 1
print(bool(gen_code.__code__.co_flags & inspect.CO_GENERATOR), gen_code().gi_code is gen_code.__code__)
