"""Special methods written in Python call each other to any depth on a small C stack."""

import resource
import subprocess
import sys

import pytest

pytest.importorskip("pyrs._pyrs", reason="needs the VM")

DEPTH = 20_000
PROGRAM = """
import sys
sys.setrecursionlimit(10_000_000)
depth = int(sys.argv[1])
left = 0

def down():
    global left
    left -= 1
    return left > 0

class C:
    def __add__(self, other): return down() and self + other
    def __radd__(self, other): return down() and 1 + self
    def __pow__(self, other): return down() and self ** other
    def __rpow__(self, other): return down() and 2 ** self
    def __neg__(self): return down() and -self
    def __eq__(self, other): return down() and self == other
    def __lt__(self, other): return True if down() and self < other else False
    def __gt__(self, other): return down() and 1 < self
    def __bool__(self): return True if down() and self else False
    def __len__(self): return down() and len(self)
    def __contains__(self, item): return True if down() and item in self else False
    def __getitem__(self, key): return down() and self[key]
    def __setitem__(self, key, value):
        if down(): self[key] = value
    def __delitem__(self, key):
        if down(): del self[key]
    def __call__(self, *args, **kwargs): return down() and self(*args, **kwargs)
    def __getattr__(self, name): return down() and self.missing
    @property
    def p(self): return down() and self.p
    @p.setter
    def p(self, value):
        if down(): self.p = value
    @p.deleter
    def p(self):
        if down(): del self.p
    def __iter__(self): return iter(()) if not down() else [x for x in self].__iter__()
    def __enter__(self):
        if down():
            with self: pass
    def __exit__(self, *args): return None

class Refuses:
    def __add__(self, other): return NotImplemented
    __lt__ = __iadd__ = __add__

class Accepts:
    def __radd__(self, other): return down() and other + self
    def __gt__(self, other): return down() and other < self

class Inplace:
    def __iadd__(self, other):
        if down(): self += 1
        return self

class Truth:
    def __init__(self): pass
    def __eq__(self, other): return self
    def __bool__(self): return True if down() and self == 1 else False

class Length:
    def __len__(self): return 1 if down() and self else 0

class Ne:
    def __eq__(self, other): return down() and self != other

class Attribute:
    def __getattribute__(self, name): return down() and self.x

class Hook:
    def __getattribute__(self, name): raise AttributeError
    def __getattr__(self, name): return down() and self.x

class Set:
    def __setattr__(self, name, value):
        if down(): self.x = value
    def __delattr__(self, name):
        if down(): del self.x

class Descriptor:
    def __get__(self, o, cls): return down() and (cls if o is None else o).d
    def __set__(self, o, value):
        if down(): o.d = value

class Described:
    d = Descriptor()

class Method:
    @property
    def m(self): return self.m.real if down() else 5

class Asked:
    def __iter__(self): return iter(self) if down() else iter(())
    def __next__(self): return down() and next(self)
    def __bool__(self): return bool(self) if down() else True

class Next:
    def __iter__(self): return self
    def __next__(self):
        if down():
            for x in self: pass
        raise StopIteration

class Text:
    def __repr__(self): return f"{self!r}" if down() else "r"
    def __format__(self, spec): return f"{self:{spec}}" if down() else spec

class Str:
    def __str__(self): return f"{self}" if down() else "s"

class StrByConversion:
    def __str__(self): return f"{self!s:>3}" if down() else "s"

class StrByRepr:
    def __repr__(self): return f"{self}" if down() else "r"

class Builtins:
    def __repr__(self): return repr(self) if down() else "r"
    def __str__(self): return str(self) if down() else "s"
    def __hash__(self): return hash(self) if down() else 1
    def __getattr__(self, name):
        if down(): return hasattr(self, "a") if name == "b" else getattr(self, name, None)
        raise AttributeError(name)
    @property
    def q(self): return getattr(self, "q") if down() else 1

class Missing(dict):
    def __missing__(self, key): return self[key] if down() else key

class Generic:
    def __class_getitem__(cls, key): return cls[key] if down() else key

class Delegates:
    def __iter__(self): return self
    def __next__(self):
        if down(): return next(delegating())
        raise StopIteration(1)

def delegating():
    yield (yield from Delegates())

class Awaits:
    def __await__(self): return drive(awaiting()) if down() else iter(())

class Format:
    def __format__(self, spec): return format(self, spec) if down() else spec

class FormatByStr:
    def __str__(self): return format(self) if down() else "s"

class Ascii:
    def __repr__(self): return ascii(self) if down() else "r"

class AsciiText:
    def __repr__(self): return f"{self!a}" if down() else "r"

class Anext:
    def __anext__(self): return anext(self) if down() else 1

class AnextDefault:
    def __anext__(self): return down() and anext(self, 2) and 1

class Enters:
    def __aenter__(self):
        if down(): drive(entering(Enters()))
        return Awaits()
    def __aexit__(self, *args):
        if down(): drive(entering(Enters()))
        return Awaits()

async def entering(o):
    async with o: pass

class Exits(Enters):
    async def __aenter__(self): pass
    def __aexit__(self, *args):
        if down(): drive(entering(Exits()))
        return Awaits()

async def awaiting():
    await Awaits()

class Aiter:
    def __aiter__(self):
        if down(): drive(iterating(Aiter()))
        return self
    def __anext__(self):
        if down(): drive(iterating(Aiter()))
        return Awaits()

async def iterating(o):
    async for _ in o: break

def drive(c):
    try:
        c.send(None)
    except StopIteration:
        return iter(())

class Called(type):
    def __call__(cls, *args): return super().__call__(*args)

class OfCalled(metaclass=Called):
    def __init__(self):
        if down(): OfCalled()

class CalledOnce(type):
    def __call__(cls): return super().__call__()

class OfCalledOnce(metaclass=CalledOnce):
    def __new__(cls):
        if down(): OfCalledOnce()
        return object.__new__(cls)

class New:
    def __new__(cls, *args):
        self = object.__new__(cls)
        if down(): New(*args)
        return self

class NewInit:
    def __new__(cls, *args): return object.__new__(cls)
    def __init__(self, *args):
        if down(): NewInit(*args)

class Init:
    def __init__(self, *args, **kwargs):
        if down(): Init(*args, **kwargs)

class InitSubclass:
    def __init_subclass__(cls, **kw):
        if down():
            class Next(InitSubclass, **kw): pass

class SetName:
    def __set_name__(self, owner, name):
        if down():
            class Next: a = self

class SetNameByType:
    def __set_name__(self, owner, name):
        if down(): type("Next", (), {"a": self})

class MetaPrepare(type):
    @classmethod
    def __prepare__(cls, name, bases):
        if down():
            class Next(metaclass=MetaPrepare): pass
        return {}

class MetaNew(type):
    def __new__(cls, *args):
        if down():
            class Next(metaclass=MetaNew): pass
        return super().__new__(cls, *args)

class MetaInit(type):
    def __init__(cls, *args):
        if down():
            class Next(metaclass=MetaInit): pass

class MetaCall(type):
    def __call__(cls, *args):
        if down():
            class Next(metaclass=OfMetaCall): pass

class OfMetaCall(type, metaclass=MetaCall): pass

def by_statement(meta):
    class First(metaclass=meta): pass
def below(base, **kw):
    class First(base, **kw): pass
def with_value(value):
    class First: a = value

class Meta(type):
    def __call__(cls): return down() and cls()
    def __getattr__(cls, name): return down() and cls.missing
    def __getitem__(cls, key): return down() and cls[key]

    def __instancecheck__(cls, o): return down() and isinstance(o, cls)
    def __subclasscheck__(cls, o): return down() and issubclass(o, (int, cls))

class OfMeta(metaclass=Meta): pass

c, items = C(), [1]
def loop(o):
    for x in o: pass
def enter(o):
    with o: pass
def plus(o): o += 1
def put(o): o.p = 1
def put_x(o): o.x = 1
def put_d(o): o.d = 1
def put_item(o): o[1] = 2
def drop(o): del o.p
def drop_x(o): del o.x
def drop_item(o): del o[1]

STEPS = [
    lambda: c + 1, lambda: 1 + c, lambda: c ** 2, lambda: 2 ** c, lambda: -c, lambda: c == 1,
    lambda: c < 1, lambda: 1 < c, lambda: not c, lambda: 1 in c, lambda: len(c),
    lambda: iter(Asked()), lambda: next(Asked()), lambda: bool(Asked()),
    lambda: c[1], lambda: put_item(c), lambda: drop_item(c), lambda: c(), lambda: c(1, k=2),
    lambda: c(*items), lambda: c.missing, lambda: c.p, lambda: put(c), lambda: drop(c),
    lambda: loop(c), lambda: enter(c), lambda: Refuses() + Accepts(), lambda: Refuses() < Accepts(), lambda: plus(Inplace()), lambda: Truth() == 1 or not Truth(),
    lambda: not Length(), lambda: Ne() != 1, lambda: Attribute().x, lambda: Hook().x,
    lambda: put_x(Set()), lambda: drop_x(Set()), lambda: Described().d, lambda: Described.d,
    lambda: put_d(Described()), lambda: Method().m, lambda: loop(Next()), lambda: New(1),
    lambda: NewInit(1), lambda: Init(1), lambda: Init(1, k=2), lambda: OfMeta(),
    lambda: OfMeta.missing, lambda: OfMeta[1],
    lambda: isinstance(1, OfMeta), lambda: issubclass(str, OfMeta),
    lambda: f"{Text()!r}", lambda: f"{Text():x}", lambda: f"{Str()}", lambda: f"{StrByConversion()!s:>3}",
    lambda: f"{StrByRepr()}", lambda: repr(Builtins()), lambda: str(Builtins()),
    lambda: hash(Builtins()), lambda: getattr(Builtins(), "a", None), lambda: hasattr(Builtins(), "b"),
    lambda: getattr(Builtins(), "q"), lambda: Missing()[1], lambda: Missing()["key"], lambda: Generic[1],
    lambda: next(delegating(), 1), lambda: drive(awaiting()), lambda: drive(iterating(Aiter())),
    lambda: OfCalled(), lambda: OfCalledOnce(),
    lambda: format(Format(), "x"), lambda: format(FormatByStr()), lambda: ascii(Ascii()), lambda: f"{AsciiText()!a}",
    lambda: anext(Anext()), lambda: drive(entering(Enters())), lambda: drive(entering(Exits())),
    lambda: below(InitSubclass), lambda: below(InitSubclass, k=1), lambda: with_value(SetName()),
    lambda: type("First", (), {"a": SetNameByType()}), lambda: type("First", (InitSubclass,), {}),
    *[lambda meta=meta: by_statement(meta) for meta in (MetaPrepare, MetaNew, MetaInit, OfMetaCall)],
    lambda: MetaNew("First", (), {}), lambda: MetaInit("First", (), {}),
    # CPython 3.11 itself goes on with NULL when this raises
    *([] if sys.gettrace() else [lambda: anext(AnextDefault(), 2)]),
]
for i, step in enumerate(STEPS):
    left = depth
    try:
        step()
        print(i, "ok" if left <= 0 else ("left", left))
    except RuntimeError as e:
        print(i, step.__code__.co_names, depth - left, e)
"""


def ends(kilobytes, depth):
    def limit():
        resource.setrlimit(resource.RLIMIT_STACK, (kilobytes << 10, kilobytes << 10))

    run = subprocess.run(
        [sys.executable, "-m", "pyrs", "-c", PROGRAM, str(depth)],
        preexec_fn=limit, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert (run.returncode, run.stderr[-2000:]) == (0, "")
    return [line for line in run.stdout.splitlines() if not line.endswith(" ok")]


# a frame that went over to CPython has its callees on the C stack
@pytest.mark.native
@pytest.mark.limits
@pytest.mark.parametrize("kilobytes", [256, 1024])
def test_special_methods_take_no_c_stack(kilobytes):
    assert ends(kilobytes, DEPTH) == []


@pytest.mark.limits
def test_tracing_takes_the_special_methods_back_to_the_c_stack():
    program = f"import sys; sys.settrace(lambda *a: None)\n{PROGRAM}"
    run = subprocess.run(
        [sys.executable, "-m", "pyrs", "-c", program.replace("10_000_000", "300"), "50000"],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip

    assert (run.returncode, run.stderr[-2000:]) == (0, "")
    assert "maximum recursion depth" in run.stdout
