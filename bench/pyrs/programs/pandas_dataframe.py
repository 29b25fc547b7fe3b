"""Small frames made, filtered, sorted, applied to: pandas' Python code around its kernels."""

import pandas as pd

GROUP = "pandas"
N = 150
EXPECTED = "6493800.000"


def run(n):
    total = 0.0
    for i in range(n):
        frame = pd.DataFrame({"a": range(50), "b": [x * 0.5 + i for x in range(50)]})
        frame["c"] = frame["a"] * frame["b"]
        big = frame[frame["c"] > 100].sort_values("b", ascending=False)
        total += float(big["c"].head(10).sum())
        total += float(frame["a"].apply(lambda x: x % 7 + 1).sum())
    return f"{total:.3f}"


if __name__ == "__main__":
    print(run(N))
