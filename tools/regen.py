"""Rebuild the generated files, or tell which are stale: tools/regen.py [--check] [name ...].

Each module in tools/gen/ makes files from tables of the tree.  It has
`outputs() -> dict[path relative to the root, text]`, and nothing is written but here.
"""

import argparse
import importlib
import sys
from pathlib import Path
from typing import cast

ROOT = Path(__file__).resolve().parent.parent
GENERATORS = sorted(path.stem for path in (ROOT / "tools/gen").glob("[a-z]*.py"))


def outputs(name: str) -> dict[str, str]:
    module = importlib.import_module(f"gen.{name}")
    return cast("dict[str, str]", module.outputs())


def stale(files: dict[str, str]) -> list[str]:
    """The files whose text on disk is not what their generator says."""
    return [path for path, text in files.items() if on_disk(ROOT / path) != text]


def on_disk(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


def main(argv: list[str]) -> int:
    parser = argparse.ArgumentParser(description="Rebuild the generated files.")
    parser.add_argument("--check", action="store_true", help="only tell which are stale")
    parser.add_argument(
        "name", nargs="*", choices=[*GENERATORS, []], help="generators (default: all)"
    )
    options = parser.parse_args(argv)
    files: dict[str, str] = {}
    for name in options.name or GENERATORS:
        files |= outputs(name)
    changed = stale(files)
    for path in changed:
        print(f"{'stale' if options.check else 'written'}: {path}")
        if not options.check:
            (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
            (ROOT / path).write_text(files[path], encoding="utf-8")
    if options.check and changed:
        print("hint: python tools/regen.py", file=sys.stderr)
    return int(options.check and bool(changed))


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT / "tools"))
    sys.exit(main(sys.argv[1:]))
