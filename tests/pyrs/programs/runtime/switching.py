"""greenlets that switch in any order, out of frames, generators, handlers and C code."""

import random
import sys

import greenlet

random.seed(7)
log = []


def generator(name, n):
    try:
        for i in range(n):
            greenlet.getcurrent().parent.switch((name, "gen", i))
            yield i
    finally:
        log.append((name, "closed"))


def down(name, n):
    if n == 0:
        return greenlet.getcurrent().parent.switch((name, "deep"))
    held = [n]
    result = down(name, n - 1)
    assert held == [n]
    return result


def body(name):
    total = 0
    for step in range(6):
        kind = (name * 7 + step) % 6
        if kind == 0:
            total += sum(generator(name, 3))
        elif kind == 1:
            down(name, 30)
        elif kind == 2:
            try:
                raise ValueError(name, step)
            except ValueError as e:
                greenlet.getcurrent().parent.switch((name, "handler"))
                current = sys.exc_info()[1]
                assert current is e, (current, e)
                total += current.args[0]
        elif kind == 3:
            total += len(sorted(range(3), key=lambda x: greenlet.getcurrent().parent.switch((name, "key", x)) or -x))
        elif kind == 4:
            class C:
                def __add__(self, other):
                    return greenlet.getcurrent().parent.switch((name, "add")) or other

                def __init_subclass__(cls):
                    greenlet.getcurrent().parent.switch((name, "subclass"))

            total += C() + 3

            class D(C):
                pass
        else:
            total += sum([x for x in generator(name, 2)])
        assert sys._getframe().f_back is None and sys._getframe().f_code.co_name == "body"
    return name, "over", total


alive = [greenlet.greenlet(body) for _ in range(12)]
order = {g: n for n, g in enumerate(alive)}
started = set()
while alive:
    g = random.choice(alive)
    if g in started and random.random() < 0.03:
        g.throw()
        said = order[g], "killed", g.dead
    else:
        said = g.switch(*([] if g in started else [order[g]]))
        started.add(g)
    log.append(said)
    if g.dead:
        alive.remove(g)
    assert sys.exc_info() == (None, None, None)
for line in log:
    print(line)

g = greenlet.greenlet(lambda: down("thrown into", 10))
print(g.switch())
try:
    g.throw(KeyError, "thrown")
except KeyError as e:
    tb, names = e.__traceback__, []
    while tb:
        names.append(tb.tb_frame.f_code.co_name)
        tb = tb.tb_next
    print(e, names)
g = greenlet.greenlet(lambda: down("looked at", 3))
g.switch()
frame, names = g.gr_frame, []
while frame is not None:
    names.append((frame.f_code.co_name, frame.f_lineno, sorted(frame.f_locals)))
    frame = frame.f_back
print(names)
del g, frame
print(len([n for n in log if n[1:] == ("closed",)]) > 0)
