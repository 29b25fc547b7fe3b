"""Small functions called over and over that set attributes, and take items of tuples and lists they make."""

import sys
import weakref

ROUNDS = 40


def report(name, *values):
    print(name, *values)


def outcome(function, *args):
    """What it returns, or what was raised and where."""
    try:
        return function(*args)
    except Exception as e:
        line = e.__traceback__
        while line.tb_next is not None:
            line = line.tb_next
        return f"{type(e).__name__}({e}) in {line.tb_frame.f_code.co_name}"


class Point:
    def __init__(self, x, y):
        self.x = x
        self.y = y

    def put(self, value):
        self.x = value
        return self.x

    def bump(self):
        self.x += 1
        return self.x

    def swap(self):
        self.x, self.y = self.y, self.x

    def both(self, x, y):
        self.y = y
        self.x = x
        return self.x, self.y

    def same(self, value):
        self.x = self.y = value
        return value

    def pick(self, i):
        return (None, self.x, self.y)[i]

    def pick_list(self, i):
        return ([], [self.x], [self.y, self.x])[i]

    def first_picked(self, i):
        return self.pick_list(i)[0]

    def pair(self):
        return self.x, self.y

    def total(self):
        x, y = self.pair()
        return x + y

    def wrong_count(self):
        x, y, z = self.pair()
        return x + y + z

    def steps(self, limit):
        self.x = 0
        if self.y > limit:
            if limit > 2:
                self.x = 1
        elif limit < 2:
            self.x = 2
        return self.x != 0

    def one_of(self, i, value):
        if i == 1:
            self.x = value
        else:
            self.y = value

    def add_new(self, value):
        self.z = value

    def follow(self):
        self.pair()[0].x = self.pair()[1].y

    def __repr__(self):
        return f"{type(self).__name__}({self.__dict__})"


class Checked(Point):
    def __setattr__(self, name, value):
        print("set", name, value, sys._getframe(1).f_code.co_name)
        object.__setattr__(self, name, value)


class Slotted:
    __slots__ = ("x", "y")
    put = Point.put
    pair = Point.pair


class Described(Point):
    x = property(lambda self: self.__dict__["_x"], lambda self, x: self.__dict__.update(_x=x))


class Ends:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        print("ended", self.name, sys._getframe(1).f_code.co_name)


class Number(int):
    pass


def copy_between(a, b):
    a.x = b.y
    b.y = a.x
    return b.y


def two_of_a_name(a, b):
    a.x = 1
    b.x = 2
    return a.x


def swap_between(a, b):
    a.x, b.x = b.x, a.x


def listing(a, b):
    return [a, b, a]


def in_tuple(a, b, i):
    return (a, b, (a, b))[i]


def star_or(i, *args):
    return (args, 5)[i]


def call(function, *args):
    """Its last result in a loop."""
    for _ in range(ROUNDS):
        result = outcome(function, *args)
    return result


p, q = Point(1, 2), Point(3, 4)
for name, args in (("put", (7,)), ("put", (10**20,)), ("put", (2.5,)), ("bump", ()), ("swap", ()),
                   ("both", (1000, "y")), ("same", (2000,)), ("same", ("text",)), ("pick", (1,)),
                   ("pick", (-1,)), ("pick_list", (2,)), ("first_picked", (1,)), ("pair", ()),
                   ("one_of", (1, 5)), ("one_of", (2, 6)), ("total", ()), ("wrong_count", ()),
                   ("steps", (1,)), ("steps", (3,)), ("steps", (7,)), ("add_new", (8,))):  # fmt: skip
    report(name, args, call(getattr(Point, name), p, *args), p)

for i in (0, 1, 2, 3, -3, -4, True, Number(1), None, 1.0, "1"):
    report("index", repr(i), [outcome(f, p, i) for f in (Point.pick, Point.pick_list, Point.first_picked)])
    report("in tuple", outcome(in_tuple, 1, 2, i), outcome(star_or, i, 3, 4))

# new each time, and the very objects
for _ in range(ROUNDS):
    one, other = p.pick_list(2), p.pick_list(2)
    one.append(3)
report("lists are new", one, other, one is other, listing(p, q)[0] is listing(p, q)[2] is p)
for _ in range(ROUNDS):
    big = p.put(10**6 + len(one))
report("the object stored is returned", big is p.x, p.same(10**7 + len(one)) is p.x is p.y)

# who is the same object meanwhile
for f in (copy_between, two_of_a_name, swap_between):
    for a, b in ((p, q), (q, p), (p, p)):
        a.x, a.y, b.x, b.y = 1, 2, 3, 4
        report(f.__name__, call(f, a, b), a, b, a is b)

# classes of the same methods
for cls in (Checked, Described):
    o = cls(1, 2)
    for _ in range(3):
        report(cls.__name__, outcome(o.put, 5), outcome(o.swap), outcome(o.both, 1, 2), o)
o = Slotted()
report("slots", call(Slotted.put, o, 3), outcome(o.pair))
for _ in range(3):
    report("no such attribute", outcome(Point.put, 5, 6), outcome(Point.bump, object()), outcome(Point.swap, p))

# instances with a dict of their own, attributes that come and go
d = Point(1, 2)
report("dict", d.__dict__, call(Point.put, d, 3), d.__dict__)
del d.y
report("deleted", outcome(d.pair), call(Point.put, d, 4), d.__dict__, outcome(d.both, 5, 6), list(d.__dict__))
fresh = [Point.__new__(Point) for _ in range(ROUNDS)]
for i, o in enumerate(fresh):
    o.both(i, i) if i % 2 else o.one_of(2, i)
report("order of first stores", [list(o.__dict__) for o in fresh[-2:]])

# what is stored over ends in the frame that stores
for _ in range(ROUNDS):
    p.put(0)
p.x = Ends("replaced")
p.put(1)
p.x, p.y = Ends("first"), Ends("second")
p.both(Ends("third"), 2)
p.swap()
p.both(3, 4)
p.x = p.y = Ends("twice")
p.both(5, 6)
p.same(Ends("kept")).name
p.same(7)
r = weakref.ref(Point(1, 2), lambda _: print("gone", sys._getframe(1).f_code.co_name))
p.put(r())
p.put(Point(8, 9))
report("temporary", Point(1, 2).put(3), Point(1, 2).bump(), Point(Ends("inner"), 1).put(4))
a = Point(Point(1, 2), Point(3, 4))
report("through items", call(Point.follow, a), a)

# the class changes
Point.pick = lambda self, i: "changed"
report("method changed", call(Point.first_picked, p, 1), p.pick(1))
Point.x = property(lambda self: "from the property", lambda self, value: print("property set", value))
report("attribute became a property", outcome(p.put, 3), outcome(p.pair), p)
del Point.x
report("and back", outcome(p.put, 3), outcome(p.pair), p)
