"""Doubly recursive Fibonacci: nothing but calls, comparisons and additions."""

GROUP = "function_calls"
N = 29
EXPECTED = 514229


def run(n):
    if n < 2:
        return n
    return run(n - 1) + run(n - 2)


if __name__ == "__main__":
    print(run(N))
