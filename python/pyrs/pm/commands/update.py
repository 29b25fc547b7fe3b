"""Lock the newest versions the manifest allows, and install them.

With names, only those move; everything else keeps its locked version where it can."""

from __future__ import annotations

import argparse

from packaging.utils import canonicalize_name

from .. import lockfile
from ..errors import LockError, NotFound
from ..report import Report
from . import _shared

EXAMPLES = "examples:\n  pyrs update\n  pyrs update requests urllib3"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "packages", nargs="*", metavar="PKG", help="what to renew (default: everything)"
    )
    _shared.network_options(parser)


def run(args: argparse.Namespace, report: Report) -> int:
    session = _shared.session(args, report)
    names = [canonicalize_name(n) for n in args.packages]
    try:
        try:
            old = {p.name: p.version for p in lockfile.read(session.lock_path).packages}
        except LockError:
            old = {}
        for name in names:
            if name not in old:
                raise NotFound(f"{name} is not in the lock")
        lock = session.relock(keep=bool(names), renew=names, write=False)
        generation = _commit(session, lock)
    finally:
        session.close()
    moved = {
        p.name: (old.get(p.name, "-"), p.version)
        for p in lock.packages
        if old.get(p.name) != p.version
    }
    lines = [f"{name} {before} -> {after}" for name, (before, after) in sorted(moved.items())]
    report.out(
        "\n".join(lines),
        updated={n: {"from": b, "to": a} for n, (b, a) in moved.items()},
        environment=generation,
    )
    return 0


def _commit(session: object, lock: lockfile.Lock) -> str:
    """The lock is written last: a failed install leaves manifest, lock and environment as they were."""
    from .add import commit

    return commit(session, lock, None)  # type: ignore[arg-type]
