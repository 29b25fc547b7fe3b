def f(a, b, /, c, d=4, *args, e, g=7, **kwargs):
    return a, b, c, d, args, e, g, kwargs


print(f(1, 2, 3, e=5))
print(f(1, 2, c=3, e=5, d=0))
print(f(1, 2, 3, 4, 5, 6, e=7, g=8, a=9, b=10))
print(f(*(1, 2), *[3], **{"e": 5}, **{"h": 1}))
print(f(*range(6), e=1, **dict(zz=1)))


def g(a, b=2, *, c=3):
    return a, b, c


def h(*args):
    return args


def k(**kwargs):
    return kwargs


def none():
    return "none"


print(g(1), g(1, c=0), g(b=1, a=0), h(), h(1), h(*"ab", *[]), k(), k(x=1, **{"y": 2}), none())
bad_calls = [
    lambda: f(),
    lambda: f(1),
    lambda: f(1, 2),
    lambda: f(1, 2, 3),
    lambda: f(a=1, b=2, c=3, e=5),
    lambda: f(1, 2, 3, e=5, **{"e": 6}),
    lambda: f(1, 2, 3, c=3, e=5),
    lambda: g(),
    lambda: g(1, 2, 3),
    lambda: g(1, 2, 3, c=4),
    lambda: g(1, x=1),
    lambda: g(1, 2, b=2),
    lambda: g(1, **{1: 2}),
    lambda: h(x=1),
    lambda: k(1),
    lambda: none(1),
    lambda: none(1, 2),
    lambda: none(*5),
    lambda: none(**5),
    lambda: (lambda x, y: 0)(1),
    lambda: (lambda x, y, z: 0)(1),
    lambda: (lambda *, x, y: 0)(),
    lambda: (lambda a, b, c, d: 0)(),
]
for call in bad_calls:
    try:
        print(call())
    except TypeError as e:
        print(str(e).replace("__main__.", ""))
