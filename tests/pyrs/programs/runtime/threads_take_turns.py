"""Many threads in loops of many kinds: each of them comes to run, whatever the others do."""

import itertools
import sys
import threading
import time

sys.setswitchinterval(0.001)
ENOUGH = 300
counts = {}
over = False


def tick(name):
    counts[name] += 1
    return over


def while_loop(name):
    while not tick(name):
        pass


def busy_between(name):
    while not tick(name):
        for i in range(2000):
            i * i


def for_loop(name):
    for _ in itertools.count():
        if tick(name):
            return


def generators(name):
    def numbers():
        n = 0
        while True:
            yield n
            n += 1

    for _ in numbers():
        if tick(name):
            return


def recursion(name):
    def down(n):
        return n and down(n - 1)

    while not tick(name):
        down(50)


def exceptions(name):
    while True:
        try:
            raise ValueError
        except ValueError:
            if tick(name):
                return


def comprehension(name):
    while not tick(name):
        [x for x in range(500)]


def c_calls(name):
    while not tick(name):
        sorted(range(100), key=lambda x: -x)


loops = [while_loop, busy_between, for_loop, generators, recursion, exceptions, comprehension, c_calls]
threads = []
for f in loops * 3:
    name = f"{f.__name__} {len(threads)}"
    counts[name] = 0
    threads.append(threading.Thread(target=f, args=(name,)))
for t in threads:
    t.start()
until = time.monotonic() + 120
while min(counts.values()) < ENOUGH and time.monotonic() < until:
    time.sleep(0.01)
over = True
for t in threads:
    t.join()
print({name: n >= ENOUGH for name, n in counts.items()})
