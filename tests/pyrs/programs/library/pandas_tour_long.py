import numpy as np
import pandas as pd

df = pd.DataFrame({"city": ["A", "B", "A", "C", "B"], "day": pd.date_range("2024-01-01", periods=5), "temp": [1.5, 3.0, np.nan, 7.25, 2.0], "n": range(5)})
print(df, df.dtypes.astype(str).to_dict(), df.shape, df["temp"].isna().sum(), df.loc[1, "city"], df.iloc[-1]["n"])
print(df.fillna({"temp": 0}).groupby("city").agg(mean=("temp", "mean"), total=("n", "sum")))
print(df.assign(double=lambda d: d["n"] * 2)[["city", "double"]].to_string(index=False))
print(df.set_index("day")["n"].resample("2D").sum(), df["city"].value_counts().sort_index(), df["city"].str.lower().tolist())
print(df.pivot_table(index="city", values="n", aggfunc=["min", "max"]), df.melt(id_vars="city", value_vars=["n"]).head(2))
print(df.apply(lambda row: f"{row['city']}{row['n']}", axis=1).tolist(), df["n"].map({0: "zero"}).tolist(), df[["n"]].map(lambda x: x + 1)["n"].tolist())
other = pd.DataFrame({"city": ["A", "B"], "name": ["Alpha", "Beta"]})
print(df.merge(other, on="city", how="left")["name"].tolist(), pd.concat([other, other], ignore_index=True).shape, df.query("n > 2 and city != 'C'")["n"].tolist())
print(df.sort_values(["city", "n"], ascending=[True, False])["n"].tolist(), df["n"].rolling(2).mean().tolist(), df["n"].shift(1).tolist(), df["temp"].describe().round(2).to_dict())
print(df.groupby("city")["n"].transform("sum").tolist(), df.groupby("city").apply(lambda g: g["n"].max() - g["n"].min(), include_groups=False).to_dict(), [k for k, g in df.groupby("city")])
s = pd.Series([3, 1, 2], index=list("cab"), name="s")
print(s.sort_index(), s["a"], s.idxmax(), s[s > 1].index.tolist(), s.rank().tolist(), s.cumsum().tolist(), (s + s).sum(), s.apply(lambda x: x**2).tolist())
for row in df.head(2).itertuples():
    print(row.Index, row.city, row.n)
for i, row in df.head(2).iterrows():
    print(i, row["city"])
for bad in (lambda: df["nothing"], lambda: df.loc[99], lambda: pd.Series([1]).iloc[5], lambda: df.groupby("none"), lambda: pd.to_datetime("not a date"), lambda: pd.DataFrame({"a": [1], "b": [1, 2]})):
    try:
        print(bad())
    except Exception as e:
        print(type(e).__name__, str(e).splitlines()[0])
import io

print(pd.read_csv(io.StringIO("a,b\n1,x\n2,y\n")), df.head(2).to_csv(index=False), df[["city", "n"]].head(1).to_json(orient="records"), df[["n"]].to_dict("list"))
multi = df.set_index(["city", "n"]).sort_index()
print(multi.loc["A"].shape, multi.index.names, multi.xs("B")["temp"].tolist(), df["city"].astype("category").cat.categories.tolist(), pd.cut(df["n"], [-1, 1, 9], labels=["lo", "hi"]).tolist())
