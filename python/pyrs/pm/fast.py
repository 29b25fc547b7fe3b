"""The two commands people wait for, without loading the package manager.

`install` with nothing new to find out and `run` are answered here from what an earlier install wrote
down, keyed by the bytes of manifest and lock; whatever is not plain goes to `dispatch`.
Imports only what a started interpreter has.
"""

import _imp
import gc
import os
import sys

from . import link

MANIFEST, LOCK = "pyproject.rs.toml", "pyrs.lock"
_ALL = "*"
_SETTLED_NS = 100_000_000


def main(argv: list[str]) -> int:
    result: int | None = None
    if argv and not os.environ.get("PYRS_PYTHON"):
        try:
            if argv[0] == "install":
                result = install(argv[1:])
                if result is not None:
                    return _leave(result)
            elif argv[0] == "run":
                result = run(argv[1:])
        except (OSError, ValueError, link.Unsafe, link.Stale):
            result = None  # the long way gives the reason, or mends it
    if result is not None:
        return result
    if argv[:1] == ["run"]:  # a program has its own last wishes, and its own rubbish
        return _dispatch(argv)
    if hasattr(gc, "set_threshold"):  # importing alone would be looked through a hundred times
        gc.set_threshold(100_000)
    return _leave(_dispatch(argv))


def _dispatch(argv: list[str]) -> int:
    from .dispatch import main as dispatch

    return dispatch(argv)


def _leave(status: int) -> int:
    """When we are the program, end here: taking an interpreter apart costs a millisecond, and thirty
    once the libraries are in it."""
    program = getattr(sys.modules["__main__"], "__file__", None) or ""
    if program.endswith(("/pyrs", "/pyrs/__main__.py", "/pm/__main__.py")) and status == 0:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    return status


def find_project() -> str:
    folder = os.getcwd()
    while not os.path.isfile(f"{folder}/{MANIFEST}"):
        parent = os.path.dirname(folder)
        if parent == folder:
            raise FileNotFoundError
        folder = parent
    return folder


def store_folder() -> str:
    """The store when it can be told without reading TOML; else OSError, and the long way."""
    named = os.environ.get("PYRS_STORE")
    if named:
        return os.path.abspath(os.path.expanduser(named))
    home = os.environ.get("PYRS_HOME") or os.path.expanduser("~/.pyrs")
    if os.path.exists(home + "/config.toml"):
        raise FileNotFoundError
    return home + "/store"


def base_python() -> str:
    return os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable)


def interpreter_id(executable: str, hexversion: int) -> bytes:
    status = os.stat(executable)
    return f"{executable} {status.st_size} {status.st_mtime_ns} {hexversion:x}".encode()


def package_id() -> bytes:
    """Changes with this package, so that no plan outlives the code that made it."""
    here = os.path.dirname(__file__)
    guard = f"{os.path.dirname(here)}/_guard{_imp.extension_suffixes()[0]}"
    parts = [link.FORMAT]
    for path in (guard, *(f"{here}/{n}.py" for n in ("start", "isolation", "plan", "link"))):
        status = os.stat(path)
        parts.append(f"{path} {status.st_size} {status.st_mtime_ns}")
    return "\n".join(parts).encode()


def plan_key(project: str, store: str, groups: list[str], executable: str, hexversion: int) -> str:
    """Everything an environment is a function of."""
    return link.digest(
        link.read_bytes(f"{project}/{MANIFEST}"),
        link.read_bytes(f"{project}/{LOCK}"),
        "\n".join(groups).encode(),
        interpreter_id(executable, hexversion),
        os.fsencode(store),
        package_id(),
    )


def selection(argv: list[str]) -> list[str] | None:
    """The groups asked for by plain options, in the spelling the long way uses too."""
    groups = []
    rest = list(argv)
    while rest:
        option = rest.pop(0)
        if option == "--dev":
            groups.append("dev")
        elif option == "--all":
            groups.append(_ALL)
        elif option == "--feature" and rest:
            groups += [f"feature:{f}" for f in rest.pop(0).split(",")]
        elif option not in ("--frozen", "--offline"):
            return None
    return sorted(set(groups))


def install(argv: list[str]) -> int | None:
    groups = selection(argv)
    if groups is None:
        return None
    project, store = find_project(), store_folder()
    link.check_store(store)
    if _left_to_compile(store):
        return None
    seen = stamp(project, store, groups)
    generation = link.current(project)
    stands = _links_stand(project, store)
    if stands and _stamped(project) == f"{generation}\n{seen}".encode():
        return _say("up to date")
    key = plan_key(project, store, groups, base_python(), sys.hexversion)
    if stands and generation == f"gen-{key}" and _usable(project, store, generation):
        write_stamp(project, generation, seen)
        return _say("up to date")
    text = link.read_bytes(f"{store}/{link.STORE_VERSION}/plans/{key}").decode()
    plan = checked_plan(text)
    if plan is None or not _paths_unchanged(plan):
        return None
    link.materialize(project, store, key, text)
    return _say("installed")


