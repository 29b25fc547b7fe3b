"""Attributes behind Python code: properties, descriptors, __getattribute__, __getattr__,
__setattr__, items and iterators; on instances, classes and metaclasses."""

import functools
import sys
import traceback
from enum import Enum

log = []


def plain(x):
    return x if isinstance(x, (int, float, str, type(None))) else type(x).__name__


def said(*what):
    log.append(tuple(map(plain, what)))


def described(e):
    chain = []
    while e is not None:
        names = [(f.name, f.lineno, f.colno) for f in traceback.extract_tb(e.__traceback__)]
        own = plain(getattr(e, "name", "-")), plain(getattr(e, "obj", "-"))
        chain.append((type(e).__name__, str(e), own, names[1:]))
        e = e.__context__
    return chain


def shown(function, *args):
    for _ in range(3):  # what the site has seen by then must not change the answer
        del log[:]
        try:
            outcome = plain(function(*args))
        except Exception as e:
            outcome = described(e)
        print(function.__name__, outcome, log)


def get(o):
    return o.attr


def call(o):
    return o.attr()


def call_args(o):
    return o.attr(1, k=2)


def set_(o):
    o.attr = 5


def delete(o):
    del o.attr


def augment(o):
    o.attr += 1


def all_ways(o):
    for way in get, call, call_args, set_, delete, augment:
        shown(way, o)


# -- properties ------------------------------------------------------------------------------


class Property:
    def __init__(self):
        self.value = 1

    @property
    def attr(self):
        said("get")
        return self.value

    @attr.setter
    def attr(self, value):
        said("set", value)
        self.value = value

    @attr.deleter
    def attr(self):
        said("delete")
        del self.value


class ReadOnly:
    @property
    def attr(self):
        return lambda *a, **k: ("called", a, k)


class Raises:
    @property
    def attr(self):
        raise AttributeError("inside")

    @attr.setter
    def attr(self, value):
        raise ValueError(value)


class RaisesOther:
    @property
    def attr(self):
        return self.missing

    attr = attr.deleter(lambda self: self.gone)


class FallsBack(Raises):
    def __getattr__(self, name):
        said("__getattr__", name)
        return 7


class FallsBackAndRaises(Raises):
    def __getattr__(self, name):
        raise AttributeError(f"no {name}")


class FallsBackOther(RaisesOther):
    def __getattr__(self, name):
        return 1 / 0


class Builtin:
    attr = property(len, setattr, id)


class Generator:
    @property
    def attr(self):
        yield 1


class Defaults:
    @property
    def attr(self, more=4, *args, key=5):
        return (more, args, key)


class TooMany:
    @property
    def attr(self, more):
        return more


for kind in (Property, ReadOnly, Raises, RaisesOther, FallsBack, FallsBackAndRaises, FallsBackOther,
             Builtin, Generator, Defaults, TooMany):  # fmt: skip
    print(kind.__name__)
    all_ways(kind())
    shown(get, kind)


# -- descriptors ---------------------------------------------------------------------------------


class Data:
    def __get__(self, o, cls):
        said("__get__", o, cls.__name__)
        return 3

    def __set__(self, o, value):
        said("__set__", o, value)

    def __delete__(self, o):
        said("__delete__", o)


class NonData:
    def __get__(self, o, cls=None):
        said("__get__", o, cls.__name__)
        return 3


class OnlySet:
    def __set__(self, o, value):
        said("only set", value)


class GetRaises:
    def __get__(self, o, cls):
        raise AttributeError("descriptor")


class HasData:
    attr = Data()


class HasNonData:
    attr = NonData()


class HasOnlySet:
    attr = OnlySet()


class HasRaises:
    attr = GetRaises()


class HasRaisesHook(HasRaises):
    def __getattr__(self, name):
        return 9


class Slots:
    __slots__ = ("other",)
    attr = NonData()


for kind in HasData, HasNonData, HasOnlySet, HasRaises, HasRaisesHook, Slots:
    print(kind.__name__)
    all_ways(kind())
    shown(get, kind)
    shown(call, kind)
shadowed = HasNonData()
shadowed.attr = 8
shown(get, shadowed)
shadowed = HasData()
shadowed.__dict__["attr"] = 8
shown(get, shadowed)
shadowed = HasOnlySet()
shadowed.__dict__["attr"] = 8
shown(get, shadowed)


class Evil:
    def __hash__(self):
        return hash("attr")

    def __eq__(self, other):
        return False


