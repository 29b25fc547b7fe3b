"""Write a manifest for a new project, in this folder or the named one."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from ..errors import UsageError
from ..manifest import MANIFEST, write_text
from ..report import Report

EXAMPLES = "examples:\n  pyrs init\n  pyrs init my-app --python '>=3.12'"

TEMPLATE = """\
[package]
name = "{name}"
version = "0.1.0"
python = "{python}"

[dependencies]

[dev-dependencies]
"""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", nargs="?", default=".", help="where (default: here)")
    parser.add_argument("--name", help="the project's name (default: the folder's)")
    parser.add_argument(
        "--python", default=f">=3.{sys.version_info[1]}", help="the Pythons it is for"
    )


def run(args: argparse.Namespace, report: Report) -> int:
    folder = Path(args.folder).absolute()
    path = folder / MANIFEST
    if path.exists():
        raise UsageError(f"{path} is there already")
    name = args.name or re.sub(r"[^A-Za-z0-9._-]+", "-", folder.name).strip("-._") or "project"
    folder.mkdir(parents=True, exist_ok=True)
    write_text(path, TEMPLATE.format(name=name, python=args.python))
    _ignore_environment(folder / ".gitignore")
    report.out(str(path), manifest=str(path))
    return 0


def _ignore_environment(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    if ".pyrs/" not in lines:
        write_text(path, "\n".join([*lines, ".pyrs/"]) + "\n")
