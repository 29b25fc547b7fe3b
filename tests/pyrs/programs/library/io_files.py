import csv
import io
import json
import os
import tempfile
from pathlib import Path

with tempfile.TemporaryDirectory() as folder:
    p = Path(folder) / "a.txt"
    p.write_text("one\ntwo\nthrée\n", encoding="utf-8")
    with open(p, encoding="utf-8") as f:
        for n, line in enumerate(f, 1):
            print(n, line.rstrip())
    with open(p, "a+", encoding="utf-8") as f:
        f.write("four\n")
        f.seek(0)
        print(f.readlines(), f.tell() > 0)
    with open(p, "rb") as f:
        print(f.read(3), f.readline(), f.seek(-3, 2), f.read())
    try:
        open(Path(folder) / "missing")
    except FileNotFoundError as e:
        print(e.errno, Path(e.filename).name)
    (Path(folder) / "sub").mkdir()
    (Path(folder) / "sub" / "b.py").touch()
    print(sorted(str(x.relative_to(folder)) for x in Path(folder).rglob("*")), p.suffix, p.stem, p.exists(), os.listdir(folder) != [])
    for root, dirs, files in os.walk(folder):
        print(len(dirs), sorted(files))
    with open(Path(folder) / "t.csv", "w+", newline="") as f:
        w = csv.DictWriter(f, ["name", "n"])
        w.writeheader()
        w.writerows([{"name": "a,b", "n": 1}, {"name": 'q"', "n": 2}])
        f.seek(0)
        print(f.read())
        f.seek(0)
        print([dict(r) for r in csv.DictReader(f)])
s = io.StringIO("a\nb")
print(s.read(1), list(s), s.getvalue())
b = io.BytesIO()
b.write(b"xyz")
print(b.getvalue(), b.getbuffer()[1])
print(json.loads(json.dumps({"k": [1, None, 2.5, "é", {"n": True}]})), json.dumps([1, {"a": ()}], separators=(",", ":")))


class Upper(io.TextIOBase):
    def __init__(self):
        self.parts = []

    def write(self, text):
        self.parts.append(text.upper())
        return len(text)


u = Upper()
print("hello", 1, file=u, sep="-")
print(u.parts)
print("a", "b", sep="", end="!\n", flush=True)
print(*range(3), sep=",")
print()
f = io.StringIO("closed")
f.close()
try:
    f.read()
except ValueError as e:
    print(e)
