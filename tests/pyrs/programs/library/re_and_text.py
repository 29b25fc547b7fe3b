import re
import string
import textwrap

text = "Ann: 12, Bob: 7; Cid=30"
print(re.findall(r"(\w+)[:=]\s*(\d+)", text), re.sub(r"\d+", lambda m: str(int(m[0]) * 2), text), re.split(r"[,;]\s*", text))
m = re.search(r"(?P<name>B\w+).*?(?P<n>\d+)", text)
print(m["name"], m.group("n"), m.span(), m.groupdict(), re.match("x", text), re.fullmatch(r"\d+", "123")[0])
print([(t.lastgroup, t.group()) for t in re.finditer(r"(?P<num>\d+)|(?P<op>[+*()-])", "12+3*(4-1)")])
print(re.sub(r"(a)(b)?", r"[\1\2]", "abaab"), re.escape("a.b*c"), re.compile("A", re.I).findall("aA"), re.subn("a", "b", "aaa", count=2))
try:
    re.compile("(")
except re.error as e:
    print(e)
print(string.Template("$a and ${b}").substitute(a=1, b=2), string.capwords("hello big world"), string.ascii_lowercase[:5])
print(textwrap.fill("The quick brown fox jumps over the lazy dog", 20), textwrap.dedent("  a\n    b\n"), textwrap.shorten("hello big world", 12))
print(re.sub(r"(?m)^", "> ", "a\nb"), re.sub(r"\b(\w)(\w*)", lambda m: m[1].upper() + m[2], "make title case"))


def tokens(source):
    spec = [("NUMBER", r"\d+(\.\d*)?"), ("NAME", r"[A-Za-z_]\w*"), ("OP", r"[-+*/=()]"), ("SKIP", r"[ \t]+"), ("BAD", r".")]
    pattern = "|".join(f"(?P<{n}>{r})" for n, r in spec)
    for m in re.finditer(pattern, source):
        if m.lastgroup == "BAD":
            raise ValueError(f"bad {m.group()!r} at {m.start()}")
        if m.lastgroup != "SKIP":
            yield m.lastgroup, m.group()


print(list(tokens("x = 3.5*(y+2)")))
try:
    list(tokens("a $ b"))
except ValueError as e:
    print(e)
import difflib

print("\n".join(difflib.unified_diff(["a", "b", "c"], ["a", "x", "c"], lineterm="")), difflib.get_close_matches("appel", ["ape", "apple", "peach"]))
