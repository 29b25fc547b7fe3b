"""fastarray beside NumPy, pyarrow, arrayops and plain Python, in one process.

    python bench/fastarray/run.py [--quick] [--types bid] [--html FILE] [--pages MACHINE]

Every row is a pair: fastarray and a rival are timed in turn, round after round, on the same
data, after their answers were compared.  The ratio is rival / fastarray (above 1: fastarray
is faster), with the 95 % bounds of its geometric mean over the rounds.  Rows whose upper
bound is below the row's goal are marked and listed again at the end.  Rows against a limit
(fixed costs, import, size) have limit / measured as their ratio.
"""

import argparse
import importlib
import math
import operator
import os
import subprocess
import sys
import time
import timeit
from array import array
from functools import partial

import report

import fastarray as fa
from fastarray import _fastarray


def optional(name):
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


np, pa, arrayops = optional("numpy"), optional("pyarrow"), optional("arrayops")
pc = optional("pyarrow.compute")
CPU_TIME = "--cpu-time" in sys.argv  # rows are made with their timers
ALL_TYPES = "bBhHiIqQfd"
CLOCK = time.process_time_ns if CPU_TIME else time.perf_counter_ns


class Row:
    """ours and theirs are functions, or expressions over `names`: those of a few nanoseconds
    would otherwise be timed with the call of a lambda around them."""

    def __init__(self, group, what, rival, goal, ours, theirs, same=None, names=None):
        self.group, self.what, self.rival, self.goal = group, what, rival, goal
        self.same, self.names = same, names
        self.ours, self.theirs = self.timer(ours), self.timer(theirs)
        self.answers = [self.answer(x) for x in (ours, theirs)]

    def timer(self, action):
        return timeit.Timer(action, globals=self.names, timer=CLOCK)

    def answer(self, action):
        return action if callable(action) else lambda: eval(action, self.names)

    def measure(self, rounds, budget_ns):
        """Best times of both, and the ratio with its 95 % bounds."""
        if self.same is not None and not self.same(*(answer() for answer in self.answers)):
            raise SystemExit(f"different answers: {self.group} {self.what} {self.rival}")
        ours_calls, their_calls = (calls_for(f, budget_ns / 3) for f in (self.ours, self.theirs))
        ours, theirs = [], []
        for _ in range(rounds):  # the best of three: one that was interrupted says nothing
            ours.append(min(timed(self.ours, ours_calls) for _ in range(3)))
            theirs.append(min(timed(self.theirs, their_calls) for _ in range(3)))
        logs = [math.log(t / o) for o, t in zip(ours, theirs)]
        mean = sum(logs) / rounds
        spread = math.sqrt(sum((x - mean) ** 2 for x in logs) / max(rounds - 1, 1) / rounds)
        low, high = (math.exp(mean + s * 1.96 * spread) for s in (-1, 1))
        return min(ours), min(theirs), math.exp(mean), low, high


class Limit:
    """A figure that has a limit instead of a rival."""

    goal = 1.0

    def __init__(self, group, what, most, figure):
        self.group, self.what, self.most, self.figure = group, what, most, figure
        self.rival = "limit"

    def measure(self, rounds, budget_ns):
        value = self.figure(rounds)
        ratio = self.most / value
        return value, self.most, ratio, ratio, ratio


def timed(timer, repeat):
    """Nanoseconds per call."""
    return timer.timeit(repeat) / repeat


def calls_for(action, budget_ns):
    """How many calls fill the budget."""
    repeat = 1
    while (spent := timed(action, repeat) * repeat) < budget_ns / 4 and repeat < 1 << 20:
        repeat *= 4
    return max(1, round(repeat * budget_ns / max(spent, 1)))


def close(a, b):
    return a == b or math.isclose(a, b, rel_tol=1e-5)


