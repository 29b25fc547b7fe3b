"""Making an environment from a plan: symbolic links, a few small scripts, one rename.

Imports nothing that a bare interpreter has not loaded, because a warm install consists of this.
Invariant: `.pyrs/current` always points at a complete generation; a generation never changes.
"""

import fcntl
import os
import sys

# typing.TYPE_CHECKING without the cost of importing typing
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

try:
    from _blake2 import blake2b
except ImportError:  # moved between releases
    from hashlib import blake2b

FORMAT = "1"
STORE_VERSION = "v1"
_SHEBANG_LIMIT = 120

Rows = list[list[str]]


class Unsafe(Exception):
    """The store must not be used as it is."""


class Stale(Exception):
    """The plan names something the store no longer has."""


def digest(*parts: bytes) -> str:
    h = blake2b(digest_size=16)
    for part in parts:
        h.update(len(part).to_bytes(8, "little"))
        h.update(part)
    return h.hexdigest()


def read_bytes(path: str) -> bytes:
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        size = os.fstat(handle).st_size
        data = os.read(handle, size + 1)
        while len(data) < size:
            more = os.read(handle, size - len(data))
            if not more:
                break
            data += more
        return data
    finally:
        os.close(handle)


def write_new(path: str, data: bytes, mode: int = 0o644) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    try:
        done = os.write(handle, data)
        while done < len(data):
            done += os.write(handle, memoryview(data)[done:])
    finally:
        os.close(handle)


def replace_file(path: str, data: bytes, mode: int = 0o644) -> None:
    temporary = f"{path}.{os.getpid()}"
    try:
        write_new(temporary, data, mode)
        os.rename(temporary, path)
    except OSError:
        _forget(temporary)
        raise


def _forget(path: str) -> None:
    try:  # noqa: SIM105 - contextlib is not loaded yet, and need not be
        os.unlink(path)
    except OSError:
        pass


# -- The store, as far as linking needs it -----------------------------------------------------------


def check_store(store: str) -> None:
    """Whoever can write to the store can run code as its users."""
    status = os.stat(store)
    if status.st_uid != os.geteuid():
        raise Unsafe(f"the store {store} belongs to another user (uid {status.st_uid})")
    if status.st_mode & 0o022:
        raise Unsafe(f"the store {store} is writable by others (mode {status.st_mode & 0o777:o})")


