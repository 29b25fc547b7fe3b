import sys


class Exit:
    def __enter__(self):
        return self

    def __exit__(self, *exc):
        print("exit sees", exc[0].__name__)


def generator():
    try:
        yield 1
        yield 2
    finally:
        print("generator closed")


def work():
    for x in generator():
        with Exit():
            [sys.exit(x + 40) for _ in range(1)]


work()
