"""Calls of every argument shape: positional, default, keyword, star, nested."""

GROUP = "function_calls"
N = 180_000
EXPECTED = 48599730000


def none():
    return 1


def three(a, b, c):
    return a + b + c


def default(a, b=2, c=3):
    return a + b + c


def keywords(a, *, k=0):
    return a + k


def stars(*args):
    return args[0] + len(args)


def nested(a):
    return three(a, none(), default(a))


def run(n):
    total = 0
    for i in range(n):
        total += none() + three(i, 1, 2) - default(i) + default(i, 1, c=i)
        total += keywords(i, k=3) + stars(i, 1, 2) - nested(i) + i
    return total


if __name__ == "__main__":
    print(run(N))
