"""Builds of the extensions that look for what the ordinary one can't show.

A variant is compiled apart from the editable install, into build/<name>/, and used by
putting that on PYTHONPATH: tools/variants.py NAME PROGRAM [ARGUMENTS ...] runs a program so.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# asserts on: the interpreter's own flags say -DNDEBUG
CHECKED = "-UNDEBUG -g -fno-omit-frame-pointer"


@dataclass(frozen=True)
class Variant:
    name: str
    cflags: str
    ldflags: str = ""
    preload: str = ""  # the runtime library that must be loaded before the interpreter
    env: dict[str, str] = field(default_factory=dict)
    build_env: dict[str, str] = field(default_factory=dict)


ASAN = Variant(
    name="asan",
    cflags=f"{CHECKED} -O1 -fsanitize=address,undefined -fno-sanitize-recover=undefined",
    ldflags="-fsanitize=address,undefined",
    preload="libasan.so",
    # the interpreter keeps memory at exit; leaks are tests/support/leaks.py's business.
    # What is found ends by a signal: 1 is how Python ends with an exception
    env={
        "PYTHONMALLOC": "malloc",
        "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1:abort_on_error=1"
        ":detect_stack_use_after_return=0",
        "UBSAN_OPTIONS": "print_stacktrace=1:abort_on_error=1",
    },
)
UBSAN = Variant(
    name="ubsan",
    cflags=f"{CHECKED} -O2 -fsanitize=undefined -fno-sanitize-recover=undefined",
    ldflags="-fsanitize=undefined",
    env={"UBSAN_OPTIONS": "print_stacktrace=1"},
)
TSAN = Variant(
    name="tsan",
    cflags=f"{CHECKED} -O1 -fsanitize=thread",
    ldflags="-fsanitize=thread",
    preload="libtsan.so",
    # what the interpreter does by itself is not compiled with it, its locks are seen
    env={"TSAN_OPTIONS": "exitcode=66:report_signal_unsafe=0:ignore_noninstrumented_modules=1"},
)
HOSTILE = Variant(name="hostile", cflags=f"{CHECKED} -O1 -DVM_HOSTILE")
PLAIN = Variant(name="plain", cflags="-O1")
# as wheels are built, and Debian's interpreter is
PROFILED = Variant(name="profiled", cflags="", build_env={"PYFORGE_PROFILE": "1"})

PACKAGES = tuple(path.parent.name for path in (ROOT / "python").glob("*/__init__.py"))
VARIANTS = {variant.name: variant for variant in (ASAN, UBSAN, TSAN, HOSTILE, PROFILED)}


def planted(variant: Variant, bug: str) -> Variant:
    """The same build with a bug in it: the C code has one for each name it knows.

    -DVM_PLANT=PLANT_<bug>, where the names are numbers that the C code defines.
    """
    cflags = f"{variant.cflags} -DVM_PLANT=PLANT_{bug}"
    return replace(variant, name=f"{variant.name}-{bug.lower()}", cflags=cflags)


def build(variant: Variant, packages: Sequence[str] = PACKAGES) -> Path:
    """Compile the packages' extensions; the folder that holds the importable packages."""
    base = ROOT / "build" / variant.name
    flags = base / "flags"
    wanted = f"{sys.version}\n{variant.cflags}\n{variant.ldflags}\n"
    if not flags.exists() or flags.read_text() != wanted:
        shutil.rmtree(base, ignore_errors=True)
        base.mkdir(parents=True)
    lib = base / "lib"
    env = (
        os.environ
        | variant.build_env
        | {
            "PYFORGE_CFLAGS": variant.cflags,
            "PYFORGE_LDFLAGS": variant.ldflags,
            "PYFORGE_PACKAGES": " ".join(packages),
        }
    )
    setup = [sys.executable, "setup.py", "--quiet"]
    options = [f"--build-lib={lib}", f"--build-temp={base / 'temp'}"]
    subprocess.run([*setup, "build_ext", *options], cwd=ROOT, env=env, check=True)
    # the Python half is not copied: it is the tree's own, beside the compiled half
    for package in packages:
        link_package(ROOT / "python" / package, lib / package)
    flags.write_text(wanted)
    return lib


def link_package(package: Path, to: Path) -> None:
    """Fill `to` with links to a package's files, but not to its built extensions."""
    to.mkdir(parents=True, exist_ok=True)
    for old in to.iterdir():
        if old.is_symlink():
            old.unlink()
    for item in package.iterdir():
        if item.suffix != ".so" and item.name != "__pycache__":
            (to / item.name).symlink_to(item)


def environment(variant: Variant, lib: Path) -> dict[str, str]:
    """What a process needs to run the variant; its children get it too."""
    env = os.environ | variant.env | {"PYTHONPATH": str(lib), "PYFORGE_VARIANT": variant.name}
    if variant.preload:
        compiler = os.environ.get("CC", "cc").split()
        where = subprocess.run(
            [*compiler, f"-print-file-name={variant.preload}"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        env["LD_PRELOAD"] = where
    return env


def main(argv: list[str]) -> int:
    if len(argv) < 2 or argv[0] not in VARIANTS:
        print(
            f"variants: NAME PROGRAM [ARGUMENTS ...] (names: {', '.join(VARIANTS)})",
            file=sys.stderr,
        )
        return 2
    variant = VARIANTS[argv[0]]
    env = environment(variant, build(variant))
    return subprocess.run([sys.executable, *argv[1:]], env=env).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
