"""Bytecode for entries that are in the store already, by a process of its own.

An install notes what it left uncompiled and ends; a detached process of low priority works the
notes off.  It may be ended at any point: bytecode is built aside and moved in under a seal that
is there first, and a note goes only when its entry is sealed.  Whoever installs next starts again.

    v1/pending/<entry>+<tag>   a link that names the interpreter whose bytecode is missing
    v1/compiler                held by whoever works the notes off
    v1/work/                   what that process builds
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from . import link
from .bytecode import compiler_for
from .errors import StoreError
from .store import Compiler, Seal, Store, seal_bytecode
from .workers import Workers

NICENESS = 19

# -- Notes -------------------------------------------------------------------------------------------


def note(store: Store, keys: Iterable[str], executable: str, tag: str) -> None:
    for key in keys:
        if not is_sealed(store, key, tag):
            with contextlib.suppress(FileExistsError):
                os.symlink(executable, store.pending / f"{key}+{tag}")


def is_sealed(store: Store, key: str, tag: str) -> bool:
    return (store.pkgs / key / f"seal-{tag}").exists()


def is_running(store: Store) -> bool:
    """Asked with a shared lock, so that asking is never taken for running."""
    try:
        link.Flock(_turn(store), exclusive=False, wait=False).close()
    except BlockingIOError:
        return True
    return False


def _turn(store: Store) -> str:
    return str(store.base / "compiler")


def start(store: Store) -> None:
    """A process for what is pending, unless one is at it: that one looks again before it ends."""
    if not store.notes() or is_running(store):
        return
    null = [(os.POSIX_SPAWN_OPEN, n, os.devnull, os.O_RDWR, 0) for n in (0, 1, 2)]
    # an install is complete without it: `store status` tells, and the next install tries again
    with contextlib.suppress(OSError):
        os.posix_spawn(
            sys.executable,
            [*_COMMAND, "--detached"],
            _environment(store),
            file_actions=null,
            setsid=True,
        )


def finish(store: Store) -> None:
    """All that is pending, now; apart, because this process may have threads and must not fork."""
    if not store.notes():
        return
    done = subprocess.run(_COMMAND, env=_environment(store), capture_output=True, text=True)
    if done.returncode:
        raise StoreError("compiling failed", done.stderr.splitlines()[:20])


_COMMAND = [sys.executable, "-P", "-m", "pyrs.pm", "store", "compile"]


def _environment(store: Store) -> dict[str, str]:
    return {**os.environ, "PYRS_STORE": str(store.root)}


def detach() -> None:
    """In the process `start` made: in nobody's way, and nobody's pipe or folder held."""
    os.nice(NICENESS)
    os.closerange(3, 1024)
    os.chdir("/")


# -- Working them off --------------------------------------------------------------------------------


def work_off(store: Store) -> tuple[list[str], list[str]]:
    """Compile what is pending; returns the entries, and what went wrong with others.

    Notes that come while it works are worked off too, also those that come while it stops working:
    it looks once more after it has let go.
    """
    done: list[str] = []
    problems: dict[str, str] = {}
    while set(store.notes()) - set(problems):
        with link.Flock(_turn(store), exclusive=True):
            for name, problem in _work(store, sorted(set(store.notes()) - set(problems))):
                if problem:
                    problems[name] = problem
                else:
                    done.append(name.rpartition("+")[0])
    return done, list(problems.values())


def _work(store: Store, names: list[str]) -> Iterator[tuple[str, str]]:
    work = store.base / "work"
    link.remove_tree(str(work))
    work.mkdir()
    count = min(os.cpu_count() or 1, len(names)) if len(names) > 2 else 0
    workers = Workers(count, _compile)
    try:
        jobs = {n: workers.submit(_weight(store, n), str(store.root), n) for n in names}
        for name, job in jobs.items():
            try:
                job.result()
            except StoreError as e:
                yield name, "; ".join([f"{name}: {e}", *e.because])
            else:
                yield name, ""
    finally:
        workers.close()
        link.remove_tree(str(work))


def _weight(store: Store, name: str) -> int:
    """About how much there is to compile: the seal has a line for each file."""
    try:
        return (store.pkgs / name.rpartition("+")[0] / "seal").stat().st_size
    except OSError:
        return 0


def _compile(root: str, name: str) -> None:
    """Runs in a worker process.  Only the moving in keeps a collector waiting, not the compiling."""
    store = Store(Path(root))
    key, _, tag = name.rpartition("+")
    mark = store.pending / name
    try:
        if is_sealed(store, key, tag):
            os.chmod(store.pkgs / key, 0o555)  # whoever sealed it may have been ended right then
        else:
            compiler = compiler_for(os.readlink(mark), tag)
            with _built(store, key, compiler) as work, store.lock():
                if store.has(key):
                    _move_in(store.pkgs / key, tag, work)
    except (StoreError, OSError, ValueError) as e:
        if store.has(key):
            raise e if isinstance(e, StoreError) else StoreError(str(e)) from None
        # otherwise it was collected meanwhile
    mark.unlink(missing_ok=True)


@contextlib.contextmanager
def _built(store: Store, key: str, compiler: Compiler) -> Iterator[Path]:
    """A folder with the entry's bytecode and its seal."""
    work, entry = store.base / "work" / f"{key}+{compiler.tag}", store.pkgs / key
    work.mkdir()
    try:
        seal_bytecode(entry, work, entry, store.seal(key), compiler)
        yield work
    finally:
        link.remove_tree(str(work))


def _move_in(entry: Path, tag: str, work: Path) -> None:
    """File by file, below a seal that lists them all: while it is named `half-`, some may be missing.

    Nobody else does this to the entry: whoever compiles has the store's turn to.
    """
    half, seal = entry / f"half-{tag}", entry / f"seal-{tag}"
    files = [path for path, *_ in Seal.parse((work / seal.name).read_bytes()).files]
    os.chmod(entry, 0o755)
    caches = _open_caches(entry, files)
    if half.exists():  # of one that was ended; its bytes need not be ours
        for path, *_ in Seal.parse(half.read_bytes()).files:
            (entry / path).unlink(missing_ok=True)
    os.replace(work / seal.name, half)
    for path in files:
        os.replace(work / path, entry / path)
    for cache in caches:
        os.chmod(cache, 0o555)
        os.chmod(cache.parent, 0o555)
    os.rename(half, seal)
    os.chmod(entry, 0o555)


def _open_caches(entry: Path, files: list[str]) -> list[Path]:
    """Every `__pycache__`, made if need be, and the folder it is in: open for writing."""
    caches = sorted({(entry / path).parent for path in files})
    for cache in caches:
        os.chmod(cache.parent, 0o755)
        cache.mkdir(exist_ok=True)
        os.chmod(cache, 0o755)
    return caches
