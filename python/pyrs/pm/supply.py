"""What a lock names, into the store: found there, or fetched, built if need be, and unpacked.

Files are fetched by threads while forked processes unpack what has arrived.
"""

from __future__ import annotations

import contextlib
import gc
import hashlib
import os
import shutil
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import Future, as_completed
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from . import bytecode, compiling, link
from .errors import HashMismatch, NetworkError, NoSolution, StoreError
from .http import HTTPStatus
from .interpreter import best_wheel
from .lockfile import LockedFile, LockedPackage
from .report import Progress
from .store import Claims, Store, entry_key
from .workers import Pool, Workers

if TYPE_CHECKING:
    from .session import Session

DOWNLOADS = 8
# where the network is fast, few big files at a time: the first is whole early, and unpacking begins
BIG, BIG_AT_ONCE, PATIENCE = 1 << 20, 2, 1.0

Wanted = tuple[LockedPackage, LockedFile]


class Supply:
    """One command's; for the session it belongs to."""

    def __init__(self, session: Session) -> None:
        self.session, self.store, self.python = session, session.store, session.python
        self._turns = threading.Semaphore(BIG_AT_ONCE)

    def ensure(self, packages: list[LockedPackage]) -> dict[str, str]:
        """Store keys by name, after everything missing was downloaded, checked and unpacked."""
        ranks = self.python.ranks()
        keys: dict[str, str] = {}
        missing: list[Wanted] = []
        for package in packages:
            if package.editable:
                continue
            if package.path and not package.files:
                keys[package.name] = self._from_folder(package)
                continue
            file = pick(package, ranks)
            key = _key(package, file)
            if file.name.endswith(".whl") and self.store.has(key):
                keys[package.name] = key
            else:
                missing.append((package, file))
        if missing:
            keys |= self._bring(sorted(missing, key=_longest_first))
        if self.session.options.bytecode != "never":
            compiling.note(self.store, keys.values(), self.python.executable, self.python.cache_tag)
        return keys

    def _from_folder(self, package: LockedPackage) -> str:
        """A local folder is built when its content is new."""
        folder = (self.session.root / package.path).resolve()
        wheel = self.session.checked_builder(package.path).wheel_of_tree(folder)
        return self.store.ingest(wheel, wheel.name, hashlib.sha256(wheel.read_bytes()).hexdigest())

    # -- All that is missing ---------------------------------------------------------------------------------

    def _bring(self, missing: list[Wanted]) -> dict[str, str]:
        self.session.rest()
        workers = self._workers(sum(f.name.endswith(".whl") for _, f in missing))
        claims = Claims(self.store)
        try:
            with self._downloads() as work:
                return self._bring_all(missing, work, workers, claims)
        except OSError as e:
            raise StoreError(f"cannot write to the store {self.store.root}: {e.strerror}") from None
        finally:
            workers.close()
            claims.drop_all()

    def _workers(self, wheels: int) -> Workers:
        if not self.session.may_fork or wheels <= 2:
            return Workers(0, _ingest)
        gc.freeze()  # else a collection in a worker would copy every page we share
        return Workers(min(os.cpu_count() or 1, wheels), _ingest)

    @contextlib.contextmanager
    def _downloads(self) -> Iterator[Path]:
        """A folder that ends for good: after an error there may be threads that would still write,
        and where it is moved before it is removed they find nothing to write into."""
        work = Path(tempfile.mkdtemp(dir=self.store.base / "tmp", prefix="get-"))
        try:
            yield work
        finally:
            gone = work.with_name(f"gone-{work.name}")
            os.rename(work, gone)
            link.remove_tree(str(gone))

    def _bring_all(
        self, missing: list[Wanted], work: Path, workers: Workers, claims: Claims
    ) -> dict[str, str]:
        """Fetching goes on while what arrived is unpacked."""
        compiled = self.session.options.bytecode == "now" and self.python.cache_tag == (
            bytecode.Here.tag
        )
        fetchers = Pool([partial(self._fetch, work, claims)] * DOWNLOADS)
        keys = {}
        entering: list[tuple[Wanted, Future[str]]] = []
        try:
            with self.session.report.progress("downloading", len(missing)) as bar:
                fetching = {
                    fetchers.submit(-n, *wanted): wanted for n, wanted in enumerate(missing)
                }
                for fetched in as_completed(fetching):
                    wanted = fetching[fetched]
                    arrived = fetched.result()
                    if arrived is None:
                        keys[wanted[0].name] = _key(*wanted)
                        bar.advance()
                        continue
                    wheel, sha256 = arrived
                    entry = workers.submit(
                        wheel.stat().st_size,
                        *(str(self.store.root), str(wheel), wheel.name, sha256, compiled),
                    )
                    used = wheel if wheel.is_relative_to(work) else None
                    entry.add_done_callback(partial(_entered, claims, _key(*wanted), bar, used))
                    entering.append((wanted, entry))
                return keys | {w[0].name: _expected_key(w, e.result()) for w, e in entering}
        finally:
            fetchers.close(wait=False)

    # -- One file ----------------------------------------------------------------------------------------------

    def _fetch(
        self, work: Path, claims: Claims, package: LockedPackage, file: LockedFile
    ) -> tuple[Path, str] | None:
        """The wheel, built if need be, and its hash; None when another install has brought it in."""
        folder = work / f"{package.name}-{file.sha256[:16]}"
        folder.mkdir()
        archive = folder / file.name
        if file.name.endswith(".whl"):
            key = _key(package, file)
            claims.take(key)
            if self.store.has(key):
                claims.drop(key)
                return None
            self._download(package, file, archive)
            return archive, file.sha256
        self._download(package, file, archive)
        _check_hash(archive, file)
        builder = self.session.checked_builder(f"{package} ({file.name})")
        wheel = builder.wheel(archive, file.sha256)
        return wheel, hashlib.sha256(wheel.read_bytes()).hexdigest()

    def _download(self, package: LockedPackage, file: LockedFile, target: Path) -> None:
        if package.path:
            shutil.copyfile(self.session.root / package.path, target)
            return
        for attempt in (1, 2):
            try:
                self._stream(address(self.session, package, file), target)
                return
            except HTTPStatus as e:
                raise NetworkError(
                    f"{file.name}: HTTP {e.status} from {urlsplit(e.url).netloc}"
                ) from None
            except NetworkError:
                if attempt == 2 or self.session.options.offline:
                    raise

    def _stream(self, url: str, target: Path) -> None:
        http = self.session.source.http
        answer = http.open(url, {"Accept-Encoding": "identity"})
        length = answer.headers.get("Content-Length", "")
        try:
            with self._turn(length.isdigit() and int(length) > BIG), open(target, "wb") as out:
                for chunk in http.stream(answer, url, 8 << 30):
                    out.write(chunk)
        finally:
            answer.release_conn()

    @contextlib.contextmanager
    def _turn(self, big: bool) -> Iterator[None]:
        """Waited for only so long: where the network is slow, order gains nothing."""
        mine = big and self._turns.acquire(timeout=PATIENCE)
        try:
            yield
        finally:
            if mine:
                self._turns.release()


