"""gevent: greenlets that its loop switches; time is all its own."""

import gevent
from gevent import event, lock, pool, queue

gevent.get_hub().exception_stream = None  # it tells the time


def counts(name, n, log):
    for i in range(n):
        log.append((name, i))
        gevent.sleep(0)
        yield i


def works(name, log):
    try:
        return sum(counts(name, 3, log))
    finally:
        log.append((name, "finally"))


def fails():
    gevent.sleep(0)
    raise ValueError("greenlet")


log = []
jobs = [gevent.spawn(works, name, log) for name in "abc"]
gevent.joinall(jobs)
print([j.value for j in jobs], log)
q, got = queue.Queue(1), []


def producer():
    for i in range(5):
        q.put(i)
    q.put(StopIteration)


gevent.joinall([gevent.spawn(producer), gevent.spawn(lambda: got.extend(q))])
print(got)
g = gevent.spawn(fails)
g.link_exception(lambda g: print("linked", repr(g.exception)))
try:
    g.get()
except ValueError as e:
    print(repr(e))
gevent.sleep(0)
killed = gevent.spawn(lambda: works("killed", log) if gevent.sleep(60) else None)
gevent.sleep(0)
killed.kill()
print(killed.dead, killed.value)
try:
    with gevent.Timeout(0.01):
        gevent.sleep(60)
except gevent.Timeout as e:
    print("timeout", e.seconds)
print(pool.Pool(2).map(lambda x: (gevent.sleep(0), x * x)[1], range(6)))
ready = event.AsyncResult()
gevent.spawn_later(0.001, ready.set, "result")
print(ready.get())
sem, order = lock.BoundedSemaphore(1), []


def holds(n):
    with sem:
        gevent.sleep(0)
        order.append(n)


gevent.joinall([gevent.spawn(holds, n) for n in range(4)])
print(order)
print(gevent.get_hub().threadpool.apply(lambda: sum(range(100))))
