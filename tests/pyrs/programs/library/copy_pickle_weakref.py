import copy
import pickle
import weakref


class Node:
    def __init__(self, v, next=None):
        self.v, self.next = v, next

    def __eq__(self, o):
        return isinstance(o, Node) and (self.v, self.next) == (o.v, o.next)


class Custom:
    def __init__(self, x):
        self.x = x

    def __reduce__(self):
        return Custom, (self.x + 1,)


class State:
    def __getstate__(self):
        return {"saved": 1}

    def __setstate__(self, state):
        self.restored = state


class Slots:
    __slots__ = ("a", "b")


a = [1, [2, 3], {"k": (4,)}]
b, c = copy.copy(a), copy.deepcopy(a)
a[1].append(9)
print(b[1] is a[1], c[1], copy.deepcopy({"t": (1, [2])}))
n = Node(1, Node(2))
print(copy.deepcopy(n) == n, pickle.loads(pickle.dumps(n)) == n, copy.copy(n).next is n.next)
print(pickle.loads(pickle.dumps(Custom(1))).x, copy.copy(Custom(1)).x, pickle.loads(pickle.dumps(State())).restored)
s = Slots()
s.a = 5
print(pickle.loads(pickle.dumps(s)).a, hasattr(copy.copy(s), "b"))
cyclic = [1]
cyclic.append(cyclic)
d = copy.deepcopy(cyclic)
print(d[1] is d, pickle.loads(pickle.dumps(cyclic))[1][0])
for value in (1, 2**100, 1.5, "é", b"x", None, True, (1,), {1, 2}, frozenset([1]), range(3), 1j, slice(1), Ellipsis, int, len, print):
    assert pickle.loads(pickle.dumps(value)) == value
for bad in (lambda: pickle.dumps(lambda: 0), lambda: pickle.dumps(x for x in []), lambda: pickle.loads(b"junk"), lambda: copy.copy(x for x in [])):
    try:
        bad()
    except Exception as e:
        print(type(e).__name__)


class Obj:
    def method(self):
        return "method"


o = Obj()
r, p = weakref.ref(o), weakref.proxy(o)
wd, ws = weakref.WeakValueDictionary(k=o), weakref.WeakSet([o])
wm = weakref.WeakMethod(o.method)
weakref.finalize(o, print, "finalized")
print(r() is o, p.method(), len(wd), len(ws), wm()())
del o
print(r(), len(wd), len(ws), wm())
try:
    p.method()
except ReferenceError as e:
    print(e)
import gc

gc.collect()
print(gc.isenabled(), gc.get_count()[0] >= 0)
