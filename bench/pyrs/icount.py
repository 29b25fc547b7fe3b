"""How many machine instructions small programs take in the VM, and a gate on it.

    python bench/pyrs/icount.py            compare with icount.json, fail above 5 % more
    python bench/pyrs/icount.py --update   write what was counted there

Counts come from callgrind and hardly vary between runs, so they show a loss that a clock
on a busy machine can't.  Each program runs twice, with a small and a larger n; only the
difference counts, which leaves out start-up, lowering and loading.
"""

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

HERE = Path(__file__).resolve().parent
FIGURES = HERE / "icount.json"
ALLOWED = 0.05
# program -> the two n; about a million instructions lie between them
PROGRAMS = {
    "class_creation": (200, 2_200),
    "closure_calls": (100, 5_100),
    "comprehensions": (200, 10_200),
    "dict_operations": (200, 4_200),
    "exception_handling": (100, 2_100),
    "fib_iterative": (100, 40_100),
    "fib_recursive": (5, 16),
    "function_calls": (100, 3_100),
    "generator_iteration": (100, 8_100),
    "list_operations": (200, 5_200),
    "loop_sum": (100, 20_100),
    "method_dispatch": (100, 8_100),
    "nested_loops": (5, 30),
    "string_concat": (600, 12_600),
}


def key():
    """What the counts depend on beside our code: release, compiler, machine."""
    compiler = os.environ.get("CC", sysconfig.get_config_var("CC") or "cc").split()
    major = subprocess.run(
        [*compiler, "-dumpversion"], capture_output=True, text=True, check=True
    ).stdout.split(".")[0]
    kind = "clang" if "clang" in compiler[0] else "gcc"
    release = f"{sys.version_info[0]}.{sys.version_info[1]}"
    return f"cpython-{release} {kind}-{major.strip()} {platform.machine()}"


def instructions(name, n):
    """Instructions of a whole process that runs a program's run(n) in the VM."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import pyrs, worker;"
        "program = worker.load(sys.argv[2]); pyrs.run(program.run, int(sys.argv[3]))"
    )
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", sys.executable]
    arguments = ["-c", code, str(HERE), str(HERE / f"programs/{name}.py"), str(n)]
    done = subprocess.run(
        [*command, *arguments],
        # nothing in the counts may depend on chance
        env=os.environ | {"PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
    )
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode or not found:
        sys.exit(f"icount: {name} failed under valgrind:\n{done.stderr[-2000:]}")
    return int(found[1])


def count(name):
    small, large = PROGRAMS[name]
    return instructions(name, large) - instructions(name, small)


def count_all(names):
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return dict(zip(names, pool.map(count, names), strict=True))


def compare(now, before):
    """Lines for every program, and those of them that are worse than allowed."""
    lines, worse = [], []
    for name, counted in now.items():
        change = counted / before[name] - 1 if name in before else None
        mark = "new" if change is None else f"{change:+.1%}"
        line = f"{name:22}{counted:>14,}  {mark}"
        lines.append(line)
        if change is None or change > ALLOWED:
            worse.append(line)
    return lines, worse


def main(argv):
    parser = argparse.ArgumentParser(description="Count instructions of small programs.")
    parser.add_argument("names", nargs="*", metavar="name", help=", ".join(PROGRAMS))
    parser.add_argument("--update", action="store_true", help="write the counts to icount.json")
    options = parser.parse_args(argv)
    for name in set(options.names) - set(PROGRAMS):
        parser.error(f"no program is named {name!r} (known: {', '.join(PROGRAMS)})")
    figures = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
    before = figures.get(key(), {})
    now = count_all(options.names or list(PROGRAMS))
    lines, worse = compare(now, before)
    print(key(), *lines, sep="\n")
    if options.update:
        figures[key()] = dict(sorted((before | now).items()))
        FIGURES.write_text(json.dumps(figures, indent=1, sort_keys=True) + "\n")
    elif worse:
        print(f"icount: more than {ALLOWED:.0%} above icount.json, or not in it:", *worse, sep="\n")
        print("hint: if it is worth it, bench/pyrs/icount.py --update", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
