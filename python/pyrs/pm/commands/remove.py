"""Drop dependencies from the manifest, lock, and install what is left."""

from __future__ import annotations

import argparse

from .. import manifest
from ..errors import NotFound
from ..manifest import DEV, group_id
from ..report import Report
from . import _shared
from .add import _preview, commit

EXAMPLES = "examples:\n  pyrs remove httpx\n  pyrs remove --dev pytest"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("packages", nargs="+", metavar="PKG")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--dev", action="store_true", help="only from the development dependencies")
    where.add_argument("--feature", metavar="NAME", help="only from this optional group")
    _shared.network_options(parser)


def run(args: argparse.Namespace, report: Report) -> int:
    loaded = manifest.load(manifest.find_root())
    group = DEV if args.dev else group_id(args.feature) if args.feature else None
    text = loaded.path.read_bytes().decode("utf-8")
    removed: dict[str, list[str]] = {}
    for package in args.packages:
        text, groups = manifest.without_dependency(text, package, group)
        if not groups:
            raise NotFound(f"{package} is not declared" + (f" in [{group}]" if group else ""))
        removed[package] = groups
    session = _shared.session(args, report, _preview(loaded, text))
    try:
        lock = session.relock(keep=True, write=False)
        generation = commit(session, lock, text)
    finally:
        session.close()
    lines = [f"removed {name} from {', '.join(groups)}" for name, groups in removed.items()]
    report.out("\n".join(lines), removed=removed, environment=generation)
    return 0
