"""Add up a function of the loop variable, once in int and once in float."""

GROUP = "arithmetic"
N = 500_000
EXPECTED = (124999999988, 125000.0)


def run(n):
    total = 0
    i = 0
    while i < n:
        total += i * 3 - i * 2 + (i % 7) * 2 - 6 + (i & 1)
        i += 1
    half = 0.0
    for i in range(n):
        half += 0.25
    return total, half


if __name__ == "__main__":
    print(run(N))
