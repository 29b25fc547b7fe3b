print(1 is 1, None is None, [] is [], None is not None, "a" is not None, not None, not [], not [0], not not 5)
print(1 in [1], 1 not in [1], "a" in "abc", "k" in {"k": 1}, None in [None], 3 in range(5), 1 in (1.0,), [1] in [[1]])
print(None == 0, None != 0, (1, 2) == [1, 2], [] == (), "1" == 1, {} == set(), b"a" == "a", 1 == True, 0 == False, "" == False)
print(True and "x", 0 and 1 / 0, None or [], "" or 0 or None, 1 or 1 / 0, not 1 or 2, (1 and 2) or 3)
print(1 if [] else 2, (lambda: 1 if 0 else (2 if 0 else 3))(), [1, 2][False or True])
print(5 .__class__, type(...), NotImplemented is NotImplemented, ... is Ellipsis, type(None), bool(...))
for bad in (lambda: 1 < "a", lambda: None < None, lambda: [] < {}, lambda: 1 in 1, lambda: "a" in 5, lambda: 1 in "abc", lambda: None + 1, lambda: None[0], lambda: None.x, lambda: None(), lambda: 5(),
            lambda: "a"(), lambda: [1, 2](0), lambda: -None, lambda: not_defined, lambda: (1).x, lambda: [].x, lambda: {}.x(), lambda: print.x, lambda: int.x, lambda: None["a"], lambda: (1)["a"],
            lambda: int[0], lambda: {}(), lambda: object() + object(), lambda: object() < object(), lambda: [] @ [], lambda: {} | [], lambda: len(5), lambda: abs("x"), lambda: iter(5), lambda: next([]), lambda: hash([])):
    try:
        print(bad())
    except Exception as e:
        print(type(e).__name__, e)


class B:
    def __init__(self, v):
        self.v = v

    def __bool__(self):
        print("bool", self.v)
        return self.v


class L:
    def __len__(self):
        print("len")
        return 0


class Bad:
    def __bool__(self):
        return 1


print(bool(B(True)), not B(False), "yes" if L() else "no", B(True) and 5, B(False) or 6)
if B(False) or B(True) and not B(False):
    print("taken")
while B(False):
    pass
try:
    if Bad():
        pass
except TypeError as e:
    print(e)
assert B(True)
print([x for x in range(4) if B(x > 2)], any([B(False), B(True), B(True)]), all([B(True), B(False), B(True)]))
x = [1, 2]
y = x
x += [3]
print(y, x is y)
x = (1, 2)
y = x
x += (3,)
print(y, x is y)
print(id(x) == id(x), x == eval(repr(x)), type(x) is tuple, isinstance(x, (list, tuple)), callable(len), callable(5))
print(2 + 3 * 4**2 / 8 - 1, (2 + 3) * 4, -(2**2), (-2) ** 2, 2**3**2, 7 // 2 * 2 + 7 % 2, 1 << 2 + 1, 5 & 6 == 4, not 1 == 2)
del x, y
