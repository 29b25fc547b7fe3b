from collections import ChainMap, Counter, OrderedDict, UserDict, defaultdict, deque

c = Counter("mississippi")
c.update("miss")
print(c.most_common(2), c["z"], sorted((c - Counter("ms")).items()), sum(c.values()), sorted(c.elements())[:3])
d = defaultdict(list)
for k, v in [("a", 1), ("b", 2), ("a", 3)]:
    d[k].append(v)
print(dict(d), d["new"], len(d))
nested = defaultdict(lambda: defaultdict(int))
nested["x"]["y"] += 5
print(nested["x"]["y"], {k: dict(v) for k, v in nested.items()})
q = deque([1, 2, 3], maxlen=4)
q.append(4)
q.append(5)
q.appendleft(0)
q.rotate(1)
print(q, q.pop(), q.popleft(), q[0], list(q))
od = OrderedDict(a=1, b=2)
od.move_to_end("a")
print(od, od.popitem(last=False), list(od))
m = ChainMap({"a": 1}, {"a": 2, "b": 3})
m["c"] = 4
print(m["a"], m["b"], sorted(m), m.maps[0])


class Upper(UserDict):
    def __setitem__(self, key, value):
        super().__setitem__(key.upper(), value)


u = Upper(a=1)
u["b"] = 2
u.update(c=3)
print(u, u.data)


class Default(dict):
    def __missing__(self, k):
        return f"<{k}>"


print("{a} {b}".format_map(Default(a=1)), Counter(a=3) + Counter(a=1, b=2), Counter(a=1) == Counter(a=1, b=0))
try:
    deque().pop()
except IndexError as e:
    print(e)
