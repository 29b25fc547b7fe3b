"""The store: every unpacked distribution once, read-only, sealed, shared by all projects.

    v1/pkgs/<name>@<version>-<wheel hash>/   seal, seal-<tag>, lib/, bin/, data/, include/
    v1/plans/<key>         what an install linked, for the next one like it
    v1/roots/<key>         a project and the entries it uses
    v1/builds/<key>        source archive and interpreter -> the wheel built from it
    v1/builds/env-<key>    an environment for building, while nothing is collected
    v1/runtime/<key>/      start-up code the environments run
    v1/locks/<key>         who brings an entry in; others wait instead of fetching it too
    v1/tmp/                work in progress; nothing outside ever points into it
    v1/pending/, work/     bytecode that is still to be made; see `compiling`
    v1/lock                shared by installs, exclusive for collecting

An entry appears by one rename, complete and sealed.  The seal lists every file with its hash and
ends with its own; a warm install trusts it, `check` does not.
"""

from __future__ import annotations

import hashlib
import mmap
import os
import re
import stat
import time
from collections.abc import Iterable, Iterator
from configparser import ConfigParser
from configparser import Error as ConfigError
from dataclasses import dataclass, field
from pathlib import Path

from packaging.utils import canonicalize_name
from packaging.version import Version

from . import link
from .config import store_folder, user_config
from .errors import HashMismatch, StoreError
from .metadata import BadMetadata, parse_metadata
from .wheel import BadArchive, Unpacked, identify, unpack

DAY = 86_400
_FOLDERS = ("pkgs", "plans", "roots", "builds", "runtime", "locks", "tmp", "pending")


@dataclass
class Seal:
    """What an entry contains, as written when it was made."""

    wheel_sha256: str = ""
    name: str = ""
    version: str = ""
    files: list[tuple[str, str, int, int]] = field(default_factory=list)
    scripts: list[tuple[str, str]] = field(default_factory=list)
    tops: list[str] = field(default_factory=list)
    requires: list[str] = field(default_factory=list)

    def render(self) -> bytes:
        lines = [
            f"pyrs-seal\t{link.FORMAT}",
            f"wheel\t{self.wheel_sha256}\t{self.name}\t{self.version}",
        ]
        lines += [f"script\t{name}\t{target}" for name, target in self.scripts]
        lines += [f"top\t{top}" for top in self.tops]
        lines += [f"requires\t{name}" for name in self.requires]
        lines += [f"file\t{d}\t{size}\t{mode:o}\t{path}" for path, d, size, mode in self.files]
        body = "\n".join(lines).encode("utf-8", "surrogateescape") + b"\n"
        return body + b"end\t" + hashlib.sha256(body).hexdigest().encode() + b"\n"

    @staticmethod
    def parse(data: bytes, linked: bool = False) -> Seal:
        """With `linked`, of the files only those an environment has a link of its own for."""
        body, _, end = data.rpartition(b"end\t")
        if end != hashlib.sha256(body).hexdigest().encode() + b"\n":
            raise ValueError("the seal is broken")
        seal = Seal()
        text = body.decode("utf-8", "surrogateescape")
        for line in _linked_lines(text) if linked else text.splitlines():
            row = line.split("\t")
            if row[0] == "wheel":
                _, seal.wheel_sha256, seal.name, seal.version = row
            elif row[0] == "script":
                seal.scripts.append((row[1], row[2]))
            elif row[0] == "top":
                seal.tops.append(row[1])
            elif row[0] == "requires":
                seal.requires.append(row[1])
            elif row[0] == "file":
                seal.files.append((row[4], row[1], int(row[2]), int(row[3], 8)))
        return seal


# files come last in a seal
_LINKED = re.compile(r"^file\t\w+\t\d+\t\d+\t(?:bin/.*|lib/[^/\n]*\.pth)$", re.MULTILINE)


def _linked_lines(text: str) -> list[str]:
    head, first, files = text.partition("\nfile\t")
    return [*head.splitlines(), *_LINKED.findall(first[1:] + files)]


