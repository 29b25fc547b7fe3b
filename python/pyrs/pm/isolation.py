"""Who may import what: the policy behind the guard.

Project code sees what the project declares.  A distribution sees itself, its closure, and what
the project declares.  The standard library sees everything, since it imports on behalf of others
(entry points, pickle, logging configuration).  This is about correctness, not security:
`sys.modules[...]` is not stopped.

Loaded at the first import that the guard has not seen, from the store or from the package.
"""

import sys

# typing.TYPE_CHECKING without the cost of importing typing
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

# standard-library modules that import for their caller: the caller is the importer
_HELPERS = {
    "importlib",
    "importlib.util",
    "importlib._bootstrap",
    "importlib._bootstrap_external",
    "pkgutil",
    "runpy",
}
_PROJECT = "@project"


class Finder:
    """Meta-path part of the guard: imports that do not come through `__import__`.

    Only direct calls into importlib from Python code end here undecided; extension modules that
    import through the C API are not charged to the code that called them.
    """

    def __init__(self, isolation: "Isolation") -> None:
        self.isolation = isolation

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if path is None and name in self.isolation.tops:
            frame = sys._getframe(1)
            direct = False
            while frame is not None and frame.f_globals.get("__name__") in _HELPERS:
                direct |= frame.f_code.co_name in (
                    "_gcd_import",
                    "find_spec",
                    "find_loader",
                    "import_module",
                )
                frame = frame.f_back  # type: ignore[assignment]
            if direct and frame is not None:
                verdict = self.isolation.decide(frame.f_globals, name, None)
                if isinstance(verdict, ImportError):
                    raise verdict
        return None


