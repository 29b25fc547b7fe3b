import heapq
from collections import deque

edges = [("a", "b", 7), ("a", "c", 9), ("a", "f", 14), ("b", "c", 10), ("b", "d", 15), ("c", "d", 11), ("c", "f", 2), ("d", "e", 6), ("e", "f", 9)]
graph = {}
for u, v, w in edges:
    graph.setdefault(u, {})[v] = w
    graph.setdefault(v, {})[u] = w


def dijkstra(start):
    dist, heap, prev = {start: 0}, [(0, start)], {}
    while heap:
        d, u = heapq.heappop(heap)
        if d > dist[u]:
            continue
        for v, w in graph[u].items():
            if d + w < dist.get(v, float("inf")):
                dist[v], prev[v] = d + w, u
                heapq.heappush(heap, (d + w, v))
    return dist, prev


def path(prev, to):
    return path(prev, prev[to]) + [to] if to in prev else [to]


def bfs(start, goal):
    todo, seen = deque([[start]]), {start}
    while todo:
        p = todo.popleft()
        if p[-1] == goal:
            return p
        for n in sorted(graph[p[-1]]):
            if n not in seen:
                seen.add(n)
                todo.append([*p, n])


def kruskal():
    parent = {n: n for n in graph}

    def find(x):
        while parent[x] != x:
            parent[x] = parent[parent[x]]
            x = parent[x]
        return x

    total = 0
    for u, v, w in sorted(edges, key=lambda e: e[2]):
        if find(u) != find(v):
            parent[find(u)] = find(v)
            total += w
    return total


def topological(deps):
    out, state = [], {}

    def visit(n):
        if state.get(n) == 1:
            raise ValueError(f"cycle at {n}")
        if n not in state:
            state[n] = 1
            for d in deps.get(n, ()):
                visit(d)
            state[n] = 2
            out.append(n)

    for n in deps:
        visit(n)
    return out


dist, prev = dijkstra("a")
print(sorted(dist.items()), path(prev, "e"), bfs("a", "e"), kruskal())
print(topological({"app": ["lib", "util"], "lib": ["util"], "util": []}))
try:
    topological({"x": ["y"], "y": ["x"]})
except ValueError as e:
    print(e)
inf = float("inf")
nodes = sorted(graph)
d = {(i, j): 0 if i == j else graph[i].get(j, inf) for i in nodes for j in nodes}
for k in nodes:
    for i in nodes:
        for j in nodes:
            if d[i, k] + d[k, j] < d[i, j]:
                d[i, j] = d[i, k] + d[k, j]
print([[d[i, j] for j in nodes] for i in nodes])
grid = ["S.#.....", "..#.###.", "....#...", ".##.#.#E"]


def maze():
    start = next((r, c) for r, row in enumerate(grid) for c, x in enumerate(row) if x == "S")
    todo, seen = deque([(start, 0)]), {start}
    while todo:
        (r, c), n = todo.popleft()
        if grid[r][c] == "E":
            return n
        for dr, dc in ((0, 1), (1, 0), (0, -1), (-1, 0)):
            p = r + dr, c + dc
            if 0 <= p[0] < len(grid) and 0 <= p[1] < len(grid[0]) and p not in seen and grid[p[0]][p[1]] != "#":
                seen.add(p)
                todo.append((p, n + 1))


print(maze())
