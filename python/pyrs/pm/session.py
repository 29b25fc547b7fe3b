"""One command's view of the world: manifest, indexes, store, interpreter, and what they do together.

`relock` turns a manifest into a lock, `sync` a lock into an environment.  Nothing is changed in the
project before everything needed for the change is in the store.
"""

from __future__ import annotations

import functools
import hashlib
import os
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

from . import compiling, config, fast, interpreter, link, lockfile, plan, runtime
from .errors import (
    BuildError,
    HashMismatch,
    LockError,
    ManifestError,
    NetworkError,
    NoSolution,
    StoreError,
)
from .http import Http, Policy
from .index import BadMetadata, Metadata, Release, Source
from .interpreter import Interpreter
from .lockfile import Lock, LockedPackage
from .manifest import DEV, LOCK, PROD, Dep, Manifest, group_id, write_text
from .metadata import metadata_from_tail, parse_metadata
from .pages import File
from .report import Report
from .store import Store
from .supply import Supply

if TYPE_CHECKING:
    from .build import Builder


@dataclass
class Options:
    """What the command line may say about how to go about it."""

    offline: bool = False
    refresh: bool = False
    no_build: bool = False
    bytecode: str = "now"
    index_url: str | None = None
    python: str | None = None
    timeout: float = 30.0


