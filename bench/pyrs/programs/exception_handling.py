"""try blocks: mostly quiet, often raising, nested, re-raising, finally, with."""

GROUP = "exceptions"
N = 120_000
EXPECTED = 17999880000


class Odd(Exception):
    def __init__(self, value):
        super().__init__(value)
        self.value = value


class Guard:
    def __init__(self):
        self.entered = 0

    def __enter__(self):
        self.entered += 1
        return self

    def __exit__(self, kind, value, traceback):
        return kind is Odd


def check(i):
    if i % 4 == 1:
        raise Odd(i)
    return i


def wrapped(i):
    try:
        return check(i)
    except Odd:
        if i % 8 == 1:
            raise
        return -1
    finally:
        pass


def run(n):
    total = 0
    guard = Guard()
    for i in range(n):
        try:
            total += wrapped(i)
        except Odd as e:
            total += e.value & 3
        with guard:
            total += check(i)
        try:
            total += i
        finally:
            total -= 1
    try:
        [][n]
    except (KeyError, IndexError):
        total += guard.entered
    return total


if __name__ == "__main__":
    print(run(N))
