"""The package manager against uv and pip, interleaved, answers checked before anything is timed.

    python bench/pyrs/pm/run.py --bin VENV/bin [--folder DIR] [--rounds N] [CASE ...]

VENV needs this distribution with its `pm` extra, and uv.  Each case prints the ratio of medians
and of minima; DIR decides the file system.  Network cases (cold, lock) fetch from the configured
index.  15 requirements come to about 53 distributions.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

REQUIREMENTS = [
    "django",
    "djangorestframework",
    "pandas",
    "httpx[http2]",
    "rich",
    "fastapi",
    "uvicorn[standard]",
    "sqlalchemy",
    "pydantic",
    "requests",
    "pytest",
    "hypothesis",
    "jinja2",
    "pyyaml",
    "cryptography",
]
IMPORTS = "django, pandas, fastapi, httpx, rich, sqlalchemy, hypothesis, cryptography.fernet"


def manifest(requirements: list[str]) -> str:
    rows = []
    for text in requirements:
        name, _, extra = text.rstrip("]").partition("[")
        rows.append(
            f'{name} = {{ version = "*", extras = ["{extra}"] }}' if extra else f'{name} = "*"'
        )
    head = '[package]\nname = "bench"\nversion = "1"\npython = ">=3.11"\n\n[dependencies]\n'
    return head + "\n".join(rows) + "\n"


def pyproject(requirements: list[str]) -> str:
    names = ", ".join(f'"{r}"' for r in requirements)
    return f'[project]\nname = "bench"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = [{names}]\n'


class Bench:
    def __init__(self, bin: Path, folder: Path, rounds: int) -> None:
        self.pyrs, self.uv, self.base = bin / "pyrs", bin / "uv", Path("/usr/bin/python3")
        self.folder, self.rounds = folder, rounds
        self.rows: list[tuple[str, float, float, float, str]] = []
        self.ours, self.theirs = folder / "ours", folder / "theirs"
        drop = ("PYTHONDONTWRITEBYTECODE", "PYTHONPATH", "PIP_FIND_LINKS", "VIRTUAL_ENV")
        self.env = {
            k: v
            for k, v in os.environ.items()
            if k not in drop and not k.startswith(("PYRS_", "UV_"))
        }
        self.env |= {
            "PYRS_HOME": str(folder / "home"),
            "UV_CACHE_DIR": str(folder / "uvcache"),
            "UV_PYTHON": str(self.base),
            "UV_PYTHON_DOWNLOADS": "never",
            "UV_NO_PROGRESS": "1",
        }
        for place, name, text in (
            (self.ours, "pyproject.rs.toml", manifest),
            (self.theirs, "pyproject.toml", pyproject),
        ):
            place.mkdir(parents=True, exist_ok=True)
            (place / name).write_text(text(REQUIREMENTS))

    def call(self, where: Path, *command: object) -> float:
        """Seconds until it ended; `self.cpu` has what it spent, which other work disturbs less."""
        words = [str(c) for c in command]
        with tempfile.TemporaryFile() as output:
            start = time.perf_counter()
            process = subprocess.Popen(words, cwd=where, env=self.env, stdout=output, stderr=output)
            _, status, usage = os.wait4(process.pid, 0)
            spent = time.perf_counter() - start
            process.returncode = os.waitstatus_to_exitcode(status)
            self.cpu = usage.ru_utime + usage.ru_stime
            if process.returncode:
                output.seek(0)
                sys.exit(f"{words}: {process.returncode}\n{output.read().decode()}")
        return spent

    def prepare(self) -> None:
        """Locks, full store with bytecode, full cache."""
        self.call(self.ours, self.pyrs, "install")
        self.settle()
        self.without(self.theirs / ".venv")  # else its cache may lack what is installed
        self.call(self.theirs, self.uv, "sync")

    def settle(self) -> None:
        """Let the process end that makes the bytecode an install left for later."""
        self.call(self.ours, self.pyrs, "store", "compile")

    def pair(
        self,
        title: str,
        first: Callable[[], float],
        second: Callable[[], float],
        bar: float | None = None,
        rounds: int = 0,
    ) -> None:
        a, b = [], []
        cpu: tuple[list[float], list[float]] = ([], [])
        for _ in range(rounds or self.rounds):
            a.append(first())
            cpu[0].append(self.cpu)
            b.append(second())
            cpu[1].append(self.cpu)
        ratio = statistics.median(x / y for x, y in zip(a, b, strict=True))
        self.rows.append((title, statistics.median(a), statistics.median(b), ratio, str(bar or "")))
        print(
            f"{title:36} {statistics.median(a) * 1e3:8.1f} ms {statistics.median(b) * 1e3:8.1f} ms"
            f"  paired {ratio:5.2f}x  min {min(a) / min(b):5.2f}x"
            f"  cpu {statistics.median(cpu[0]) / statistics.median(cpu[1]):5.2f}x"
            + (f"  bar {bar}x  {'ok' if ratio <= bar else 'MISSED'}" if bar else ""),
            flush=True,
        )

    def without(self, *paths: Path) -> None:
        for path in paths:
            subprocess.run(["chmod", "-R", "u+w", path], stderr=subprocess.DEVNULL)
            shutil.rmtree(path, ignore_errors=True)

    # -- Cases -------------------------------------------------------------------------------------

    def ours_fresh(self, *options: str) -> float:
        self.without(self.ours / ".pyrs")
        return self.call(self.ours, self.pyrs, "install", *options)

    def theirs_fresh(self) -> float:
        self.without(self.theirs / ".venv")
        return self.call(self.theirs, self.uv, "sync", "--frozen", "--offline")

    def warm(self) -> None:
        self.pair("warm install / uv sync", self.ours_fresh, self.theirs_fresh, 0.33)

    def warm_unplanned(self) -> None:
        """The store is full, but this lock was never installed on this machine."""

        def ours() -> float:
            self.without(self.folder / "home/store/v1/plans")
            (self.folder / "home/store/v1/plans").mkdir()
            return self.ours_fresh()

        self.pair("warm, first time this lock / uv", ours, self.theirs_fresh)

    def noop(self) -> None:
        self.pair(
            "no-op install / uv sync",
            lambda: self.call(self.ours, self.pyrs, "install"),
            lambda: self.call(self.theirs, self.uv, "sync", "--frozen", "--offline"),
            0.6,
        )

    def run(self) -> None:
        """`pyrs run -c pass` may cost 5 ms more than the bare interpreter."""
        a, b, c = [], [], []
        for _ in range(self.rounds * 2):
            a.append(self.call(self.ours, self.pyrs, "run", "-c", "pass"))
            b.append(self.call(self.ours, self.base, "-I", "-S", "-c", "pass"))
            c.append(
                self.call(
                    self.theirs, self.uv, "run", "--frozen", "--offline", "python", "-c", "pass"
                )
            )
        over = (statistics.median(a) - statistics.median(b)) * 1e3
        print(
            f"run -c pass: {statistics.median(a) * 1e3:.1f} ms, python -I -S {statistics.median(b) * 1e3:.1f} ms, "
            f"over {over:.1f} ms (minima {(min(a) - min(b)) * 1e3:.1f} ms), bar 5 ms {'ok' if over <= 5 else 'MISSED'}; "
            f"uv run {statistics.median(c) * 1e3:.1f} ms",
            flush=True,
        )

    def ours_cold(self, *options: str) -> float:
        self.without(self.ours / ".pyrs", self.folder / "home")
        return self.call(self.ours, self.pyrs, "install", "--frozen", *options)

    def theirs_cold(self, *options: str) -> float:
        self.without(self.theirs / ".venv", self.folder / "uvcache")
        return self.call(self.theirs, self.uv, "sync", "--frozen", *options)

    def cold(self) -> None:
        """What each does when asked for nothing more, then all with bytecode before they end.

        What ours left for later is waited for, outside the time, before the others are started.
        """
        left: list[float] = []

        def ours() -> float:
            spent = self.ours_cold()
            used, start = self.cpu, time.perf_counter()
            self.settle()
            left.append(spent + time.perf_counter() - start)
            self.cpu = used
            return spent

        def now() -> float:
            return self.ours_cold("--bytecode", "now")

        def pip() -> float:
            self.without(self.folder / "pip")
            self.call(self.folder, self.base, "-m", "venv", self.folder / "pip")
            program = self.folder / "pip/bin/pip"
            return self.call(self.folder, program, "install", "-q", "--no-cache-dir", *REQUIREMENTS)

        few = max(3, self.rounds // 4)
        compiled = lambda: self.theirs_cold("--compile-bytecode")  # noqa: E731
        self.pair("cold / uv sync", ours, self.theirs_cold, 1.2, few)
        self.pair("cold / pip install", ours, pip, 0.125, few)
        print(f"cold, until its bytecode is complete: {statistics.median(left) * 1e3:8.1f} ms")
        self.pair("cold, bytecode now / uv --compile", now, compiled, 1.2, few)
        self.pair("cold, bytecode now / pip install", now, pip, None, few)

    def cold_first_import(self) -> None:
        """Install into an empty store, and import at once, while the bytecode is being made."""

        def ours() -> float:
            spent, used = self.ours_cold(), self.cpu
            spent += self.call(self.ours, self.pyrs, "run", "-c", f"import {IMPORTS}")
            used += self.cpu
            self.settle()
            self.cpu = used
            return spent

        def theirs() -> float:
            spent, used = self.theirs_cold(), self.cpu
            spent += self.call(self.theirs, ".venv/bin/python", "-c", f"import {IMPORTS}")
            self.cpu += used
            return spent

        self.pair("cold, then import at once / uv", ours, theirs, None, max(3, self.rounds // 4))

    def lock(self) -> None:
        """Both ask for every page again; cold has no cache at all, warm has metadata."""

        def ours(*empty: Path) -> float:
            self.without(*empty)
            (self.ours / "pyrs.lock").unlink(missing_ok=True)
            return self.call(self.ours, self.pyrs, "lock", "--refresh")

        def theirs(*empty: Path) -> float:
            self.without(*empty)
            (self.theirs / "uv.lock").unlink(missing_ok=True)
            return self.call(self.theirs, self.uv, "lock")

        cache, uvcache = self.folder / "home/cache", self.folder / "uvcache"
        few = max(5, self.rounds // 2)
        self.pair("lock cold / uv lock", lambda: ours(cache), lambda: theirs(uvcache), 1.5, few)
        self.pair("lock warm / uv lock", ours, theirs, 1.2, few)

    def memory(self) -> None:
        """Peak of a lock run."""
        (self.ours / "pyrs.lock").unlink(missing_ok=True)
        self.without(self.folder / "home/cache")
        child = os.fork()
        if child == 0:
            self.call(self.ours, self.pyrs, "lock", "--refresh")
            peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
            print(
                f"lock run: peak {peak:.0f} MB, bar 200 MB {'ok' if peak <= 200 else 'MISSED'}",
                flush=True,
            )
            os._exit(0)
        os.waitpid(child, 0)

    def disk(self) -> None:
        """Three projects each; uv's trees compiled, as they are after use."""
        self.without(
            self.folder / "uvcache",
            self.folder / "home",
            self.theirs / ".venv",
            self.ours / ".pyrs",
        )
        ours, theirs = [self.ours], [self.theirs]
        for n in (2, 3):
            for group, source in ((ours, self.ours), (theirs, self.theirs)):
                copy = self.folder / f"{source.name}{n}"
                self.without(copy)
                shutil.copytree(source, copy, symlinks=True)
                group.append(copy)
        self.call(ours[0], self.pyrs, "install")
        self.settle()
        before = usage(self.folder / "home/store", *ours)
        self.call(ours[1], self.pyrs, "install")
        further = usage(self.folder / "home/store", *ours) - before
        self.call(ours[2], self.pyrs, "install")
        for place in theirs:
            self.call(place, self.uv, "sync", "--frozen", "--compile-bytecode")
        a = usage(self.folder / "home/store", *ours)
        b = usage(self.folder / "uvcache", *theirs)
        print(
            f"disk, three projects: {a / 1e6:.0f} MB, uv {b / 1e6:.0f} MB, {a / b:.2f}x bar 0.65x {'ok' if a / b <= 0.65 else 'MISSED'}; "
            f"a further project {further / 1e6:.2f} MB, bar 1 MB {'ok' if further <= 1e6 else 'MISSED'}",
            flush=True,
        )

    def first_import(self) -> None:
        """The first program of a fresh project, against a fresh uv tree (which has no bytecode yet)."""

        def ours() -> float:
            self.ours_fresh()
            return self.call(self.ours, self.pyrs, "run", "-c", f"import {IMPORTS}")

        def theirs() -> float:
            self.theirs_fresh()
            return self.call(self.theirs, ".venv/bin/python", "-c", f"import {IMPORTS}")

        self.pair("first import / fresh uv tree", ours, theirs, 0.5, max(5, self.rounds // 3))

    def guard(self) -> None:
        """A function-level import, guarded and not, alternating in one process."""
        code = """
import builtins, gc, statistics, sys, time, types
import rich

guarded = builtins.__import__
# the interpreter compares with its own function: uninstalling must bring back that very object
original = next(
    cell.cell_contents
    for function in gc.get_objects()
    if isinstance(function, types.FunctionType) and function.__name__ == "decide"
    for cell in function.__closure__ or ()
    if isinstance(cell.cell_contents, types.BuiltinFunctionType) and cell.cell_contents.__name__ == "__import__"
)


def f():
    import rich


def once(count=200_000):
    start = time.perf_counter()
    for _ in range(count):
        f()
    return (time.perf_counter() - start) / count * 1e9


a, b = [], []
for _ in range(25):
    builtins.__import__ = guarded
    a.append(once())
    builtins.__import__ = original
    b.append(once())
more = statistics.median(a) - statistics.median(b)
print(
    f"function-level import: {statistics.median(a):.0f} ns guarded, {statistics.median(b):.0f} ns not, "
    f"{more:.0f} ns more (minima {min(a) - min(b):.0f} ns), bar 40 ns", "ok" if more <= 40 else "MISSED"
)
"""
        script = self.ours / "guard_cost.py"
        script.write_text(code)
        done = subprocess.run(
            [self.pyrs, "run", script.name],
            cwd=self.ours,
            env=self.env,
            capture_output=True,
            text=True,
        )
        print(done.stdout.strip() or done.stderr, flush=True)

    def table(self) -> str:
        """The pairs, as docs/pyrs/pm-internals.md has them."""
        lines = ["| case / against | ours | theirs | ratio | bar |", "|---|---|---|---|---|"]
        lines += [
            f"| {title} | {a:.3f} s | {b:.3f} s | {ratio:.2f} | {bar} |"
            for title, a, b, ratio, bar in self.rows
        ]
        return "\n".join(lines)


def usage(*folders: Path) -> int:
    """Bytes on disk, a hard link counted once."""
    seen = set()
    total = 0
    for folder in folders:
        for base, inner, files in os.walk(folder):
            for name in (*inner, *files):
                status = os.lstat(os.path.join(base, name))
                if (status.st_dev, status.st_ino) not in seen:
                    seen.add((status.st_dev, status.st_ino))
                    total += status.st_blocks * 512
    return total


CASES = [
    "warm",
    "warm_unplanned",
    "noop",
    "run",
    "guard",
    "first_import",
    "lock",
    "memory",
    "cold",
    "cold_first_import",
    "disk",
]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("cases", nargs="*", default=CASES, metavar="CASE", help=", ".join(CASES))
    parser.add_argument("--bin", type=Path, default=Path(sys.executable).parent)
    parser.add_argument("--folder", type=Path, default=Path("/tmp/pm-bench"))
    parser.add_argument("--rounds", type=int, default=15)
    args = parser.parse_args()
    bench = Bench(args.bin.absolute(), args.folder.absolute(), args.rounds)
    for case in args.cases:
        bench.prepare()
        getattr(bench, case)()
    print("\n" + bench.table())


if __name__ == "__main__":
    main()
