"""Run a program in the project's environment; no activation.

FILE.py, -m MODULE and -c TEXT go to Python; anything else is looked up in .pyrs/bin, then PATH.
The exit code is the program's own."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path

from .. import fast, link, manifest, store
from ..errors import NotFound, StoreError, UsageError
from ..report import Report
from . import _shared

EXAMPLES = "examples:\n  pyrs run app.py --port 8000\n  pyrs run -m http.server\n  pyrs run --feature pdf report.py\n  pyrs run pytest -x"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--feature", metavar="A,B", help="with these optional groups, for this run only"
    )
    parser.add_argument(
        "--dev", action="store_true", help="with the development dependencies, for this run only"
    )
    parser.add_argument("--vm", action="store_true", help="in the stackless machine")
    parser.add_argument(
        "command", nargs=argparse.REMAINDER, metavar="...", help="the program and its arguments"
    )


def run(args: argparse.Namespace, report: Report) -> int:
    raise UsageError("say what to run", help="pyrs run --help")


def run_words(words: list[str]) -> int:
    """Parsed by hand: everything after the program belongs to the program."""
    groups: list[str] = []
    vm = False
    words = list(words)
    while words and words[0].startswith("--"):
        option, _, value = words.pop(0).partition("=")
        if option == "--":
            break
        if option == "--feature":
            groups += [
                f"feature:{f}" for f in (value or (words.pop(0) if words else "")).split(",") if f
            ]
        elif option == "--dev":
            groups.append("dev")
        elif option == "--vm":
            vm = True
        else:
            raise UsageError(f"pyrs run: unknown option {option}", help="pyrs run --help")
    if not words:
        raise UsageError("say what to run", help="pyrs run --help")
    root = manifest.find_root()
    generation = _generation(root, groups)
    plan = link.read_bytes(f"{generation}/plan")
    if not link.is_sealed(plan):
        raise StoreError(f"{generation}/plan is damaged", help="run: pyrs install")
    rows = link.plan_rows(plan.decode().partition("\n\n")[0])
    for place in link.values(rows, "store"):
        store.refuse_unsafe(place)
    fast.use_store(str(root), rows)
    return _execute(generation, root, words, vm)


def _generation(root: Path, groups: list[str]) -> Path:
    current = root / ".pyrs" / "current"
    if not groups:
        if not (current / "plan").exists():
            raise NotFound("the project has no environment yet", help="run: pyrs install")
        return current
    report = Report()
    session = _shared.session(argparse.Namespace(), report)
    try:
        selected = sorted({*_shared.installed_selection(root), *groups})
        return Path(
            session.sync(session.locked(), selected, select=not (current / "plan").exists())
        )
    finally:
        session.close()


def _execute(generation: Path, root: Path, words: list[str], vm: bool) -> int:
    python = str(
        (root / ".pyrs/bin/python") if generation.name == "current" else generation / "bin/python"
    )
    sys.stdout.flush()
    if vm:
        return _in_machine(python, words)
    if (
        words[0] in ("-c", "-m")
        or words[0].startswith("-")
        or words[0].endswith(".py")
        or (os.path.isfile(words[0]) and words[0].endswith((".pyz", ".zip")))
    ):
        os.execv(python, [python, *words])
    program = Path(python).parent / words[0]
    if "/" not in words[0] and program.is_file():
        os.execv(program, [str(program), *words[1:]])
    if words[0] in ("python", "python3"):
        os.execv(python, [python, *words[1:]])
    found = shutil.which(words[0])
    if found is None:
        raise NotFound(f"there is no {words[0]!r}, neither in the environment nor on PATH")
    environment = {
        **os.environ,
        "PATH": f"{Path(python).parent}{os.pathsep}{os.environ.get('PATH', '')}",
    }
    os.execve(found, [found, *words[1:]], environment)


def _in_machine(python: str, words: list[str]) -> int:
    """The machine runs in the environment's interpreter, with our package on its path."""
    try:
        from pyrs import _pyrs
    except ImportError:
        raise UsageError("this installation has no stackless machine (pyrs._pyrs)") from None
    home = str(Path(str(_pyrs.__file__)).parents[1])
    code = (
        "import sys\n"
        f"sys.path[0] = {home!r}\n"
        "from pyrs import __main__, program\n"
        "del sys.path[0]\n"
        "sys.exit(program.leave(__main__.run(__main__.Options(sys.argv[1:]))))\n"
    )
    os.execv(python, [python, "-c", code, *words])
