"""Resolve for all platforms and Pythons the project supports, and write pyrs.lock.

Locked versions are kept while they are still allowed; `pyrs update` renews them."""

from __future__ import annotations

import argparse
from functools import partial
from pathlib import Path

from ..lockfile import to_pylock
from ..manifest import write_text
from ..report import Report
from ..supply import address
from . import _shared

EXAMPLES = "examples:\n  pyrs lock\n  pyrs lock --format pylock --output pylock.toml"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--format", choices=("pyrs", "pylock"), default="pyrs", help="pylock prints PEP 751"
    )
    parser.add_argument(
        "--output", metavar="FILE", help="where the PEP 751 lock goes (default: stdout)"
    )
    _shared.network_options(parser)


def run(args: argparse.Namespace, report: Report) -> int:
    session = _shared.session(args, report)
    try:
        if args.format == "pylock":
            text = to_pylock(session.locked(), session.manifest, partial(address, session))
            if args.output:
                write_text(Path(args.output).absolute(), text)
            report.out("" if args.output else text.rstrip("\n"), pylock=text)
            return 0
        lock = session.relock(keep=True)
    finally:
        session.close()
    report.say(f"locked {len(lock.packages)} packages")
    report.out("", packages={p.name: p.version for p in lock.packages})
    return 0