def entry_key(name: str, version: str, wheel_sha256: str) -> str:
    return f"{name}@{version}-{wheel_sha256[:16]}"


def refuse_unsafe(store: str) -> None:
    try:
        link.check_store(store)
    except link.Unsafe as e:
        raise StoreError(
            str(e), help="choose another place with PYRS_STORE, or mend owner and mode"
        ) from None


class Store:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.base = root / link.STORE_VERSION
        self.pkgs = self.base / "pkgs"
        self.pending = self.base / "pending"

    @staticmethod
    def open(create: bool = True) -> Store:
        store = Store(store_folder(user_config()))
        try:
            if create:
                store.root.mkdir(parents=True, exist_ok=True, mode=0o700)
            if store.root.exists():
                refuse_unsafe(str(store.root))
            if create:
                for name in _FOLDERS:
                    (store.base / name).mkdir(parents=True, exist_ok=True, mode=0o755)
        except OSError as e:
            raise StoreError(f"cannot use the store {store.root}: {e.strerror}") from None
        return store

    def lock(self, exclusive: bool = False) -> link.Flock:
        try:
            return link.Flock(str(self.base / "lock"), exclusive)
        except OSError as e:
            raise StoreError(f"cannot lock the store {self.root}: {e.strerror}") from None

    def notes(self) -> list[str]:
        """What is pending: `<entry>+<tag>`."""
        try:
            return sorted(os.listdir(self.pending))
        except FileNotFoundError:
            return []

    def has(self, key: str) -> bool:
        return (self.pkgs / key / "seal").exists()

    def seal(self, key: str, linked: bool = False) -> Seal:
        try:
            return Seal.parse((self.pkgs / key / "seal").read_bytes(), linked)
        except (OSError, ValueError) as e:
            raise StoreError(
                f"the store entry {key} is damaged: {e}", help="run: pyrs check"
            ) from None

    def entry_keys(self) -> list[str]:
        try:
            return sorted(n for n in os.listdir(self.pkgs) if "@" in n)
        except FileNotFoundError:
            return []

    # -- Entering ----------------------------------------------------------------------------------------

    def ingest(
        self, wheel: Path, filename: str, sha256: str, compiler: Compiler | None = None
    ) -> str:
        """Unpack a wheel whose hash the caller has not yet checked; returns its key."""
        name, version = identify(filename)
        key = entry_key(name, version, sha256)
        if self.has(key):
            return key
        work = self.base / "tmp" / f"{os.getpid()}-{time.monotonic_ns()}"
        try:
            unpacked = self._unpack(wheel, filename, sha256, work)
            seal = Seal(sha256, name, version, sorted(unpacked.files), *_summary(unpacked))
            link.write_new(str(work / "seal"), seal.render(), 0o444)
            folders = unpacked.folders
            if compiler:
                folders |= seal_bytecode(work, work, self.pkgs / key, seal, compiler)
            for folder in folders:
                os.chmod(work / folder, 0o555)
            self._publish(work, key)
        except OSError as e:
            raise StoreError(f"cannot write to the store {self.root}: {e.strerror}") from None
        finally:
            link.remove_tree(str(work))
        return key

    def _unpack(self, wheel: Path, filename: str, sha256: str, work: Path) -> Unpacked:
        with open(wheel, "rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            # not closed by hand: an error's traceback may still hold a view of it
            data = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) if size else b""
        actual = hashlib.sha256(data).hexdigest()
        if actual != sha256:
            raise HashMismatch(
                f"{filename} does not have the locked hash",
                [f"the lock says {sha256}", f"the file has {actual}"],
                help="if the index replaced the file on purpose, lock again: pyrs lock",
            )
        work.mkdir()
        return unpack(memoryview(data), filename, work)

    def _publish(self, work: Path, key: str) -> None:
        try:
            os.rename(work, self.pkgs / key)
        except OSError:
            if not self.has(key):
                raise
        else:
            os.chmod(self.pkgs / key, 0o555)

    # -- Checking ----------------------------------------------------------------------------------------

    def check(self, key: str) -> list[str]:
        """Every difference between an entry and its seals."""
        folder = self.pkgs / key
        try:
            seal = Seal.parse((folder / "seal").read_bytes())
        except (OSError, ValueError) as e:
            return [f"{key}: {e}"]
        if entry_key(seal.name, seal.version, seal.wheel_sha256) != key:
            return [f"{key}: the seal belongs to {seal.name} {seal.version}"]
        problems = []
        files = list(seal.files)
        for extra in sorted([*folder.glob("seal-*"), *folder.glob("half-*")]):
            try:
                rows = Seal.parse(extra.read_bytes()).files
            except (OSError, ValueError) as e:
                problems.append(f"{key}/{extra.name}: {e}")
                continue
            # bytecode that is being moved in, or was when its process was ended
            files += rows if extra.name[0] == "s" else [r for r in rows if (folder / r[0]).exists()]
        known = {path for path, *_ in files}
        problems += [
            p
            for path, digest, size, mode in files
            for p in _check_file(folder, key, path, digest, size, mode)
        ]
        for path in _walk(folder):
            if path not in known and "/" in path and _matters(path):
                problems.append(f"{key}/{path}: not in the seal")
        return problems

    # -- Collecting --------------------------------------------------------------------------------------

    def roots(self) -> list[Root]:
        found = []
        for path in sorted((self.base / "roots").glob("*")):
            if "." in path.name or not path.is_file():
                continue
            lines = path.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
            if lines and lines[0].startswith("project\t"):
                found.append(
                    Root(path, Path(lines[0].partition("\t")[2]), set(filter(None, lines[1:])))
                )
        return found

    def live(self, keep_days: float, now: float, mark: bool) -> set[str]:
        """Entries some project uses, or used before it vanished less than `keep_days` ago."""
        used: set[str] = set()
        by_hash = {key.rpartition("-")[2]: key for key in self.entry_keys()}
        for root in self.roots():
            if root.project.is_dir() and any(
                (root.project / n).exists() for n in (".pyrs", "pyrs.lock")
            ):
                if mark:
                    root.vanished.unlink(missing_ok=True)
                used |= root.entries | root.in_generations() | root.in_lock(by_hash)
            elif not root.expired(keep_days, now, mark):
                used |= root.entries
            elif mark:
                root.path.unlink(missing_ok=True)
                root.vanished.unlink(missing_ok=True)
        return used

    def collect(
        self, keep_days: float = 30, dry_run: bool = False, now: float | None = None
    ) -> tuple[list[str], int]:
        """Remove what no live root reaches; returns the keys and the bytes."""
        with self.lock(exclusive=True):
            live = self.live(keep_days, time.time() if now is None else now, mark=not dry_run)
            dead = [k for k in self.entry_keys() if k not in live]
            freed = sum(tree_bytes(self.pkgs / k) for k in dead)
            if not dry_run:
                for key in dead:
                    self._remove(key)
                for folder in ("tmp", "locks"):  # nobody is at work: the lock is ours alone
                    for left in (self.base / folder).iterdir():
                        link.remove_tree(str(left))
                self._drop_plans(live)
                self._drop_notes(live)
                self._drop_builds(live)
                self._drop_unfinished_roots()
        return dead, freed

    def _remove(self, key: str) -> None:
        gone = self.base / "tmp" / f"gone-{key}"
        os.chmod(self.pkgs / key, 0o755)
        os.rename(self.pkgs / key, gone)
        link.remove_tree(str(gone))

    def _drop_plans(self, live: set[str]) -> None:
        for plan in (self.base / "plans").iterdir():
            rows = link.plan_rows(plan.read_text(encoding="utf-8", errors="replace"))
            if not set(link.values(rows, "entry")) <= live:
                plan.unlink(missing_ok=True)

    def _drop_builds(self, live: set[str]) -> None:
        """Environments for building, and wheels nobody uses, which would only be built again."""
        hashes = {key.rpartition("-")[2] for key in live}
        for folder in (self.base / "builds").iterdir():
            try:
                built = (folder / "wheel").read_text().partition("\n")[2]
            except (OSError, ValueError):
                built = ""
            if folder.is_dir() and built[:16] not in hashes:
                link.remove_tree(str(folder))

    def _drop_unfinished_roots(self) -> None:
        """`run` registers without the lock, so a young one may be about to get its name."""
        for path in (self.base / "roots").glob("*.*"):
            if path.suffix[1:].isdigit() and time.time() - path.stat().st_mtime > DAY:
                path.unlink(missing_ok=True)

    def _drop_notes(self, live: set[str]) -> None:
        for name in self.notes():
            if name.rpartition("+")[0] not in live:
                (self.pending / name).unlink(missing_ok=True)
        if not self.notes():  # else whoever comes to work them off begins by that
            link.remove_tree(str(self.base / "work"))


