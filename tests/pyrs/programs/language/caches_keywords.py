"""One call with keywords that sees many functions; functions whose defaults change."""


def plain(a, b=2, c=3):
    return "plain", a, b, c


def turned(c, b, a):
    return "turned", a, b, c


def only(*, a, b, c=None):
    return "only", a, b, c


def star(*rest, a, b=0, c=0):
    return "star", rest, a, b, c


def both(a, *rest, c=1, **more):
    return "both", a, rest, c, sorted(more.items())


def positional(a, /, b=5, *, c=6):
    return "positional", a, b, c


class Called:
    def __call__(self, a, b, c=0):
        return "called", a, b, c

    def method(self, a, b=1, *args, c=2):
        return "method", a, b, args, c

    @classmethod
    def of_class(cls, a, b, c):
        return cls.__name__, a, b, c

    @staticmethod
    def static(a, b, c):
        return "static", a, b, c


def attempt(f, *args):
    try:
        return f(*args)
    except TypeError as e:
        return str(e)


o = Called()
functions = [plain, turned, only, star, both, positional, o, o.method, Called.of_class, o.static, dict]
for turn in range(3):
    for f in functions:
        print(attempt(lambda: f(a=1, b=2)), attempt(lambda: f(1, c=3)), attempt(lambda: f(1, b=2, c=3)),
              attempt(lambda: f(1, 2, 3, 4, c=5)), attempt(lambda: f(1, 2, c=2, a=1)))

print(attempt(lambda: plain(1, d=1)), attempt(lambda: plain(1, a=1)), attempt(lambda: plain()))
for defaults in [(7, 8), (9,), None, (1, 2, 3)]:
    plain.__defaults__ = defaults
    print(attempt(lambda: plain(5, c=1)), attempt(lambda: plain(c=1)), attempt(lambda: plain(5)))
only.__kwdefaults__ = {"b": "new"}
print(attempt(lambda: only(a=1)), attempt(lambda: only(a=1, c=2)))
only.__kwdefaults__ = None
print(attempt(lambda: only(a=1)), attempt(lambda: only(a=1, b=2, c=2)))
plain.__code__, turned.__code__ = turned.__code__, plain.__code__
plain.__defaults__ = turned.__defaults__ = (1, 2)
for _ in range(2):
    print(attempt(lambda: plain(1, c=3)), attempt(lambda: turned(1, c=3)))


class Key(str):
    pass


big = 10**30
print(plain(a=big, c=big)[1] is big, star(big, a=1)[1][0] is big, star(1.5, a=2.5))
same, empty = (1, 2), ()
print(star(*same, a=1)[1] is same, star(a=0)[1] is empty)
print(both(**{Key("a"): 1, "z": 2}), both(1, *[2, 3], **{"y": 4}))


def depth(n, *, step=1):
    return 0 if n <= 0 else 1 + depth(n - step, step=step)


print(depth(500), depth(500, step=5))


def numbered(n, by=3, /, *rest, flag=False):
    yield n, by, rest, flag


print(list(numbered(1, flag=True)), list(numbered(1, 2, 3, 4)), [x for x in numbered(0)])


async def later(a, *, b=4):
    return a, b


try:
    later(1, b=2).send(None)
except StopIteration as e:
    print(e.value)
