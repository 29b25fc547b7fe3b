def append(x, to=[]):
    to.append(x)
    return to


print(append(1), append(2), append(3, []), append(4))
print(append.__defaults__)


def evaluated(log=print("default evaluated")):
    return log


evaluated()
evaluated()
n = 1


def late(a=n, *, b=n + 1):
    return a, b


n = 10
print(late(), late.__defaults__, late.__kwdefaults__)
late.__defaults__ = (100,)
late.__kwdefaults__ = {"b": 200}
print(late())
late.__defaults__ = None
try:
    late()
except TypeError as e:
    print(e)
print((lambda a, b=2, *c, d=4, **e: (a, b, c, d, e))(1, d=3, f=5))


def annotated(a: int, b: "str" = "x", *args: float, c: bool = True, **kw: dict) -> list:
    return [a, b]


print(sorted(annotated.__annotations__), annotated(1))
del annotated.__defaults__
try:
    annotated(1)
except TypeError as e:
    print(e)
