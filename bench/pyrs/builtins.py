"""The builtins and methods programs use most, each in a loop: bench/pyrs/builtins.py [names ...].

Both sides answer first, and must answer the same; on ours no loop may have been CPython's.
Then processes of both run in turn, each going through all rows, and of every row the best
time counts.  *loop* is how many times faster the VM runs the loop as written; *call* the same
without what an empty loop takes.  Times are CPU seconds.  A row that loses stays in the table,
with a mark.
"""

import argparse
import json
import statistics
import sys
import textwrap
import time
from dataclasses import dataclass
from pathlib import Path

from run import Wrong, sides, start, version

N = 20_000
BASE = "an empty loop"
# what the loops find in their module
SHARED = """
import functools, io, operator

class Animal:
    kind = "animal"
    def __init__(self, name="x"): self.name = name
    def legs(self): return 4
    def __len__(self): return 3

class Dog(Animal):
    def legs(self): return super().legs()

class Plain: pass

def twice(x): return x + x
def add(a, b): return a + b
"""


@dataclass
class Row:
    name: str
    step: str  # what the loop does with i; `last` is the answer
    setup: str = "pass"  # before the loop
    share: int = 1  # such a part of N steps

    def source(self):
        body = textwrap.indent(self.step, "        ")
        before = textwrap.indent(self.setup, "    ")
        return f"def run(n):\n    last = None\n{before}\n    for i in range(n):\n{body}\n    return last\n"


WORDS = "words = ['alpha', 'beta', 'gamma', 'delta']"
NUMBERS = "numbers = list(range(7, 27))"
MIXED = "numbers = [(k * 7919) % 101 for k in range(20)]"
LINE = "line = '  alpha,beta,gamma,delta  '"
RECORD = "record = {'name': 'x', 'size': 3, 'tags': ()}"
SMALL = "d = {k: k for k in range(64)}"

