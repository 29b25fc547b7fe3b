d = {"b": 1, "a": 2}
d["c"] = 3
d["b"] = 10
print(d, list(d), d["a"], d.get("z"), d.get("z", 0), "a" in d, len(d), d.keys(), d.values(), d.items())
print(d.pop("a"), d.pop("zz", None), d.setdefault("n", []), d.setdefault("n", 5), d.popitem(), d)
d.update(x=1, **{"y": 2})
d.update([("p", 1)], q=2)
d |= {"b": 0}
print(d, d | {"z": 1}, {"a": 1} | {"a": 2}, dict([("k", 1)]), dict(a=1), dict.fromkeys("ab", 0), {**d, "extra": 1})
del d["x"]
print(list(reversed(d)), sorted(d.items()), {k: v for k, v in d.items() if v}, d == dict(d), {"a": 1, "b": 2} == {"b": 2, "a": 1})
print({1: "a", 1.0: "b", True: "c"}, {0: 1}[False], d.keys() & {"b", "q"} == {"b", "q"}, d.keys() - {"b"} >= {"q"}, ("b", 0) in d.items())
for bad in (lambda: d["missing"], lambda: d.pop("missing"), lambda: {}.popitem(), lambda: {[]: 1}, lambda: dict([1]), lambda: dict([(1, 2, 3)]),
            lambda: d[[]], lambda: {}.update(5), lambda: d.get(), lambda: {1: 2} < {3: 4}, lambda: d.__delitem__("no"), lambda: d["a"]["b"]):
    try:
        print(bad())
    except Exception as e:
        print(type(e).__name__, e)


class K:
    def __init__(self, n):
        self.n = n

    def __hash__(self):
        print("hash", self.n)
        return self.n % 2

    def __eq__(self, o):
        print("eq", self.n, o.n)
        return self.n == o.n


k = {K(1): "one", K(3): "three"}
print(k[K(3)], K(5) in k)


class Raises:
    def __hash__(self):
        raise RuntimeError("no hash")


try:
    {Raises(): 1}
except RuntimeError as e:
    print(e)
counts = {}
for w in "the cat the dog the end".split():
    counts[w] = counts.get(w, 0) + 1
print(counts, max(counts, key=counts.get), sorted(counts, key=lambda w: (-counts[w], w)))
groups = {}
for i in range(10):
    groups.setdefault(i % 3, []).append(i)
print(groups)
for i in range(100):
    counts[i] = i
for i in range(0, 100, 2):
    del counts[i]
print(len(counts), sum(v for v in counts.values()), next(iter(counts)))
d = {}
d["self"] = d
print(d, d["self"]["self"] is d)
try:
    for key in counts:
        del counts[key]
except RuntimeError as e:
    print(e)
view = counts.keys()
counts["late"] = 1
print("late" in view, len(view) == len(counts))
e = {"x": 1}
e["x"] += 5
e["y"] = e["x"] * 2
print(e, e.copy() is e, e.clear(), e, bool(e))
order = {}
for c in "hello":
    order[c] = None
print("".join(order), list(zip(order, range(9))), dict(zip("ab", [1, 2])), dict(enumerate("xy")))
table = {(i, j): i * j for i in range(3) for j in range(3)}
print(table[2, 2], sum(table.values()), (1, 5) in table, table.get((9, 9), "none"))
