import sys


def forever(n):
    return forever(n + 1)


def depth_of(f, *args):
    try:
        f(*args)
    except RecursionError as e:
        return str(e).startswith("maximum recursion depth exceeded")


class Endless:
    def __getattr__(self, name):
        return getattr(self, name + "x")

    def __repr__(self):
        return repr(self)

    def __add__(self, other):
        return self + other

    @property
    def p(self):
        return self.p


def generator(n):
    yield from generator(n + 1)


def mutual_a():
    return mutual_b()


def mutual_b():
    return mutual_a()


print(depth_of(forever, 0))
print(depth_of(lambda: Endless().anything))
print(depth_of(lambda: repr(Endless())))
print(depth_of(lambda: Endless() + 1))
print(depth_of(lambda: Endless().p))
print(depth_of(lambda: list(generator(0))))
print(depth_of(mutual_a))


def count(n):
    global deepest
    deepest = n
    count(n + 1)


for limit in (200, 1000, 3000):
    sys.setrecursionlimit(limit)
    try:
        count(1)
    except RecursionError:
        pass
    print(limit, deepest)


def handled(n):
    try:
        return handled(n + 1)
    finally:
        if n == 0:
            print("unwound")


try:
    handled(0)
except RecursionError:
    print("caught outside")
