"""Closures: counters over a nonlocal, curried functions, functions kept in lists."""

GROUP = "closures_generators"
N = 350_000
EXPECTED = -61244750000


def counter(start):
    count = start

    def step(by):
        nonlocal count
        count += by
        return count

    return step


def adder(a):
    return lambda b: lambda c: a + b + c


def compose(f, g):
    def both(x):
        return f(g(x))

    return both


def run(n):
    step = counter(10)
    functions = [adder(i)(i + 1) for i in range(8)]
    twice = compose(lambda x: x + 1, lambda x: x * 2)
    total = 0
    for i in range(n):
        total += step(1) & 15
        total += functions[i & 7](i)
        total -= twice(i)
    return total


if __name__ == "__main__":
    print(run(N))
