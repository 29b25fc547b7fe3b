"""The interpreter an environment is for: which one, what markers and tags it has."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import packaging
from packaging import tags as packaging_tags
from packaging.markers import Marker, default_environment
from packaging.specifiers import SpecifierSet

from . import fast, link
from .config import cache_folder
from .errors import NotFound
from .http import write_atomic
from .index import wheel_tags

_PROBE = (
    "import sys, json; sys.path.insert(0, {packaging!r})\n"
    "from packaging.markers import default_environment\n"
    "from packaging.tags import sys_tags\n"
    "print(json.dumps([sys.hexversion, sys.implementation.cache_tag, dict(default_environment()),"
    " [str(t) for t in sys_tags()]]))"
)


@dataclass
class Interpreter:
    executable: str
    hexversion: int
    cache_tag: str
    markers: dict[str, str]
    tags: list[str]

    @property
    def version(self) -> str:
        return self.markers["python_full_version"]

    def ranks(self) -> dict[str, int]:
        return {tag: rank for rank, tag in enumerate(self.tags)}

    def evaluate(self, marker: str) -> bool:
        return not marker or Marker(marker).evaluate({**self.markers, "extra": ""})


def best_wheel(names: list[str], ranks: dict[str, int]) -> str | None:
    """The wheel an installer would take: most specific tag, then highest build number."""
    best: tuple[int, tuple[int, str], str] | None = None
    for name in names:
        fitting = [ranks[t] for t in wheel_tags(name) if t in ranks]
        if fitting:
            build = name.split("-")[2] if name.count("-") == 5 else ""
            digits = "".join(c for c in build if c.isdigit())
            key = (-min(fitting), (int(digits or -1), name), name)
            best = key if best is None or key > best else best
    return best[2] if best else None


def here() -> Interpreter:
    return Interpreter(
        fast.base_python(),
        sys.hexversion,
        sys.implementation.cache_tag or "",
        {k: str(v) for k, v in default_environment().items()},
        [str(t) for t in packaging_tags.sys_tags()],
    )


def probe(executable: str) -> Interpreter:
    """Ask another interpreter, once: the answer is kept while the file stays the same."""
    found = shutil.which(executable)
    if found is None:
        raise NotFound(f"there is no interpreter {executable!r}")
    real = _base_of(found)
    if os.path.realpath(real) == fast.base_python():
        return here()
    status = os.stat(real)
    key = link.digest(f"{real} {status.st_size} {status.st_mtime_ns}".encode())
    path = cache_folder() / "interpreters" / key
    try:
        data = json.loads(path.read_bytes())
    except (OSError, ValueError):
        data = _ask(real)
        write_atomic(path, json.dumps(data).encode())
    return Interpreter(os.path.realpath(real), *data)


def _base_of(executable: str) -> str:
    """A virtual environment's interpreter stands for the one below it."""
    code = "import sys; print(sys._base_executable)"
    try:
        done = subprocess.run(
            [executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError) as e:
        raise NotFound(f"{executable!r} does not run as Python: {e}") from None
    base = done.stdout.strip() or executable
    if not os.path.isfile(base):
        raise NotFound(f"{executable!r} does not answer as Python does")
    return base


def _ask(executable: str) -> list[object]:
    code = _PROBE.format(packaging=str(Path(packaging.__file__).parents[1]))
    done = subprocess.run([executable, "-I", "-S", "-c", code], capture_output=True, text=True)
    try:
        hexversion, tag, markers, tags = json.loads(done.stdout)
    except ValueError:
        reason = [*done.stderr.splitlines()[-1:], "it does not answer as Python does"][0]
        raise NotFound(f"{executable!r} cannot be used: {reason}") from None
    return [hexversion, tag, markers, tags]


def choose(requires: str, named: str | None = None) -> Interpreter:
    """The named one, else ours, else the newest on PATH the project accepts."""
    wanted = SpecifierSet(requires)
    named = named or os.environ.get("PYRS_PYTHON")
    if named:
        chosen = probe(named)
        if not wanted.contains(chosen.version, prereleases=True):
            raise NotFound(f"{named} is Python {chosen.version}, and the project wants {requires}")
        return chosen
    ours = ".".join(map(str, sys.version_info[:3]))
    if wanted.contains(ours, prereleases=True):
        return here()
    for minor in range(20, 10, -1):
        if any(wanted.contains(f"3.{minor}.{patch}") for patch in (0, 5, 50)) and shutil.which(
            f"python3.{minor}"
        ):
            chosen = probe(f"python3.{minor}")
            if wanted.contains(chosen.version, prereleases=True):
                return chosen
    raise NotFound(
        f"the project wants Python {requires}, and none was found (this is {ours})",
        help="install one, or name it with --python or PYRS_PYTHON",
    )


# -- Environments that are not here -------------------------------------------------------------------------

_MANYLINUX = [(2, minor) for minor in range(40, 4, -1)]


def synthetic(platform: str, machine: str, python: str) -> Interpreter:
    """A typical interpreter of another platform, for asking what a lock would install there."""
    minor = tuple(int(p) for p in python.split(".")[:2])
    if platform == "linux":
        platforms = [f"manylinux_{a}_{b}_{machine}" for a, b in _MANYLINUX]
        platforms += [
            f"{old}_{machine}" for old in ("manylinux2014", "manylinux2010", "manylinux1", "linux")
        ]
    elif platform == "darwin":
        platforms = list(packaging_tags.mac_platforms((15, 0), machine))
    else:
        platforms = [{"AMD64": "win_amd64", "ARM64": "win_arm64"}[machine]]
    found = [*packaging_tags.cpython_tags(minor, platforms=platforms)]
    found += packaging_tags.compatible_tags(minor, f"cp{minor[0]}{minor[1]}", platforms)
    from .universe import Point

    markers = Point(python, platform, machine, "cpython").markers()
    return Interpreter("", 0, f"cpython-{minor[0]}{minor[1]}", markers, [str(t) for t in found])
