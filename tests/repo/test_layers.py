"""Who may include or import whom, as STYLE.md draws it.  A new folder is a new row here."""

import ast
import re
from pathlib import Path

import pytest
from support.tree import ROOT, files

VM = "stacklessvm"
# folder under src/ (the longest that fits counts) -> folders it may include besides itself
MAY_INCLUDE = {
    "cpyext_compat": set(),
    "fastarray": {"cpyext_compat"},
    "pyforge": {"cpyext_compat"},
    "importguard": {"cpyext_compat"},
    f"{VM}/ir": {"cpyext_compat"},
    f"{VM}/vm": {"cpyext_compat", f"{VM}/ir"},
    f"{VM}/jit": {"cpyext_compat", f"{VM}/ir", f"{VM}/vm"},
    f"{VM}/embed": {"cpyext_compat", f"{VM}/ir", f"{VM}/vm", f"{VM}/jit", "include"},
}
# what only cpyext_compat may know
VERSION_WORDS = (
    r"\bPY_VERSION_HEX\b|\bPY_(?:MAJOR|MINOR|MICRO)_VERSION\b|\bPy_BUILD_CORE\b|\bpycore_\w+"
)
# python package -> packages of this tree it may import besides itself
MAY_IMPORT = {"fastarray": set(), "pyforge": set(), "pyrs": set()}
# modules of python/pyforge that are used without Django
NO_DJANGO = ("_plan.py", "errors.py")

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]+["<]([^">]+)[">]', re.MULTILINE)
COMMENT = re.compile(r'/\*.*?\*/|//[^\n]*|("(?:[^"\\\n]|\\.)*")', re.DOTALL)
C_FILES = files("src/*.c", "src/*.h", "src/*.inc", "src/*.def", "src/*.in")


def without_comments(text):
    return COMMENT.sub(lambda m: m[1] or " ", text)


def layer(path):
    """The layer a path relative to src/ (or include/) belongs to, or None."""
    parts = Path(path).parts
    if parts[0] == "include":
        return "include"
    for depth in (2, 1):
        name = "/".join(parts[:depth])
        if name in MAY_INCLUDE:
            return name
    return None


def resolve(target, path, src):
    """What an include names, relative to src, when it is a file of ours.

    Searched as the compiler does: beside the file, in src/, in the extension's folder.
    """
    top = path.relative_to(src).parts[0]
    for base in (path.parent, src, src / top, src.parent / "include"):
        if (base / target).is_file():
            found = (base / target).resolve()
            return found.relative_to(src if found.is_relative_to(src) else src.parent)
    return None


def crossings(path, text, src):
    """The includes of a file that its layer may not have."""
    own = layer(path.relative_to(src))
    if own is None:
        return [f"{path.relative_to(src)}: no layer; add its folder to MAY_INCLUDE"]
    found = []
    for target in INCLUDE.findall(without_comments(text)):
        ours = resolve(target, path, src)
        to = layer(ours) if ours else None
        if ours and to != own and to not in MAY_INCLUDE[own]:
            found.append(f"{path.relative_to(src)}: {own} may not include {ours}")
    return found


@pytest.mark.parametrize("path", C_FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_includes_keep_to_the_layers(path):
    text = path.read_text(encoding="utf-8")

    assert crossings(path, text, ROOT / "src") == []


@pytest.mark.parametrize(
    "path",
    [path for path in C_FILES if layer(path.relative_to(ROOT / "src")) != "cpyext_compat"],
    ids=lambda p: str(p.relative_to(ROOT)),
)
def test_only_cpyext_compat_knows_the_version(path):
    text = without_comments(path.read_text(encoding="utf-8"))

    assert re.findall(VERSION_WORDS, text) == []


def test_every_listed_source_is_there():
    missing = [
        f"{listing.relative_to(ROOT)}: {name}"
        for listing in files("src/*SOURCES")
        for line in listing.read_text(encoding="utf-8").splitlines()
        if (name := line.split("#")[0].strip()) and not (listing.parent / name).is_file()
    ]

    assert missing == []


def imported(tree):
    """Top-level names that a module imports, wherever in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module.partition(".")[0]


def imports_of(path):
    return set(imported(ast.parse(path.read_text(encoding="utf-8"), str(path))))


@pytest.mark.parametrize("path", files("python/*.py"), ids=lambda p: str(p.relative_to(ROOT)))
def test_packages_do_not_import_each_other(path):
    own = path.relative_to(ROOT / "python").parts[0]

    foreign = imports_of(path) & set(MAY_IMPORT) - {own}

    assert foreign <= MAY_IMPORT[own]


@pytest.mark.parametrize(
    "path",
    [path for path in files("python/pyforge/*.py") if path.name in NO_DJANGO],
    ids=lambda p: p.name,
)
def test_plan_and_errors_import_no_django(path):
    assert "django" not in imports_of(path)


# -- the check itself ---------------------------------------------------------


@pytest.fixture
def src(tmp_path):
    for name in (
        "cpyext_compat/cpy_x.h",
        "fastarray/fa_x.h",
        f"{VM}/vm/vm_x.h",
        f"{VM}/jit/jit_x.h",
    ):
        (tmp_path / "src" / name).parent.mkdir(parents=True)
        (tmp_path / "src" / name).touch()
    return tmp_path / "src"


@pytest.mark.parametrize(
    ("path", "include"),
    [
        ("cpyext_compat/cpy_y.c", "stacklessvm/vm/vm_x.h"),
        ("cpyext_compat/cpy_y.c", "../fastarray/fa_x.h"),
        (f"{VM}/vm/vm_y.c", "jit/jit_x.h"),
        (f"{VM}/vm/vm_y.c", "fastarray/fa_x.h"),
        ("fastarray/fa_y.c", "../stacklessvm/vm/vm_x.h"),
        ("other/o.c", "Python.h"),
    ],
)
def test_crossing_is_found(src, path, include):
    assert len(crossings(src / path, f'  # include "{include}"\n', src)) == 1


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (f"{VM}/jit/jit_y.c", '#include "vm/vm_x.h"\n#include "cpyext_compat/cpy_x.h"'),
        (f"{VM}/vm/vm_y.c", '/* #include "jit/jit_x.h" */\n#include <Python.h>'),
    ],
)
def test_allowed_include_is_no_crossing(src, path, text):
    assert crossings(src / path, text, src) == []


def test_version_word_is_found_outside_comments_only():
    text = without_comments(
        '/* PY_VERSION_HEX */ "PY_VERSION" // Py_BUILD_CORE\n#if PY_VERSION_HEX'
    )

    assert re.findall(VERSION_WORDS, text) == ["PY_VERSION_HEX"]