ROWS = [
    Row(BASE, "pass"),
    # -- functions and types
    Row("len(list)", "last = len(numbers)", NUMBERS),
    Row("len(object)", "last = len(o)", "o = Animal()"),
    Row("isinstance(x, C)", "last = isinstance(o, Animal)", "o = Dog()"),
    Row("isinstance(x, (A, B))", "last = isinstance(i, (str, int))"),
    Row("issubclass", "last = issubclass(Dog, Animal)"),
    Row("range(n)", "for k in range(10): last = k", share=5),
    Row("enumerate", "for k, x in enumerate(numbers): last = k + x", NUMBERS, share=10),
    Row("zip", "for a, b in zip(numbers, numbers): last = a + b", NUMBERS, share=10),
    Row("zip to dict", "last = dict(zip(words, numbers))", f"{WORDS}; {NUMBERS}", share=4),
    Row("min(a, b)", "last = min(i, 500)"),
    Row("max(a, b)", "last = max(i, 500)"),
    Row("min(list)", "last = min(numbers)", MIXED, share=5),
    Row("max(list)", "last = max(numbers)", MIXED, share=5),
    Row("max(list, key=f)", "last = max(words, key=len)", WORDS, share=5),
    Row("sum(list)", "last = sum(numbers)", NUMBERS, share=2),
    Row("sum(generator)", "last = sum(x * x for x in numbers)", NUMBERS, share=20),
    Row("sorted(list)", "last = sorted(numbers)", MIXED, share=5),
    Row("sorted(key=f)", "last = sorted(words, key=len)", WORDS, share=5),
    Row("sorted(key=lambda)", "last = sorted(words, key=lambda w: w[1])", WORDS, share=5),
    Row("reversed", "for x in reversed(numbers): last = x", NUMBERS, share=10),
    Row("any(list)", "last = any(flags)", "flags = [False] * 9 + [True]", share=2),
    Row("any(generator)", "last = any(x > 25 for x in numbers)", NUMBERS, share=20),
    Row("all(list)", "last = all(numbers)", NUMBERS, share=2),
    Row("all(generator)", "last = all(x < 99 for x in numbers)", NUMBERS, share=20),
    Row("list(map(f))", "last = list(map(twice, numbers))", NUMBERS, share=20),
    Row("list(map(str))", "last = list(map(str, numbers))", NUMBERS, share=20),
    Row("for in map(f)", "for x in map(twice, numbers): last = x", NUMBERS, share=20),
    Row("list(filter(f))", "last = list(filter(lambda x: x & 1, numbers))", NUMBERS, share=20),
    Row("list(filter(None))", "last = list(filter(None, numbers))", NUMBERS, share=5),
    Row("abs", "last = abs(500 - i)"),
    Row("int(str)", "last = int('1234')"),
    Row("int(float)", "last = int(i / 3)"),
    Row("int()", "last = int()"),
    Row("float(str)", "last = float('12.5')"),
    Row("float(int)", "last = float(i)"),
    Row("str(int)", "last = str(i)"),
    Row("str(float)", "last = str(i / 4)"),
    Row("repr(str)", "last = repr('alpha')"),
    Row("repr(int)", "last = repr(i)"),
    Row("repr(list)", "last = repr(words)", WORDS, share=4),
    Row("bool", "last = bool(numbers)", NUMBERS),
    Row("print", "print(i, 'x', file=out)", "out = io.StringIO()", share=4),
    Row("iter", "last = iter(numbers)", NUMBERS),
    Row("next", "last = next(it, None)", "it = iter(range(n))"),
    Row("next(generator)", "last = next(it)", "it = (k for k in range(n))"),
    Row("getattr", "last = getattr(o, 'name')", "o = Animal()"),
    Row("getattr, default", "last = getattr(o, 'missing', 7)", "o = Animal()"),
    Row("hasattr", "last = hasattr(o, 'name')", "o = Animal()"),
    Row("hasattr, missing", "last = hasattr(o, 'missing')", "o = Animal()"),
    Row("setattr", "setattr(o, 'name', i)", "o = Animal()"),
    Row("callable", "last = callable(twice)"),
    Row("type(x)", "last = type(o) is Animal", "o = Animal()"),
    Row("super()", "last = o.legs()", "o = Dog()"),
    Row("class()", "last = Plain()\nlast = None"),
    Row("class(argument)", "last = Animal(i).name"),
    Row("hash(str)", "last = hash('alpha') is None"),
    Row("hash(tuple)", "last = hash((i, 2))"),
    Row("id", "last = id(numbers) > 0", NUMBERS),
    Row("ord", "last = ord('x')"),
    Row("chr", "last = chr(i & 127)"),
    Row("divmod", "last = divmod(i, 7)"),
    Row("round(x)", "last = round(i / 3)"),
    Row("round(x, n)", "last = round(i / 3, 2)"),
    Row("pow", "last = pow(i, 2)"),
    Row("pow, modulus", "last = pow(i, 3, 1009)"),
    Row("hex", "last = hex(i)"),
    Row("format", "last = format(i, '05d')"),
    Row("vars", "last = vars(o)", "o = Animal()"),
    Row("list(tuple)", "last = list(t)", "t = (1, 2, 3)"),
    Row("list(range)", "last = list(range(20))", share=4),
    Row("tuple(list)", "last = tuple(words)", WORDS),
    Row("set(list)", "last = len(set(numbers))", NUMBERS, share=5),
    Row("dict(k=v)", "last = dict(a=1, b=i)"),
    Row("dict(dict)", "last = dict(record)", RECORD),
    # -- str
    Row("str.join", "last = ','.join(words)", WORDS),
    Row("str.split", "last = line.split(',')", LINE),
    Row("str.split()", "last = text.split()", "text = 'alpha beta gamma'"),
    Row("str.splitlines", "last = text.splitlines()", "text = 'alpha\\nbeta\\ngamma'"),
    Row("str.strip", "last = line.strip()", LINE),
    Row("str.strip(chars)", "last = text.strip('xy')", "text = 'xxalphayy'"),
    Row("str.replace", "last = line.replace('a', 'o')", LINE),
    Row("str.startswith", "last = line.startswith('  al')", LINE),
    Row("str.startswith(tuple)", "last = line.startswith(('a', ' '))", LINE),
    Row("str.endswith", "last = line.endswith('  ')", LINE),
    Row("str.format", "last = '{} and {}'.format(i, 'x')"),
    Row("str %", "last = '%s and %d' % ('x', i)"),
    Row("f-string", "last = f'{i} and {line}'", LINE),
    Row("str.lower", "last = text.lower()", "text = 'Alpha Beta'"),
    Row("str.upper", "last = text.upper()", "text = 'Alpha Beta'"),
    Row("str.title", "last = text.title()", "text = 'alpha beta'"),
    Row("str.find", "last = line.find('gamma')", LINE),
    Row("str.index", "last = line.index('gamma')", LINE),
    Row("str.count", "last = line.count(',')", LINE),
    Row("str.encode", "last = line.encode()", LINE),
    Row("str.isdigit", "last = text.isdigit()", "text = '12345'"),
    Row("str.isalpha", "last = text.isalpha()", "text = 'alpha'"),
    Row("str.zfill", "last = text.zfill(8)", "text = '12345'"),
    Row("str.partition", "last = line.partition(',')", LINE),
    Row("str[a:b]", "last = line[2:7]", LINE),
    Row("in str", "last = 'gamma' in line", LINE),
    # -- list and tuple
    Row("list.append", "last.append(i)", "last = []"),
    Row("list.extend", "last = []\nlast.extend(numbers)", NUMBERS),
    Row("list.pop()", "last = stack.pop()", "stack = list(range(n))"),
    Row("list.pop(0)", "last = queue.pop(0); queue.append(i)", "queue = list(range(20))"),
    Row("list.insert", "stack.insert(0, i); last = stack.pop()", "stack = [1, 2, 3]"),
    Row("list.sort", "last = numbers[:]\nlast.sort()", MIXED, share=5),
    Row("list.index", "last = numbers.index(12)", NUMBERS),
    Row("list.count", "last = numbers.count(12)", NUMBERS, share=4),
    Row("list.copy", "last = numbers.copy()", NUMBERS),
    Row("list.reverse", "numbers.reverse()", NUMBERS),
    Row("list.remove", "numbers.remove(9)\nnumbers.append(9)", NUMBERS),
    Row("in list", "last = 12 in numbers", NUMBERS),
    Row("list[a:b]", "last = numbers[2:7]", NUMBERS),
    Row("tuple.index", "last = t.index(12)", "t = tuple(range(7, 27))"),
    # -- dict and set
    Row("dict.get", "last = record.get('size')", RECORD),
    Row("dict.get, default", "last = record.get('missing', 0)", RECORD),
    Row("dict.items", "for k, v in record.items(): last = v", RECORD, share=3),
    Row("dict.keys", "for k in record.keys(): last = k", RECORD, share=3),
    Row("dict.values", "for v in record.values(): last = v", RECORD, share=3),
    Row("dict.pop", "record['z'] = i\nlast = record.pop('z')", RECORD),
    Row("dict.pop, default", "last = record.pop('z', None)", RECORD),
    Row("dict.setdefault", "last = record.setdefault('size', 0)", RECORD),
    Row("dict.update", "record.update(more)", f"{RECORD}; more = {{'a': 1, 'b': 2}}"),
    Row("dict.copy", "last = record.copy()", RECORD),
    Row("in dict", "last = 'size' in record", RECORD),
    Row("set.add", "last.add(i & 63)", "last = set()"),
    Row("set.discard", "s.discard(i & 63)", "s = set(range(64))"),
    Row("set.remove", "s.add(5)\ns.remove(5)", "s = {1, 2, 3}"),
    Row("set.update", "s.update(numbers)", f"s = set(); {NUMBERS}", share=4),
    Row("in set", "last = i in s", "s = set(range(64))"),
    # -- bytes
    Row("bytes.decode", "last = b.decode()", "b = b'alpha beta'"),
    Row("bytes.split", "last = b.split(b',')", "b = b'alpha,beta,gamma'"),
    Row("bytes.join", "last = b','.join(parts)", "parts = [b'alpha', b'beta', b'gamma']"),
    Row("bytes.find", "last = b.find(b'beta')", "b = b'alpha beta'"),
    Row("bytes.startswith", "last = b.startswith(b'al')", "b = b'alpha beta'"),
    Row("bytes + bytes", "last = b + b'!'", "b = b'alpha beta'"),
    # -- operator and functools
    Row("itemgetter", "last = get(record)", f"{RECORD}; get = operator.itemgetter('size')"),
    Row("attrgetter", "last = get(o)", "o = Animal(); get = operator.attrgetter('name')"),
    Row("operator.add", "last = add(i, 2)", "add = operator.add"),
    Row("partial(f)", "last = f(i)", "f = functools.partial(add, 2)"),
    Row("partial(C)", "last = f('101')", "f = functools.partial(int, base=2)"),
    Row("partial of C", "last = f(i)", "f = functools.partial(max, 500)"),
    Row("lru_cache", "last = f(i & 7)", "f = functools.lru_cache(twice)"),
    Row("reduce", "last = functools.reduce(add, numbers)", NUMBERS, share=20),
    Row("StringIO.write", "out.write('alpha')", "out = io.StringIO()"),
]


