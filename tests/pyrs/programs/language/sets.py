s = {1, 2, 3}
s.add(4)
s.add(1)
s.discard(9)
s.remove(2)
s |= {7}
s &= {1, 3, 7, 8}
s -= {8}
s ^= {9, 1}
print(sorted(s), len(s), 3 in s, {1, 2} | {3}, {1, 2} & {2}, {1, 2} - {2}, sorted({1, 2} ^ {2, 3}), {1} < {1, 2}, {1, 2} <= {1, 2}, {1} == {1.0})
print(set(), set("aa"), frozenset([1]), {frozenset([1]): "k"}[frozenset({1})], sorted(set(range(5)) - {2}), {1}.isdisjoint({2}), {1, 2} > {1})
print(sorted({1}.union([2], (3,))), {1, 2}.intersection([2, 3]), {1, 2}.difference([1]), {1}.issubset([1, 2]), {1, 2}.issuperset([1]), bool(set()))
s.update([5], "a")
c = s.copy()
c.clear()
print(len(s), c, s.pop() is not None, frozenset("ab") | {"c"} == {"a", "b", "c"}, type(frozenset() | set()).__name__, type(set() | frozenset()).__name__)
for bad in (lambda: {[]}, lambda: {1}.remove(2), lambda: set().pop(), lambda: {1} + {2}, lambda: {1} < [1], lambda: {1} | [1], lambda: set(5), lambda: {1}[0], lambda: {{}}, lambda: frozenset().add(1)):
    try:
        print(bad())
    except Exception as e:
        print(type(e).__name__, e)
seen = set()
dups = [x for x in "abcabd" if x in seen or seen.add(x)]
print(dups, sorted(seen), {x % 3 for x in range(10)} == {0, 1, 2}, {1, True, 1.0}, {*"ab", *[1]} == {"a", "b", 1})
try:
    for x in seen:
        seen.add(x + "x")
except RuntimeError as e:
    print(e)


def sieve(n):
    candidates = set(range(2, n))
    for i in range(2, int(n**0.5) + 1):
        if i in candidates:
            candidates -= set(range(i * i, n, i))
    return sorted(candidates)


print(sieve(60))
graph = {"a": {"b", "c"}, "b": {"d"}, "c": {"d"}, "d": set()}


def reach(start):
    todo, done = [start], set()
    while todo:
        n = todo.pop()
        if n not in done:
            done.add(n)
            todo.extend(sorted(graph[n]))
    return sorted(done)


print(reach("a"), reach("d"))
