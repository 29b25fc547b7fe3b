"""Look at the shared store, remove what no project uses, find a package in it, or finish compiling.

Installs leave new modules to be compiled by a process that goes on when they have ended; `status`
tells how far it is, and `compile` ends when nothing is left."""

from __future__ import annotations

import argparse
import time

from packaging.utils import canonicalize_name

from .. import compiling
from ..errors import NotFound, StoreError
from ..report import Report
from ..store import Store, tree_bytes

EXAMPLES = (
    "examples:\n  pyrs store status\n  pyrs store gc --dry-run\n  pyrs store path pandas@2.1.4"
)


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("status", "gc", "path", "compile"))
    parser.add_argument("package", nargs="?", metavar="PKG[@VERSION]", help="for path: which entry")
    parser.add_argument("--dry-run", action="store_true", help="for gc: only say what would go")
    parser.add_argument(
        "--keep-days",
        type=float,
        default=30,
        metavar="N",
        help="for gc: spare vanished projects (30)",
    )
    parser.add_argument("--detached", action="store_true", help=argparse.SUPPRESS)


def run(args: argparse.Namespace, report: Report) -> int:
    store = Store.open()
    actions = {"status": _status, "gc": _gc, "path": _path, "compile": _compile}
    return actions[args.action](store, args, report)


def _status(store: Store, args: argparse.Namespace, report: Report) -> int:
    keys = store.entry_keys()
    size = tree_bytes(store.base)
    dead, freed = store.collect(args.keep_days, dry_run=True)
    roots = [str(r.project) for r in store.roots()]
    left = len(store.notes())
    running = compiling.is_running(store)
    lines = [
        f"path         {store.root}",
        f"size         {_human(size)}",
        f"packages     {len(keys)}",
        f"projects     {len(roots)}",
        f"reclaimable  {_human(freed)} in {len(dead)} packages",
        f"to compile   {left} packages" + (" (at work)" if running else ""),
    ]
    report.out(
        "\n".join(lines),
        path=str(store.root),
        bytes=size,
        packages=len(keys),
        roots=roots,
        reclaimable=freed,
        to_compile=left,
        compiling=running,
    )
    return 0


def _compile(store: Store, args: argparse.Namespace, report: Report) -> int:
    if args.detached:
        compiling.detach()
    done, problems = compiling.work_off(store)
    report.out(f"compiled {len(done)} packages", compiled=done)
    if problems:
        raise StoreError(f"{len(problems)} packages could not be compiled", problems[:20])
    return 0


def _gc(store: Store, args: argparse.Namespace, report: Report) -> int:
    dead, freed = store.collect(args.keep_days, args.dry_run, time.time())
    word = "would remove" if args.dry_run else "removed"
    lines = [f"{word} {key}" for key in dead] + [f"{word} {len(dead)} packages, {_human(freed)}"]
    report.out("\n".join(lines), removed=dead, bytes=freed, dry_run=args.dry_run)
    return 0


def _path(store: Store, args: argparse.Namespace, report: Report) -> int:
    if not args.package:
        report.out(str(store.root), path=str(store.root))
        return 0
    name, _, version = args.package.partition("@")
    wanted = f"{canonicalize_name(name)}@{version}" + ("-" if version else "")
    found = [str(store.pkgs / key) for key in store.entry_keys() if key.startswith(wanted)]
    if not found:
        raise NotFound(f"the store has no {args.package}")
    report.out("\n".join(found), paths=found)
    return 0


def _human(size: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return ""
