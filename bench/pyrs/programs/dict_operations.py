"""Dicts filled, looked up, counted with, iterated, updated, emptied."""

GROUP = "collections"
N = 250_000
EXPECTED = (126255966, 4000, 125003)


def run(n):
    counts = {}
    for i in range(n):
        key = i * i % 1009
        counts[key] = counts.get(key, 0) + 1
    names = {}
    for i in range(n // 2):
        names["k" + str(i % 5000)] = i
    total = 0
    for key, value in counts.items():
        total += key * value
    for i in range(n):
        if i in counts:
            total += counts[i]
    record = {"x": 1, "y": 2}
    for i in range(n):
        record["x"] = record["y"] + 1
        record["y"] = record["x"] - i % 2
    for key in list(names)[:1000]:
        del names[key]
    return total, len(names), record["x"]


if __name__ == "__main__":
    print(run(N))
