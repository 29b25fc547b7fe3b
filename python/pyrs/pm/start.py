"""Start-up inside an environment: paths, guard, then the program.

Runs in the project's interpreter, possibly another version than the package manager's, from a
copy in the store; it may import nothing of ours but `_guard` and `isolation` beside it, and nothing
that is not loaded anyway unless the command line asks for it.
"""

import posix
import sys

# typing.TYPE_CHECKING without the cost of importing typing
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

INTERACTIVE = "--pyrs-interactive"
_IGNORED = "ISEPs"  # always in force here
_RESTART = "bdiOqvuxR"  # only the interpreter itself can honour these
_WITH_VALUE = "WX"
# these bring functions that import by name, which the guard has to wrap
_LATER = {"importlib", "pkgutil", "runpy"}


class Environment:
    """A generation folder: its plan's header now, the rest when the guard first needs it."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.project = folder.rpartition("/.pyrs/")[0]
        self.held = posix.open(folder + "/plan", posix.O_RDONLY | posix.O_CLOEXEC)
        _lock_shared(self.held)
        size = posix.fstat(self.held).st_size
        data = b""
        while len(data) < size:
            data += posix.read(self.held, size - len(data))
        head, _, self.rest = data.decode().partition("\n\n")
        self.rows = [line.split("\t") for line in head.split("\n")]

    def values(self, key: str) -> "list[str]":
        return [row[1] for row in self.rows if row[0] == key]

    def value(self, key: str, default: str = "") -> str:
        found = self.values(key)
        return found[0] if found else default


def _lock_shared(handle: int) -> None:
    """Tell installers that this generation is in use, for as long as this process lives."""
    import fcntl

    try:  # noqa: SIM105 - contextlib is not loaded yet, and need not be
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        pass


def open_environment(entry: str) -> Environment:
    """The generation `entry` (a file in its bin folder) belongs to."""
    for _ in range(10):
        folder = _real(entry.rpartition("/")[0] or ".").rpartition("/")[0]
        try:
            environment = Environment(folder)
            posix.stat(folder + "/plan")
            return environment
        except FileNotFoundError:
            continue  # replaced between reading the link and opening the plan
    raise SystemExit(f"pyrs: {entry} is not inside an environment; run: pyrs install")


def _real(path: str) -> str:
    from os.path import realpath

    return realpath(path)


# -- Activation ------------------------------------------------------------------------------------


def activate(environment: Environment, guard: "Any", owner: str) -> None:
    """Replace the interpreter's paths by the environment's, and stand guard.

    `owner` is the distribution that runs, or "" for the project.
    """
    folder, project = environment.folder, environment.project
    paths = [_placed(project, p) for p in environment.values("path")]
    sys.path[:] = [*_stdlib(), *paths, folder + "/site-packages", folder + "/deps"]
    sys.path_importer_cache.clear()
    sys.executable = project + "/.pyrs/bin/python"
    sys.prefix = sys.base_prefix
    sys.exec_prefix = sys.base_exec_prefix
    _site_builtins()
    _read_only_folders(folder, environment.value("store"))
    parent = posix.environ.get(b"PYRS_ENVIRONMENT") == folder.encode()
    _describe(folder, owner)
    if environment.value("isolation", "error") != "off":
        _stand_guard(environment, guard, owner, parent)
    for line in environment.values("startup"):
        exec(line, {"__name__": "site", "__builtins__": __builtins__})


def _placed(project: str, path: str) -> str:
    """A path of the plan, which knows no project: absolute, or seen from the project's folder."""
    if path.startswith("/"):
        return path
    if not path.startswith("."):
        return f"{project}/{path}"
    from os.path import normpath

    return normpath(f"{project}/{path}")


def _describe(folder: str, owner: str) -> None:
    """What children need: that they are children, and of which environment."""
    for key, value in ((b"PYRS_ENVIRONMENT", folder), (b"PYRS_OWNER", owner)):
        posix.environ[key] = value.encode()
        posix.putenv(key, value.encode())
    if "os" in sys.modules:
        sys.modules["os"].environ["PYRS_ENVIRONMENT"] = folder
        sys.modules["os"].environ["PYRS_OWNER"] = owner


def _stdlib() -> "list[str]":
    library = getattr(sys, "_stdlib_dir", None) or sys.base_prefix + "/lib"
    return [
        p
        for p in sys.path
        if p == library
        or p.endswith("/lib-dynload")
        or (p.endswith(".zip") and p.startswith(sys.base_prefix))
    ]


def _site_builtins() -> None:
    """exit, quit, help and friends, which the site module would have put there."""
    import builtins

    if hasattr(builtins, "exit"):
        return
    import site

    site.setquit()
    site.setcopyright()
    site.sethelper()


