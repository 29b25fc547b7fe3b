print([x * y for x in range(3) for y in range(x)])
print([(x, y) for x in "ab" if x != "c" for y in range(2) if y or x == "b"])
print({x % 3 for x in range(10)} == {0, 1, 2}, {k: v for k, v in zip("abc", range(3))})
print([[i * j for j in range(3)] for i in range(3)])
x = "outer"
print([x for x in range(2)], x)
print([(lambda: i)() for i in range(3)], [f() for f in [lambda: i for i in range(3)]])


class Scope:
    n = 3
    squares = [i * i for i in range(n)]
    try:
        bad = [n for _ in range(2)]
    except NameError as e:
        bad = type(e).__name__


n = 7
print(Scope.squares, Scope.bad if isinstance(Scope.bad, str) else "list")


def inside(k):
    return [k + i for i in range(3)], {i: k for i in range(2)}, sum(k * i for i in range(4))


print(inside(10))
g = (print("lazy", i) or i for i in range(3))
print("made")
print(next(g), list(g))
try:
    [1 / x for x in (1, 0)]
except ZeroDivisionError as e:
    print(e)
print([y := 5, y + 1], y)
print([last := i for i in range(4)], last)
print(any(x > 2 for x in range(5)), all(x > 2 for x in range(5)), max((x % 4 for x in range(9))))
print([a + b for a, b in zip([1, 2], [3, 4])], [*{**{i: i for i in range(3)}}.values()])
print([c for line in ["ab", "cd"] for c in line], sorted((k, len(v)) for k, v in {"a": [1]}.items()))


def nested_generators():
    return [list(j for j in range(i)) for i in range(4)]


print(nested_generators())
try:
    (x for x in 5)
except TypeError as e:
    print(e)
