"""A collection that begins in the middle of an instruction: what finalisers see of the frame."""

import gc
import sys

seen = []


class Ends:
    def __del__(self):
        frame = sys._getframe(1)
        seen.append((frame.f_code.co_name, frame.f_lineno, frame.f_back.f_code.co_name))


class Plain:
    pass


class Made:
    def __init__(self, a, b=2):
        self.a = a
        self.b = b


def lists(k):
    a = [k]
    b = [k, a]

    return [a, b]


def tuples(k):
    a = [k]

    b = (a, k)
    return (b, a)


def sets(k):
    a = {k}

    return {k, 2}, a


def dicts(k):
    a = {}
    b = {k: k}

    return {k: a, "b": b}


def constant_keys(k):

    return {"a": k, "b": k}


def functions(k):
    f = lambda: k

    def g(a=[k]):
        return a

    return f, g


def slices(k):
    a = (k, k)[0:]

    return [a][:k], slice(k)


FEW = [1, 2, 3]
PAIR = (1, 2)


def parts(k):

    return FEW[0:2]


def parts_of_tuples(k):

    return PAIR[k:]


def divided(k):

    return divmod(k, 7)


def instances(k):
    a = Plain()

    a.k = Plain()
    return Made(1), Made(1, b=k), a


def generators(k):
    a = (k for _ in ())

    return list(a), [i for i in range(k)]


def iterators(k):
    a = [k]

    for _ in a:
        b = iter(a)
    return b


def methods(k):
    a = [k].append

    return Made(1).__repr__, a


def stars(k, *args, **kwargs):

    return stars_taken(k, *args, **kwargs), stars_taken(1, 2, 3, a=k)


def stars_taken(*args, **kwargs):
    return args, kwargs


def cells(k):
    j = k

    def inner():
        nonlocal j
        return j

    return inner()


def exceptions(k):
    try:
        raise ValueError(k)
    except ValueError as e:
        return [e]


THRESHOLD = gc.get_threshold()


def allocating(make):
    """The next collection begins while `make` makes something."""
    cycle = Plain()
    cycle.cycle = cycle
    cycle.ends = Ends()
    cycle = None
    gc.set_threshold(1)

    made = make(1)
    gc.set_threshold(*THRESHOLD)
    return made


gc.disable()
for make in (lists, tuples, sets, dicts, constant_keys, functions, slices, parts, parts_of_tuples, divided, instances, generators, iterators, methods,
             stars, cells, exceptions):  # fmt: skip
    for _ in range(3):
        gc.collect()
        gc.enable()
        made = allocating(make)
        gc.disable()
        del made
    print(make.__name__, seen)
    seen.clear()
