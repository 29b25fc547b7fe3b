"""Declare dependencies, lock, and install.  Nothing changes unless all three work.

Names may carry ranges, extras and markers as pip spells them; a bare name gets a lower bound."""

from __future__ import annotations

import argparse
import dataclasses
from typing import Any

from packaging.utils import canonicalize_name
from packaging.version import Version

from .. import manifest
from ..lockfile import Lock
from ..manifest import DEV, MANIFEST, PROD, Manifest, group_id, write_text
from ..report import Report
from ..session import Session
from . import _shared

EXAMPLES = "examples:\n  pyrs add 'pandas>=2' httpx[http2]\n  pyrs add --dev pytest\n  pyrs add --feature pdf reportlab"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("packages", nargs="+", metavar="PKG", help="name, or name with a range")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--dev", action="store_true", help="to the development dependencies")
    where.add_argument("--feature", metavar="NAME", help="to this optional group")
    parser.add_argument("--source", metavar="INDEX", help="take it from this index only")
    parser.add_argument("--path", metavar="FOLDER", help="take it from a local folder or archive")
    parser.add_argument(
        "--editable", action="store_true", help="with --path: import straight from the folder"
    )
    _shared.network_options(parser)


def run(args: argparse.Namespace, report: Report) -> int:
    root = manifest.find_root()
    loaded = manifest.load(root)
    group = DEV if args.dev else group_id(args.feature) if args.feature else PROD
    text = loaded.path.read_bytes().decode("utf-8")
    open_names = []
    for package in args.packages:
        name, value = _value(args, *manifest.parse_argument(package))
        if value is None:
            open_names.append(name)
        text = manifest.with_dependency(text, group, name, value or "*")
    session = _shared.session(args, report, _preview(loaded, text))
    try:
        lock = session.relock(keep=True, write=False)
        if open_names:
            text = _bounded(text, group, open_names, lock)
            session.manifest = _preview(loaded, text)
            lock = dataclasses.replace(lock, manifest_sha256=session.manifest.digest())
        generation = commit(session, lock, text, _also(group))
    finally:
        session.close()
    versions = {p.name: p.version for p in lock.packages}
    added = {canonicalize_name(manifest.parse_argument(p)[0]): "" for p in args.packages}
    added = {name: versions.get(name, "") for name in added}
    report.out(
        "\n".join(f"added {n} {v}" for n, v in added.items()), added=added, environment=generation
    )
    return 0


def _value(args: argparse.Namespace, name: str, value: Any) -> tuple[str, Any]:
    if not args.source and not args.path:
        return name, value
    table = value if isinstance(value, dict) else ({"version": value} if value else {})
    if args.source:
        table = {"version": "*", **table, "source": args.source}
    if args.path:
        table |= {"path": args.path} | ({"editable": True} if args.editable else {})
    return name, table


def _preview(loaded: Manifest, text: str) -> Manifest:
    """The manifest as it would be, checked like a file."""
    return manifest._Reader(loaded.path, text).read()


def _bounded(text: str, group: str, names: list[str], lock: Lock) -> str:
    for name in names:
        found = [p.version for p in lock.packages if p.name == canonicalize_name(name)]
        if found:
            lowest = min(found, key=Version)  # of several, for different environments
            text = manifest.with_dependency(text, group, name, ">=" + lowest.split("+")[0])
    return text


def _also(group: str) -> list[str]:
    return (
        [] if group == PROD else ["dev" if group == DEV else f"feature:{group.partition('.')[2]}"]
    )


def commit(session: Session, lock: Lock, text: str | None, also: list[str] | None = None) -> str:
    """Manifest and lock first beside their places, then the environment, then both renames.

    The environment's key covers the bytes of both files, so they are put in place before it is
    made, and put back when making it fails.
    """
    paths = {session.lock_path: lock.render()}
    if text is not None:
        paths[session.root / MANIFEST] = text
    before = {p: p.read_bytes().decode("utf-8") if p.exists() else None for p in paths}
    selected = sorted({*_shared.installed_selection(session.root), *(also or [])})
    known = set(session.manifest.features())
    selected = [
        s for s in selected if not s.startswith("feature:") or s.removeprefix("feature:") in known
    ]
    try:
        for path, content in paths.items():
            write_text(path, content)
        return session.sync(lock, selected)
    except BaseException:
        for path, old in before.items():
            if old is None:
                path.unlink(missing_ok=True)
            else:
                write_text(path, old)
        raise