@dataclass
class Session:
    manifest: Manifest
    report: Report
    options: Options = field(default_factory=Options)
    may_fork: bool = True
    _interpreter: Interpreter | None = None
    _store: Store | None = None
    _source: Source | None = None
    _making: threading.Lock = field(default_factory=threading.Lock)

    @property
    def root(self) -> Path:
        return self.manifest.root

    @property
    def store(self) -> Store:
        if self._store is None:
            self._store = Store.open()
        return self._store

    @property
    def python(self) -> Interpreter:
        if self._interpreter is None:
            self._interpreter = interpreter.choose(self.manifest.python, self.options.python)
        return self._interpreter

    @property
    def builds_allowed(self) -> bool:
        return not self.options.no_build and self.manifest.sdists == "allow"

    @functools.cached_property
    def indexes(self) -> list[config.Index]:
        rows = [(i.name, i.url) for i in self.manifest.indexes]
        return config.indexes(rows, self.options.index_url)

    @property
    def source(self) -> Source:
        with self._making:  # threads that fetch side by side share one
            if self._source is None:
                self._source = self._make_source()
            return self._source

    def _make_source(self) -> Source:
        policy = Policy(self.options.offline, self.options.refresh, self.options.timeout)
        cache = config.cache_folder()
        routes = {
            d.name: d.source for deps in self.manifest.groups.values() for d in deps if d.source
        }
        missing = sorted(set(routes.values()) - {i.name for i in self.indexes})
        if missing:
            raise ManifestError(f"no index is named {missing[0]!r}", help="add it as [[index]]")
        http = Http(cache, policy, self.indexes)
        return Source(http, cache, self.indexes, routes, self._metadata_by_building)

    def rest(self) -> None:
        """No thread is at work afterwards, so that forking is safe."""
        if self._source is not None:
            self._source.rest()

    def close(self) -> None:
        if self._source is not None:
            self._source.close()

    # -- Locking -------------------------------------------------------------------------------------------

    @property
    def lock_path(self) -> Path:
        return self.root / LOCK

    def current_lock(self) -> Lock | None:
        """The lock when there is one and it belongs to the manifest."""
        if not self.lock_path.exists():
            return None
        lock = lockfile.read(self.lock_path)
        return lock if lock.manifest_sha256 == self.manifest.digest() else None

    def require_lock(self) -> Lock:
        lock = self.current_lock()
        if lock is None:
            what = (
                "is not there"
                if not self.lock_path.exists()
                else "does not belong to the manifest as it is now"
            )
            raise LockError(f"{self.lock_path.name} {what}", help="run: pyrs lock")
        return lock

    def locked(self, frozen: bool = False) -> Lock:
        if frozen:
            return self.require_lock()
        return self.current_lock() or self.relock(keep=True)

    def relock(self, keep: bool = True, renew: Iterable[str] = (), write: bool = True) -> Lock:
        """Resolve; `keep` prefers the versions of the present lock except those to `renew`."""
        from .resolve import resolve  # most installs have a lock and never need it

        prefer = self._preferences(set(renew)) if keep else {}
        self._fix_local()
        hint_path = config.cache_folder() / "hints" / self.manifest.digest()
        solution = resolve(
            self.manifest,
            self.source,
            prefer,
            self.builds_allowed,
            _read_hint(hint_path) or list(prefer),
        )
        self._complete_hashes(solution.packages)
        public = {i.name for i in self.indexes if i.public}
        lock = lockfile.from_solution(self.manifest, solution, public | {"url"})
        _write_hint(hint_path, [p.name for p in lock.packages])
        if write:
            write_text(self.lock_path, lock.render())
        return lock

    def _preferences(self, renew: set[str]) -> dict[str, list[Version]]:
        try:
            old = lockfile.read(self.lock_path)
        except LockError:
            return {}
        prefer: dict[str, list[Version]] = {}
        for package in old.packages:
            if package.name not in renew:
                prefer.setdefault(package.name, []).append(Version(package.version))
        return prefer

    def _complete_hashes(self, packages: Iterable[object]) -> None:
        """Some indexes give no hashes; a lock without them would promise nothing."""
        for locked in packages:
            release: Release = locked.release  # type: ignore[attr-defined]
            for i, file in enumerate(release.files):
                if not file.sha256 and not release.source.startswith("path"):
                    body = self.source.fetch(file)
                    digest = hashlib.sha256(body).hexdigest()
                    release.files[i] = File(
                        file.name, file.url, digest, len(body), file.requires_python, file.yanked
                    )

    # -- Local folders, archives and URLs --------------------------------------------------------------------

    def _fix_local(self) -> None:
        for deps in self.manifest.groups.values():
            for dep in deps:
                if dep.path or dep.url:
                    self.source.fixed[dep.name] = self._local_release(dep)

    def _local_release(self, dep: Dep) -> tuple[Release, Metadata]:
        if dep.url and urlsplit(dep.url).scheme != "file":
            return self._url_release(dep)
        path = Path(unquote(urlsplit(dep.url).path)) if dep.url else (self.root / dep.path)
        if path.is_dir():
            kind = "path+editable" if dep.editable else "path"
            metadata = self.builder.metadata_of_tree(path.resolve())
            return self._fixed(dep, metadata, f"{kind}:{dep.path or path}", [])
        if not path.is_file():
            raise ManifestError(f"{dep.name}: there is nothing at {path}")
        body = path.read_bytes()
        self._expect(dep, body)
        file = File(path.name, path.resolve().as_uri(), hashlib.sha256(body).hexdigest(), len(body))
        return self._fixed(
            dep, self._archive_metadata(file, body), f"path:{dep.path or path}", [file]
        )

    def _url_release(self, dep: Dep) -> tuple[Release, Metadata]:
        name = unquote(urlsplit(dep.url).path).rpartition("/")[2]
        body = self.source.fetch(File(name, dep.url))
        self._expect(dep, body)
        file = File(name, dep.url, hashlib.sha256(body).hexdigest(), len(body))
        return self._fixed(dep, self._archive_metadata(file, body), "url", [file])

    def _expect(self, dep: Dep, body: bytes) -> None:
        if dep.sha256 and hashlib.sha256(body).hexdigest() != dep.sha256:
            raise HashMismatch(f"{dep.name} does not have the sha256 the manifest gives")

    def _fixed(
        self, dep: Dep, metadata: Metadata, source: str, files: list[File]
    ) -> tuple[Release, Metadata]:
        if canonicalize_name(metadata.name) != dep.name:
            raise ManifestError(f"{dep.name}: what is there is named {metadata.name}")
        return Release(dep.name, Version(metadata.version), source, files), metadata

    def _archive_metadata(self, file: File, body: bytes) -> Metadata:
        if file.is_wheel:
            from .index import _Local

            try:
                return parse_metadata(metadata_from_tail(body, len(body), _Local(body)))
            except (BadMetadata, NetworkError, ValueError) as e:
                raise HashMismatch(f"{file.name}: {e}") from None
        return self.checked_builder(file.name).metadata_of_archive(file.name, body)

    # -- Building ----------------------------------------------------------------------------------------------

    @property
    def builder(self) -> Builder:
        from .build import Builder  # most projects need wheels only

        return Builder(self.store, self.python, self._build_environment)

    def checked_builder(self, what: str) -> Builder:
        if not self.builds_allowed:
            raise BuildError(
                f"{what} would have to be built, and building is not allowed",
                help='choose a version with a wheel, or allow it: no --no-build, [build] sdists = "allow"',
            )
        return self.builder

    def _metadata_by_building(self, release: Release, sdist: File) -> Metadata:
        builder = self.checked_builder(str(release))
        body = self.source.fetch(sdist)
        try:
            return builder.metadata_of_archive(sdist.name, body)
        except BuildError as e:
            raise BadMetadata(f"{e.message}: {'; '.join(e.because)}") from None

    def _build_environment(self, requires: list[str]) -> Path:
        """A generation of its own, below the store, with what a build backend asks for."""
        deps = _build_deps(requires)
        key = link.digest("\n".join(sorted(requires)).encode(), self.python.executable.encode())
        home = self.store.base / "builds" / f"env-{key}"
        home.mkdir(parents=True, exist_ok=True)
        minor = ".".join(self.python.version.split(".")[:2])
        manifest = Manifest(
            home / "manifest",
            f"build-{key[:8]}",
            "0",
            f"=={minor}.*",
            {PROD: deps},
            self.manifest.indexes,
        )
        manifest.isolation = {"project": "off", "deps": "off", "allow": {}}
        # no forking beside the threads that are at work for the install this build belongs to
        # nor later: the backend is started several times, and right away
        options = self.options
        if options.bytecode == "later":
            options = replace(options, bytecode="now")
        inner = Session(manifest, self.report, options, False, self._interpreter, self._store, None)
        try:
            generation = inner.sync(inner.relock(keep=True), [], register=False)
        finally:
            inner.close()
        return Path(generation)

    # -- Environments ----------------------------------------------------------------------------------------

    def groups(self, selected: list[str]) -> list[str]:
        """`dev`, `feature:a`, `*` from the command line, to the manifest's group names."""
        groups = [PROD]
        known = self.manifest.features()
        for item in selected:
            if item == "*":
                groups += [DEV, *map(group_id, known)]
            elif item == "dev":
                groups.append(DEV)
            else:
                feature = item.removeprefix("feature:")
                match = [f for f in known if canonicalize_name(f) == canonicalize_name(feature)]
                if not match:
                    raise ManifestError(
                        f"there is no feature {feature!r}",
                        help=f"declared: {', '.join(known) or 'none'}",
                    )
                groups.append(group_id(match[0]))
        return list(dict.fromkeys(groups))

    def select(self, lock: Lock, groups: list[str]) -> list[LockedPackage]:
        """What these groups need on this interpreter."""
        chosen: dict[str, LockedPackage] = {}
        for package in lock.packages:
            markers = [package.groups[g] for g in groups if g in package.groups]
            if not any(map(self.python.evaluate, markers)):
                continue
            other = chosen.get(package.name)
            if other:
                raise NoSolution(
                    f"these groups need both {other} and {package.version}",
                    [f"{p} is for {', '.join(p.groups)}" for p in (other, package)],
                    help="install them separately, or align their ranges",
                )
            chosen[package.name] = package
        return list(chosen.values())

    def sync(
        self, lock: Lock, selected: list[str], select: bool = True, register: bool = True
    ) -> str:
        """Make the environment; returns the generation's folder."""
        groups = self.groups(selected)
        packages = self.select(lock, groups)
        if not SpecifierSet(lock.requires_python).contains(self.python.version, prereleases=True):
            raise LockError(
                f"the lock is for Python {lock.requires_python}, not {self.python.version}"
            )
        supply = Supply(self)
        for _ in range(3):
            with self.store.lock():
                keys = supply.ensure(packages)
                text = self._plan(groups, packages, keys)
            keyed = register and self.options.bytecode != "never"  # else there is more to do
            key = self._plan_key(selected, text, keyed)
            if any(p.path and not p.files for p in packages):
                key = link.digest(key.encode(), text.encode())  # folders change without the lock
            try:
                generation = link.materialize(
                    str(self.root), str(self.store.root), key, text, select, register
                )
            except link.Stale:
                continue  # collected between the two locks
            except OSError as e:
                raise StoreError(f"cannot write {self.root}/.pyrs: {e.strerror}") from None
            if keyed:
                link.replace_file(str(self.store.base / "plans" / key), text.encode())
            self._compile()
            return generation
        raise StoreError("the store keeps losing entries; is something removing them?")

    def _compile(self) -> None:
        if self.options.bytecode == "now":
            compiling.finish(self.store)
        elif self.options.bytecode == "later":
            compiling.start(self.store)

    def _plan_key(self, selected: list[str], text: str, keyed: bool) -> str:
        if not keyed:
            return link.digest(text.encode())
        python = self.python
        return fast.plan_key(
            str(self.root),
            str(self.store.root),
            sorted(set(selected)),
            python.executable,
            python.hexversion,
        )

    def _plan(self, groups: list[str], packages: list[LockedPackage], keys: dict[str, str]) -> str:
        declared = {d.name for g in groups for d in self.manifest.groups.get(g, ())}
        placed = [
            plan.Placed(
                p.name,
                p.version,
                keys[p.name],
                self.store.seal(keys[p.name], linked=True),
                p.name in declared,
                plan.requirement_names(p.requires),
            )
            for p in packages
            if p.name in keys
        ]
        local = [p for p in packages if p.editable]
        files = [f for p in local for f in _dist_info(p.name, p.version, p.requires)]
        if self.manifest.isolation["project"] != "off" or self.manifest.groups[PROD]:
            files += _dist_info(self.manifest.name, self.manifest.version, [])
        paths = [plan._own_source(self.root / p.path) for p in local]
        return plan.build_plan(
            self.manifest,
            self.python,
            self.store,
            runtime.ensure(self.store, self.python),
            groups,
            placed,
            [os.path.normpath(f"{p.path}/{s}") for p, s in zip(local, paths, strict=True)],
            files,
        )


