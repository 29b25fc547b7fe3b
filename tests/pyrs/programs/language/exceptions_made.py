"""Exceptions of classes with an __init__ in Python: they keep the arguments, and their classes change."""

import sys


class Odd(Exception):
    def __init__(self, value, more=None):
        super().__init__(value)
        self.value = value


class Kept(Exception):
    def __init__(self, a, b):
        self.a = a
        self.b = b


class Changed(ValueError):
    def __init__(self, a):
        self.a = a


class File(OSError):
    def __init__(self, number, text):
        self.number = number


def odd(value):
    return Odd(value)


def kept(i):
    return Kept(i * 1000, i + 2**40)


for value in (1, 2**40, "x", 1.5, None, True, -1):
    e = odd(value)
    print(repr(e), e.args, e.value, e.args[0] is e.value)
for i in range(4):
    e = kept(i)
    print(e.args, e.a is e.args[0], e.b is e.args[1], e.__dict__)
for i in range(3):
    e = File(i, "no")
    print(e.number, e.args, e.errno)


def changed(value):
    return Changed(value)


print([changed(i).args for i in range(3)])
Changed.__new__ = lambda cls, value: ValueError.__new__(cls, "new", value)
print([changed(i).args for i in range(3)])
del Changed.__new__
print([changed(i).args for i in range(3)])
Changed.__init__ = lambda self, value: setattr(self, "other", value)
print([changed(i).other for i in range(3)])
del Changed.__init__
print([changed(i).args for i in range(3)])


def wrong(*args):
    try:
        return Kept(*args) if args else Kept(1)
    except TypeError as e:
        return str(e)


print([wrong() for _ in range(3)], wrong(1), wrong(1, 2).args)


def raising(n):
    total = 0
    for i in range(n):
        try:
            raise Kept(i, i + 1)
        except Kept as e:
            total += e.a + e.b + e.args[0]
    return total


print(raising(1000))
for _ in range(3):
    before = sys.getallocatedblocks()
    raising(2000)
    grown = sys.getallocatedblocks() - before
print(grown < 20)


def deep(n):
    try:
        return deep(n + 1)
    except RecursionError:
        return Kept(n, 1).a > 100


print(deep(0))