class Isolation:
    def __init__(self, environment: "Any", owner: str, child: bool, guard: "Any") -> None:
        self.folder: str = environment.folder
        self.guard = guard
        self.project_policy = environment.value("isolation", "error")
        self.deps_policy = environment.value("isolation-deps", "closure")
        self.project_name = environment.value("project")
        self.main_owner = owner or _PROJECT
        self.child = child
        self.declared: set[str] = set()
        self.closure: dict[str, frozenset[str]] = {}
        self.tops: dict[str, frozenset[str]] = {}
        self.brought: dict[str, str] = {}  # a declared distribution that needs it
        self.shared: set[str] = set()
        self.files: dict[str, str] = {}
        self._read(environment.rest)
        store = environment.value("store")
        alias = environment.project + "/.pyrs/"
        self.roots = tuple(
            f"{base}/{part}/"
            for base in (self.folder, alias + "current")
            for part in ("site-packages", "deps")
        ) + (alias + "site-packages/",)
        self.bins = (self.folder + "/bin/", alias + "bin/")
        self.store = store + "/v1/pkgs/"
        self.stdlib = (getattr(sys, "_stdlib_dir", None) or sys.base_prefix) + "/"
        self.standard = frozenset(sys.stdlib_module_names) | {
            "__main__",
            "__mp_main__",
            "_distutils_hack",
        }
        self.wrapped = False
        self.warned: set[tuple[str, str]] = set()
        sys.meta_path.insert(0, Finder(self))

    def _read(self, text: str) -> None:
        for line in text.split("\n"):
            row = line.split("\t")
            if row[0] == "dist":
                _, name, kind, allowed, brought = row
                self.brought[name] = brought.partition(",")[0]
                self.closure[name] = frozenset(allowed.split(",")) | {name}
                if kind == "declared":
                    self.declared.add(name)
            elif row[0] == "top":
                self.tops[row[1]] = frozenset(row[2].split(","))
                if "." in row[1]:
                    self.shared.add(row[1].partition(".")[0])
            elif row[0] in ("script", "bin"):
                self.files[row[1]] = row[2]

    def _wrap(self) -> None:
        """Put the guard around the two functions that import by name."""
        import importlib.util

        package: Any = importlib
        package.import_module = self.guard.wrap_import_module(package.import_module)
        package.util.find_spec = self.guard.wrap_find_spec(package.util.find_spec)

    # -- The question ---------------------------------------------------------------------------

    def decide(self, importer: object, name: str, fromlist: object) -> "bool | ImportError":
        """The error when `importer` may not import `name`; True when yes need not be asked for again."""
        top = name.partition(".")[0]
        if top in self.standard:
            return self._standard(top)
        owners = self.tops.get(top)
        if owners is None:
            return True
        owner, cacheable = self._owner(importer)
        if owner is None:
            return cacheable
        for wanted in self._wanted(name, top, fromlist):
            owners = self._owners_of(wanted)
            if owners and not self._allowed(owner, owners) and self._comes_from_here(top):
                error = self._deny(owner, wanted, owners)
                if error is not None:
                    return error
        return cacheable and top not in self.shared

    def _standard(self, top: str) -> bool:
        if top in ("importlib", "pkgutil", "runpy") and not self.wrapped:
            self.wrapped = True  # first, because the import below asks again

            self._wrap()
        return True

    def _wanted(self, name: str, top: str, fromlist: object) -> "list[str]":
        """The dotted names asked for; of a package shared by several distributions, its parts."""
        if top not in self.shared or not isinstance(fromlist, (tuple, list)):
            return [name]
        return [f"{name}.{part}" for part in fromlist if isinstance(part, str)] or [name]

    def _owners_of(self, name: str) -> "frozenset[str]":
        while name:
            if name in self.tops:
                return self.tops[name]
            name = name.rpartition(".")[0]
        return frozenset()

    def _allowed(self, owner: str, owners: "frozenset[str]") -> bool:
        if owners & self.declared:
            return True
        if owner == _PROJECT:
            return False
        if owner == "@closure":
            return True
        return self.deps_policy in ("off",) or bool(owners & self.closure.get(owner, frozenset()))

    def _owner(self, importer: object) -> "tuple[str | None, bool]":
        """The distribution, the project, or None for the standard library; and whether it stays so."""
        if isinstance(importer, dict) and importer.get("__name__") not in _HELPERS:
            path = importer.get("__file__")
            if isinstance(path, str):
                return self._owner_of_file(path), True
            spec = importer.get("__spec__")
            if spec is not None and getattr(spec, "origin", None) in ("frozen", "built-in"):
                return None, False
        return self._owner_by_frames(), False

    def _owner_by_frames(self) -> "str | None":
        """The nearest frame with a file of its own, past helpers and code without one."""
        frame = sys._getframe(1)
        while frame is not None:
            scope = frame.f_globals
            path = frame.f_code.co_filename
            mine = scope.get("__name__") in (__name__, "pyrs_start", "pyrs.pm.start", *_HELPERS)
            if scope.get("__name__") in ("pyrs_start", "pyrs.pm.start"):
                break
            if not mine and not path.startswith("<"):
                return self._owner_of_file(
                    scope.get("__file__") if isinstance(scope.get("__file__"), str) else path
                )
            frame = frame.f_back  # type: ignore[assignment]
        # -c, -m and the terminal: the project, or in a child what started the parent
        if self.child:
            return "@closure" if self.main_owner != _PROJECT or sys.argv[:1] == ["-m"] else _PROJECT
        return self.main_owner

    def _owner_of_file(self, path: "str | None") -> "str | None":
        if not path:
            return self.main_owner
        for root in self.roots:
            if path.startswith(root):
                return self._owner_of_module(path[len(root) :])
        if path.startswith(self.store):
            return path[len(self.store) :].partition("@")[0]
        for folder in self.bins:
            if path.startswith(folder):
                return self.files.get(path[len(folder) :], self.main_owner)
        if path.startswith((self.stdlib, "<frozen")):
            return None
        return _PROJECT

    def _owner_of_module(self, relative: str) -> str:
        stem = relative.partition(".")[0]
        owners = self._owners_of(stem.replace("/", "."))
        return min(owners) if owners else "@closure"

    def _comes_from_here(self, top: str) -> bool:
        """Would the import find the installed one, and not a module of the project's own?"""
        loaded = sys.modules.get(top)
        path = getattr(loaded, "__file__", None)
        if path:
            return str(path).startswith((*self.roots, self.store))
        finder = sys.modules["_frozen_importlib_external"].PathFinder
        own = [
            p
            for p in sys.path
            if not (p + "/").startswith(self.roots) and not (p + "/").startswith(self.stdlib)
        ]
        spec = finder.find_spec(top, own)
        return spec is None or spec.loader is None

    def _deny(self, owner: str, name: str, owners: "frozenset[str]") -> "ImportError | None":
        who = self.project_name if owner == _PROJECT else owner
        dist = min(owners)
        by = self.brought.get(dist)
        reason = f"installed for {by}, " if by else "installed, "
        policy = self.project_policy if owner == _PROJECT else self.deps_policy
        text = f"No module named {name!r} ({reason}but {who} does not declare it; run: pyrs add {dist})"
        if owner != _PROJECT:
            text = f"No module named {name!r} ({reason}but {who} does not declare it)"
        if policy == "warn":
            if (owner, name) not in self.warned:
                self.warned.add((owner, name))
                print(f"warning: {text}", file=sys.stderr)
            return None
        return ModuleNotFoundError(text, name=name)