# -- one side ---------------------------------------------------------------------------------


def functions(rows):
    for row in rows:
        names = {"__name__": "loops"}
        exec(SHARED, names)
        exec(compile(row.source(), f"<{row.name}>", "exec"), names)
        yield row, names["run"]


def side(mode, chosen, count):
    """A process: the best times of all rows in seconds a step, and what they answered."""
    call, stats = (lambda run, n: run(n)), (lambda: {"native": 0, "delegated": 0})
    if mode == "vm":
        import pyrs

        call, stats = pyrs.run, pyrs.stats
        pyrs.run("None")  # the machine itself is loaded
    result = {}
    for row, run in functions(chosen):
        n, before, times = N // row.share, stats(), []
        for _ in range(count):
            begin = time.process_time()
            answer = call(run, n)
            times.append((time.process_time() - begin) / n)
        after = stats()
        ran = [after[name] - before[name] for name in ("native", "delegated")]
        result[row.name] = {"best": min(times), "answer": shown(answer), "ran": ran}
    print(json.dumps(result))


def shown(answer):
    """As text, without what differs from process to process."""
    text = answer.getvalue() if hasattr(answer, "getvalue") else repr(answer)
    return type(answer).__name__ if " object at 0x" in text else text[-200:]


# -- both ------------------------------------------------------------------------------------------


