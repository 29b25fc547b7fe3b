"""What pyproject.toml can't say: the extension modules, and how they are compiled."""

import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from sysconfig import get_config_var
from typing import Any

from setuptools import Distribution, Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.modified import newer_group

ROOT = Path(__file__).resolve().parent
SRC = ROOT / "src"

# extension module -> the folder under src/ whose SOURCES file lists its C files
EXTENSIONS = {
    "fastarray._fastarray": "fastarray",
    "pyforge._pyforge": "pyforge",
    "pyrs._guard": "importguard",
    "pyrs._pyrs": "stacklessvm",
}

# those that know CPython's bytecode or frames, and the first version that is unknown to them
LAYOUT = ("fastarray._fastarray", "pyrs._pyrs")
UNKNOWN = (3, 15)

# extension module -> the program that trains it, where it is compiled by what that makes it do
TRAINED = {"pyrs._pyrs": "tools/train.py"}
PROFILE = os.environ.get("PYFORGE_PROFILE", "") not in ("", "0")

# the packages to build the extensions of (or "none"); all without it
ONLY = os.environ.get("PYFORGE_PACKAGES", "").split()


def can_have(extension: str) -> bool:
    """Can this interpreter have it?  Where not, the package is installed without."""
    if sys.implementation.name != "cpython":
        return False
    if get_config_var("Py_GIL_DISABLED"):
        return extension == "fastarray._fastarray" and sys.version_info < UNKNOWN
    return sys.version_info < UNKNOWN or extension not in LAYOUT


def wanted(extension: str, folder: str) -> bool:
    package = extension.split(".")[0]
    return (SRC / folder / "SOURCES").exists() and (not ONLY or package in ONLY)


def sources(folder: str) -> list[str]:
    """C files listed in src/<folder>/SOURCES, relative to the project root."""
    names = lines(SRC / folder / "SOURCES")
    return [os.path.relpath((SRC / folder / name).resolve(), ROOT) for name in names]


def cflags(folder: str) -> list[str]:
    """Flags of all C files, of this folder's, and of this build."""
    own = [line for path in (SRC, SRC / folder) for line in lines(path / "CFLAGS")]
    return own + os.environ.get("PYFORGE_CFLAGS", "").split()


def lines(path: Path) -> list[str]:
    """A list file's entries: one per line, # begins a comment; none without the file."""
    if not path.exists():
        return []
    entries = [line.split("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines()]
    return [entry for entry in entries if entry]


def headers(folder: str) -> list[str]:
    """What a rebuild of `folder` depends on beside its sources: its tables and headers."""
    trees = (SRC / folder, SRC / "cpyext_compat")
    return ["src/CFLAGS"] + [
        str(p.relative_to(ROOT))
        for tree in trees
        for ext in ("*.h", "*.def", "*.inc", "CFLAGS")
        for p in tree.rglob(ext)
    ]


class SideBySide(build_ext):
    """Compiles the files of an extension side by side, and of them only what changed."""

    def build_extension(self, ext: Extension) -> None:
        compile_one = type(self.compiler).compile

        def compile_changed(
            sources: list[str], output_dir: str, depends: list[str], **options: Any
        ) -> list[str]:
            objects: list[str] = self.compiler.object_filenames(sources, output_dir=output_dir)
            newest = max(os.path.getmtime(name) for name in ["setup.py", *depends])
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                jobs = [
                    pool.submit(compile_one, self.compiler, [c], output_dir=output_dir, **options)
                    for c, o in zip(sources, objects, strict=True)
                    if out_of_date(o, max(newest, os.path.getmtime(c)))
                ]
            for job in jobs:
                job.result()
            return objects

        self.compiler.compile = compile_changed
        if PROFILE and ext.name in TRAINED:
            self.build_profiled(ext)
        else:
            super().build_extension(ext)

    def build_profiled(self, ext: Extension) -> None:
        """Compiles it, trains it, and compiles it again by how often each branch was taken.

        Twice, whole, with GCC; later builds compile it again when any file changed.
        """
        if not self.force and not newer_group(
            [*ext.sources, *ext.depends, TRAINED[ext.name]],
            self.get_ext_fullpath(ext.name),
            "newer",
        ):
            return
        must_be_gcc(self.compiler.compiler_so[0])
        base = Path(self.build_temp, "profiled").resolve()
        shutil.rmtree(base, ignore_errors=True)
        flags = ext.extra_compile_args, ext.extra_link_args
        where = self.build_lib, self.build_temp, self.inplace
        counts = f"={base / 'counts'}"
        # the counts of an object file are found by its name, which stays the same
        self.build_temp = str(base / "objects")

        counting = [f"-fprofile-generate{counts}", "-fprofile-update=prefer-atomic"]
        self.build_lib, self.inplace = str(base / "lib"), False
        ext.extra_compile_args, ext.extra_link_args = flags[0] + counting, flags[1] + counting
        super().build_extension(ext)
        train(ext.name, base / "lib")

        shutil.rmtree(self.build_temp)
        self.build_lib, _, self.inplace = where
        # what was not trained is compiled as ever
        ext.extra_compile_args = [*flags[0], f"-fprofile-use{counts}", "-fprofile-partial-training"]
        ext.extra_link_args = flags[1]
        super().build_extension(ext)
        self.build_temp = where[1]


def must_be_gcc(compiler: str) -> None:
    command = [compiler, "-fprofile-partial-training", "-E", "-x", "c", os.devnull]
    if subprocess.run(command, capture_output=True).returncode:
        sys.exit(
            f"setup.py: PYFORGE_PROFILE=1 needs GCC 10 or newer, and {compiler} is not; unset it"
        )


def train(extension: str, lib: Path) -> None:
    """Run the extension's training program with the package whose extension is in lib."""
    package = extension.split(".")[0]
    without = shutil.ignore_patterns("*.so", "__pycache__")
    shutil.copytree(ROOT / "python" / package, lib / package, ignore=without, dirs_exist_ok=True)
    # -B: what runs now leaves nothing beside the modules it runs
    command = [sys.executable, "-B", str(ROOT / TRAINED[extension])]
    subprocess.run(command, env=os.environ | {"PYTHONPATH": str(lib)}, check=True)


class OfOneInterpreter(Distribution):
    """A wheel's name says which interpreter made it, also where that is given no extension."""

    def has_ext_modules(self) -> bool:
        return True


def out_of_date(path: str, newest: float) -> bool:
    return not os.path.exists(path) or os.path.getmtime(path) < newest


setup(
    distclass=OfOneInterpreter,
    cmdclass={"build_ext": SideBySide},
    ext_modules=[
        Extension(
            name,
            sources=sources(folder),
            include_dirs=["src", f"src/{folder}"],
            extra_compile_args=cflags(folder),
            extra_link_args=lines(SRC / folder / "LDFLAGS")
            + os.environ.get("PYFORGE_LDFLAGS", "").split(),
            depends=headers(folder),
        )
        for name, folder in EXTENSIONS.items()
        if wanted(name, folder) and can_have(name)
    ],
)
