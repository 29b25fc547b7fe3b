"""Show what the project requires, and what that requires; or, with --why, who wants a package."""

from __future__ import annotations

import argparse
from collections.abc import Iterator

from packaging.utils import canonicalize_name

from ..errors import NotFound
from ..lockfile import LockedPackage
from ..plan import requirement_names
from ..report import Report
from . import _shared

EXAMPLES = "examples:\n  pyrs tree\n  pyrs tree --why idna"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--why", metavar="PKG", help="every path from the project to this package")
    _shared.network_options(parser)


def run(args: argparse.Namespace, report: Report) -> int:
    session = _shared.session(args, report)
    try:
        lock = session.require_lock()
    finally:
        session.close()
    packages = {p.name: p for p in lock.packages}
    graph = {
        n: sorted(requirement_names(p.requires) & packages.keys()) for n, p in packages.items()
    }
    roots = {g: sorted(d.name for d in deps) for g, deps in session.manifest.groups.items()}
    if args.why:
        name = str(canonicalize_name(args.why))
        if name not in packages:
            raise NotFound(f"{name} is not in the lock")
        paths = [
            [g, *path]
            for g, names in roots.items()
            for root in names
            for path in _paths(graph, root, name)
        ]
        lines = [" -> ".join([f"[{p[0]}]", *(str(packages[n]) for n in p[1:])]) for p in paths]
        report.out("\n".join(lines), why=paths)
        return 0
    lines = []
    for group, names in roots.items():
        if names:
            lines.append(f"[{group}]")
            seen: set[str] = set()
            for i, name in enumerate(names):
                lines += _draw(packages, graph, name, "", i == len(names) - 1, seen)
    report.out(
        "\n".join(lines),
        roots=roots,
        requires=graph,
        versions={n: p.version for n, p in packages.items()},
    )
    return 0


def _paths(graph: dict[str, list[str]], start: str, goal: str, limit: int = 100) -> list[list[str]]:
    """Simple paths, shortest first, at most `limit`."""
    found: list[list[str]] = []
    reaching = _reaching(graph, goal)
    work = [[start]]
    while work and len(found) < limit:
        path = work.pop(0)
        if path[-1] == goal:
            found.append(path)
            continue
        work += [[*path, n] for n in graph.get(path[-1], ()) if n in reaching and n not in path]
    return found


def _reaching(graph: dict[str, list[str]], goal: str) -> set[str]:
    seen = {goal}
    while True:
        more = {n for n, deps in graph.items() if n not in seen and seen & set(deps)}
        if not more:
            return seen
        seen |= more


def _draw(
    packages: dict[str, LockedPackage],
    graph: dict[str, list[str]],
    name: str,
    indent: str,
    last: bool,
    seen: set[str],
) -> Iterator[str]:
    if name not in packages:
        return
    repeated = name in seen and graph[name]
    yield f"{indent}{'└── ' if last else '├── '}{packages[name]}{' (see above)' if repeated else ''}"
    if repeated:
        return
    seen.add(name)
    children = graph[name]
    for i, child in enumerate(children):
        yield from _draw(
            packages,
            graph,
            child,
            indent + ("    " if last else "│   "),
            i == len(children) - 1,
            seen,
        )