def fresh(code, n):
    """Positive values that no operation below overflows."""
    block = array(code, [1 + i % 97 for i in range(min(n, 97_000))])
    return (block * (n // len(block) + 1))[:n]


def best_of(statement, names):
    """Nanoseconds per call, the best of many runs: for what is to be a handful of them."""

    def figure(rounds):
        timer = timeit.Timer(statement, globals=names, timer=time.process_time_ns)
        return min(timed(timer, 20_000) for _ in range(3 * rounds))

    return figure


IMPORT = """
import {before}time
start = time.perf_counter_ns()
import fastarray
print(time.perf_counter_ns() - start)
"""


def import_time(before):
    """Nanoseconds in a fresh interpreter with cached bytecode: the best of many."""

    def figure(rounds):
        command = [sys.executable, "-c", IMPORT.format(before=before)]
        env = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        runs = [
            subprocess.run(command, capture_output=True, check=True, env=env)
            for _ in range(3 * rounds)
        ]
        return min(int(run.stdout) for run in runs)

    return figure


# -- rows ------------------------------------------------------------------------------


def small_rows(code):
    a = fresh(code, 10)
    names = {"fa": fa, "np": np, "a": a, "code": code, "len": len}
    calls = {name: f"{name}(a)" for name in ("sum", "mean", "min", "max")}
    calls |= {"scale": "scale(a, 1)", "clip": "clip(a, 1, 99)"}
    rivals = {name: f"frombuffer(a, code).{name}()" for name in ("sum", "mean", "min", "max")}
    rivals["scale"] = "multiply(x := frombuffer(a, code), 1, out=x)"
    rivals["clip"] = "clip(x := frombuffer(a, code), 1, 99, out=x)"
    names |= {name: getattr(fa, name) for name in calls}
    for name, call in calls.items():
        yield Row(
            "n=10", f"{name} {code}", "len(a), at most 3x", 1 / 3, call, "len(a)", names=names
        )
        if np:
            theirs = names | {"frombuffer": np.frombuffer, "multiply": np.multiply}
            if name == "clip":
                theirs |= {"ours": fa.clip, "clip": np.clip}
            yield Row("n=10", f"{name} {code}", "numpy + frombuffer", 25,
                      call.replace("clip", "ours"), rivals[name],
                      close if name in ("sum", "mean", "min", "max") else None, theirs)  # fmt: skip
    for name in ("sum", "mean", "min", "max"):
        fn = getattr(fa, name)
        if pc:
            x = pa.array(a)
            theirs = getattr(pc, {"min": "min_max", "max": "min_max"}.get(name, name))
            yield Row("n=10", f"{name} {code}", "pyarrow", 1, lambda fn=fn: fn(a),
                      lambda f=theirs, x=x: f(x))  # fmt: skip
        if arrayops and code in "bBhHiIlLfd":
            theirs = getattr(arrayops, name)
            yield Row("n=10", f"{name} {code}", "arrayops", 1, lambda fn=fn: fn(a),
                      lambda f=theirs: f(a))  # fmt: skip


def numpy_rows(code, n):
    a = fresh(code, n)
    x = np.frombuffer(a, code)
    group = f"n={n:.0e}"
    bytes_ = n * a.itemsize
    goal = 8 if n == 1000 else 0.95 if bytes_ >= 32 << 20 else 1.0
    for name in ("sum", "mean", "min", "max"):
        fn, theirs = getattr(fa, name), getattr(x, name)
        own = 5 if name == "sum" and a.itemsize <= 2 and 1000 < n <= 1_000_000 else goal
        yield Row(group, f"{name} {code}", "numpy", own, "fn(a)", "theirs()",
                  close if n <= 1_000_000 and code != "f" else None,
                  {"fn": fn, "theirs": theirs, "a": a})  # fmt: skip
    own = 5 if n == 1000 else goal
    yield Row(
        group,
        f"clip {code}",
        "numpy",
        own,
        lambda: fa.clip(a, 1, 97),
        lambda: np.clip(x, 1, 97, out=x),
    )
    own = 5 if n == 1000 else 0.9 if code not in "fd" else goal
    yield Row(group, f"scale {code}", "numpy unchecked", own, lambda: fa.scale(a, 1),
              lambda: np.multiply(x, x.dtype.type(1), out=x))  # fmt: skip
    if n <= 1_000_000:
        b = array(code, [1]) * n
        y = np.frombuffer(b, code)
        # two arrays and the result: past any core's own cache they wait for memory
        own = 0.95 if 3 * bytes_ > 8 << 20 else 1
        for name in ("add", "sub", "mul", "truediv", "floordiv"):
            fn, theirs = getattr(fa, name), getattr(operator, name)
            yield Row(
                group,
                f"{name} {code}",
                "numpy",
                own,
                lambda fn=fn: fn(a, b),
                lambda f=theirs: f(x, y),
            )


def lambda_rows(code, n):
    a = fresh(code, n)
    if code in "bB":
        a = array(code, [v % 11 for v in a])
    x = np.frombuffer(a, code) if np else None
    group = f"n={n:.0e}"
    maps = {
        "x * 2 + 1": lambda x: x * 2 + 1,
        "x * x - 3 * x + 7": lambda x: x * x - 3 * x + 7,
        "(x * 3 + 5) % 7": lambda x: (x * 3 + 5) % 7,
        "abs(x - 50) // 3": lambda x: abs(x - 50) // 3,
    }
    filters = {
        "x > 3 and x < 9": (lambda x: x > 3 and x < 9, lambda x: x[(x > 3) & (x < 9)]),
        "x % 2 == 0": (lambda x: x % 2 == 0, lambda x: x[x % 2 == 0]),
        "20 <= x < 70": (lambda x: 20 <= x < 70, lambda x: x[(x >= 20) & (x < 70)]),
    }
    python = 40 if n >= 1000 else 1
    for text, f in maps.items():
        ours = lambda f=f: fa.map(a, f)  # noqa: E731
        if n <= 100_000:
            yield Row(group, f"map {text} {code}", "python", python, ours, lambda f=f: array(code, map(f, a)),
                      operator.eq)  # fmt: skip
        if np:
            yield Row(
                group,
                f"map {text} {code}",
                "numpy",
                1 if n <= 1000 else 0.8,
                ours,
                lambda f=f: f(x),
            )
    for text, (f, g) in filters.items():
        ours = lambda f=f: fa.filter(a, f)  # noqa: E731
        if n <= 100_000:
            yield Row(group, f"filter {text} {code}", "python", python, ours,
                      lambda f=f: array(code, filter(f, a)), operator.eq)  # fmt: skip
        if np:
            yield Row(group, f"filter {text} {code}", "numpy", 3, ours, lambda g=g: g(x))


def other_rows():
    a = fresh("i", 1000)
    opaque = lambda x: [x][0]  # noqa: E731
    yield Row("opaque", "map i", "array(tc, map(f, a))", 1.3, lambda: fa.map(a, opaque),
              lambda: array("i", map(opaque, a)), operator.eq)  # fmt: skip
    yield Row("opaque", "filter i", "array(tc, filter(f, a))", 1.3, lambda: fa.filter(a, opaque),
              lambda: array("i", filter(opaque, a)), operator.eq)  # fmt: skip
    for n, goal in ((1000, 20), (1_000_000, 40)):
        d = array("d", [math.sin(i) for i in range(n)])
        yield Row("fsum", f"well-conditioned {n:.0e}", "math.fsum", goal, lambda d=d: fa.fsum(d),
                  lambda d=d: math.fsum(d), operator.eq)  # fmt: skip
    worst = array(
        "d", [(-1) ** (i // 2 % 2) * 2.0 ** ((i * 7919) % 1800 - 900) for i in range(20_000)]
    )
    worst.extend([-v for v in worst])
    yield Row("fsum", "ill-conditioned 4e+04", "math.fsum", 1, lambda: fa.fsum(worst), lambda: math.fsum(worst),
              operator.eq)  # fmt: skip


def limit_rows(types):
    """What a call costs whatever the array, and what the package costs."""
    functions = {
        "map x * 2 + 1": "fa.map(a, f)",
        "filter 3 < x < 9": "fa.filter(a, g)",
        "filter x % 2 == 0": "fa.filter(a, h)",
    }
    names = {
        "fa": fa,
        "f": lambda x: x * 2 + 1,
        "g": lambda x: 3 < x < 9,
        "h": lambda x: x % 2 == 0,
    }
    for code in types:
        one = names | {"a": array(code, [4])}
        for what, statement in functions.items():
            yield Limit("fixed cost", f"{what} {code}", 120, best_of(statement, one))
    yield Limit("import", "array not there yet", 1e6, import_time(""))
    yield Limit("import", "array there", 1e6, import_time("array, "))
    yield Limit("bytes", "extension", 600_000, lambda rounds: os.path.getsize(_fastarray.__file__))


def with_threads(n, action):
    def call():
        fa.set_num_threads(n)
        return action()

    return call


def cores():
    return 1 if CPU_TIME else len(os.sched_getaffinity(0))


def bandwidth_rows(types, n=128 << 20):
    """Reductions of more memory than any cache holds: one thread beside libc's memchr over the
    same bytes, all threads beside the simplest kernel with as many."""
    for code in types:
        raw = bytearray(fresh(code, n // array(code).itemsize).tobytes())
        a = memoryview(raw).cast(code)
        if raw.find(b"\xff") != -1:
            raise SystemExit("memchr would stop early")
        for name in ("sum", "min"):
            reduce = partial(getattr(fa, name), a)
            yield Row("128 MB", f"{name} {code}", "load (memchr)", 0.9, with_threads(1, reduce),
                      partial(raw.find, b"\xff"))  # fmt: skip
            if cores() > 1:
                yield Row("128 MB", f"{name} {code}, {cores()} threads", "load (max of u8)", 0.9,
                          with_threads(cores(), reduce), with_threads(cores(), partial(fa.max, raw)))  # fmt: skip
        fa.set_num_threads(cores())


def pool_rows(types, n=24 << 20):
    """All threads beside one where a core is busy computing, not waiting for memory."""
    for code in types if cores() > 1 else "":
        a = fresh(code, n // array(code).itemsize)
        one, every = (with_threads(k, partial(fa.var, a)) for k in (1, cores()))
        yield Row(
            "24 MB", f"var {code}, {cores()} threads", "one thread", 1.6, every, one, operator.eq
        )


# -- running ------------------------------------------------------------------------------


def all_rows(types, quick):
    for code in types:
        yield from small_rows(code)
        if np:
            for n in (
                (1000, 100_000, 1_000_000) if quick else (1000, 100_000, 1_000_000, 20_000_000)
            ):
                yield from numpy_rows(code, n)
        for n in (10, 1000, 100_000) if quick else (10, 1000, 100_000, 1_000_000):
            yield from lambda_rows(code, n)
    yield from other_rows()
    yield from limit_rows(types)
    if not quick:
        yield from bandwidth_rows(types)
        yield from pool_rows([code for code in types if code in "fd"])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer sizes and rounds")
    parser.add_argument("--types", default=ALL_TYPES)
    parser.add_argument("--html", metavar="FILE", help="write the report with plots here")
    parser.add_argument(
        "--pages", metavar="MACHINE", help="put the tables into README.md and docs/"
    )
    parser.add_argument(
        "--cpu-time", action="store_true", help="for a loaded machine: one thread's"
    )
    options = parser.parse_args()
    if CPU_TIME:
        fa.set_num_threads(1)
    rounds, budget = (5, 400_000) if options.quick else (9, 2_000_000)
    results = []
    print(
        f"{'':10} {'operation':26} {'rival':22} {'fa ns':>12} {'rival ns':>12}  ratio (95 % bounds), goal"
    )
    for row in all_rows(options.types, options.quick):
        result = row.measure(rounds, budget)
        ours, theirs, ratio, low, high = result
        mark = "" if high >= row.goal else "  LOSES"
        print(f"{row.group:10} {row.what:26} {row.rival:22} {ours:12,.0f} {theirs:12,.0f}  "
              f"{ratio:.2f} ({low:.2f} to {high:.2f}), {row.goal:.2f}{mark}", flush=True)  # fmt: skip
        results.append((row, result))
    losing = [(row, result) for row, result in results if result[4] < row.goal]
    print(f"\n{len(losing)} of {len(results)} rows are below their goal:")
    for row, (_, _, ratio, _, high) in losing:
        print(
            f"  {row.group} {row.what} / {row.rival}: {ratio:.2f}, at most {high:.2f}, goal {row.goal:.2f}"
        )
    if options.html:
        report.write_html(results, options.html)
    if options.pages:
        flags = " --quick" * options.quick + " --cpu-time" * CPU_TIME
        flags += f" --types {options.types}" * (options.types != ALL_TYPES)
        report.write_pages(results, options.pages, f"python bench/fastarray/run.py{flags}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
