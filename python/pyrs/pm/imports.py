"""Undeclared imports, found by reading: the project's own and those of installed distributions.

Only absolute imports outside `if TYPE_CHECKING` count; an import inside `try: ... except ImportError`
is an option the author foresaw, and is reported for the project only.
"""

from __future__ import annotations

import ast
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from . import link
from .store import Store

_SKIPPED = {
    ".git",
    ".pyrs",
    ".venv",
    "venv",
    "node_modules",
    "__pycache__",
    "build",
    "dist",
    ".tox",
    ".nox",
}


@dataclass
class Undeclared:
    path: str
    line: int
    owner: str
    module: str
    dist: str
    in_project: bool


class _Rights:
    """The plan's rows, as the guard reads them."""

    def __init__(self, plan: str) -> None:
        rows = link.plan_rows(plan)
        self.allowed = {r[1]: {*r[3].split(","), r[1]} for r in rows if r[0] == "dist"}
        self.declared = {r[1] for r in rows if r[0] == "dist" and r[2] == "declared"}
        self.tops = {r[1]: set(r[2].split(",")) for r in rows if r[0] == "top"}
        self.entries = {r[1].partition("@")[0]: r[1] for r in rows if r[0] == "entry"}

    def owners(self, module: str) -> set[str]:
        while module:
            if module in self.tops:
                return self.tops[module]
            module = module.rpartition(".")[0]
        return set()


def find_undeclared(root: Path, plan: str, store: Store, project: str) -> list[Undeclared]:
    rights = _Rights(plan)
    own = _own_modules(root)
    found = []
    for path in _sources(root):
        for line, module, _ in _imports(path):
            owners = rights.owners(module)
            if owners and not owners & rights.declared and module.split(".")[0] not in own:
                found.append(
                    Undeclared(
                        os.path.relpath(path, root), line, project, module, min(owners), True
                    )
                )
    for name, key in sorted(rights.entries.items()):
        found += _in_distribution(store, name, key, rights)
    return found


def _in_distribution(store: Store, name: str, key: str, rights: _Rights) -> Iterator[Undeclared]:
    seen = set()
    allowed = rights.allowed.get(name, set()) | rights.declared
    for path, *_ in store.seal(key).files:
        if not path.startswith("lib/") or not path.endswith(".py"):
            continue
        for line, module, optional in _imports(store.pkgs / key / path):
            owners = rights.owners(module)
            if owners and not optional and not owners & allowed and (path, module) not in seen:
                seen.add((path, module))
                yield Undeclared(f"{key}/{path}", line, name, module, min(owners), False)


def _own_modules(root: Path) -> set[str]:
    folders = [root, root / "src"]
    return {
        p.name.split(".")[0]
        for folder in folders
        if folder.is_dir()
        for p in folder.iterdir()
        if p.suffix == ".py" or (p.is_dir() and any(p.glob("*.py")))
    }


def _sources(root: Path) -> Iterator[Path]:
    for base, folders, files in os.walk(root):
        folders[:] = sorted(f for f in folders if f not in _SKIPPED and not f.startswith("."))
        yield from (Path(base) / name for name in sorted(files) if name.endswith(".py"))


def _imports(path: Path) -> Iterator[tuple[int, str, bool]]:
    """(line, module, optional)"""
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError, OSError, RecursionError):
        return
    yield from _walk(tree, False)


def _walk(node: ast.AST, optional: bool) -> Iterator[tuple[int, str, bool]]:
    standard = sys.stdlib_module_names
    if isinstance(node, ast.Import):
        for alias in node.names:
            if alias.name.split(".")[0] not in standard:
                yield node.lineno, alias.name, optional
    elif isinstance(node, ast.ImportFrom):
        if not node.level and node.module and node.module.split(".")[0] not in standard:
            for alias in node.names:
                yield node.lineno, f"{node.module}.{alias.name}", optional
    elif isinstance(node, ast.If) and _is_type_checking(node.test):
        for statement in node.orelse:
            yield from _walk(statement, optional)
    elif isinstance(node, ast.Try):
        catches = optional or any(_catches_import(h) for h in node.handlers)
        for statement in node.body:
            yield from _walk(statement, catches)
        for part in (*node.handlers, *node.orelse, *node.finalbody):
            yield from _walk(part, optional)
    else:
        lazy = optional or isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        for child in ast.iter_child_nodes(node):
            yield from _walk(child, lazy)


def _is_type_checking(test: ast.expr) -> bool:
    name = test.attr if isinstance(test, ast.Attribute) else getattr(test, "id", "")
    return name == "TYPE_CHECKING"


def _catches_import(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    names = {getattr(n, "id", getattr(n, "attr", "")) for n in ast.walk(handler.type)}
    return bool(names & {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})
