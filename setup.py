"""What pyproject.toml can't say: the extension modules and their compiler flags."""

import os
from pathlib import Path

from setuptools import Extension, setup

ROOT = Path(__file__).resolve().parent
SRC = ROOT / "src"

# extension module -> the folder under src/ whose SOURCES file lists its C files
EXTENSIONS = {
    "fastarray._fastarray": "fastarray",
    "pyforge._pyforge": "pyforge",
    "pyrs._guard": "importguard",
    "pyrs._pyrs": "stacklessvm",
}

CFLAGS = [
    "-std=gnu11",
    "-O2",
    "-fvisibility=hidden",
    "-fno-strict-aliasing",
    "-fno-semantic-interposition",
    "-Wall",
    "-Wextra",
    "-Wno-unused-parameter",
    "-Wno-missing-field-initializers",
    "-Werror=ignored-attributes",
    "-Werror=implicit-function-declaration",
]

# flags of one extension only: fastarray is unrolled, debug information would be most of it
EXTRA_CFLAGS = {"fastarray": ["-g0"]}


def sources(folder: str) -> list[str]:
    """C files listed in src/<folder>/SOURCES, relative to the project root."""
    listing = (SRC / folder / "SOURCES").read_text(encoding="utf-8")
    names = [line.split("#")[0].strip() for line in listing.splitlines()]
    return [os.path.relpath((SRC / folder / n).resolve(), ROOT) for n in names if n]


def headers(folder: str) -> list[str]:
    """What a rebuild of `folder` depends on beside its sources: its tables and headers."""
    trees = (SRC / folder, SRC / "cpyext_compat")
    return [
        str(p.relative_to(ROOT))
        for tree in trees
        for ext in ("*.h", "*.def", "*.inc")
        for p in tree.rglob(ext)
    ]


setup(
    ext_modules=[
        Extension(
            name,
            sources=sources(folder),
            include_dirs=["src", f"src/{folder}"],
            extra_compile_args=CFLAGS
            + EXTRA_CFLAGS.get(folder, [])
            + os.environ.get("PYFORGE_CFLAGS", "").split(),
            extra_link_args=os.environ.get("PYFORGE_LDFLAGS", "").split(),
            depends=headers(folder),
        )
        for name, folder in EXTENSIONS.items()
        if (SRC / folder / "SOURCES").exists()
    ]
)
