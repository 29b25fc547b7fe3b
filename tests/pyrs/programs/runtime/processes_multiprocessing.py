"""multiprocessing, with processes that are forked and that are started anew."""

import multiprocessing as mp
import os
import sys


class Point:
    def __init__(self, x):
        self.x = x

    def __eq__(self, other):
        return self.x == other.x


def square(n):
    return n * n


def raising(n):
    if n == 2:
        raise ValueError(n)
    return Point(n)


def worker(queue, out):
    while (item := queue.get()) is not None:
        out.put((item, [x for x in range(item)]))
    out.put("over")


def ends_badly():
    sys.exit(7)


def main():
    for method in ("fork", "spawn", "forkserver"):
        context = mp.get_context(method)
        with context.Pool(2) as pool:
            print(method, pool.map(square, range(5)), pool.apply(Point, (3,)) == Point(3))
            try:
                pool.map(raising, range(4))
            except ValueError as e:
                print(repr(e), type(e.__cause__).__name__, "raising" in str(e.__cause__))
            print([p.x for p in pool.imap(raising, [0, 1])])
        queue, out = context.Queue(), context.Queue()
        p = context.Process(target=worker, args=(queue, out))
        p.start()
        for item in (2, 3, None):
            queue.put(item)
        print([out.get() for _ in range(3)])
        p.join()
        print(p.exitcode, p.is_alive())
        p = context.Process(target=ends_badly)
        p.start()
        p.join()
        print(p.exitcode)
        with context.Manager() as manager:
            d = manager.dict(a=1)
            d["b"] = 2
            print(sorted(d.items()))
    sys.stdout.flush()
    from concurrent.futures import ProcessPoolExecutor

    with ProcessPoolExecutor(2) as pool:
        print(list(pool.map(square, [1, 2, 3])))


if __name__ == "__main__":
    main()
else:
    assert os.getpid() != os.getppid()