def ask(mode, where, names, count):
    python, env = (where.vm, {}) if mode == "vm" else (where.plain, where.plain_env)
    command = [*python, __file__, "--side", mode, "--values", str(count), *names]
    return json.loads(start(command, {**env, "PYTHONHASHSEED": "0"}))


def check(name, plain, vm):
    if plain["answer"] != vm["answer"]:
        raise Wrong(f"{name}: {vm['answer']} where CPython answers {plain['answer']}")
    native, delegated = vm["ran"]
    if not native or delegated:
        raise Wrong(f"{name}: {native} frames ran in the VM, {delegated} were CPython's")


def best(results, name):
    return min(result[name]["best"] for result in results)


def table(rows, plain, vm):
    """Prints it.  -> the ratios of calls"""
    empty = best(plain, BASE), best(vm, BASE)
    ratios = []
    print(f"{'':<24}{'plain ns':>9}{'VM ns':>8}{'loop':>7}{'call':>7}")
    for row in rows:
        a, b = best(plain, row.name), best(vm, row.name)
        line = f"{row.name:<24}{a * 1e9:>9.1f}{b * 1e9:>8.1f}{a / b:>7.2f}"
        if row.name != BASE:
            ratios.append((a - empty[0]) / max(b - empty[1], 1e-10))
            line += f"{ratios[-1]:>7.2f}" + ("  slower" if a < b else "")
        print(line)
    return ratios


def parse(argv):
    parser = argparse.ArgumentParser(description="Builtins and methods, in the VM and plainly.")
    parser.add_argument("names", nargs="*", help="rows, or parts of their names (default: all)")
    parser.add_argument("--rounds", type=int, default=5, help="processes of each side")
    parser.add_argument("--values", type=int, default=7, help="times each loop runs in one")
    parser.add_argument("--baseline", help="interpreter to compare with")
    parser.add_argument("--side", choices=("plain", "vm"), help=argparse.SUPPRESS)
    return parser.parse_args(argv)


def main(argv):
    options = parse(argv)
    chosen = [
        row
        for row in ROWS
        if row.name == BASE or not options.names or any(n in row.name for n in options.names)
    ]
    if options.side:
        side(options.side, chosen, options.values)
        return 0
    if len(chosen) == 1:
        sys.exit(f"builtins: no row is named like {options.names[0]!r}")
    where = sides(options.baseline)
    print(f"VM on {version(where.vm[0])}, plain CPython {version(where.plain[0])}")
    first = {mode: ask(mode, where, options.names, 1) for mode in ("plain", "vm")}
    for row in chosen:
        check(row.name, first["plain"][row.name], first["vm"][row.name])
    results = {"plain": [], "vm": []}
    for turn in range(options.rounds):
        for mode in ("plain", "vm") if turn % 2 else ("vm", "plain"):
            results[mode].append(ask(mode, where, options.names, options.values))
    ratios = table(chosen, results["plain"], results["vm"])
    slower = sum(ratio < 1 for ratio in ratios)
    print(
        f"{len(ratios)} rows, geometric mean of calls "
        f"{statistics.geometric_mean(max(r, 0.01) for r in ratios):.2f}, {slower} below 1"
    )
    return 0


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent))
    try:
        sys.exit(main(sys.argv[1:]))
    except Wrong as e:
        sys.exit(f"builtins: {e}")