@dataclass
class Root:
    path: Path
    project: Path
    entries: set[str]

    @property
    def vanished(self) -> Path:
        return self.path.with_name(self.path.name + ".vanished")

    def in_generations(self) -> set[str]:
        found: set[str] = set()
        for plan in (self.project / ".pyrs").glob("*/plan"):
            try:
                found.update(
                    link.values(link.plan_rows(plan.read_text("utf-8", "replace")), "entry")
                )
            except OSError:
                continue
        return found

    def in_lock(self, by_hash: dict[str, str]) -> set[str]:
        try:
            text = (self.project / "pyrs.lock").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return set()
        return {by_hash[d[:16]] for d in text.split('sha256 = "')[1:] if d[:16] in by_hash}

    def expired(self, keep_days: float, now: float, mark: bool) -> bool:
        """Absence is only noted at first: a disk may be away, a folder renamed."""
        try:
            since = float(self.vanished.read_text())
        except (OSError, ValueError):
            since = now
            if mark:
                self.vanished.write_text(str(now))
        return now - since >= keep_days * DAY


def _check_file(
    folder: Path, key: str, path: str, digest: str, size: int, mode: int
) -> Iterator[str]:
    place = folder / path
    try:
        status = os.lstat(place)
        if not stat.S_ISREG(status.st_mode) or status.st_size != size:
            yield f"{key}/{path}: expected a file of {size} bytes"
        elif hashlib.sha256(place.read_bytes()).hexdigest() != digest:
            yield f"{key}/{path}: the content changed"
        elif status.st_mode & 0o111 != mode & 0o111 & status.st_mode | (
            status.st_mode & 0o111 & mode
        ):
            yield f"{key}/{path}: the mode changed"
    except OSError as e:
        yield f"{key}/{path}: {e.strerror}"


