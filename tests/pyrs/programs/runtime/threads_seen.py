"""Other threads' frames: sys._current_frames, their locals, and what the collector finds in them."""

import gc
import sys
import threading
import traceback


def outer(n, ready, go):
    text = "outer"
    numbers = [n, n * 2.5]

    def inner(k):
        cell = numbers
        for step in generator(k):
            pass
        return cell

    def generator(k):
        held = k + 1
        try:
            yield from waits(held)
        finally:
            del held

    def waits(m):
        big = 1 << 70
        ready.set()
        go.wait()
        yield big

    return inner(n), text


threads, gates, found = [], [], {}
for n in range(3):
    ready, go = threading.Event(), threading.Event()
    t = threading.Thread(target=outer, args=(n, ready, go), name=f"thread {n}")
    t.start()
    ready.wait()
    threads.append(t)
    gates.append(go)

frames = sys._current_frames()
print(len(frames) == len(threads) + 1, frames[threading.get_ident()] is sys._getframe())
for t in threads:
    frame = frames[t.ident]
    while frame is not None:
        if frame.f_code.co_filename == __file__:
            names = {k: v for k, v in frame.f_locals.items() if isinstance(v, (int, float, str, list))}
            found[frame.f_code.co_name] = frame
            print(t.name, frame.f_code.co_name, frame.f_lineno, names)
        frame = frame.f_back
    stack = traceback.extract_stack(frames[t.ident])
    print([(s.name, s.lineno, s.line) for s in stack if s.filename == __file__])
gc.collect()
print(sys._current_exceptions()[threads[0].ident])
for go in gates:
    go.set()
for t in threads:
    t.join()
kept = found["outer"]
print(kept.f_lineno, sorted(kept.f_locals), kept.f_back.f_code.co_qualname)
kept.clear()
print(sorted(kept.f_locals))
try:
    sys._getframe().clear()
except RuntimeError as e:
    print(e)


def suspended():
    x = ["suspended"]
    yield x


g = suspended()
x = next(g)
print(sys.getrefcount(x) - 1)
try:
    g.gi_frame.clear()
    print(g.gi_frame, list(g), sys.getrefcount(x) - 1)
except RuntimeError as e:
    print(e)


def local_function(callback):
    a, b = [1], [2]
    return callback()


class Weak:
    pass


def holds():
    weak = Weak()
    refs.append(__import__("weakref").ref(weak))
    return sys._getframe()


refs = []
f = holds()
print(refs[0]() is not None)
f.clear()
print(refs[0]() is None, f.f_locals)
