"""The VM against plain CPython: bench/pyrs/run.py [names ...].

Two measurements, each alternating between the two sides in one run:

  vm        run(N) called through pyrs.run, and called plainly; the first call in a fresh
            process is *first*, the best of all is *best*
  pipeline  whole processes: python -m pyrs program.py, and python program.py

Times are CPU seconds, user and system, of all threads.  Answers are checked before anything
is timed, and pyrs.stats() is asked whether the program really ran in the VM.  Writes summary.json, pyperf files (`python -m pyperf compare_to
plain.json vm.json`) and report.html.
"""

import argparse
import json
import os
import platform
import resource
import shlex
import statistics
import subprocess
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path

import report

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
PROGRAMS = HERE / "programs"
DEBIAN = Path("/usr/bin/python3")
# measured like the others, but no part of the mean: they are no single feature's program
EXTRA = ("richards", "deltablue")
# what a process does beside its program
STARTUP = {"startup": "pass", "import_pandas": "import pandas"}


class Wrong(Exception):
    """A side gave another answer than expected, or did not run where it should."""


@dataclass
class Sides:
    """How to start each side; the same interpreter binary where that is possible."""

    vm: list[str]
    plain: list[str]
    plain_env: dict[str, str]


@dataclass
class Row:
    name: str
    group: str
    mode: str
    plain: list[list[float]] = field(default_factory=list)  # per process, in seconds
    vm: list[list[float]] = field(default_factory=list)
    stats: dict = field(default_factory=dict)
    problem: str = ""

    def first(self, side):
        return statistics.median(times[0] for times in getattr(self, side))

    def best(self, side):
        return min(min(times) for times in getattr(self, side))

    def ratios(self):
        """Of neighbouring processes: how much the machine's mood moves the figure."""
        return sorted(min(p) / min(v) for p, v in zip(self.plain, self.vm, strict=True))

    def summary(self):
        return asdict(self) | {
            "first": {side: self.first(side) for side in ("plain", "vm")},
            "best": {side: self.best(side) for side in ("plain", "vm")},
            "ratio_first": self.first("plain") / self.first("vm"),
            "ratio_best": self.best("plain") / self.best("vm"),
            "spread": [self.ratios()[0], self.ratios()[-1]],
        }


def sides(baseline):
    site = next(p for p in sys.path if p.endswith("site-packages"))
    same = f"{sys.version_info[0]}.{sys.version_info[1]}"
    plain = Path(baseline) if baseline else Path(sys.executable)
    if not baseline and DEBIAN.exists() and version(DEBIAN).startswith(f"{same}."):
        plain = DEBIAN
    # pandas comes from our environment, whoever runs it
    env = {"PYTHONPATH": site} if version(plain).startswith(f"{same}.") else {}
    return Sides([sys.executable], [str(plain)], env)


