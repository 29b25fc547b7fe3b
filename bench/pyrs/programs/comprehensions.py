"""List, set, dict and generator comprehensions, nested and filtered."""

GROUP = "collections"
N = 300_000
EXPECTED = (299900, 159, 50000, 656979)


def run(n):
    squares = [x * x for x in range(n)]
    odd = [x for x in squares if x & 1]
    pairs = [(i, j) for i in range(n // 200) for j in range(100) if i != j]
    ends = {x % 1000 for x in squares}
    index = {i: x for i, x in enumerate(odd) if x % 3 == 0}
    total = sum(x % 7 for x in squares)
    rows = [[i * j for j in range(20)] for i in range(n // 100)]
    return len(odd) + len(pairs), len(ends), len(index), total + rows[-1][-1]


if __name__ == "__main__":
    print(run(N))
