"""Fibonacci numbers in a loop of small-int additions, the result cut to 32 bits."""

GROUP = "arithmetic"
N = 2_000_000
EXPECTED = 120918725


def run(n):
    a, b = 0, 1
    for _ in range(n):
        a, b = b, (a + b) & 0x7FFFFFFF
    return a


if __name__ == "__main__":
    print(run(N))
