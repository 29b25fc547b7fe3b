"""From a selection of store entries to a plan: every link, script and import right, spelled out.

The plan is the whole knowledge an environment needs at run time and all that a later warm
install has to read.  Deciding happens here, without touching the project; `link` carries out.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from packaging.utils import canonicalize_name

from . import fast, link
from .interpreter import Interpreter
from .manifest import Manifest
from .store import Seal, Store


@dataclass
class Placed:
    """One distribution of the environment."""

    name: str
    version: str
    key: str
    seal: Seal
    declared: bool
    requires: set[str] = field(default_factory=set)


class _Node:
    """A folder to be: either one link, or a folder whose children come from several entries."""

    def __init__(self) -> None:
        self.sources: list[str] = []
        self.children: dict[str, _Node] = {}


def build_plan(
    manifest: Manifest,
    interpreter: Interpreter,
    store: Store,
    runtime: Path,
    groups: list[str],
    placed: list[Placed],
    local_paths: list[str],
    files: list[tuple[str, bytes]],
) -> str:
    placed = sorted(placed, key=lambda p: p.name)
    head = [
        ["pyrs-plan", link.FORMAT],
        ["python", interpreter.executable],
        ["store", str(store.root)],
        ["runtime", str(runtime)],
        ["package", link.digest(fast.package_id())],
        ["project", manifest.name],
        ["isolation", manifest.isolation["project"]],
        ["isolation-deps", manifest.isolation["deps"]],
        *(["group", g] for g in groups),
        *(["path", p] for p in [_own_source(manifest.root), *local_paths]),
        *(["startup", line] for line in _startup_lines(store, placed)),
    ]
    head += [["path", p] for p in _path_lines(store, placed)]
    body = [["entry", p.key] for p in placed]
    body += [["local", p] for p in local_paths]
    body += _links(store, placed, interpreter.cache_tag)
    body += [["file", name, data.hex()] for name, data in files]
    body += _scripts(store, placed)
    body += _rights(manifest, placed)
    text = (
        "\n".join("\t".join(row) for row in head)
        + "\n\n"
        + "\n".join("\t".join(row) for row in body)
    )
    return f"{text}\nend\t{link.digest(text.encode())}"


def _own_source(root: Path) -> str:
    """The project is importable from its `src` folder when it has one, else from its root."""
    return "src" if (root / "src").is_dir() else "."


# -- Links -----------------------------------------------------------------------------------------------------


def _links(store: Store, placed: list[Placed], tag: str) -> list[list[str]]:
    shared = _shared_tops(store, placed)
    rows: list[list[str]] = []
    trees = {part: _Node() for part in ("site-packages", "deps", "data", "include")}
    for dist in placed:
        for top in _listing(store.pkgs / dist.key / "lib"):
            visible = dist.declared or shared.get(top, False)
            tree = trees["site-packages" if visible else "deps"]
            tree.children.setdefault(top, _Node()).sources.append(f"{dist.key}/lib/{top}")
        for part in ("data", "include"):
            for top in _listing(store.pkgs / dist.key / part):
                trees[part].children.setdefault(top, _Node()).sources.append(
                    f"{dist.key}/{part}/{top}"
                )
    for part, tree in trees.items():
        for name, node in sorted(tree.children.items()):
            # data files go where the interpreter's prefix would have them: share/, etc/
            rows += _emit(store, name if part == "data" else f"{part}/{name}", node.sources)
    if trees["include"].children:
        rows.insert(0, ["dir", "include"])
    return rows + _bytecode_links(rows, tag)


def _bytecode_links(rows: list[list[str]], tag: str) -> list[list[str]]:
    """For modules that are linked one by one: where the interpreter looks for their bytecode.

    It may not be there yet, or ever; what the links say must not depend on that.
    """
    found: dict[str, list[str]] = {}
    for kind, place, *source in rows:
        if kind == "link" and place.endswith(".py") and source[0].split("/")[1] == "lib":
            folder, _, name = place.rpartition("/")
            cached = f"__pycache__/{name[:-3]}.{tag}.pyc"
            found[folder] = ["dir", f"{folder}/__pycache__"]
            found[place] = [
                "link",
                f"{folder}/{cached}",
                f"{source[0].rpartition('/')[0]}/{cached}",
            ]
    return list(found.values())


def _shared_tops(store: Store, placed: list[Placed]) -> dict[str, bool]:
    """Folders several distributions have in common stay together: visible if one of them is."""
    owners: dict[str, list[Placed]] = {}
    for dist in placed:
        for top in _listing(store.pkgs / dist.key / "lib"):
            owners.setdefault(top, []).append(dist)
    return {top: any(d.declared for d in dists) for top, dists in owners.items() if len(dists) > 1}


def _emit(store: Store, place: str, sources: list[str]) -> Iterator[list[str]]:
    """One link, or a folder merged one level further down; the first of equal files wins."""
    folders = [s for s in sources if (store.pkgs / s).is_dir()]
    if len(sources) == 1 or not folders:
        yield ["link", place, sources[0]]
        return
    yield ["dir", place]
    names: dict[str, list[str]] = {}
    for source in folders:
        for name in _listing(store.pkgs / source):
            names.setdefault(name, []).append(f"{source}/{name}")
    for name, inner in sorted(names.items()):
        yield from _emit(store, f"{place}/{name}", inner)


def _listing(folder: Path) -> list[str]:
    """Without bytecode: it goes with its modules."""
    try:
        return sorted(n for n in os.listdir(folder) if n != "__pycache__")
    except (FileNotFoundError, NotADirectoryError):
        return []


# -- Scripts, .pth files --------------------------------------------------------------------------------------


def _scripts(store: Store, placed: list[Placed]) -> list[list[str]]:
    rows: dict[str, list[str]] = {}
    for dist in placed:
        for name, target in dist.seal.scripts:
            rows.setdefault(name, ["script", name, dist.name, target])
        for path, *_ in dist.seal.files:
            if path.startswith("bin/"):
                name = path[4:]
                if name not in rows:
                    rows[name] = _wheel_script(store, dist, name, path)
                    if rows[name][0] == "bin":
                        rows["." + name] = ["link", f"bin/.{name}", f"{dist.key}/{path}"]
    return [rows[name] for name in sorted(rows)]


def _wheel_script(store: Store, dist: Placed, name: str, path: str) -> list[str]:
    """A Python script runs through the environment's start; anything else is only linked."""
    with open(store.pkgs / dist.key / path, "rb") as stream:
        first = stream.readline(200)
    if first.startswith((b"#!python", b"#!pythonw")) and "/" not in name:
        return ["bin", name, dist.name, f"bin/.{name}"]
    return ["link", f"bin/{name}", f"{dist.key}/{path}"]


