import gc
import weakref


class D:
    def __init__(self, name):
        self.name = name

    def __del__(self):
        print("del", self.name)


def f():
    a = D("local a")
    b = D("local b")
    print("leaving")


f()
x = D("x1")
x = D("x2")
del x
D("temporary")
print("after temporary")
[D("in list"), D("in list 2")]
d = {"k": D("in dict")}
d["k"] = None


def g():
    D("expression").name
    y = D("y")
    y = 5
    return y


g()


def raising():
    z = D("z")
    raise ValueError


try:
    raising()
except ValueError as e:
    print("caught")
print("after except")


def args(a, *rest, **kw):
    print("called")


args(D("arg"), D("rest"), k=D("kw"))
print("done call")
r = weakref.ref(D("weak"))
print(r())
keep = D("keep")
r = weakref.ref(keep, lambda _: print("callback"))
print(r() is keep)
del keep
print(r())


class Cycle(D):
    def __init__(self, name):
        super().__init__(name)
        self.me = self


Cycle("cycle")
gc.collect()
for i in range(2):
    item = D(f"loop {i}")
print("loop done")
del item


def gen():
    v = D("in generator")
    yield 1
    yield 2


it = gen()
next(it)
del it
print("generator gone")
a, b = D("left"), D("right")
a = b = None
l = [D(str(i)) for i in range(3)]
l.clear()
D("chain").name.upper().lower()
print(D("in call").name)


class Resurrect:
    kept = []

    def __del__(self):
        Resurrect.kept.append(self)


Resurrect()
print(len(Resurrect.kept))
w = D("walrus") if True else None
w = (D("tuple 1"), D("tuple 2"))
w = None


def default(v=D("default")):
    pass


del default
print("end")
