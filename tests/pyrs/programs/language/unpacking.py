a, b = 1, 2
a, b = b, a
print(a, b)
a, (b, (c, d)), e = 1, (2, (3, 4)), 5
print(a, b, c, d, e)
first, *rest = range(5)
*start, last = "abc"
x, *middle, y = [1, 2]
print(first, rest, start, last, x, middle, y)
[a, *b], c = ("xyz", 0)
print(a, b, c)
for i, (name, *values) in enumerate([("a", 1, 2), ("b",)]):
    print(i, name, values)
print([*range(3), *"ab"], (*[1], 2), {*[1, 1, 2]} == {1, 2}, {**{"a": 1}, "b": 2, **{"a": 3}})


def attempt(f):
    try:
        f()
    except Exception as e:
        print(type(e).__name__, e)


def too_few():
    a, b, c = 1, 2


def too_many():
    a, b = 1, 2, 3


def too_many_list():
    a, b = [1, 2, 3]


def not_enough_star():
    a, b, *c = [1]


def not_iterable():
    a, b = 5


def from_generator():
    a, b = (x for x in range(5))


for f in (too_few, too_many, too_many_list, not_enough_star, not_iterable, from_generator):
    attempt(f)


class Noisy:
    def __iter__(self):
        for i in range(4):
            print("give", i)
            yield i


a, b, *c = Noisy()
print(a, b, c)


class Target:
    def __setattr__(self, name, value):
        print("set", name, value)

    def __setitem__(self, key, value):
        print("item", key, value)


t = Target()
t.x, t[1], *t.y = range(4)
a = b = c = []
print(a is b is c)
for t.z in range(2):
    pass
for [m, n] in [(1, 2), "ab"]:
    print(m, n)
