import traceback


def level3(x):
    return (
        1
        / x
    )


def level2(x):
    return level3(x) + 1


def level1(x):
    try:
        return level2(x)
    except ZeroDivisionError as e:
        raise RuntimeError("level1 failed") from e


def lines_of(e):
    return [(f.name, f.lineno, f.line) for f in traceback.extract_tb(e.__traceback__)]


try:
    level1(0)
except RuntimeError as e:
    print(lines_of(e), lines_of(e.__cause__))


class C:
    @property
    def p(self):
        return [
            self.missing
            for _ in range(1)
        ]

    def __getitem__(self, i):
        raise IndexError(i)


for f in (lambda: C().p, lambda: C()[3], lambda: {}["k"], lambda: [].pop(), lambda: int("x")):
    try:
        f()
    except Exception as e:
        print(type(e).__name__, e, [(n, line) for n, line, _ in lines_of(e) if n != "<listcomp>"])


def gen():
    yield 1
    raise ValueError("in generator")


def consume():
    return sum(
        x
        for x in gen()
    )


try:
    consume()
except ValueError as e:
    print([n for n, *_ in lines_of(e)])
level1(0)
