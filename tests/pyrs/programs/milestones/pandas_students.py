import pandas as pd

df = pd.DataFrame(
    {
        "name": ["Alice", "Bob", "Charlie", "Alice", "Bob"],
        "score": [85, 92, 78, 95, 88],
        "grade": ["B", "A", "C", "A", "B"],
    }
)
print(df.head())
print(df.describe())
print(df.groupby("name")["score"].mean())
print(df[df["score"] > 85])
print(df.sort_values("score"))
print(df["score"].apply(lambda x: x + 5))
