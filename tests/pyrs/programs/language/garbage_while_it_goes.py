"""A collection begins while the frame of something that goes is made visible: what goes is no garbage of it."""

import gc


class Ends:
    def __init__(self, log):
        self.log = log
        self.me = [self.log]

    def __del__(self):
        self.log.append("ended")


def nested(k):
    """Goes: a cell, a closure, a function, an iterator at each level."""
    return 0 if k == 0 else [1 + nested(k - 1) for _ in (0,)][0]


def kept(k, log):
    """The same for instances whose finalizers run."""
    ends = Ends(log)
    pair = (ends, [k])
    return 0 if k == 0 else 1 + kept(k - 1, log) + len(pair) - 2


def at_threshold(n, f, *args):
    """The answer, with a collection after n objects more."""
    gc.disable()
    gc.collect()
    gc.set_threshold(n)
    gc.enable()
    answer = f(*args)
    gc.disable()
    return answer


threshold = gc.get_threshold()
print({at_threshold(n, nested, 20) for n in range(1, 250)})
logs = [[] for _ in range(250)]
print({at_threshold(n, kept, 20, logs[n]) for n in range(1, 250)}, {len(log) for log in logs[1:]})
gc.set_threshold(*threshold)
gc.enable()
print([nested(k) for k in (100, 150, 200, 300)])
