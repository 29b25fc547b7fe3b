"""Keys that a dict has not got yet, stored by subscript: strs whose hash nobody asked for, ints, and
those for which other keys have to be asked."""

import sys


class Same:
    def __init__(self, like):
        self.like = like

    def __hash__(self):
        return hash(self.like)

    def __eq__(self, other):
        print("asked for", self.like, "by", sys._getframe(1).f_lineno - store.__code__.co_firstlineno)
        return self.like == other


def store(d, key, value):
    d[key] = value
    return d


def counts(words):
    found = {}
    for word in words:
        found[word] = found.get(word, 0) + 1
    return found


class Counting(dict):
    def __setitem__(self, key, value):
        print("set", key)
        super().__setitem__(key, value)


def kept(n):
    d = {}
    for i in range(n):
        key, value = i * 1000, i * 1001
        d[key] = value
        assert next(reversed(d)) is key or d[key] == value
    x = 123456 * n
    d[x] = x
    last = list(d.items())[-1]
    return len(d), last[0] is last[1]


def temporaries(n):
    d = {}
    for i in range(n):
        d["k" + str(i)] = [i]
        d[i * 2.5] = (i,)
        d[i, i] = None
    return sorted(map(str, d)), d["k1"], d[5.0]


class Slow(str):
    def __hash__(self):
        print("hash of", str(self))
        return super().__hash__()


print(counts("the quick brown fox the lazy dog the end".split()))
print(store({}, "a", 1), store({"b": 2}, "a", 1), store({1: 2}, "a", 1), store({"a": 2}, 7, 1))
print(len(store({Same("a"): 1}, "a", 2)), len(store({Same(7): 1}, 7, 2)), len(store({Same(7): 1}, 8, 2)))
print(store(Counting(), "x", 1))
print(kept(5), kept(400))
print(temporaries(3))
print(store({}, Slow("s"), 1), store({"s": 0}, Slow("s"), 1))
for key in ([], {}, set()):
    try:
        store({}, key, 1)
    except TypeError as e:
        print(e, e.__traceback__.tb_next.tb_lineno - store.__code__.co_firstlineno)
walked = {"a": 1}
try:
    for key in walked:
        walked[key + "b"] = 1
except RuntimeError as e:
    print(e, walked)