def _build_deps(requires: list[str]) -> list[Dep]:
    try:
        wanted = [Requirement(r) for r in requires]
    except InvalidRequirement as e:
        raise BuildError(f"bad build requirement: {e}") from None
    return [
        Dep(
            canonicalize_name(r.name),
            ",".join(sorted(map(str, r.specifier))),
            tuple(sorted(map(canonicalize_name, r.extras))),
            str(r.marker or ""),
        )
        for r in wanted
    ]


def _dist_info(name: str, version: str, requires: list[str]) -> list[tuple[str, bytes]]:
    folder = f"site-packages/{name.replace('-', '_')}-{version}.dist-info"
    lines = [
        "Metadata-Version: 2.1",
        f"Name: {name}",
        f"Version: {version}",
        *(f"Requires-Dist: {r}" for r in requires),
    ]
    return [
        (f"{folder}/METADATA", ("\n".join(lines) + "\n").encode()),
        (f"{folder}/INSTALLER", b"pyrs\n"),
    ]


def _read_hint(path: Path) -> list[str]:
    """Names an earlier resolution of the same manifest needed: worth asking for at once."""
    try:
        return path.read_text(encoding="utf-8").split()
    except OSError:
        return []


def _write_hint(path: Path, names: list[str]) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        link.replace_file(str(path), "\n".join(sorted(set(names))).encode())
    except OSError:
        pass  # a hint only saves time
