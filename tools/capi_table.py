"""Write python/pyrs/_capi.py: which C-API symbols which Python exports.

    tools/capi_table.py 3.11=BINARY:INCLUDE[:INCLUDE] 3.12=... 3.13=... 3.14=...

BINARY is the interpreter or its libpython, INCLUDE the folder with its Python.h (and, where
pyconfig.h lies elsewhere, that one).  The limited API is what Python.h declares when
Py_LIMITED_API names a version; the newest headers that declare a symbol decide.
"""

import re
import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TARGET = ROOT / "python/pyrs/_capi.py"
OLDEST_LIMITED = (3, 2)

Version = tuple[int, int]


def exported(binary: Path) -> set[str]:
    out = subprocess.run(
        ["nm", "-D", "--defined-only", binary], check=True, capture_output=True, text=True
    ).stdout
    names = {line.split()[-1].partition("@")[0] for line in out.splitlines()}
    return {n for n in names if n.startswith(("Py", "_Py")) and not n.startswith("PyInit")}


DECLARED = re.compile(
    r'__attribute__ *\(\(visibility *\("default"\)\)\)[^;{]*?\b(_?Py\w+)\s*(?:\(|;|\[|=)'
)


def declared(includes: list[str], limited: Version) -> set[str]:
    """Functions and data that Python.h declares for that version of the limited API."""
    names: set[str] = set()
    for clean in ([], ["-DPY_SSIZE_T_CLEAN"]):
        number = f"-DPy_LIMITED_API=0x{limited[0]:02X}{limited[1]:02X}0000"
        out = subprocess.run(
            ["cc", "-E", "-P", number, *clean, *(f"-I{i}" for i in includes), "-xc", "-"],
            input="#include <Python.h>\n",
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        names.update(DECLARED.findall(out))
    return names


def limited_since(includes: dict[Version, list[str]]) -> dict[str, Version]:
    """The newest headers that declare a symbol decide."""
    since: dict[str, Version] = {}
    for own in sorted(includes, reverse=True):
        here: dict[str, Version] = {}
        for minor in range(OLDEST_LIMITED[1], own[1] + 1):
            for name in declared(includes[own], (3, minor)):
                here.setdefault(name, (3, minor))
        since = here | since
    return since


def rows(exports: dict[Version, set[str]], since: dict[str, Version]) -> list[str]:
    versions = sorted(exports)
    groups: dict[tuple[tuple[int, ...], Version], list[str]] = {}
    for name in sorted(set().union(*exports.values())):
        where = tuple(i for i, v in enumerate(versions) if name in exports[v])
        groups.setdefault((where, since.get(name, (0, 0))), []).append(name)
    out = []
    for (where, limited), names in sorted(groups.items(), key=lambda g: (g[0][0], g[0][1])):
        words = textwrap.fill(" ".join(names), 96, break_on_hyphens=False)
        limit = limited if limited != (0, 0) else None
        out.append(f'    (\n        {where},\n        {limit},\n        """\n{words}\n""",\n    ),')
    return out


def main(arguments: list[str]) -> int:
    exports, includes = {}, {}
    for argument in arguments:
        name, _, places = argument.partition("=")
        binary, *folders = places.split(":")
        major, minor = map(int, name.split("."))
        exports[major, minor] = exported(Path(binary))
        includes[major, minor] = folders
    if not exports:
        print(__doc__, file=sys.stderr)
        return 2
    table = "\n".join(rows(exports, limited_since(includes)))
    TARGET.write_text(
        '"""C-API symbols by version.  Made by tools/capi_table.py from the interpreters; not edited."""\n'
        "\n"
        f"VERSIONS = {tuple(sorted(exports))!r}\n"
        "\n"
        "# (indices of the versions that export them, in the limited API since, names)\n"
        "TABLE: tuple[tuple[tuple[int, ...], tuple[int, int] | None, str], ...] = (\n"
        f"{table}\n"
        ")\n",
        encoding="utf-8",
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