def _read_only_folders(folder: str, store: str) -> None:
    """Modules in the store are never written beside, whoever runs: their bytecode is sealed."""
    external: Any = sys.modules["_frozen_importlib_external"]

    class SealedLoader(external.SourceFileLoader):  # type: ignore[misc]
        def _cache_bytecode(self, source_path: str, cache_path: str, data: bytes) -> None:
            pass

    loaders = external._get_supported_file_loaders()
    sealed = [
        (SealedLoader if cls is external.SourceFileLoader else cls, suffixes)
        for cls, suffixes in loaders
    ]
    roots = (folder + "/", store + "/")

    def hook(path: str) -> "Any":
        if not path.startswith(roots):
            raise ImportError
        return external.FileFinder(path, *sealed)

    sys.path_hooks.insert(0, hook)


def _stand_guard(environment: Environment, guard: "Any", owner: str, child: bool) -> None:
    isolation: list[Any] = []

    standard = sys.stdlib_module_names - _LATER

    def decide(importer: object, name: str, fromlist: object) -> "Any":
        if name.partition(".")[0] in standard:
            return True
        if not isolation:
            guard.uninstall(original)
            try:
                isolation.append(
                    _load_isolation(environment).Isolation(environment, owner, child, guard)
                )
            finally:
                guard.install(decide)
        return isolation[0].decide(importer, name, fromlist)

    import builtins

    original = builtins.__import__
    guard.install(decide)


def _load_isolation(environment: Environment) -> "Any":
    """From beside the environment's start-up code: a process that was `pyrs` has no package left."""
    sys.path.insert(0, environment.value("runtime"))
    try:
        import pyrs_isolation  # type: ignore[import-not-found]
    finally:
        del sys.path[0]
    return pyrs_isolation


# -- The command line of an interpreter ----------------------------------------------------------


def run_python(environment: Environment, guard: "Any", entry: str, argv: "list[str]") -> int:
    """`entry` is the environment's python; does what `python *argv` does."""
    rest = list(argv)
    if rest[:1] == [INTERACTIVE]:
        return _interactive()
    while rest and rest[0].startswith("-") and rest[0] != "-":
        option = rest.pop(0)
        if option in ("--version", "-V", "-VV"):
            print("Python", sys.version if option == "-VV" else sys.version.split()[0])
            return 0
        if option == "--":
            break
        if option.startswith("--"):
            return _restart(environment, entry, argv)
        for at, letter in enumerate(option[1:], 1):
            if letter in "cm":
                value = option[at + 1 :] or (rest.pop(0) if rest else "")
                return (_run_text if letter == "c" else _run_module)(guard, value, rest)
            if letter == "B":
                sys.dont_write_bytecode = True
            elif letter not in _IGNORED:
                return _restart(environment, entry, argv)
    if not rest and posix.isatty(0):
        return _restart(environment, entry, ["-i", *argv])
    if not rest or rest[0] == "-":
        return _run_stdin(guard, rest or [""])
    return run_file(guard, rest)


def _restart(environment: Environment, entry: str, argv: "list[str]") -> int:
    """Give the options to the interpreter, and come back here with what is left."""
    options, rest = [], list(argv)
    interactive = False
    while rest and rest[0].startswith("-") and rest[0] not in ("-", "--"):
        option = rest[0]
        if option.startswith("--"):
            options += rest[: 2 if option == "--check-hash-based-pycs" else 1]
            rest = rest[2 if option == "--check-hash-based-pycs" else 1 :]
            continue
        stop = next((i for i, c in enumerate(option) if c in "cm"), None)
        value = next((i for i, c in enumerate(option) if c in _WITH_VALUE), None)
        if stop is not None and (value is None or stop < value):
            head = option[1:stop]
            options += ["-" + head] if head else []
            rest[0] = "-" + option[stop:]
            break
        interactive |= "i" in option[:value]
        options.append(rest.pop(0))
        if value is not None and value == len(option) - 1 and rest:
            options.append(rest.pop(0))
    if interactive and not rest:
        rest = [INTERACTIVE]
    base = environment.value("python")
    posix.execv(base, [base, "-sS", *options, entry, *rest])


def _interactive() -> int:
    """Leave `__main__` clean; the interpreter was started with -i and reads on from the terminal."""
    main = sys.modules["__main__"].__dict__
    for name in [n for n in main if not n.startswith("__")]:
        del main[name]
    main.pop("__file__", None)
    sys.argv[:] = [""]
    sys.path.insert(0, "")
    print("Python", sys.version, file=sys.stderr)
    hook = getattr(sys, "__interactivehook__", None)
    if hook is None:
        import site

        site.enablerlcompleter()
        hook = getattr(sys, "__interactivehook__", None)
    return 0


