a = [1, 2, 3]
a.append(4)
a += [5]
a += (6, 7)
a.extend("ab")
a.insert(0, 0)
a.insert(-1, "x")
a.insert(100, "end")
print(a, len(a), a.pop(), a.pop(0), a.index("x"), a.count(3))
a.remove("x")
a.reverse()
print(a, a[::-1], a[1:3], a[-2:], a[::3], a[5:1:-2])
a[1:3] = [10, 20, 30]
a[::2] = ["e"] * len(a[::2])
print(a)
del a[0], a[-1]
del a[1:3]
print(a, a * 2, 3 * [0], [] * 5, [1] + [2], a == list(a), [1, 2] < [1, 3], [1] < [1, 0], [2] > [1, 9])
b = a
b += ["shared"]
print(a is b, a[-1])
b = b + ["new"]
print(a is b)
c = a.copy()
c.clear()
print(len(a), c, not c, bool(a))
nested = [[0] * 3 for _ in range(2)]
nested[0][1] = 5
alias = [[0]] * 3
alias[0].append(1)
print(nested, alias)
print(sorted([3, 1, 2], reverse=True), sorted("bca"), sorted(["b", "A", "c"], key=str.lower), sorted([(1, "b"), (1, "a")]))
d = [5, 3, 9]
d.sort(key=lambda x: -x)
print(d, d.sort(), d, max(d), min(d), sum(d), any(d), all([]), list(reversed(d)), list(enumerate(d, 1)), list(zip(d, "abc")))
r = [1]
r.append(r)
print(r, r == r, len(r))
for bad in (lambda: a[100], lambda: a["x"], lambda: [].pop(), lambda: a.remove("zz"), lambda: a.index("zz"), lambda: a + (1,), lambda: a * 1.5,
            lambda: [1] < ["a"], lambda: sorted([1, "a"]), lambda: a.insert(1), lambda: [][0:1:0], lambda: [].__setitem__(0, 1),
            lambda: a.append(), lambda: list(5), lambda: max([]), lambda: {[]: 1}, lambda: a[1.0], lambda: a.sort(1)):
    try:
        print(bad())
    except Exception as e:
        print(type(e).__name__, e)


class Weird:
    def __eq__(self, other):
        items.clear()
        return False


items = [Weird(), 1, 2]
print(5 in items, items)


class Key:
    def __init__(self, v):
        self.v = v

    def __lt__(self, o):
        return self.v < o.v


print([k.v for k in sorted(map(Key, [3, 1, 2]))])
try:
    s = [3, 1, 2]
    s.sort(key=lambda x: s.append(x) or x)
except ValueError as e:
    print(e)
stack = []
for ch in "(()())":
    if ch == "(":
        stack.append(len(stack))
    else:
        print(stack.pop(), end=" ")
print()
matrix = [[1, 2], [3, 4]]
print([list(row) for row in zip(*matrix)], [x for row in matrix for x in row], matrix[1][0], matrix[-1][-1])
i = 0
while i < len(matrix):
    matrix[i][i] += 10
    matrix[i] += [i]
    i += 1
print(matrix)