class Flock:
    """An advisory lock on a file, held until closed or the process ends."""

    def __init__(self, path: str, exclusive: bool, wait: bool = True) -> None:
        self.handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        flags = (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | (0 if wait else fcntl.LOCK_NB)
        try:
            fcntl.flock(self.handle, flags)
        except OSError:
            os.close(self.handle)
            raise

    def __enter__(self) -> "Flock":
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        os.close(self.handle)


def plan_rows(text: str) -> Rows:
    return [line.split("\t") for line in text.split("\n")]


def values(rows: Rows, key: str) -> "Iterator[str]":
    return (row[1] for row in rows if row[0] == key)


def entries_exist(rows: Rows, store: str) -> bool:
    base = f"{store}/{STORE_VERSION}/pkgs/"
    try:
        for key in values(rows, "entry"):
            os.stat(f"{base}{key}/seal")
        for folder in values(rows, "runtime"):
            os.stat(folder)
    except OSError:
        return False
    return True


# -- Generations ----------------------------------------------------------------------------------------


def current(project: str) -> str:
    try:
        return os.readlink(f"{project}/.pyrs/current")
    except OSError:
        return ""


def is_sealed(plan: bytes) -> bool:
    """A plan carries its own hash in its last line."""
    body, _, seal = plan.rpartition(b"\nend\t")
    return seal == digest(body).encode()


def is_complete(project: str, generation: str) -> bool:
    try:
        return is_sealed(read_bytes(f"{project}/.pyrs/{generation}/plan"))
    except OSError:
        return False


def materialize(
    project: str, store: str, key: str, plan: str, select: bool = True, known: bool = True
) -> str:
    """Make generation `key` and, with `select`, the current one.  Returns its folder.

    With `known`, the project is one whose entries are to be kept.
    """
    home = f"{project}/.pyrs"
    generation = f"gen-{key}"
    os.makedirs(home, exist_ok=True)
    with (
        Flock(f"{store}/{STORE_VERSION}/lock", exclusive=False),
        Flock(f"{home}/lock", exclusive=True),
    ):
        rows = plan_rows(plan)
        if not entries_exist(rows, store):
            raise Stale(key)
        if not is_complete(project, generation):
            _remove(home, generation)  # somebody damaged it
            _build(home, generation, rows, plan, store)
        if select:
            _select(home, generation)
            sweep(home, keep=generation)
        if known:
            register(project, store, rows)
    return f"{home}/{generation}"


def _build(home: str, generation: str, rows: Rows, plan: str, store: str) -> None:
    work = f"{home}/tmp-{os.getpid()}-{generation}"
    remove_tree(work)
    try:
        for part in ("", "/site-packages", "/deps", "/bin"):
            os.mkdir(work + part)
        base = f"{store}/{STORE_VERSION}/pkgs/"
        for row in rows:
            if row[0] == "link":
                os.symlink(base + row[2], f"{work}/{row[1]}")
            elif row[0] == "dir":
                os.makedirs(f"{work}/{row[1]}", exist_ok=True)
            elif row[0] == "file":
                os.makedirs(os.path.dirname(f"{work}/{row[1]}"), exist_ok=True)
                write_new(f"{work}/{row[1]}", bytes.fromhex(row[2]))
        _write_entries(work, rows)
        write_new(f"{work}/plan", plan.encode(), 0o444)
        os.rename(work, f"{home}/{generation}")
    except OSError:
        remove_tree(work)
        raise


def _write_entries(work: str, rows: Rows) -> None:
    """bin/python, and one script per entry point, each a whole start of the interpreter."""
    python, store, runtime = (next(values(rows, key)) for key in ("python", "store", "runtime"))
    head = _shebang(python) + _checked(store, runtime)
    for name in ("python", "python3"):
        write_new(f"{work}/bin/{name}", entry_script(head, "", "").encode(), 0o755)
    for row in rows:
        if row[0] in ("script", "bin") and row[1] not in ("python", "python3"):
            write_new(f"{work}/bin/{row[1]}", entry_script(head, row[2], row[3]).encode(), 0o755)


def _shebang(python: str) -> str:
    if len(python) < _SHEBANG_LIMIT and " " not in python and sys.platform.startswith("linux"):
        return f"#!{python} -sS\n"
    # a shell line that Python reads as a string: for long paths, and kernels without nested scripts
    return f"#!/bin/sh\n'''exec' \"{python}\" -sS \"$0\" \"$@\"\n' '''\n"


def _checked(store: str, runtime: str) -> str:
    """`check_store` once more, for scripts nobody ran through us: before any code of the store runs."""
    return (
        "import posix, sys\n"
        f"status = posix.stat({store!r})\n"
        "if status.st_uid != posix.geteuid() or status.st_mode & 0o022:\n"
        f"    print({'error[pyrs-9]: another user owns or may write the store ' + store!r},"
        " file=sys.stderr)\n"
        "    sys.exit(9)\n"
        f"sys.path.insert(0, {runtime!r})\n"
    )


def entry_script(head: str, owner: str, target: str) -> str:
    return (
        f"{head}import _guard, pyrs_start\n"
        f"sys.exit(pyrs_start.main(_guard, __file__, {owner!r}, {target!r}))\n"
    )


def _point(link: str, target: str) -> None:
    """Make or replace a symbolic link by one rename."""
    try:
        if os.readlink(link) == target:
            return
    except OSError:
        pass
    temporary = f"{link}.{os.getpid()}"
    _forget(temporary)
    os.symlink(target, temporary)
    os.rename(temporary, link)


def _select(home: str, generation: str) -> None:
    _point(f"{home}/current", generation)
    for part in ("site-packages", "bin"):
        _point(f"{home}/{part}", f"current/{part}")


def sweep(home: str, keep: str) -> None:
    """Remove generations no process holds, and what a killed install left behind."""
    for name in os.listdir(home):
        path = f"{home}/{name}"
        if name.startswith("tmp-"):
            remove_tree(path)
        elif name.rpartition(".")[2].isdigit():
            _forget(path)  # a link or file that was to be renamed
        elif name.startswith("gen-") and name != keep and not _held(path):
            _remove(home, name)


def _remove(home: str, generation: str) -> None:
    gone = f"{home}/tmp-{os.getpid()}-{generation}"
    remove_tree(gone)
    try:
        os.rename(f"{home}/{generation}", gone)
    except FileNotFoundError:
        return
    remove_tree(gone)


def _held(generation: str) -> bool:
    try:
        handle = os.open(f"{generation}/plan", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return False
    except OSError:
        return True
    finally:
        os.close(handle)


def remove_tree(path: str) -> None:
    """Remove a folder, read-only parts included; never follows a link."""
    try:
        names = list(os.scandir(path))
    except FileNotFoundError:
        return
    except NotADirectoryError:
        os.unlink(path)
        return
    if names and not os.access(path, os.W_OK):
        os.chmod(path, 0o700)
    for item in names:
        if item.is_dir(follow_symlinks=False):
            remove_tree(item.path)
        else:
            try:
                os.unlink(item.path)
            except PermissionError:
                os.chmod(path, 0o700)
                os.unlink(item.path)
    os.rmdir(path)


# -- Roots: which projects use the store ---------------------------------------------------------------


def root_path(project: str, store: str) -> str:
    return f"{store}/{STORE_VERSION}/roots/{digest(os.fsencode(project))}"


def register(project: str, store: str, rows: Rows) -> None:
    """Note the project and what it uses, in case it vanishes before the next collection."""
    path = root_path(project, store)
    used = "\n".join(sorted(values(rows, "entry")))
    data = f"project\t{project}\n{used}\n".encode()
    _forget(path + ".vanished")
    try:
        if read_bytes(path) == data:
            return
    except OSError:
        pass
    replace_file(path, data)


def is_registered(project: str, store: str) -> bool:
    path = root_path(project, store)
    return os.path.exists(path) and not os.path.exists(path + ".vanished")
