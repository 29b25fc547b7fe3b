class Once:
    def __init__(self, data):
        self.data = list(data)

    def __iter__(self):
        print("iter")
        return self

    def __next__(self):
        print("next")
        if not self.data:
            raise StopIteration("value")
        return self.data.pop(0)


for x in Once("ab"):
    print(x)
print(list(Once([1])), sum(Once([1, 2])), 1 in Once([0, 1, 2]), dict(Once([("a", 1)])), max(Once([1, 3])))
a, b = Once("xy")
print(a, b, "-".join(Once("pq")), [*Once([1])], tuple(Once([2])), sorted(Once([2, 1])))


class Failing:
    def __iter__(self):
        return self

    def __next__(self):
        raise ValueError("next failed")


class BadIter:
    def __iter__(self):
        return 5


class NoIter:
    __iter__ = None


for bad in (lambda: [x for x in Failing()], lambda: list(BadIter()), lambda: list(NoIter()), lambda: [*NoIter()], lambda: 1 in NoIter(), lambda: dict([("a",)]), lambda: iter(5), lambda: next(5), lambda: (x for x in BadIter())):
    try:
        print(bad())
    except Exception as e:
        print(type(e).__name__, e)
it = iter([1, 2, 3])
print(next(it), it.__length_hint__(), list(it), next(it, "default"))
try:
    next(it)
except StopIteration as e:
    print("stop", e.args)
print(list(iter(iter([5, 6, 0, 7]).__next__, 0)), list(map(None.__class__, [])), list(zip()), list(zip([1], [])), list(zip("ab", [1, 2, 3])))
print(list(map(pow, [2, 3], [3, 2])), list(filter(lambda x: x % 2, range(6))), list(enumerate("ab", 5)), list(reversed([1, 2])), list(reversed(range(3))))
try:
    list(zip([1], [1, 2], strict=True))
except ValueError as e:
    print(e)
import itertools as i

print(list(i.chain([1], "a")), list(i.islice(i.count(5), 3)), list(i.accumulate([1, 2, 3], lambda a, b: a * b)), list(i.takewhile(lambda x: x < 3, i.count())))
print([(k, list(g)) for k, g in i.groupby([1, 1, 2, 3, 3], lambda x: x > 1)], list(i.product("ab", repeat=2))[:3], list(i.combinations(range(4), 2))[-1])
print(list(i.zip_longest("ab", [1], fillvalue=0)), list(i.starmap(lambda a, b: a - b, [(5, 3)])), list(i.permutations([1, 2])), list(i.repeat(7, 2)), list(i.cycle([1]).__class__([])))
x, y = i.tee(iter(range(3)))
print(list(x), list(y), sum(i.compress([1, 2, 3], [1, 0, 1])), list(i.dropwhile(lambda x: x < 2, range(4))), list(i.filterfalse(None, [0, 1])))
def countdown(n):
    while n:
        yield n
        n -= 1
for p, q in zip(countdown(3), countdown(5)):
    print(p, q)
l = [1, 2, 3, 4]
for x in l:
    if x == 2:
        l.remove(x)
print(l)
it = iter(l)
l.clear()
print(list(it), list(it))
d = iter({"a": 1})
print(next(d), next(d, None))
class Mut:
    def __init__(self):
        self.n = 0
    def __len__(self):
        return 3
    def __getitem__(self, k):
        if k >= 3:
            raise IndexError
        return k * 2
print(list(Mut()), list(reversed(Mut())), 4 in Mut(), [*Mut()], max(Mut()))