_BYTECODE = re.compile(r".+\.[a-z]+-\d+(\.opt-\w+)?\.pyc")


def _matters(path: str) -> bool:
    """Can an import find it?  pytest keeps its rewritten modules beside the sources, where it may."""
    folder, _, name = path.rpartition("/")
    private = folder.endswith("/__pycache__") and name.endswith(".pyc")
    return not private or _BYTECODE.fullmatch(name) is not None


def _walk(folder: Path) -> Iterator[str]:
    for base, _, files in os.walk(folder):
        for name in files:
            yield os.path.relpath(os.path.join(base, name), folder)


def tree_bytes(folder: Path) -> int:
    """Disk blocks, hard links counted once each."""
    total = 0
    for base, folders, files in os.walk(folder):
        for name in (*folders, *files):
            total += os.lstat(os.path.join(base, name)).st_blocks * 512
    return total


class Claims:
    """Entries an install is about to bring in.  Used by several threads, each with keys of its own.

    Whoever waits for a claim holds no other that its owner could be waiting for: a thread takes one
    at a time, and what it has claimed comes in without further claims.
    """

    def __init__(self, store: Store) -> None:
        self._folder = store.base / "locks"
        self._held: dict[str, link.Flock] = {}

    def take(self, key: str) -> None:
        self._held[key] = link.Flock(str(self._folder / key), exclusive=True)

    def drop(self, key: str) -> None:
        claim = self._held.pop(key, None)
        if claim:
            claim.close()

    def drop_all(self) -> None:
        for key in list(self._held):
            self.drop(key)


# -- What an entry offers ----------------------------------------------------------------------------------


