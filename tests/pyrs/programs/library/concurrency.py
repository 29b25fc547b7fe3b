import queue
import threading
import time
from concurrent.futures import ThreadPoolExecutor

lock = threading.Lock()
total = 0


def add(n):
    global total
    for _ in range(n):
        with lock:
            total += 1


threads = [threading.Thread(target=add, args=(500,)) for _ in range(4)]
for t in threads:
    t.start()
for t in threads:
    t.join()
print(total)
q, results = queue.Queue(), []


def worker():
    while (item := q.get()) is not None:
        results.append(item * item)
        q.task_done()


w = threading.Thread(target=worker)
w.start()
for i in range(5):
    q.put(i)
q.put(None)
w.join()
print(sorted(results))
with ThreadPoolExecutor(3) as pool:
    print(list(pool.map(lambda x: x**2, range(5))))
    future = pool.submit(lambda: 1 / 0)
    try:
        future.result()
    except ZeroDivisionError as e:
        print("from thread:", e)
local = threading.local()


def use_local(n, out):
    local.v = n
    time.sleep(0.001)
    out.append(local.v)


out = []
threads = [threading.Thread(target=use_local, args=(i, out)) for i in range(4)]
[t.start() for t in threads]
[t.join() for t in threads]
print(sorted(out), hasattr(local, "v"))
event = threading.Event()
seen = []


def waiter():
    seen.append(event.wait(5))


t = threading.Thread(target=waiter)
t.start()
event.set()
t.join()
print(seen)
threading.excepthook = lambda args: print("hook", args.exc_type.__name__, args.exc_value)
t = threading.Thread(target=lambda: {}["missing"])
t.start()
t.join()


def generator():
    for i in range(100):
        yield i


g, taken, errors = generator(), [], []


def take():
    while True:
        try:
            with lock:
                taken.append(next(g))
        except StopIteration:
            return


threads = [threading.Thread(target=take) for _ in range(3)]
[t.start() for t in threads]
[t.join() for t in threads]
print(sorted(taken) == list(range(100)))


def deep(n):
    return 0 if n == 0 else 1 + deep(n - 1)


t = threading.Thread(target=lambda: print(deep(500)))
t.start()
t.join()
import contextvars

var = contextvars.ContextVar("var", default="default")
ctx = contextvars.copy_context()
ctx.run(var.set, "inside")
print(var.get(), ctx[var])
