"""Make the environment the lock describes; resolve first when the manifest's dependencies changed.

Without options the production dependencies are installed, and nothing else."""

from __future__ import annotations

import argparse

from ..report import Report
from . import _shared

EXAMPLES = "examples:\n  pyrs install --dev\n  pyrs install --feature pdf,web\n  pyrs install --all --frozen"


def configure(parser: argparse.ArgumentParser) -> None:
    _shared.group_options(parser)
    parser.add_argument("--frozen", action="store_true", help="fail rather than change the lock")
    _shared.network_options(parser)


def run(args: argparse.Namespace, report: Report) -> int:
    session = _shared.session(args, report)
    try:
        session.store  # noqa: B018 - refused before anything is asked of an index
        lock = session.locked(args.frozen)
        generation = session.sync(lock, _shared.selected(args))
    finally:
        session.close()
    report.say("installed")
    report.out("", environment=generation)
    return 0
