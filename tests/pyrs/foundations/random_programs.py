"""Small random programs: functions that load, compute, choose, store and call each other.

    random_programs.py SEED [COUNT]        prints the source of COUNT programs
    random_programs.py --run SEED COUNT    runs them, each in a namespace of its own

A function sees objects that may be the same or point to each other, so what is stored through one
name is read through another.  All of it depends on the seed only.
"""

import random
import sys

HEAD = """
class P:
    def __init__(self, x, y, o):
        self.x = x
        self.y = y
        self.o = o
G = 7
"""
TAIL = """
def show(p):
    return p.x, p.y, list(p.__dict__)
def main():
    p = P(1, 2, None)
    q = P(3, 4, p)
    s = P(5, 6, None)
    p.o, s.o = q, s
    all = p, q, s
    for i in range({rounds}):
        a, b = all[i % 3], all[i // 3 % 3]
        for f in [{names}]:
            try:
                v = f(a, b)
            except Exception as e:
                v = type(e).__name__, str(e)
            print(f.__code__.co_name, i, repr(v)[:80], *map(show, all))
        for z in all:       # numbers stay short
            if abs(z.x) > 10**6:
                z.x %= 1009
            if abs(z.y) > 10**6:
                z.y %= 1009
    p.o = q.o = s.o = None
main()
"""
STEP = "    "


class Writer:
    """Writes one program.  `bound`: variables that certainly have a value where it is writing."""

    def __init__(self, seed, rounds):
        self.random = random.Random(seed)
        self.rounds = rounds
        self.functions = []

    def chance(self, p):
        return self.random.random() < p

    def pick(self, *of):
        return self.random.choice(of)

    def object(self, depth, bound):
        if depth > 0 and self.chance(0.4):
            return self.object(depth - 1, bound) + ".o"
        return self.pick("a", "b", *sorted(v for v in bound if v[0] == "o"))

    def attribute(self, bound):
        return f"{self.object(1, bound)}.{self.pick('x', 'y')}"

    def number(self, depth, bound):
        def deeper():
            return self.number(depth - 1, bound)

        kind = self.random.random() if depth > 0 else 0
        if kind < 0.45:
            return self.attribute(bound)
        if kind < 0.55:
            return str(self.random.randint(-3, 300))
        if kind < 0.68:
            return self.pick("G", *sorted(v for v in bound if v[0] == "v"))
        if kind < 0.78 and self.functions:
            name = self.pick(*self.functions)
            return f"{name}({self.object(1, bound)}, {self.object(1, bound)})"
        if kind < 0.84:
            return f"({deeper()} if {self.condition(depth - 1, bound)} else {deeper()})"
        if kind < 0.88:
            return f"({deeper()}, {deeper()})[{self.object(0, bound)}.x % 2]"
        return f"({deeper()} {self.pick('+', '-', '*')} {deeper()})"

    def condition(self, depth, bound):
        sign = self.pick("<", ">", "==", "!=", "<=", "is not")
        kind = self.number if sign != "is not" else self.object
        return f"{kind(depth - 1, bound)} {sign} {kind(depth - 1, bound)}"

    def statement(self, bound, depth):
        """-> its lines, what is bound after it (None: nothing comes after it)"""
        kind = self.random.random()
        if kind < 0.35:
            name = self.pick("v0", "v1", "v2")
            return [f"{name} = {self.number(2, bound)}"], bound | {name}
        if kind < 0.5:
            name = self.pick("o0", "o1")
            return [f"{name} = {self.object(2, bound)}"], bound | {name}
        if kind < 0.7 or depth == 0:
            return [f"{self.attribute(bound)} = {self.number(2, bound)}"], bound
        if kind < 0.76:
            return [f"return {self.number(2, bound)}"], None
        lines, after = self.block(self.pick(1, 2), bound, depth - 1)
        lines = [f"if {self.condition(2, bound)}:", *lines]
        other = bound
        if self.chance(0.5):
            more, other = self.block(self.pick(1, 2), bound, depth - 1)
            lines += ["else:", *more]
        if after is None or other is None:
            return lines, other if after is None else after
        return lines, after & other

    def block(self, n, bound, depth):
        """The same, indented."""
        lines = []
        while n > 0 and bound is not None:
            more, bound = self.statement(bound, depth)
            lines += more
            n -= 1
        return [STEP + line for line in lines], bound

    def function(self, name, listing):
        lines, bound = self.block(self.random.randint(1, 5), frozenset(), 2)
        if bound is not None:
            value = self.number(2, bound)
            lines.append(
                f"{STEP}return {f'({value}, {self.attribute(bound)})' if listing else value}"
            )
        return "\n".join([f"def {name}(a, b):", *lines])

    def program(self):
        texts = []
        for i in range(self.random.randint(2, 4)):
            texts.append(self.function(f"f{i}", listing=i > 1 and self.chance(0.5)))
            if i < 2:
                self.functions.append(f"f{i}")
        names = ", ".join(f"f{i}" for i in range(len(texts)))
        # each function is called at a site of its own too
        sites = [
            f"lambda a, b: f{i}({self.pick('a, b', 'b, a', 'a, a')})" for i in range(len(texts))
        ]
        return (
            HEAD
            + "\n".join(texts)
            + TAIL.format(rounds=self.rounds, names=", ".join([names, *sites]))
        )


def programs(seed, count, rounds=40):
    """`count` sources, those of the seeds from `seed` on."""
    return [Writer(n, rounds).program() for n in range(seed, seed + count)]


def run(seed, count):
    for i, text in enumerate(programs(seed, count), seed):
        print("# seed", i)
        exec(compile(text, f"<seed {i}>", "exec"), {"__name__": "program"})


if __name__ == "__main__":
    if sys.argv[1] == "--run":
        run(int(sys.argv[2]), int(sys.argv[3]))
    else:
        print(*programs(int(sys.argv[1]), int((sys.argv + ["1"])[2])), sep="\n\n")
