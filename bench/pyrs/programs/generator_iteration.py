"""Generators in chains, with send, and trees walked by yield from."""

GROUP = "closures_generators"
N = 450_000
EXPECTED = (151875000000, 101249775000, 0)


def numbers(n):
    i = 0
    while i < n:
        yield i
        i += 1


def odd(source):
    for x in source:
        if x & 1:
            yield x


def scaled(source, by):
    for x in source:
        yield x * by


def running_total():
    total = 0
    while True:
        total += yield total


def tree(low, high):
    if low < high:
        middle = (low + high) // 2
        yield from tree(low, middle)
        yield middle
        yield from tree(middle + 1, high)


def run(n):
    total = 0
    for x in scaled(odd(numbers(n)), 3):
        total += x
    adding = running_total()
    next(adding)
    for i in range(n):
        last = adding.send(i)
    walked = 0
    for x in tree(0, n // 10):
        walked ^= x
    return total, last, walked


if __name__ == "__main__":
    print(run(N))
