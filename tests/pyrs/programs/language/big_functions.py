def generate(n):
    lines = ["def big(x):", "    total = 0"]
    for i in range(n):
        lines.append(f"    v{i} = x + {i}")
        lines.append(f"    if v{i} % 2: total += v{i} * {i % 7}")
        lines.append(f"    else: total -= {i}")
    lines.append("    return total, v0, v" + str(n - 1))
    return "\n".join(lines)


for n in (10, 300, 1500):
    ns = {}
    exec(generate(n), ns)
    print(n, ns["big"](3), ns["big"](-1))
args = ", ".join(f"a{i}" for i in range(300))
exec(f"def many({args}): return a0 + a150 + a299")
print(many(*range(300)), eval("many(" + ", ".join(str(i) for i in range(300)) + ")"))
exec("def kw(*, " + ", ".join(f"k{i}={i}" for i in range(280)) + "): return k0 + k100 + k279")
print(kw(), kw(k100=0), kw(**{f"k{i}": 0 for i in range(280)}))
exec("big_list = [" + ", ".join(str(i) for i in range(3000)) + "]")
exec(
    "big_dict = {" + ", ".join(f"'k{i}': {i} + zero" for i in range(600)) + "}",
    {"zero": 0},
    out := {},
)
exec("big_tuple = (" + ", ".join(f"zero + {i}" for i in range(600)) + ",)", {"zero": 0}, out)
print(sum(big_list), sum(out["big_dict"].values()), sum(out["big_tuple"]))
exec(
    "def consts():\n    t = 0\n" + "".join(f"    t += {i}.5\n" for i in range(700)) + "    return t"
)
print(consts())
exec(
    "def names():\n    return " + " + ".join(f"n{i}" for i in range(400)),
    names_ns := {f"n{i}": i for i in range(400)},
)
print(names_ns["names"]())
exec(
    "def jumps(x):\n    while True:\n"
    + "".join(f"        if x == {i}: return {i * 2}\n" for i in range(500))
    + "        x -= 500"
)
print(jumps(0), jumps(499), jumps(1250))
exec(
    "def nested(x):\n"
    + "".join("    " * (i + 1) + f"for i{i} in range(2):\n" for i in range(12))
    + "    " * 13
    + "x += 1\n    return x"
)
print(nested(0))
exec(
    "def tries():\n    out = []\n"
    + "".join(
        f"    try:\n        if {i} % 3 == 0: raise ValueError({i})\n        out.append({i})\n    except ValueError as e: out.append(-e.args[0])\n    finally: out.append(0)\n"
        for i in range(120)
    )
    + "    return out"
)
print(sum(tries()), len(tries()))
exec(
    "def unpack(seq):\n    "
    + ", ".join(f"u{i}" for i in range(250))
    + ", *rest = seq\n    return u0, u249, rest"
)
print(unpack(range(252)))
exec(
    "def cells():\n"
    + "".join(f"    c{i} = {i}\n" for i in range(270))
    + "    def inner():\n        return "
    + " + ".join(f"c{i}" for i in range(270))
    + "\n    return inner"
)
print(cells()(), len(cells().__closure__))
exec(
    "class Big:\n"
    + "".join(f"    a{i} = {i}\n    def m{i}(self): return self.a{i}\n" for i in range(200))
)
b = Big()
print(sum(getattr(b, f"m{i}")() for i in range(200)))
exec("text = f'" + "".join(f"{{v}}{i}" for i in range(300)) + "'", {"v": "x"}, out)
print(len(out["text"]))
print(
    eval(
        "a" + ".b" * 0 + "[0]" * 30,
        {"a": (lambda f: f(f, 30))(lambda f, n: [f(f, n - 1)] if n else "bottom")},
    )
)
exec("def chain(x):\n    return " + " if x else ".join(str(i) for i in range(90)))
print(chain(0), chain(1))
exec("def boolean(x):\n    return " + " and ".join(f"x > {i}" for i in range(150)) + " or 'small'")
print(boolean(5), boolean(1000))