def _pth_lines(store: Store, placed: list[Placed]) -> Iterator[tuple[str, str]]:
    for dist in placed:
        for path, *_ in dist.seal.files:
            if path.startswith("lib/") and path.endswith(".pth") and path.count("/") == 1:
                text = (store.pkgs / dist.key / path).read_text(encoding="utf-8", errors="replace")
                for line in text.splitlines():
                    if line.strip() and not line.startswith("#"):
                        yield f"{store.pkgs}/{dist.key}/lib", line.rstrip()


def _startup_lines(store: Store, placed: list[Placed]) -> list[str]:
    return [
        line.replace("\t", " ")
        for _, line in _pth_lines(store, placed)
        if line.startswith(("import ", "import\t"))
    ]


def _path_lines(store: Store, placed: list[Placed]) -> list[str]:
    return [
        f"{base}/{line}"
        for base, line in _pth_lines(store, placed)
        if not line.startswith("import") and ".." not in line and not line.startswith("/")
    ]


# -- Rights -----------------------------------------------------------------------------------------------------


def _rights(manifest: Manifest, placed: list[Placed]) -> list[list[str]]:
    graph = {
        p.name: p.requires | set(p.seal.requires) | set(manifest.isolation["allow"].get(p.name, ()))
        for p in placed
    }
    closed = graph if manifest.isolation["deps"] == "declared" else _closure(graph)
    brought = _closure({p.name: p.requires for p in placed})
    rows = [
        [
            "dist",
            p.name,
            "declared" if p.declared else "transitive",
            ",".join(sorted(closed[p.name] - {p.name})),
            ",".join(q.name for q in placed if q.declared and p.name in brought[q.name]),
        ]
        for p in placed
    ]
    tops: dict[str, set[str]] = {}
    for dist in placed:
        for top in dist.seal.tops:
            tops.setdefault(top, set()).add(dist.name)
            tops.setdefault(top.split(".")[0], set()).add(dist.name)
    return rows + [["top", top, ",".join(sorted(owners))] for top, owners in sorted(tops.items())]


def _closure(graph: dict[str, set[str]]) -> dict[str, set[str]]:
    closed = {}
    for name in graph:
        seen: set[str] = set()
        work = [name]
        while work:
            for dep in graph.get(work.pop(), ()):
                if dep not in seen:
                    seen.add(dep)
                    work.append(dep)
        closed[name] = seen
    return closed


def requirement_names(requires: Iterable[str]) -> set[str]:
    names = set()
    for text in requires:
        name = text.split(";")[0]
        for stop in "[<>=!~ (":
            name = name.partition(stop)[0]
        names.add(str(canonicalize_name(name)))
    return names
