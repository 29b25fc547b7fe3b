"""What making a class calls: in which order, with what, and how its errors look."""

import traceback

log = []


class D:
    def __init__(s, n):
        s.n = n

    def __set_name__(s, o, name):
        log.append(("set_name", s.n, o.__name__, name))


class B:
    def __init_subclass__(cls, **kw):
        log.append(("init_subclass", cls.__name__, kw, hasattr(cls, "a")))
        super().__init_subclass__()


class C(B, x=1):
    a = D(1)
    b = D(2)


class M(type):
    @classmethod
    def __prepare__(m, name, bases, **kw):
        log.append(("prepare", name, bases, kw))
        return {"z": 1}

    def __new__(m, name, bases, ns, **kw):
        log.append(("new", name, list(ns)))
        return super().__new__(m, name, bases, ns)

    def __init__(c, name, bases, ns, **kw):
        log.append(("init", name, kw))
        super().__init__(name, bases, ns)

    def __call__(c, *a):
        log.append(("call", c.__name__))
        return super().__call__(*a)


class E(B, metaclass=M, k=3):
    q = D(3)

    def f(self):
        return __class__


E()
assert E().f() is E
type("T", (B,), {"t": D(4)}, y=2)
M("T2", (), {"t": D(5)}, y=2)
type.__new__(type, "T3", (B,), {"t": D(6)}, y=3)
type.__new__(*(type, "T4", (B,), {"t": D(6)}), **dict(y=3))


def fm(name, bases, ns, **kw):
    log.append((name, bases, sorted(ns), kw))
    return 7


class F(metaclass=fm, w=1):
    x = 1


log.append(F)
for l in log:
    print(l)


class Bad:
    def __set_name__(s, o, n):
        raise ValueError(n)


def place(x):
    # lines of the standard library move in each of its releases
    return (x.name, x.lineno, x.colno) if x.filename == __file__ else x.name


def tb(f):
    try:
        f()
    except BaseException as e:
        while e:
            print(
                type(e).__name__,
                e,
                [place(x) for x in traceback.extract_tb(e.__traceback__)],
            )
            e = e.__cause__ or e.__context__


def t1():
    class X(B):
        p = D(9)
        a = Bad()
        b = Bad()


def t2():
    type("X", (), {"a": Bad()})


def t3():
    class X(metaclass=M):
        a = Bad()


def t4():
    class X(B, object, zz=1):
        pass

    class Y(zz=1):
        a = D(12)


def t5():
    class Q:
        def __init_subclass__(cls):
            1 / 0

    class R(Q):
        a = D(10)


def t6():
    class PM(type):
        def __prepare__(*a):
            return 3

    class R(metaclass=PM):
        pass


def t7():
    class PM(type):
        def __init__(c, *a):
            return 3

    class R(metaclass=PM):
        pass


def t8():
    class PM(type):
        def __new__(c, *a):
            return 3

    class R(metaclass=PM):
        pass

    print(R)


def t9():
    class PM(type):
        def __new__(c, n, b, ns):
            ns.pop("__classcell__")
            return super().__new__(c, n, b, ns)

    class R(metaclass=PM):
        def f(s):
            super().x


def t10():
    class PM(type):
        def __call__(c, *a):
            return a[0]

    class PMM(type, metaclass=PM):
        pass

    class R(metaclass=PMM):
        def f(s):
            super().x

    print(R)


def t11():
    import enum

    class En(enum.Enum):
        A = 1

        def __init__(s, v):
            1 / 0


for f in (t1, t2, t3, t4, t5, t6, t7, t8, t9, t10, t11):
    print(f.__name__)
    tb(f)
print(log[-6:])