def pick(package: LockedPackage, ranks: dict[str, int]) -> LockedFile:
    """The wheel that fits best, else the source archive."""
    by_name = {f.name: f for f in package.files}
    name = best_wheel([n for n in by_name if n.endswith(".whl")], ranks)
    if name is None:
        name = min(
            (n for n in by_name if not n.endswith(".whl")),
            key=lambda n: (n.endswith(".zip"), n),
            default=None,
        )
    if name is None:
        raise NoSolution(
            f"{package} has no file for this interpreter",
            [f"the lock lists {len(by_name)} wheels and no source distribution"],
            help="choose another version, or another Python with --python",
        )
    return by_name[name]


def address(session: Session, package: LockedPackage, file: LockedFile) -> str:
    """Where the file is: as locked while that index is the one in use, else by its page."""
    index = next((i for i in session.indexes if i.name == package.source), None)
    if file.url and (package.source == "url" or (index and index.public)):
        return file.url
    if session.options.offline:
        raise NetworkError(f"{file.name} is not in the store, and --offline was given")
    for release in session.source.releases(package.name):
        for offered in release.files:
            if offered.name == file.name:
                return offered.url
    raise NetworkError(f"no index offers {file.name}", help="lock again: pyrs lock")


def _key(package: LockedPackage, file: LockedFile) -> str:
    return entry_key(package.name, package.version, file.sha256)


def _ingest(root: str, path: str, filename: str, sha256: str, compiled: bool) -> str:
    """Runs in a worker process."""
    return Store(Path(root)).ingest(
        Path(path), filename, sha256, bytecode.Here() if compiled else None
    )


def _entered(claims: Claims, key: str, bar: Progress, used: Path | None, _: object) -> None:
    claims.drop(key)
    bar.advance()
    if used:  # now, while others are at work, and not at the end
        used.unlink(missing_ok=True)


def _expected_key(wanted: Wanted, key: str) -> str:
    package, file = wanted
    if not key.startswith(f"{package.name}@{package.version}-"):
        raise HashMismatch(f"{file.name} is not {package}")
    return key


def _longest_first(item: Wanted) -> tuple[bool, int, bool, str]:
    """Builds, then big files, so that the last worker is not left with the biggest.  Where the
    index gave no sizes, what was compiled for a platform is likely to be big."""
    package, file = item
    name = file.name
    return name.endswith(".whl"), -file.size, name.endswith("-none-any.whl"), package.name


def _check_hash(archive: Path, file: LockedFile) -> None:
    actual = hashlib.sha256(archive.read_bytes()).hexdigest()
    if actual != file.sha256:
        raise HashMismatch(
            f"{file.name} does not have the locked hash",
            [f"the lock says {file.sha256}", f"the file has {actual}"],
        )