def _fresh_main(path: "str | None", loader: object = None) -> "dict[str, object]":
    """A new `__main__`; ours stays alive through its frames only."""
    module = type(sys)("__main__")
    namespace = module.__dict__
    namespace["__builtins__"] = sys.modules["builtins"]
    namespace["__annotations__"] = {}
    if path is not None:
        namespace["__file__"] = path
        namespace["__cached__"] = None
    namespace["__loader__"] = loader or sys.modules["_frozen_importlib"].BuiltinImporter
    sys.modules["__main__"] = module
    return namespace


def _run_text(guard: "Any", text: str, rest: "list[str]") -> int:
    sys.argv[:] = ["-c", *rest]
    sys.path.insert(0, "")
    return int(guard.execute(text, "<string>", _fresh_main(None)))


def _run_stdin(guard: "Any", rest: "list[str]") -> int:
    sys.argv[:] = rest
    sys.path.insert(0, "")
    return int(guard.execute(sys.stdin.buffer.read(), "<stdin>", _fresh_main(None)))


def _run_module(guard: "Any", name: str, rest: "list[str]") -> int:
    import runpy

    sys.argv[:] = ["-m", *rest]
    sys.path.insert(0, posix.getcwd())
    _fresh_main(None)
    return int(guard.call_main(vars(runpy)["_run_module_as_main"], (name,)))


def run_file(guard: "Any", argv: "list[str]", source: "bytes | None" = None) -> int:
    """A script, a folder or a zip file with `__main__`."""
    path = argv[0]
    sys.argv[:] = argv
    if not path.startswith("/"):
        path = f"{posix.getcwd()}/{path}"
    if source is None:
        try:
            handle = posix.open(path, posix.O_RDONLY | posix.O_CLOEXEC)
        except OSError as e:
            print(
                f"{sys.executable}: can't open file {path!r}: [Errno {e.errno}] {e.strerror}",
                file=sys.stderr,
            )
            return 2
        with open(handle, "rb") as stream:
            try:
                source = stream.read()
            except IsADirectoryError:
                source = b""
    if source[:2] == b"PK" or (not source and _is_folder(path)):
        import runpy

        _fresh_main(None)
        return int(guard.call_main(runpy.run_path, (path, None, "__main__")))
    sys.path.insert(0, _real(path).rpartition("/")[0])
    loader = sys.modules["_frozen_importlib_external"].SourceFileLoader("__main__", path)
    return int(guard.execute(source, path, _fresh_main(path, loader)))


def _is_folder(path: str) -> bool:
    return posix.stat(path).st_mode & 0o170000 == 0o040000


# -- Entries: .pyrs/bin/* ---------------------------------------------------------------------------


def main(guard: "Any", entry: str, owner: str, target: str) -> int:
    """Called by the scripts in an environment's bin folder.

    `target` is "" for the interpreter, `module:attribute` for an entry point, a path below the
    generation folder for a script a wheel brought along.
    """
    try:
        environment = open_environment(entry)
    except ValueError:
        raise SystemExit(
            f"pyrs: the environment of {entry} is damaged; run: pyrs install"
        ) from None
    if not owner and posix.environ.get(b"PYRS_ENVIRONMENT") == environment.folder.encode():
        owner = posix.environ.get(b"PYRS_OWNER", b"").decode()
    argv = sys.argv[1:]
    activate(environment, guard, owner)
    if not target:
        return run_python(environment, guard, entry, argv)
    sys.argv[:] = [entry, *argv]
    if ":" not in target:
        with open(f"{environment.folder}/{target}", "rb") as stream:
            return run_file(guard, sys.argv[:], stream.read())
    namespace = _fresh_main(entry)
    module, _, attribute = target.partition(":")
    text = f"import sys\nfrom {module} import {attribute.split('.')[0]}\nsys.exit({attribute}())\n"
    return int(guard.execute(text, entry, namespace))


def run_here(environment: Environment, guard: "Any", argv: "list[str]") -> int:
    """`pyrs run` without a second interpreter: this one becomes the environment's."""
    entry = environment.project + "/.pyrs/bin/python"
    activate(environment, guard, "")
    standard = {*sys.stdlib_module_names, "__main__", "sitecustomize", "usercustomize"}
    for name in [n for n in sys.modules if n.partition(".")[0] not in standard]:
        del sys.modules[name]
    own = ("_frozen_importlib", "_frozen_importlib_external")
    sys.meta_path[:] = [f for f in sys.meta_path if getattr(f, "__module__", "") in own]
    return run_python(environment, guard, entry, argv)
