def classify(n):
    if n < 0:
        return "negative"
    elif n == 0:
        return "zero"
    elif n < 10:
        return "small"
    else:
        return "large"


print([classify(n) for n in (-5, 0, 7, 70)])
for i in range(3):
    for j in range(3):
        if j == 2:
            break
        if i == 1:
            continue
        print(i, j)
    else:
        print("never")
else:
    print("outer else")
for _ in []:
    pass
else:
    print("empty else")
n = 5
while True:
    n -= 1
    if n == 3:
        continue
    if n < 1:
        break
    print(n)
x = 5 if n else 6
print(x, "a" if 1 < 2 < 3 else "b", 1 < 3 > 2, 1 == 1.0 != 2, not 1 == 2)
for i in range(10):
    if i % 2:
        continue
    elif i > 6:
        break
print(i)
for i in range(0):
    pass
print(i)
items = [1, 2, 3]
for item in items:
    if item < 3:
        items.append(item + 10)
print(items)
total = 0
for i in range(10, 0, -3):
    total = total * 100 + i
print(total)
for a, b in {"x": 1, "y": 2}.items():
    print(a, b)
for c in "hé€":
    print(c, ord(c))
d = {"a": 1}
try:
    for k in d:
        d["b"] = 2
except RuntimeError as e:
    print(e)
it = iter([1, 2, 3, 4])
for x in it:
    print(x, next(it, None))


class Countdown:
    def __init__(self, n):
        self.n = n

    def __iter__(self):
        return self

    def __next__(self):
        if not self.n:
            raise StopIteration
        self.n -= 1
        return self.n


class BySequence:
    def __getitem__(self, i):
        if i > 2:
            raise IndexError
        return i * i


print(list(Countdown(3)), list(BySequence()), [x for x in iter(lambda it=iter([1, 2, 0]): next(it), 0)])
for bad in (5, None, object()):
    try:
        for _ in bad:
            pass
    except TypeError as e:
        print(e)
assert True
try:
    assert 1 == 2, "message"
except AssertionError as e:
    print("assert", e)
try:
    assert []
except AssertionError as e:
    print("assert", e.args)
pass
if (k := 10) > 5 and (m := k * 2):
    print(k, m)
while (line := next(it, None)) is not None:
    print(line)
print([0, 1][True], True + True, "ab"[False])
