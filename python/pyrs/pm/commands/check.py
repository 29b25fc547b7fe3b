"""Verify that lock, environment and store are what they claim to be.

The store's files are hashed again.  With --imports, the project's modules and the installed
distributions are read (not run) for imports nobody declared."""

from __future__ import annotations

import argparse

from .. import fast, link
from ..errors import LockError, StoreError
from ..report import Report
from ..session import Session
from . import _shared

EXAMPLES = "examples:\n  pyrs check\n  pyrs check --imports"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--imports", action="store_true", help="find undeclared imports, with file and line"
    )
    parser.add_argument(
        "--whole-store", action="store_true", help="every entry, not only this project's"
    )


def run(args: argparse.Namespace, report: Report) -> int:
    session = _shared.session(args, report)
    try:
        session.require_lock()
        if args.imports:
            return _imports(session, report)
        return _integrity(session, report, args.whole_store)
    finally:
        session.close()


def _plan(session: Session) -> str:
    path = session.root / ".pyrs" / "current" / "plan"
    try:
        text = path.read_text("utf-8", "replace")
    except OSError:
        raise LockError("the project has no environment", help="run: pyrs install") from None
    if fast.checked_plan(text) is None:
        raise StoreError(f"{path} is damaged", help="remove .pyrs and run: pyrs install")
    return text


def _integrity(session: Session, report: Report, whole: bool) -> int:
    rows = link.plan_rows(_plan(session))
    keys = session.store.entry_keys() if whole else sorted(link.values(rows, "entry"))
    problems = [p for key in keys for p in session.store.check(key)]
    problems += _links(session, rows)
    report.out("", entries=len(keys), problems=problems)
    if problems:
        raise StoreError(
            f"{len(problems)} of the environment's or the store's parts are damaged",
            problems[:20],
            help="remove the named store entries and run: pyrs install",
        )
    report.say(f"{len(keys)} entries are whole")
    return 0


def _links(session: Session, rows: link.Rows) -> list[str]:
    base = f"{session.store.pkgs}/"
    generation = session.root / ".pyrs" / "current"
    problems = []
    for row in rows:
        if row[0] == "link":
            place = generation / row[1]
            if not place.is_symlink() or str(place.readlink()) != base + row[2]:
                problems.append(f"{place}: does not lead to {row[2]}")
    return problems


def _imports(session: Session, report: Report) -> int:
    from ..imports import find_undeclared

    found = find_undeclared(session.root, _plan(session), session.store, session.manifest.name)
    lines = [
        f"{u.path}:{u.line}: {u.owner} imports {u.module} ({u.dist}) without declaring it"
        for u in found
    ]
    report.out("\n".join(lines), undeclared=[vars(u) for u in found])
    return 1 if any(u.in_project for u in found) else 0