shadowed = HasNonData()
shadowed.__dict__[Evil()] = 1
shown(get, shadowed)


class Cached:
    @functools.cached_property
    def attr(self):
        said("computed")
        return 11


cached = Cached()
shown(get, cached)


class Color(Enum):
    RED = 1

    @property
    def attr(self):
        return self.name


shown(get, Color.RED)
print(Color.RED.value, Color(1) is Color.RED, Color["RED"])

# -- __getattr__, __getattribute__, __setattr__, __delattr__ -----------------------------------------


class Hook:
    present = 2

    def __init__(self):
        self.own = 1

    def __getattr__(self, name):
        said("__getattr__", name)
        if name == "attr":
            return 4
        raise AttributeError(name)


class Attribute:
    def __getattribute__(self, name):
        said("__getattribute__", name)
        if name == "attr":
            return 6
        return object.__getattribute__(self, name)


class AttributeRaises:
    def __getattribute__(self, name):
        raise AttributeError(f"refused {name}")


class AttributeAndHook(AttributeRaises):
    def __getattr__(self, name):
        said("__getattr__", name)
        return 12


class AttributeOther:
    def __getattribute__(self, name):
        raise KeyError(name)

    def __getattr__(self, name):
        said("never")


class Set:
    def __setattr__(self, name, value):
        said("__setattr__", name, value)
        if name != "attr":
            object.__setattr__(self, name, value)

    def __delattr__(self, name):
        said("__delattr__", name)
        raise AttributeError("not deleted")


class OnlyDelete:
    attr = 1

    def __delattr__(self, name):
        said("__delattr__", name)


class SetReturns:
    def __setattr__(self, name, value):
        return "ignored"


class InstanceHook:
    pass


def names(o):
    return (o.own, o.present, o.__class__.__name__, o.__dict__ == {"own": 1})


def absent(o):
    return o.nowhere


def absent_call(o):
    return o.nowhere()


for kind in (
    Hook,
    Attribute,
    AttributeRaises,
    AttributeAndHook,
    AttributeOther,
    Set,
    OnlyDelete,
    SetReturns,
):
    print(kind.__name__)
    all_ways(kind())
hook = Hook()
shown(names, hook)
shown(absent, hook)
shown(absent_call, hook)
instance_hook = InstanceHook()
instance_hook.__getattr__ = lambda name: 1
shown(get, instance_hook)


def changing():
    """Sites that saw a class without the method see it with it, and the other way round."""

    class C:
        pass

    o = C()
    seen = []
    for step in range(6):
        try:
            seen.append(get(o))
        except AttributeError:
            seen.append("no")
        if step == 0:
            C.__getattr__ = lambda self, name: "hook"
        elif step == 1:
            C.attr = property(lambda self: "property")
        elif step == 2:
            C.__getattribute__ = lambda self, name: "all"
        elif step == 3:
            del C.__getattribute__
        elif step == 4:
            del C.attr, C.__getattr__
    return " ".join(seen)


shown(changing)


class ReplacesItself:
    @property
    def attr(self):
        type(self).attr = property(lambda self: "second")
        return "first"


def twice(kind):
    o = kind()
    return (get(o), get(o))


shown(twice, ReplacesItself)


class LosesClass:
    def __getattribute__(self, name):
        object.__setattr__(self, "__class__", InstanceHook)
        raise AttributeError(name)

    def __getattr__(self, name):
        return "still asked"


shown(get, LosesClass())

# -- metaclasses -----------------------------------------------------------------------------------------


class Meta(type):
    @property
    def attr(cls):
        said("meta property")
        return 21

    def __getattr__(cls, name):
        said("meta __getattr__", name)
        if name == "raises":
            raise AttributeError(name)
        return 22

    def __setattr__(cls, name, value):
        said("meta __setattr__", name)
        super().__setattr__(name, value)

    def __getitem__(cls, item):
        return ("item", item)

    def __contains__(cls, item):
        return item == 1

    def __iter__(cls):
        return iter((1, 2))

    def __len__(cls):
        return 0

    def __add__(cls, other):
        return "class added"

    def __call__(cls, *args):
        said("meta __call__")
        return super().__call__(*args)


class WithMeta(metaclass=Meta):
    attr = 1
    described = NonData()


class PlainMeta(type):
    attr = NonData()


class WithPlainMeta(metaclass=PlainMeta):
    pass


def others(cls):
    return (cls.other, cls.described, cls[3], 1 in cls, 2 in cls, [*cls], not cls, cls + 1)


def raises(cls):
    return cls.raises