def _summary(unpacked: Unpacked) -> tuple[list[tuple[str, str]], list[str], list[str]]:
    """Scripts, importable names, and every name in Requires-Dist: extras too, because what is optional
    for a distribution it may import once something else brought it."""
    try:
        metadata = parse_metadata(unpacked.metadata)
    except BadMetadata as e:
        raise BadArchive(f"{unpacked.name} {unpacked.version}: {e}") from None
    if (
        canonicalize_name(metadata.name) != unpacked.name
        or str(Version(metadata.version)) != unpacked.version
    ):
        raise BadArchive(
            f"{unpacked.name} {unpacked.version}: METADATA says {metadata.name} {metadata.version}"
        )
    requires = sorted({str(canonicalize_name(r.name)) for r in metadata.requires})
    return (
        _entry_points(unpacked.entry_points),
        sorted(_tops(p for p, *_ in unpacked.files)),
        requires,
    )


def _entry_points(text: str) -> list[tuple[str, str]]:
    parser = ConfigParser(delimiters=("=",), interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    try:
        parser.read_string(text)
    except ConfigError:
        return []
    found = []
    for section in ("console_scripts", "gui_scripts"):
        for name, target in parser.items(section) if parser.has_section(section) else ():
            module, _, attribute = target.split("[")[0].strip().partition(":")
            plain = all(
                p.isidentifier() for p in (*module.split("."), *attribute.strip().split("."))
            )
            if plain and name == os.path.basename(name) and name not in (".", "..", ""):
                found.append((name, f"{module}:{attribute.strip()}"))
    return found


def _tops(paths: Iterable[str]) -> set[str]:
    """Importable names: `pkg`, `module`, and `space.part` where the top folder is a namespace."""
    modules = [
        p[4:] for p in paths if p.startswith("lib/") and p.endswith((".py", ".so", ".pyd", ".pyc"))
    ]
    packages = {
        m.rpartition("/")[0] for m in modules if m.rpartition("/")[2].startswith("__init__.")
    }
    tops = set()
    for module in modules:
        if module.partition("/")[0] not in packages:
            parts = module.split("/")
            depth = 1
            while depth < len(parts) and "/".join(parts[:depth]) not in packages:
                depth += 1
            names = [*parts[: depth - 1], parts[depth - 1].split(".")[0]]
            tops.add(".".join(names) if all(n.isidentifier() for n in names) else "")
    tops |= {p for p in packages if "/" not in p and p.isidentifier()}
    return tops - {""}


# -- Bytecode ------------------------------------------------------------------------------------------------


class Compiler:
    """Compiles the modules of an entry for one interpreter; see `bytecode`."""

    tag = ""

    def compile(self, sources: list[tuple[str, str, str]]) -> list[str]:
        """(source, target, name shown in tracebacks) -> targets written"""
        raise NotImplementedError


def seal_bytecode(
    sources: Path, work: Path, final: Path, seal: Seal, compiler: Compiler
) -> set[str]:
    """Compile `sources` into `work`, and seal it; `final` is where the entry will live.

    Returns the folders the bytecode is in.  Tests that came along stay as they are: a third of all
    modules of a large application, which it never imports.
    """
    jobs = []
    known = {path for path, *_ in seal.files}
    for path in known:
        folder, _, name = path.rpartition("/")
        target = f"{folder}/__pycache__/{name[:-3]}.{compiler.tag}.pyc"
        wanted = (
            path.startswith("lib/") and name.endswith(".py") and "tests" not in folder.split("/")
        )
        if wanted and target not in known:  # some wheels bring bytecode
            jobs.append((str(sources / path), f"{work}/{target}", str(final / path)))
    files = []
    for target in sorted(compiler.compile(jobs)):
        data = link.read_bytes(target)
        files.append(
            (os.path.relpath(target, work), hashlib.sha256(data).hexdigest(), len(data), 0o444)
        )
    extra = Seal(seal.wheel_sha256, seal.name, seal.version, files)
    link.write_new(str(work / f"seal-{compiler.tag}"), extra.render(), 0o444)
    return {os.path.dirname(path) for path, *_ in files}
