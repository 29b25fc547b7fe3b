"""A small table of students, looked at from several sides with pandas.

Run it with `python examples/pandas_tour.py` and with `python -m pyrs examples/pandas_tour.py`:
the output is the same.
"""

import pandas as pd


def title(text):
    print(f"\n== {text} ==")


students = pd.DataFrame(
    {
        "name": ["Ann", "Bob", "Cid", "Ann", "Bob"],
        "score": [91, 78, 85, 66, 95],
        "grade": ["A", "C", "B", "D", "A"],
    }
)

title("the table")
print(students.head())

title("numbers at a glance")
print(students.describe())

title("mean score by name")
print(students.groupby("name")["score"].mean())

title("scores above 80")
print(students[students["score"] > 80])

title("best first")
print(students.sort_values("score", ascending=False))

title("five points for everyone")
print(students["score"].apply(lambda x: x + 5))


def letter(score):
    """What the table's grade column would say of a score."""
    for least, grade in ((90, "A"), (80, "B"), (70, "C")):
        if score >= least:
            return grade
    return "D"


title("grades after that")
students["raised"] = students["score"].apply(lambda x: x + 5).map(letter)
print(students[["name", "grade", "raised"]])

title("grade by name")
print(pd.crosstab(students["name"], students["raised"]))
