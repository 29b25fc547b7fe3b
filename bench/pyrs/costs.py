"""What single things cost in the VM, each beside its goal: bench/pyrs/costs.py [--rounds N].

Every figure is the best of N fresh processes, taken in turn with plain CPython's; times are
CPU seconds.  A call is what a loop with it takes more than an empty one: both run in turn in one
process, a moment apart, and are subtracted there, because a clock that changes between them would be
part of the difference; a process says its median, and of two processes that ran one after the other
the ratio is taken, the best of N.  The last line counts the goals that were met; on a busy machine
say no more than that one was missed.
"""

import argparse
import json
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from run import cpu_of_children, sides, version

# one loop with each thing in it, and one with nothing
LOOPS = """
import gc, json, time
from statistics import median
isenabled = gc.isenabled
def empty(): pass
def nothing(n):
    for _ in range(n): pass
def call(n):
    for _ in range(n): empty()
def builtin(n):
    for _ in range(n): isenabled()
def took(f, n=50_000):
    begin = time.process_time(); f(n); return (time.process_time() - begin) / n * 1e9
rounds = [[took(f) for f in (nothing, call, builtin)] for _ in range(41)]
print(json.dumps({"call": median(c - none for none, c, _ in rounds),
                  "builtin": median(b - none for none, _, b in rounds)}))
"""
IMPORT = """
import json, sys, time
begin = time.process_time()
import pyrs
took = time.process_time() - begin
assert "pyrs._pyrs" not in sys.modules
print(json.dumps({"import": took * 1e3}))
"""
DEEP = """
import json, resource, sys
sys.setrecursionlimit(10**9)
def deep(n): return n and 1 + deep(n - 1)
assert deep(10**6) == 10**6
print(json.dumps({"deep": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
"""
LEAK = """
import json, sys
def callee(a, b=2, *args, c=3): return [a, b, args, c]
def calls(n):
    for i in range(n): callee(i, c=i)
calls(1000)
before = sys.getallocatedblocks()
calls(10**6)
print(json.dumps({"leak": sys.getallocatedblocks() - before}))
"""
# each its own bytecode, and none called twice
MANY = [
    f"""def f{i}(a, b={i}):
    total = a + b{" + a" * (i % 5)}
    if total > {i % 7}:
        total -= len(str(a)) * {i}
    for x in range({i % 3 + 1}):
        total += x
    return [total, a, {{"n": total}}]
"""
    for i in range(2000)
]
FIRST = """
import json, time
from many import ALL
begin = time.process_time()
for f in ALL: f(3)
print(json.dumps({"first": (time.process_time() - begin) / len(ALL) * 1e9}))
"""


@dataclass
class Goal:
    text: str
    limit: float
    unit: str
    value: float

    def line(self):
        met = "met" if self.value <= self.limit else "MISSED"
        return f"{self.text:<42} {self.value:>9.2f} {self.unit:<4} goal <= {self.limit:g} {met}"


def run(command, code, env):
    """What a fresh process prints."""
    done = subprocess.run(
        [*command, "-c", code], env=os.environ | env, check=True, capture_output=True, text=True
    )
    return done.stdout


def answer(command, code, env):
    return json.loads(run(command, code, env))


def cpu(command, code, env):
    """What it takes from start to end."""
    before = cpu_of_children()
    run(command, code, env)
    return cpu_of_children() - before


def best_of(rounds, *measures):
    """The smallest of each measure, taken in turn."""
    taken = [[measure() for measure in measures] for _ in range(rounds)]
    return [min(column) for column in zip(*taken, strict=True)]


def loops(rounds, plain, vm, env):
    """Of each loop, how many times plain's nanoseconds the VM's are."""
    pairs = [(answer(plain, LOOPS, env), answer(vm, LOOPS, {})) for _ in range(rounds)]
    return {name: min(ours[name] / theirs[name] for theirs, ours in pairs) for name in pairs[0][0]}


def first_calls(rounds, plain, vm, env):
    """Nanoseconds of a function's first call: plain, translated now, translated before."""
    with tempfile.TemporaryDirectory() as folder:
        listed = ", ".join(f"f{i}" for i in range(len(MANY)))
        Path(folder, "many.py").write_text("\n".join([*MANY, f"ALL = [{listed}]\n"]))
        env = env | {"PYTHONPATH": os.pathsep.join([folder, env.get("PYTHONPATH", "")])}
        path = {"PYTHONPATH": folder, "PYTHONDONTWRITEBYTECODE": ""}
        return best_of(
            rounds + 1,  # the first leaves the translations
            lambda: answer(plain, FIRST, env)["first"],
            lambda: answer(vm, FIRST, path | {"PYRS_CACHE": "off"})["first"],
            lambda: answer(vm, FIRST, path)["first"],
        )


def goals(where, rounds):
    plain, env, vm = where.plain, where.plain_env, [*where.vm, "-m", "pyrs"]
    ratio = loops(rounds, plain, vm, env)
    yield Goal("call and return of an empty function", 0.4, "x", ratio["call"])
    yield Goal("call of a builtin without arguments", 1.2, "x", ratio["builtin"])
    first, now, before = first_calls(rounds, plain, vm, env)
    yield Goal("first call of a function", 1.2, "x", now / first)
    yield Goal("first call of one translated before", 1.2, "x", before / first)
    imports = [answer(where.vm, IMPORT, {})["import"] for _ in range(4 * rounds)]
    yield Goal("import pyrs", 2, "ms", min(imports))
    a, b = best_of(4 * rounds, lambda: cpu(plain, "pass", env), lambda: cpu(vm, "pass", {}))
    yield Goal("-c pass, more than plain", 20, "ms", (b - a) * 1e3)
    kept = {"PYTHONDONTWRITEBYTECODE": ""}
    a, b, c = best_of(
        rounds + 1,
        lambda: cpu(plain, "import pandas", env),
        lambda: cpu(vm, "import pandas", {"PYRS_CACHE": "off"}),
        lambda: cpu(vm, "import pandas", kept),
    )
    yield Goal("import pandas, nothing translated before", 1.1, "x", b / a)
    yield Goal("import pandas", 1.02, "x", c / a)
    yield Goal("1,000,000 frames deep", 1024, "MiB", answer(vm, DEEP, {})["deep"])
    leaked = answer(vm, LEAK, {})["leak"]
    yield Goal("blocks kept by 1,000,000 calls", 10, "", leaked)


def main():
    parser = argparse.ArgumentParser(description="What single things cost in the VM.")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--baseline", help="interpreter to compare with")
    options = parser.parse_args()
    where = sides(options.baseline)
    print(
        f"VM on {version(where.vm[0])}, plain CPython {version(where.plain[0])} ({where.plain[0]})"
    )
    met = missed = 0
    for goal in goals(where, options.rounds):
        print(goal.line(), flush=True)
        met, missed = met + (goal.value <= goal.limit), missed + (goal.value > goal.limit)
    print(f"{met} goals met, {missed} missed")


if __name__ == "__main__":
    main()
