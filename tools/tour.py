"""Run a program in the VM, then tell how much ran natively and how long plain CPython takes.

tools/tour.py program.py: exits as the program did, or with 1 when CPython prints another
thing.
"""

import platform
import re
import subprocess
import sys
import time
from dataclasses import dataclass

VM = [sys.executable, "-m", "pyrs", "--stats"]
PLAIN = [sys.executable]
COUNTS = re.compile(r"^pyrs: (native \d+ .*)$", re.MULTILINE)
ROUNDS = 3


@dataclass(frozen=True)
class Run:
    stdout: str
    stderr: str
    code: int
    seconds: float


def timed(command: list[str]) -> Run:
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")
    seconds = time.perf_counter() - start
    return Run(done.stdout, done.stderr, done.returncode, seconds)


def native_share(counts: str) -> str:
    """`native 90 delegated 10 ...` in per cent."""
    number = dict(re.findall(r"(\w+) (\d+)", counts))
    native, delegated = int(number["native"]), int(number["delegated"])
    return f"{100 * native / max(native + delegated, 1):.2f} %"


def main(program: list[str]) -> int:
    first = timed(VM + program)
    print(first.stdout, end="", flush=True)
    found = COUNTS.search(first.stderr)
    print(COUNTS.sub("", first.stderr).strip(), end="", file=sys.stderr)
    if first.code or not found:
        print(f"tour: {' '.join(program)} ended with {first.code}", file=sys.stderr)
        return first.code or 1
    plain = [timed(PLAIN + program)]
    ours = [first]
    for _ in range(ROUNDS - 1):
        ours.append(timed(VM + program))
        plain.append(timed(PLAIN + program))
    best_ours, best_plain = (min(run.seconds for run in runs) for runs in (ours, plain))
    print(f"\nran natively: {native_share(found[1])} ({found[1]})")
    print(
        f"time: {best_ours:.2f} s in the VM, {best_plain:.2f} s in plain CPython"
        f" {platform.python_version()} (best of {ROUNDS} whole processes each,"
        f" {best_plain / best_ours:.2f}x)"
    )
    if plain[0].stdout != first.stdout:
        print("tour: plain CPython prints something else", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("usage: tools/tour.py program.py [args]")
    sys.exit(main(sys.argv[1:]))
