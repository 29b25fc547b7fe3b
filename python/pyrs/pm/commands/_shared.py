"""Options and steps several commands have in common."""

from __future__ import annotations

import argparse
from pathlib import Path

from .. import config, manifest
from ..manifest import Manifest
from ..report import Report
from ..session import Options, Session


def network_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("where packages come from")
    group.add_argument(
        "--offline", action="store_true", help="use only what is in the store and the cache"
    )
    group.add_argument("--refresh", action="store_true", help="ask the index again for every page")
    group.add_argument("--index-url", metavar="URL", help="the default index (also PYRS_INDEX_URL)")
    group.add_argument(
        "--timeout", type=float, default=30.0, metavar="SECONDS", help="per read (default 30)"
    )
    group.add_argument(
        "--no-build", action="store_true", help="refuse to build source distributions"
    )
    group.add_argument(
        "--python", metavar="PYTHON", help="the interpreter to use (also PYRS_PYTHON)"
    )
    group.add_argument(
        "--bytecode",
        choices=config.BYTECODE,
        help="when to compile new modules: after the command has ended (later, the default), "
        "before, or never (also PYRS_BYTECODE)",
    )


def group_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dev", action="store_true", help="with the development dependencies")
    parser.add_argument(
        "--feature", action="append", default=[], metavar="A,B", help="with these optional groups"
    )
    parser.add_argument("--all", action="store_true", help="with every group")


def selected(args: argparse.Namespace) -> list[str]:
    groups = [
        f"feature:{name.strip()}"
        for item in args.feature
        for name in item.split(",")
        if name.strip()
    ]
    return sorted({*groups, *(["dev"] if args.dev else []), *(["*"] if args.all else [])})


def session(args: argparse.Namespace, report: Report, loaded: Manifest | None = None) -> Session:
    options = Options(
        offline=getattr(args, "offline", False),
        refresh=getattr(args, "refresh", False),
        no_build=getattr(args, "no_build", False),
        bytecode=config.bytecode(getattr(args, "bytecode", None)),
        index_url=getattr(args, "index_url", None),
        python=getattr(args, "python", None),
        timeout=getattr(args, "timeout", 30.0),
    )
    return Session(loaded or manifest.load(manifest.find_root()), report, options)


def installed_selection(root: Path) -> list[str]:
    """The groups of the present environment, so that add and remove keep them."""
    try:
        head = (
            (root / ".pyrs" / "current" / "plan").read_text("utf-8", "replace").partition("\n\n")[0]
        )
    except OSError:
        return []
    groups = [line.split("\t")[1] for line in head.split("\n") if line.startswith("group\t")]
    names = {manifest.DEV: "dev"}
    return [names.get(g, f"feature:{g.partition('.')[2]}") for g in groups if g != manifest.PROD]
