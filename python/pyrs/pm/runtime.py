"""The start-up code environments run: copied into the store once per version of it.

Environments must go on working when the package manager is upgraded or removed, and on other
interpreters than its own; so they never point at the installed package.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from . import bytecode, link
from .errors import StoreError, UsageError
from .interpreter import Interpreter
from .store import Store

_MODULES = {"start.py": "pyrs_start", "isolation.py": "pyrs_isolation"}


def _guard_file() -> Path:
    try:
        from pyrs import _guard
    except ImportError:
        raise UsageError("pyrs._guard is not built", help="reinstall pyforge-suite") from None
    return Path(str(vars(_guard)["__file__"]))


def ensure(store: Store, python: Interpreter) -> Path:
    here = Path(__file__).parent
    guard = _guard_file()
    parts = [guard.read_bytes(), *((here / name).read_bytes() for name in _MODULES)]
    folder = store.base / "runtime" / link.digest(*parts, python.cache_tag.encode())
    if folder.exists():
        return folder
    work = store.base / "tmp" / f"runtime-{os.getpid()}"
    link.remove_tree(str(work))
    try:
        work.mkdir()
        shutil.copyfile(guard, work / "_guard.abi3.so")
        jobs = []
        for name, module in _MODULES.items():
            shutil.copyfile(here / name, work / f"{module}.py")
            target = f"{work}/__pycache__/{module}.{python.cache_tag}.pyc"
            jobs.append((f"{work}/{module}.py", target, f"{folder}/{module}.py"))
        bytecode.compiler_for(python.executable, python.cache_tag).compile(jobs)
        os.rename(work, folder)
    except OSError as e:
        if not folder.exists():
            raise StoreError(f"cannot write to the store {store.root}: {e.strerror}") from None
    finally:
        link.remove_tree(str(work))
    return folder
