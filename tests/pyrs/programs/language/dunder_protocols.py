class Log:
    def __init__(self, name):
        object.__setattr__(self, "name", name)

    def __getattribute__(self, n):
        if n == "probe":
            return "probed"
        return object.__getattribute__(self, n)

    def __dir__(self):
        return ["b", "a"]

    def __sizeof__(self):
        return 100

    def __class_getitem__(cls, item):
        return f"{cls.__name__}[{item}]"

    def __instancecheck__(self, o):
        return o == 5

    def __complex__(self):
        return 1j

    def __int__(self):
        return 42

    def __trunc__(self):
        return 7

    def __ceil__(self):
        return 8

    def __floor__(self):
        return 9

    def __length_hint__(self):
        return 3

    def __copy__(self):
        return "copied"

    def __bytes__(self):
        return b"bytes"

    def __fspath__(self):
        return "path"

    def __missing__(self, k):
        return "never"

    def __hash__(self):
        return 77

    def __del__(self):
        pass


import copy
import math
import os

o = Log("o")
print(o.probe, dir(o), Log[int], isinstance(5, o), complex(o), int(o), math.trunc(o), math.ceil(o), math.floor(o), copy.copy(o), bytes(o), os.fspath(o), hash(o))


class Rev:
    def __radd__(self, o):
        return ("radd", o)

    def __rsub__(self, o):
        return ("rsub", o)

    def __rmod__(self, o):
        return ("rmod", o)

    def __rpow__(self, o, m=None):
        return ("rpow", o)

    def __rdivmod__(self, o):
        return ("rdivmod", o)

    def __rlshift__(self, o):
        return ("rlshift", o)

    def __rand__(self, o):
        return ("rand", o)

    def __rmatmul__(self, o):
        return ("rmatmul", o)

    def __rtruediv__(self, o):
        return ("rtruediv", o)

    def __rfloordiv__(self, o):
        return ("rfloordiv", o)


r = Rev()
print(1 + r, 1 - r, 5 % r, 2**r, divmod(1, r), 1 << r, 1 & r, 1 @ r, 1.5 / r, 7 // r)
for f in (lambda: [1] + r, lambda: "x" + r, lambda: 1.5 + r, lambda: True + r, lambda: 2**70 + r, lambda: None + r):
    print(f())


class InPlace:
    def __init__(self):
        self.log = []

    def __iadd__(self, o):
        self.log.append(("iadd", o))
        return self

    def __imul__(self, o):
        self.log.append(("imul", o))
        return self

    def __ior__(self, o):
        return "replaced"

    def __ipow__(self, o):
        self.log.append(("ipow", o))
        return self

    def __imatmul__(self, o):
        self.log.append("imatmul")
        return self

    def __add__(self, o):
        return "add"

    def __sub__(self, o):
        return ("sub", o)


i = j = InPlace()
i += 1
i *= 2
i **= 3
i @= 4
print(i is j, i.log)
i |= 5
print(i)
j -= 1
print(j)


class Holder:
    x = 1


h = Holder()
h.x += 5
h.__dict__["y"] = [1]
h.y += [2]
d = {"k": 1, "l": [1]}
d["k"] -= 5
d["l"] *= 2
print(h.x, Holder.x, h.y, d)


class NoHash:
    __hash__ = None


class BadHash:
    def __hash__(self):
        return "x"


class BadLen:
    def __len__(self):
        return -1


class BadStr:
    def __str__(self):
        return 5


class BadIndex:
    def __index__(self):
        return "x"


class BadBool:
    def __bool__(self):
        return "x"


class BadIter:
    def __iter__(self):
        return self


class BadEq:
    def __eq__(self, o):
        raise RuntimeError("eq")


for f in (lambda: hash(NoHash()), lambda: {BadHash(): 1}, lambda: len(BadLen()), lambda: str(BadStr()), lambda: [1][BadIndex()], lambda: not BadBool(),
          lambda: list(BadIter()), lambda: 1 in [BadEq()], lambda: [BadEq()].index(1), lambda: f"{BadStr()}", lambda: range(BadIndex()), lambda: bytes(BadIndex())):
    try:
        print(f())
    except Exception as e:
        print(type(e).__name__, e)


class Sub(int):
    def __eq__(self, o):
        return "sub eq"

    def __lt__(self, o):
        return "sub lt"

    def __add__(self, o):
        return "sub add"

    def __bool__(self):
        return False

    def __index__(self):
        return 1

    __hash__ = int.__hash__


s = Sub(5)
print(s == 5, 5 == s, s < 1, 1 > s, s + 1, 1 + s, not s, [10, 20, 30, 40, 50, 60][s], "yes" if s else "no", s - 1, -s, {5: "x"}.get(s))


class SubF(float):
    def __mul__(self, o):
        return "subf mul"

    __rmul__ = __mul__


class SubS(str):
    def __eq__(self, o):
        return "subs eq"

    def __getitem__(self, i):
        return ("subs", i)

    def __hash__(self):
        return 1

    def __add__(self, o):
        return "subs add"


class SubL(list):
    def __getitem__(self, i):
        return ("subl", i)

    def __len__(self):
        return 99

    def __iter__(self):
        return iter("subl")

    def append(self, x):
        super().append(("wrapped", x))


class SubD(dict):
    def __getitem__(self, k):
        return ("subd", k)

    def __contains__(self, k):
        return True

    def get(self, k, d=None):
        return "subd get"


sl = SubL([1, 2])
sl.append(3)
print(SubF(2) * 3, 3 * SubF(2), SubS("a") == "a", "a" == SubS("a"), SubS("ab")[0], SubS("a") + "b", "b" + SubS("a"), sl[0], len(sl), list(sl), [*sl], list.__len__(sl), sl.pop())
sd = SubD(a=1)
print(sd["a"], sd["zz"], "q" in sd, sd.get("a"), {**sd}, dict(sd), sd.pop("a"))
a, b, c, e = sl
print(a, b, c, e, [x for x in sl], sum(SubL([1, 2]).copy()), sorted(SubL([2, 1])))
