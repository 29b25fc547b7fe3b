"""Plain Python answers, and inputs that stress the kernels' edges."""

import math
import random
from array import array

INTS = "bBhHiIlLqQ"
FLOATS = "fd"
CODES = INTS + FLOATS

# around every vector width, unrolled group and block the kernels use
SIZES = [0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 63, 64, 65, 127, 129, 255, 257, 1000, 4099]


def limits(code):
    size = 8 * array(code).itemsize
    return (-(2 ** (size - 1)), 2 ** (size - 1) - 1) if code.islower() else (0, 2**size - 1)


def numbers(code, n, kind, seed=0):
    """n values of a kind: any, small, least or most."""
    rng = random.Random(f"{code}{n}{kind}{seed}")
    if code in FLOATS:
        if kind == "any":
            return [rng.uniform(-1, 1) * 10.0 ** rng.randint(-12, 12) for _ in range(n)]
        if kind == "small":
            return [rng.choice([0.0, -0.0, 1.5, -2.25, 7.0]) for _ in range(n)]
        return [(-1.0 if kind == "least" else 1.0) * 3.0e38] * n
    low, high = limits(code)
    if kind == "any":
        return [rng.randint(low, high) for _ in range(n)]
    if kind == "small":
        return [rng.randint(max(low, -5), 5) for _ in range(n)]
    return [low if kind == "least" else high] * n


KINDS = ["any", "small", "least", "most"]


def same(a, b):
    """Equal to the last bit and of one type: NaN is NaN, -0.0 is not 0.0."""
    if type(a) is not type(b):
        return False
    if isinstance(a, float):
        return (a != a and b != b) or (a == b and math.copysign(1, a) == math.copysign(1, b))
    return a == b


def same_items(a, b):
    return len(a) == len(b) and all(map(same, a, b))


def lowest(values):
    return min(values, key=lambda x: (x, math.copysign(1, x)))


def highest(values):
    return max(values, key=lambda x: (x, math.copysign(1, x)))
