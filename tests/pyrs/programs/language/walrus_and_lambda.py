if (n := len("abc")) > 2:
    print(n)
print([y for x in range(5) if (y := x * x) > 3], y)
while (x := n) > 0:
    n -= 1
print(x, n)
f = lambda x, *args, y=2, **kw: (x, args, y, kw)
print(f(1), f(1, 2, 3, y=4, z=5), (lambda: 5)(), (lambda x: lambda y: x * y)(3)(4))
print(sorted([(2, "b"), (1, "c")], key=lambda p: p[1]), list(map(lambda a, b: a + b, [1, 2], [3, 4])), list(filter(None, [0, 1, "", "a"])))
print((lambda *a: sum(a))(*range(5)), (lambda **k: k)(a=1), max([1, -5, 3], key=abs), (lambda x=[]: x)() is (lambda: [])())
compose = lambda *fs: (lambda x: [x := g(x) for g in fs][-1])
print(compose(lambda x: x + 1, lambda x: x * 2, str)(3))
print(f.__name__, (lambda: (yield))().__class__.__name__, (lambda: 0).__qualname__)
ops = {"+": lambda a, b: a + b, "-": lambda a, b: a - b, "/": lambda a, b: a / b if b else "div"}
print([ops[o](8, b) for o, b in zip("+-//", [1, 2, 4, 0])])
total = 0
print([total := total + v for v in range(5)], total)
any((found := v) > 2 for v in range(6))
print(found)
fact = lambda n: 1 if n < 2 else n * fact(n - 1)
print(fact(25))
def scope():
    values = [last := i for i in range(3)]
    return last, values, [i for i in range(last)]
print(scope())
print((a := 1, b := a + 1, a + b), f"{(z := 5)}{z}", {(k := "key"): (v := 1)}, k, v)
def default(x=(d := 5)):
    return x
print(default(), d)
cond = lambda x: "neg" if x < 0 else "zero" if x == 0 else "pos"
print([*map(cond, (-1, 0, 1))])