def _left_to_compile(store: str) -> bool:
    """Is there something an install noted for later, and nobody at work on it?"""
    mode = os.environ.get("PYRS_BYTECODE")
    base = f"{store}/{link.STORE_VERSION}"
    if mode == "never" or not os.listdir(base + "/pending"):
        return False
    try:
        link.Flock(base + "/compiler", exclusive=False, wait=False).close()
    except BlockingIOError:
        return mode == "now"
    return True


def stamp(project: str, store: str, groups: list[str]) -> str:
    """What cannot stay the same when the answer changes: states of files instead of their bytes."""
    parts = [" ".join(groups), store, package_id().decode()]
    python = base_python()
    parts.append(interpreter_id(python, sys.hexversion).decode())
    for path in (
        f"{project}/{MANIFEST}",
        f"{project}/{LOCK}",
        f"{store}/{link.STORE_VERSION}/pkgs",
    ):
        parts.append(_state(path))
    try:
        parts.append(_state(f"{project}/.pyrs/current/plan"))
    except FileNotFoundError:
        parts.append("")
    return "\n".join(parts)


def _state(path: str) -> str:
    status = os.stat(path)
    return f"{status.st_mtime_ns} {status.st_ctime_ns} {status.st_size} {status.st_ino}"


def _stamped(project: str) -> bytes:
    try:
        return link.read_bytes(f"{project}/.pyrs/stamp")
    except OSError:
        return b""


def write_stamp(project: str, generation: str, seen: str) -> None:
    """Not while a file is so new that a change could still get the same time."""
    from time import time_ns

    newest = max(os.stat(f"{project}/{name}").st_ctime_ns for name in (MANIFEST, LOCK))
    if time_ns() - newest > _SETTLED_NS:
        link.replace_file(f"{project}/.pyrs/stamp", f"{generation}\n{seen}".encode())


def checked_plan(text: str) -> str | None:
    return text.rpartition("\nend\t")[0] if link.is_sealed(text.encode()) else None


def _links_stand(project: str, store: str) -> bool:
    links = all(os.path.islink(f"{project}/.pyrs/{part}") for part in ("site-packages", "bin"))
    return links and link.is_registered(project, store)


def _usable(project: str, store: str, generation: str) -> bool:
    try:
        data = link.read_bytes(f"{project}/.pyrs/{generation}/plan")
    except OSError:
        return False
    if not link.is_sealed(data):
        return False
    text = data.decode()
    return link.entries_exist(link.plan_rows(text), store) and _paths_unchanged(text)


def _paths_unchanged(plan: str) -> bool:
    """Local folders may change without manifest or lock changing: those go the long way."""
    return "\nlocal\t" not in plan


def _say(text: str) -> int:
    if sys.stderr.isatty():
        sys.stderr.write(text + "\n")
    return 0


# -- run ----------------------------------------------------------------------------------------------------


def run(argv: list[str]) -> int | None:
    """Only in an interpreter that is as good as new and of the kind the environment wants."""
    if not argv or (argv[0].startswith("-") and argv[0] not in ("-c", "-m")):
        return None
    project = find_project()
    is_python = argv[0] in ("-c", "-m") or argv[0].endswith(".py")
    entry = f"{project}/.pyrs/bin/python"
    if not is_python:
        return _run_command(project, argv)
    if not os.path.exists(f"{project}/.pyrs/current/plan"):
        return None
    from . import start

    environment = start.open_environment(entry)
    use_store(project, environment.rows)
    ours = environment.value("package") == link.digest(package_id())
    if not ours or base_python() != environment.value("python") or not _pristine():
        os.close(environment.held)
        sys.stdout.flush()
        os.execv(entry, [entry, *argv])
    from pyrs import _guard

    return start.run_here(environment, _guard, argv)


def _run_command(project: str, argv: list[str]) -> int | None:
    path = f"{project}/.pyrs/bin/{argv[0]}"
    if "/" in argv[0] or not os.path.isfile(path):
        return None
    rows = link.plan_rows(
        link.read_bytes(f"{project}/.pyrs/current/plan").decode().partition("\n\n")[0]
    )
    use_store(project, rows)
    os.execv(path, [path, *argv[1:]])


def use_store(project: str, rows: link.Rows) -> None:
    """Refused where others could have written the code that is about to run.  A project that was
    moved, or whose record was dropped, is known again from here on."""
    for store in link.values(rows, "store"):
        link.check_store(store)
        if not link.is_registered(project, store):
            text = link.read_bytes(f"{project}/.pyrs/current/plan").decode()
            link.register(project, store, link.plan_rows(text))


# loaded by .pth files of ordinary installations; they only add finders, which are taken out again
_HARMLESS = ("_distutils_hack", "__editable__", "_virtualenv")


def _pristine() -> bool:
    """Did anything but the interpreter itself and us change this process?"""
    expected = {*sys.stdlib_module_names, "__main__", "pyrs", "sitecustomize", "apport_python_hook"}
    for name in sys.modules:
        if name.partition(".")[0] not in expected and not name.startswith(_HARMLESS):
            return False
    flags = sys.flags
    return not (
        flags.isolated
        or flags.optimize
        or flags.dev_mode
        or flags.inspect
        or flags.interactive
        or (flags.dont_write_bytecode and not os.environ.get("PYTHONDONTWRITEBYTECODE"))
    )
