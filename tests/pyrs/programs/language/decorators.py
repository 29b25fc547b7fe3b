import functools


def trace(f):
    @functools.wraps(f)
    def wrapper(*args, **kwargs):
        result = f(*args, **kwargs)
        print(f"{f.__name__}{args}{kwargs or ''} -> {result}")
        return result

    return wrapper


def repeat(n):
    def decorate(f):
        def wrapper(*a):
            return [f(*a) for _ in range(n)]

        return wrapper

    return decorate


@trace
def add(a, b=1):
    "adds"
    return a + b


@trace
@repeat(2)
def mul(a, b):
    return a * b


add(1)
add(1, b=5)
mul(2, 3)
print(add.__name__, add.__doc__, add.__wrapped__(1), mul.__name__)


class Count:
    def __init__(self, f):
        self.f, self.n = f, 0
        functools.update_wrapper(self, f)

    def __call__(self, *a):
        self.n += 1
        return self.f(*a)


@Count
def hello(name):
    return f"hello {name}"


print(hello("a"), hello("b"), hello.n, hello.__name__)


@functools.lru_cache(maxsize=None)
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


print(fib(80), fib.cache_info().hits)


@functools.singledispatch
def kind(x):
    return "object"


@kind.register
def _(x: int):
    return "int"


@kind.register(list)
def _(x):
    return f"list of {[kind(i) for i in x]}"


print(kind(1), kind("s"), kind([1, 2.0]))


@functools.total_ordering
class Version:
    def __init__(self, n):
        self.n = n

    def __eq__(self, o):
        return self.n == o.n

    def __lt__(self, o):
        return self.n < o.n


print(Version(1) <= Version(2), Version(3) >= Version(4), sorted([Version(2), Version(1)])[0].n)


def add_method(cls):
    cls.extra = lambda self: "extra"
    return cls


@add_method
class D:
    @trace
    def m(self):
        return 1

    @functools.cached_property
    def c(self):
        print("computing")
        return 9


d = D()
print(d.extra(), d.c, d.c)
print(functools.reduce(lambda a, b: a * 10 + b, range(5)), functools.partial(add, 1)(b=2))
decorators = [lambda f: lambda: f() + 1, lambda f: lambda: f() * 10]


@decorators[0]
@decorators[1]
def base():
    return 1


print(base())
