"""Everything a change is checked for beside its tests: tools/check.py [what ...].

Without arguments: formats, lint, types, the C sources against every Python whose headers
are here, and tests/repo (layers, generated files, stubs, links).  `asan`, `ubsan`,
`tsan` and `hostile` build a variant and run the VM's tests in it; what follows them goes to pytest.
`by-hand` lists the C files that clang-format would change.
"""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from variants import PACKAGES, VARIANTS, Variant, build, environment

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
# C files whose layout is better, or still, by hand
BY_HAND = ROOT / "tools/by_hand.txt"


def run(*command: str | Path) -> bool:
    return subprocess.run([str(part) for part in command], cwd=ROOT).returncode == 0


def ruff_format() -> bool:
    return run(BIN / "ruff", "format", "--check", "--quiet", ".") or hint("ruff format .")


def ruff_lint() -> bool:
    return run(BIN / "ruff", "check", "--quiet", ".") or hint("ruff check --fix .")


def c_format() -> bool:
    """clang-format leaves a C file as it is, or the file is listed as laid out by hand."""
    listed = set(BY_HAND.read_text(encoding="utf-8").split())
    wrong = [name for name in c_files() if name not in listed and not is_laid_out(name)]
    for name in wrong:
        print(f"{name}: is not laid out")
    return not wrong or hint("clang-format -i FILE, or list it: tools/check.py by-hand")


def by_hand() -> bool:
    """Write the list anew: every file that clang-format would change today."""
    names = [name for name in c_files() if not is_laid_out(name)]
    BY_HAND.write_text("".join(f"{name}\n" for name in names), encoding="utf-8")
    return True


def c_files() -> list[str]:
    names = subprocess.run(
        ["git", "ls-files", "src/*.c", "src/*.h", "include/*.h"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    return [name for name in names if "/generated/" not in name and (ROOT / name).exists()]


def is_laid_out(name: str) -> bool:
    command = [str(BIN / "clang-format"), "--dry-run", "--Werror", name]
    return subprocess.run(command, cwd=ROOT, capture_output=True).returncode == 0


def types() -> bool:
    return run(BIN / "mypy")


def versions() -> bool:
    """The sources compile for each Python whose headers are here."""
    return run("tools/compile_versions.sh")


def repo_tests() -> bool:
    return run(sys.executable, "-m", "pytest", "-q", "tests/repo")


def hint(command: str) -> bool:
    print(f"hint: {command}", file=sys.stderr)
    return False


CHECKS: dict[str, Callable[[], bool]] = {
    "ruff-format": ruff_format,
    "ruff": ruff_lint,
    "clang-format": c_format,
    "mypy": types,
    "versions": versions,
    "repo": repo_tests,
}


def run_checks(names: list[str]) -> int:
    failed = [name for name in names if not (announce(name) and CHECKS[name]())]
    print(f"check: {len(names) - len(failed)} passed, {len(failed)} failed", *failed)
    return int(bool(failed))


def announce(name: str) -> bool:
    print(f"check: {name}", flush=True)
    return True


def run_variant(variant: Variant, arguments: list[str]) -> int:
    """The tests in a variant's build; by default the VM's."""
    named = any(argument.startswith("tests") for argument in arguments)
    tests = [] if named else ["tests/pyrs", "--ignore=tests/pyrs/pm"]
    needed = [p for p in PACKAGES if any(f"tests/{p}" in a for a in [*tests, *arguments])]
    env = environment(variant, build(variant, needed or PACKAGES))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests, *arguments]
    return subprocess.run(command, cwd=ROOT, env=env).returncode


def main(argv: list[str]) -> int:
    if argv == ["by-hand"]:
        return int(not by_hand())
    if argv and argv[0] in VARIANTS:
        return run_variant(VARIANTS[argv[0]], argv[1:])
    unknown = [name for name in argv if name not in CHECKS]
    if unknown:
        known = ", ".join([*CHECKS, *VARIANTS])
        print(f"check: no check is named {unknown[0]!r} (known: {known})", file=sys.stderr)
        return 2
    return run_checks(argv or list(CHECKS))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
