s = "Hello, World"
print(s[0], s[-1], s[7:], s[:5], s[::-1], s[::2], s[1:-1:3], s[100:], s * 2, "-" * 3)
print(s.upper(), s.lower(), s.swapcase(), s.title(), s.casefold(), s.center(20, "*"), s.ljust(15) + "|", s.rjust(15))
print(s.find("o"), s.rfind("o"), s.find("z"), s.index("W"), s.count("l"), s.startswith(("x", "He")), s.endswith("ld"))
print(s.split(", "), "a b  c".split(), "a,b,,c".split(","), "a b c".rsplit(" ", 1), "x\ny\r\nz".splitlines())
print(s.replace("l", "L", 2), s.partition(", "), s.rpartition("o"), "  x ".strip() + "|", "xxaxx".strip("x"))
print("-".join("abc"), "".join([]), ",".join(str(i) for i in range(4)), s.encode(), b"ab".decode())
print("a" < "b", "a" < "B", "abc" == "ab" + "c", "abc" in "xabcx", "" in "", "é" > "z", "a" != "b")
print("abc".isalpha(), "12".isdigit(), "a1".isalnum(), " ".isspace(), "Ab".istitle(), "x".isidentifier())
print("tab\there".expandtabs(4), "42".zfill(5), "-42".zfill(5), "aXbX".removesuffix("X"), "aXb".removeprefix("a"))
print("abc".translate({97: "A", 98: None, 99: "ccc"}), str.maketrans("ab", "xy"), "ß".upper(), "İ".lower())
print(ord("€"), chr(8364), "€".encode("utf-8"), "\u20ac\x41\101\N{BULLET}", "😀"[0], len("😀é"), ascii("é😀"))
print(repr("it's"), repr('q"'), repr("both'\""), repr("\n\t\\\x00\x7f\u200b"), str(b"x"), repr("é"))
for bad in (lambda: "a" + 1, lambda: 1 + "a", lambda: "a" * "b", lambda: "a"[5], lambda: "a"["x"], lambda: "abc".index("z"),
            lambda: ",".join([1]), lambda: "a".split(""), lambda: chr(-1), lambda: ord("ab"), lambda: "é".encode("ascii"),
            lambda: b"\xff".decode(), lambda: int("12x"), lambda: float("x"), lambda: "x" < 1, lambda: "a"[1.0]):
    try:
        print(bad())
    except Exception as e:
        print(type(e).__name__, e)
t = ""
for i in range(1000):
    t += str(i % 10)
print(len(t), t[990:], t.count("9"))
u = t
t += "more"
print(len(u), len(t), u is not t)


def build(n):
    out = ""
    for i in range(n):
        out = out + "x"
        if i == n // 2:
            keep = out
    return len(out), len(keep)


print(build(100))
a = "same"
b = "".join(["sa", "me"])
print(a == b, a == "same", hash(a) == hash(b), {a: 1}[b])
try:
    s[0] = "J"
except TypeError as e:
    print(e)
print(s.__len__(), s.__contains__("W"), max(s), sorted("hello"), list("ab"), tuple("ab"), set("aa"), "abc".__add__("d"))
print("%s" % "x", "a" "b", 'single', """triple "quoted" text""", r"\n", "line\
joined")
print(int("0x1f", 16), int("0b11", 0), int(" 12 "), int("-7"), int("1_000"), float("1e3"), float(" inf "), complex("1+2j"))
