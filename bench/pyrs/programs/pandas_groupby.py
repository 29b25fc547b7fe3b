"""Grouping: means, several aggregates, a Python function per group, a merge."""

import pandas as pd

GROUP = "pandas"
N = 40
EXPECTED = "1227636.000"


def spread(group):
    return group.max() - group.min()


def run(n):
    frame = pd.DataFrame(
        {
            "key": [f"k{i * 7 % 10}" for i in range(500)],
            "x": [i * i % 101 for i in range(500)],
            "y": [i * 0.25 for i in range(500)],
        }
    )
    total = 0.0
    for i in range(n):
        groups = frame.groupby("key")
        total += float(groups["x"].mean().sum())
        total += float(groups.agg({"x": "sum", "y": ["min", "max"]}).to_numpy().sum())
        total += float(groups["y"].apply(spread).sum())
        joined = frame.merge(groups["x"].sum().rename("total"), left_on="key", right_index=True)
        total += float(joined["total"].iloc[i])
    return f"{total:.3f}"


if __name__ == "__main__":
    print(run(N))