def make(cls):
    return cls()


for cls in WithMeta, WithPlainMeta:
    shown(get, cls)
    shown(set_, cls)
    shown(make, cls)
shown(others, WithMeta)
shown(raises, WithMeta)


class ClassGetItem:
    def __class_getitem__(cls, item):
        return ("class item", item)


print(ClassGetItem[1])

# -- items ----------------------------------------------------------------------------------------------------


class Items:
    def __getitem__(self, key):
        said("get", key)
        if key == 9:
            raise IndexError(key)
        return key

    def __setitem__(self, key, value):
        said("set", key, value)

    def __delitem__(self, key):
        said("delete", key)


def item(o, key):
    return o[key]


def item_one(o):
    return o[1]


def item_big(o):
    return o[100000]


def item_slice(o):
    return plain(o[1:2]) + plain(o[::2])


def item_set(o, key):
    o[key] = key


def item_delete(o, key):
    del o[key]


def item_augment(o):
    o[3] += 1


def slice_set(o):
    o[1:2] = 3
    del o[1:2]


class ListItems(list):
    def __getitem__(self, key):
        return ("list", key)


class DictItems(dict):
    def __getitem__(self, key):
        return ("dict", key)


class Missing(dict):
    def __missing__(self, key):
        return ("missing", key)


items = Items()
for key in 1, "k", 1.5, None, True, 2**80:
    shown(item, items, key)
    shown(item_set, items, key)
    shown(item_delete, items, key)
for way in item_one, item_big, item_slice, item_augment, slice_set:
    shown(way, items)
shown(item, items, 9)
shown(item_one, ListItems([1, 2]))
shown(item_one, DictItems({1: 2}))
shown(item_one, Missing())
shown(item_one, object())
print(list(zip(items, range(3))), 5 in items)

# -- iteration --------------------------------------------------------------------------------------------------


class Count:
    def __init__(self, n, end=StopIteration):
        self.n, self.end = n, end

    def __iter__(self):
        said("iter")
        return self

    def __next__(self):
        if self.n == 0:
            raise self.end
        self.n -= 1
        return self.n


class StopsWithValue(StopIteration):
    pass


def loop(o):
    total = 0
    for x in o:
        total += x
    else:
        said("else")
    return total


def nested(n):
    return sum(x * y for x in Count(n) for y in Count(x))


def comprehended(n):
    return str([x for x in Count(n)]) + str({x: 1 for x in Count(n)})


def unpacked(n):
    x, *y = Count(n)
    return (x, *y, *Count(2))


def broken(n):
    for x in Count(n):
        if x == 2:
            break
    return x


def delegated(n):
    def g():
        yield from Count(n)

    return str(list(g()))


def while_handling(n):
    try:
        raise KeyError("outer")
    except KeyError:
        for x in Count(n):
            pass
        return repr(sys.exc_info()[1])


class NoIterator:
    def __iter__(self):
        return 5


class NoneIterator:
    def __iter__(self):
        return None


class OwnIterator:
    def __iter__(self):
        return Count(2)


class GeneratorIterator:
    def __iter__(self):
        yield from (4, 5)


class NextOnly:
    def __next__(self):
        return 1


class NotIterable(list):
    __iter__ = None


for o in (Count(3), Count(0), Count(2, StopsWithValue("v")), Count(2, ValueError("end")), NoIterator(),
          NoneIterator(), OwnIterator(), GeneratorIterator(), NextOnly(), NotIterable()):  # fmt: skip
    shown(loop, o)
for way in nested, comprehended, unpacked, broken, delegated, while_handling:
    shown(way, 4)


class NextIsCallable:
    class Next:
        def __init__(self):
            self.n = 0

        def __call__(self):
            self.n += 1
            if self.n > 3:
                raise StopIteration
            return self.n

    __next__ = Next()

    def __iter__(self):
        return self


shown(loop, NextIsCallable())


def counts():
    o, p, hook, color = Count(0), Property(), Hook(), Color.RED
    watched = o, p, hook, color, Items.__getitem__, HasData.__dict__["attr"]
    before = [sys.getrefcount(x) for x in watched]
    for _ in range(200):
        for _ in o:
            pass
        p.attr, hook.attr, color.attr, items[1], HasData().attr
        p.attr = 1
        try:
            hook.nowhere
        except AttributeError:
            pass
        try:
            Raises().attr
        except AttributeError:
            pass
        FallsBack().attr
    del log[:]
    return before == [sys.getrefcount(x) for x in watched]


shown(counts)