def version(python):
    code = "import platform; print(platform.python_version())"
    return subprocess.run(
        [python, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()


def start(command, env):
    done = subprocess.run(
        command, env=os.environ | env, capture_output=True, text=True, encoding="utf-8"
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise Wrong(f"{shlex.join(command[-3:])} ended with {done.returncode}: {last}")
    return done.stdout


def work(program, mode, count, where):
    """One worker process on one side; its times, after its answer was found right."""
    python, env = (where.vm, {}) if mode == "vm" else (where.plain, where.plain_env)
    command = [*python, str(HERE / "worker.py"), mode, str(program), str(count)]
    result = json.loads(start(command, env))
    if not result["right"]:
        raise Wrong(f"{mode} answered {result['answer']}")
    return result


def ran_natively(stats, group):
    if not stats["native"]:
        raise Wrong("nothing ran natively")
    if stats["delegated"] and group != "pandas":
        raise Wrong(f"{stats['delegated']} units were delegated: {stats['reasons']}")


def measure_vm(program, group, options, where):
    row = Row(program.stem, group, "vm")
    for mode in ("plain", "vm"):
        row.stats = work(program, mode, 1, where)["stats"]
    ran_natively(row.stats, group)
    for turn in range(options.processes):
        for mode in ("plain", "vm") if turn % 2 else ("vm", "plain"):
            getattr(row, mode).append(work(program, mode, options.values, where)["times"])
    return row


def cpu_of_children():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def timed(command, env, expected):
    begin = cpu_of_children()
    stdout = start(command, env)
    seconds = cpu_of_children() - begin
    if expected is not None and stdout != expected:
        raise Wrong(f"{shlex.join(command[-3:])} printed {stdout[:80]!r}")
    return seconds


def measure_pipeline(name, arguments, options, where):
    row = Row(name, "full_pipeline", "pipeline")
    commands = {
        "plain": ([*where.plain, *arguments], where.plain_env),
        "vm": ([*where.vm, "-m", "pyrs", *arguments], {}),
    }
    expected = start(*commands["plain"])
    timed(*commands["vm"], expected)
    for turn in range(options.processes):
        for side in ("plain", "vm") if turn % 2 else ("vm", "plain"):
            getattr(row, side).append([timed(*commands[side], expected)])
    return row


def measure_all(options, where):
    """Rows as they are ready; a row that went wrong carries its problem and stays."""
    for program in chosen(options.names):
        group = group_of(program)
        if "vm" in options.modes:
            yield guarded(
                measure_vm, Row(program.stem, group, "vm"), program, group, options, where
            )
        if "pipeline" in options.modes:
            row = Row(program.stem, "full_pipeline", "pipeline")
            yield guarded(measure_pipeline, row, program.stem, [str(program)], options, where)
    for name, code in STARTUP.items():
        if "pipeline" in options.modes and (not options.names or name in options.names):
            row = Row(name, "full_pipeline", "pipeline")
            yield guarded(measure_pipeline, row, name, ["-c", code], options, where)


def guarded(measure, empty, *args):
    try:
        return measure(*args)
    except Wrong as e:
        empty.problem = str(e)
        return empty


def chosen(names):
    programs = sorted(PROGRAMS.glob("*.py"))
    unknown = set(names) - {p.stem for p in programs} - set(STARTUP)
    if unknown:
        known = ", ".join([*(p.stem for p in programs), *STARTUP])
        sys.exit(f"bench: no program is named {sorted(unknown)[0]!r} (known: {known})")
    return [p for p in programs if not names or p.stem in names]


def group_of(program):
    lines = program.read_text(encoding="utf-8").splitlines()
    line = next(line for line in lines if line.startswith("GROUP = "))
    return line.split('"')[1]


def geomean(rows):
    ratios = [row.summary()["ratio_best"] for row in rows]
    return statistics.geometric_mean(ratios) if ratios else None


def means(rows):
    """Geometric means of best ratios: of the pure-Python programs, and of each group."""
    good = [row for row in rows if not row.problem]
    plain_python = [
        row for row in good if row.mode == "vm" and row.group != "pandas" and row.name not in EXTRA
    ]
    groups = {row.group for row in good}
    return {
        "pure_python": geomean(plain_python),
        "pure_python_count": len(plain_python),
        "groups": {g: geomean([r for r in good if r.group == g]) for g in sorted(groups)},
    }


def write_pyperf(rows, side, where, path):
    """What one side took, for pyperf's own commands."""
    import pyperf  # by those alone who want its files

    metadata = {"unit": "second", "python_version": version(getattr(where, side)[0])}
    benches = []
    for row in rows:
        if row.problem:
            continue
        runs = [
            pyperf.Run(
                times[1:] or times,
                warmups=[(1, times[0])] if times[1:] else None,
                metadata=metadata | {"name": f"{row.mode}/{row.name}", "loops": 1},
                collect_metadata=False,
            )
            for times in getattr(row, side)
        ]
        benches.append(pyperf.Benchmark(runs))
    if benches:
        pyperf.BenchmarkSuite(benches).dump(str(path), replace=True)


def describe(options, where):
    """The surroundings that every figure is printed with."""
    command = shlex.join(["bench/pyrs/run.py", *sys.argv[1:]])
    return {
        "command": f"{os.path.relpath(sys.executable, ROOT)} {command}",
        "plain": f"CPython {version(where.plain[0])} ({where.plain[0]})",
        "vm": f"pyrs ({os.environ.get('PYFORGE_VARIANT', 'ordinary')} build) "
        f"on CPython {platform.python_version()}",
        "machine": f"{platform.machine()}, {os.cpu_count()} CPUs, {cpu_model()}",
        "system": platform.platform(),
        "processes": options.processes,
        "values": options.values,
    }


def cpu_model():
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())


def parse(argv):
    parser = argparse.ArgumentParser(description="The VM against plain CPython.")
    parser.add_argument("names", nargs="*", help="programs (default: all)")
    parser.add_argument("--modes", default="vm,pipeline", help="vm, pipeline or both")
    parser.add_argument("--processes", type=int, default=5, help="of each side and program")
    parser.add_argument("--values", type=int, default=5, help="calls timed in each process")
    parser.add_argument("--baseline", help=f"interpreter to compare with (default: {DEBIAN})")
    parser.add_argument("--out", type=Path, default=ROOT / "out/bench", help="folder for results")
    options = parser.parse_args(argv)
    options.modes = options.modes.split(",")
    return options


def main(argv):
    options = parse(argv)
    where = sides(options.baseline)
    around = describe(options, where)
    print(report.heading(around))
    rows = []
    for row in measure_all(options, where):
        rows.append(row)
        print(report.line(row), flush=True)
    result = {
        "about": around,
        "means": means(rows),
        "rows": [asdict(r) if r.problem else r.summary() for r in rows],
    }
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "summary.json").write_text(json.dumps(result, indent=1), encoding="utf-8")
    (options.out / "report.html").write_text(report.html(result), encoding="utf-8")
    for side in ("plain", "vm"):
        write_pyperf(rows, side, where, options.out / f"{side}.json")
    print(report.closing(result), f"\nwritten: {os.path.relpath(options.out)}/report.html")
    return int(any(row.problem for row in rows))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
