"""Loops over lists and tuples: iterators of one loop that serve the next are nobody's business."""

import gc
import weakref


class Watched(list):
    pass


def walk(*wholes):
    found = []
    for whole in wholes:
        for x in whole:
            for y in whole:
                found.append((x, y))
    return found


def left_early(whole):
    for x in whole:
        if x:
            break
    for y in whole:
        for z in whole:
            if y < z:
                return x, y, z


def kept(whole):
    it = iter(whole)
    first = [x for x in it]
    for x in it:
        first.append("never")
    whole_again = iter(whole)
    for x in whole_again:
        first.append(next(whole_again, None))
    return first, next(it, "over"), next(whole_again, "over"), it.__reduce__()[0] is iter


def growing(n):
    grown = [1]
    for x in grown:
        if len(grown) < n:
            grown += [x + 1]
    return grown


def counted(whole, n):
    """How many containers the collector counts for n loops, the last one left early."""
    gc.collect()
    gc.disable()
    before = gc.get_count()[0]
    for _ in range(n):
        for x in whole:
            pass
    after = gc.get_count()[0]
    for x in whole:
        during = gc.get_count()[0]
        break
    gc.enable()
    return after - before, during - after


def collections(n):
    """Collections of the youngest generation while n pairs are kept and walked."""
    begun = []
    gc.collect()
    watch = lambda phase, info: begun.append(info["generation"]) if phase == "start" else None
    gc.callbacks.append(watch)
    kept = []
    for i in range(n):
        pair = [i, (i,)]
        kept.append(pair)
        for x in pair:
            for y in kept[-1]:
                pass
    gc.callbacks.remove(watch)
    return begun


def seen_by_collector():
    whole = [1, 2]
    for x in whole:
        iterators = [o for o in gc.get_referrers(whole) if type(o).__name__.endswith("iterator")]
        assert len(iterators) == 1, iterators
    return len([o for o in gc.get_referrers(whole) if type(o).__name__.endswith("iterator")])


def goes_with_loop():
    gone = []
    whole = Watched([1, 2])
    weakref.finalize(whole, gone.append, "list")
    for x in [whole]:
        pass
    del x, whole
    gone.append("after")
    for x in (Watched([3]), Watched([4])):
        weakref.finalize(x, gone.append, x[0])
    gone.append("loop over")
    del x
    return gone


def raising(whole):
    caught = []
    for x in whole:
        try:
            for y in whole:
                if y == x:
                    raise KeyError(y)
        except KeyError as e:
            caught.append(e.args)
    return caught


def generated(whole):
    for x in whole:
        yield x
        for y in whole:
            yield x, y


print(walk([1, 2], (3,), (), [], (4, 5)))
print(left_early([0, 1, 2]), left_early((0, 1, 2)))
print(kept([1, 2, 3]), kept((1, 2, 3)))
print(growing(12))
print(counted([1, 2], 5), counted((1, 2), 5))
print(collections(3000))
print(seen_by_collector())
print(goes_with_loop())
print(raising([1, 2]), raising((1, 2)))
two = generated([1, 2]), generated((3, 4))
print([next(g) for _ in range(5) for g in two], [list(g) for g in two])
