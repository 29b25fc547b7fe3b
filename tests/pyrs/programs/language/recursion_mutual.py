def ackermann(m, n):
    if m == 0:
        return n + 1
    if n == 0:
        return ackermann(m - 1, 1)
    return ackermann(m - 1, ackermann(m, n - 1))


def hofstadter_f(n):
    return 1 if n == 0 else n - hofstadter_m(hofstadter_f(n - 1))


def hofstadter_m(n):
    return 0 if n == 0 else n - hofstadter_f(hofstadter_m(n - 1))


def hanoi(n, a="a", b="b", c="c"):
    return [] if n == 0 else hanoi(n - 1, a, c, b) + [a + c] + hanoi(n - 1, b, a, c)


def permutations(items):
    if not items:
        return [[]]
    return [
        [x, *rest]
        for i, x in enumerate(items)
        for rest in permutations(items[:i] + items[i + 1 :])
    ]


def queens(n, row=0, columns=(), up=(), down=()):
    if row == n:
        return 1
    return sum(
        queens(n, row + 1, (*columns, c), (*up, row + c), (*down, row - c))
        for c in range(n)
        if c not in columns and row + c not in up and row - c not in down
    )


print(ackermann(2, 3), ackermann(1, 10))
print([hofstadter_f(i) for i in range(12)], [hofstadter_m(i) for i in range(12)])
print(hanoi(3))
print(permutations([1, 2, 3]))
print([queens(n) for n in range(1, 7)])
y = lambda f: (lambda x: x(x))(lambda x: f(lambda *a: x(x)(*a)))
print(y(lambda f: lambda n: 1 if n == 0 else n * f(n - 1))(20))
