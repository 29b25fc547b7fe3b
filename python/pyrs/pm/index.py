"""What an index knows: which files a name has, and what each candidate requires.

Every page and every piece of metadata is asked for once; `want` starts fetching ahead of
need, `releases` and `requirements` wait for it.  A name is looked for in one index only:
the one it names, else the first that has it.
"""

from __future__ import annotations

import hashlib
import re
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from urllib.parse import urlsplit

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from .config import Index
from .errors import BuildError, HashMismatch, NetworkError, PyrsError
from .http import Http, HTTPStatus, write_atomic
from .metadata import (
    MAX_METADATA,
    BadMetadata,
    Metadata,
    ReadRange,
    metadata_from_tail,
    parse_metadata,
)
from .pages import ACCEPT, File, Link, parse_links
from .workers import Pool

WORKERS = 16
_WHEEL = re.compile(r"^([^-]+)-([^-]+)(?:-\d[^-]*)?-([^-]+-[^-]+-[^-]+)\.whl$")


class Release:
    """One version of one distribution; its files are read from the page when they are asked for."""

    def __init__(
        self, name: str, version: Version, source: str, files: list[File] | None = None
    ) -> None:
        self.name, self.version, self.source = name, version, source
        self.links: list[Link] = []
        self._files = files

    @property
    def files(self) -> list[File]:
        if self._files is None:
            self._files = [file for _, read in self.links if (file := read())]
        return self._files

    @property
    def wheels(self) -> list[File]:
        return [f for f in self.files if f.is_wheel]

    @property
    def sdist(self) -> File | None:
        archives = [f for f in self.files if not f.is_wheel]
        return min(archives, key=lambda f: (not f.name.endswith(".tar.gz"), f.name), default=None)

    @property
    def requires_python(self) -> str:
        return next((f.requires_python for f in self.files if f.requires_python), "")

    @property
    def yanked(self) -> bool:
        return bool(self.files) and all(f.yanked is not None for f in self.files)

    def tags(self) -> set[str]:
        return {tag for f in self.wheels for tag in wheel_tags(f.name)}

    def __repr__(self) -> str:
        return f"{self.name} {self.version}"


def wheel_tags(filename: str) -> list[str]:
    found = _WHEEL.match(filename)
    if not found:
        return []
    interpreters, abis, platforms = found[3].split("-")
    return [
        f"{i}-{a}-{p}"
        for i in interpreters.split(".")
        for a in abis.split(".")
        for p in platforms.split(".")
    ]


def group_releases(name: str, source: str, links: list[Link]) -> list[Release]:
    """Newest first; names and versions that do not parse are not offered."""
    by_text: dict[str, list[Link]] = {}
    plain = name.replace("-", "_")  # as most file names spell it
    for link in links:
        version = _version_text(name, plain, link[0])
        if version:
            by_text.setdefault(version, []).append(link)
    releases: dict[Version, Release] = {}
    for text, group in by_text.items():
        try:
            number = Version(text)
        except InvalidVersion:
            continue
        releases.setdefault(number, Release(name, number, source)).links += group
    return sorted(releases.values(), key=lambda r: r.version, reverse=True)


def _version_text(name: str, plain: str, filename: str) -> str:
    if filename.endswith(".whl"):
        found = _WHEEL.match(filename)
        if not found or (found[1] != plain and canonicalize_name(found[1]) != name):
            return ""
        return found[2].replace("_", "-")
    stem = filename[: -7 if filename.endswith(".tar.gz") else -4]
    # the split is where the left side is the name: `my-pkg-2-1.0` is ambiguous otherwise
    for at in (i for i, c in enumerate(stem) if c == "-"):
        if canonicalize_name(stem[:at]) == name and stem[at + 1 : at + 2].isdigit():
            return stem[at + 1 :]
    return ""


def _call(function: Callable[..., object], *args: object) -> object:
    return function(*args)


# given an sdist's release, its metadata by running the build backend
BuildMetadata = Callable[[Release, File], Metadata]


class Source:
    def __init__(
        self,
        http: Http,
        cache: Path,
        indexes: list[Index],
        routes: dict[str, str] | None = None,
        build: BuildMetadata | None = None,
    ) -> None:
        self.http = http
        self.indexes = {i.name: i for i in indexes}
        self.routes = routes or {}
        self.build = build
        self._cache = cache / "metadata"
        self._threads = Pool([_call] * WORKERS)
        self._lock = threading.RLock()
        self._pages: dict[str, Future[list[Release]]] = {}
        self._metadata: dict[tuple[str, Version], Future[Metadata]] = {}
        self._without_metadata: set[str] = set()
        self.fixed: dict[str, tuple[Release, Metadata]] = {}

    def close(self) -> None:
        self._threads.close(wait=False)

    def rest(self) -> None:
        """End all threads, so that the process may fork; later requests start new ones."""
        self._threads.close()
        self._threads = Pool([_call] * WORKERS)
        with self._lock:
            self._pages = {n: f for n, f in self._pages.items() if not f.cancelled()}
            self._metadata = {k: f for k, f in self._metadata.items() if not f.cancelled()}

    # -- Pages -------------------------------------------------------------------------------

    def want(
        self, name: str, then: Callable[[list[Release]], None] | None = None
    ) -> Future[list[Release]]:
        with self._lock:
            if name not in self._pages:
                self._pages[name] = self._threads.submit(0, self._load_page, name, then)
            return self._pages[name]

    def releases(self, name: str) -> list[Release]:
        if name in self.fixed:
            return [self.fixed[name][0]]
        return self.want(name).result()

    def _load_page(self, name: str, then: Callable[[list[Release]], None] | None) -> list[Release]:
        route = self.routes.get(name)
        chosen = [self.indexes[route]] if route else list(self.indexes.values())
        releases: list[Release] = []
        for index in chosen:
            links = self._page_links(index, name)
            if links is not None:
                releases = group_releases(name, index.name, links)
                break
        if then:
            self._threads.submit(
                0, then, releases
            )  # apart: a wrong guess must not fail this answer
        return releases

    def _page_links(self, index: Index, name: str) -> list[Link] | None:
        url = f"{index.url}{name}/"
        try:
            body, content_type = self.http.cached(url, {"Accept": ACCEPT})
        except HTTPStatus as e:
            if e.status in (404, 410):
                return None
            hint = {401: "set the index's credentials", 403: "check the index's credentials"}.get(
                e.status
            )
            raise NetworkError(
                f"index {index.name!r} answered {e.status} for {name}", help=hint
            ) from None
        return parse_links(body, content_type, url)

    # -- Metadata ----------------------------------------------------------------------------

    def want_metadata(
        self, release: Release, then: Callable[[Release, Metadata], None] | None = None
    ) -> Future[Metadata]:
        key = (release.name, release.version)
        with self._lock:
            if key not in self._metadata:
                self._metadata[key] = self._threads.submit(0, self._load_metadata, release, then)
            return self._metadata[key]

    def metadata(self, release: Release) -> Metadata:
        """May raise BadMetadata, which makes the release unusable but is no failure by itself."""
        if release.name in self.fixed:
            return self.fixed[release.name][1]
        result = self.want_metadata(release).result()
        if "requires-dist" in result.dynamic or _before_static(result):
            return self._by_building(release)
        return result

    def _by_building(self, release: Release) -> Metadata:
        """On the caller's thread: builds are slow, exclusive, and report to the user."""
        key = (release.name, release.version)
        sdist = release.sdist
        if sdist is None or release.wheels:
            return self._metadata[key].result()
        if self.build is None:
            raise BuildError(f"{release} has to be built to know what it requires")
        built = self.build(release, sdist)
        done: Future[Metadata] = Future()
        self._metadata[key] = done
        done.set_result(built)
        built.dynamic = []
        built.metadata_version = "2.2"
        return built

    def _load_metadata(
        self, release: Release, then: Callable[[Release, Metadata], None] | None
    ) -> Metadata:
        file = _best_for_metadata(release)
        data = self._cached_metadata(file)
        if data is None:
            data = self._wheel_metadata(file) if file.is_wheel else self._sdist_metadata(file)
            if file.sha256:
                write_atomic(self._cache / file.sha256, data)
        if not data:
            return Metadata(release.name, str(release.version), dynamic=["requires-dist"])
        result = parse_metadata(data)
        _check_identity(result, release)
        if file.is_wheel:
            result.dynamic, result.metadata_version = [], "2.2"
        if then:
            self._threads.submit(0, then, release, result)
        return result

    def _cached_metadata(self, file: File) -> bytes | None:
        if not file.sha256:
            return None
        try:
            return (self._cache / file.sha256).read_bytes()
        except OSError:
            return None

    def _wheel_metadata(self, file: File) -> bytes:
        host = urlsplit(file.url).netloc
        if file.metadata is not None or host not in self._without_metadata:
            try:
                body, _ = self.http.get(file.url + ".metadata", limit=MAX_METADATA)
                if (
                    isinstance(file.metadata, str)
                    and hashlib.sha256(body).hexdigest() != file.metadata
                ):
                    raise HashMismatch(
                        f"{file.name}.metadata does not have the hash its index page gives"
                    )
                return body
            except HTTPStatus:
                if file.metadata is None:
                    self._without_metadata.add(host)
        return self._by_range(file) or self._whole_wheel(file)

    def _by_range(self, file: File) -> bytes | None:
        try:
            answer = self.http.open(
                file.url, {"Range": "bytes=-16384", "Accept-Encoding": "identity"}
            )
            try:
                total = answer.headers.get("Content-Range", "").rpartition("/")[2]
                if answer.status != 206 or not total.isdigit():
                    return None
                tail = b"".join(self.http.stream(answer, file.url, 1 << 20))
            finally:
                answer.release_conn()
            return metadata_from_tail(tail, int(total), _Remote(self.http, file.url))
        except (HTTPStatus, NetworkError):
            return None

    def _whole_wheel(self, file: File) -> bytes:
        body = self.fetch(file)
        try:
            return metadata_from_tail(body, len(body), _Local(body))
        except (NetworkError, ValueError, OSError) as e:
            raise BadMetadata(f"{file.name}: {e}") from None

    def _sdist_metadata(self, file: File) -> bytes:
        """PKG-INFO when it is there to be trusted; empty bytes mean: ask the build backend."""
        from .sdist import read_pkg_info

        body = self.fetch(file)
        return read_pkg_info(file.name, body)

    def fetch(self, file: File, limit: int = 4 << 30) -> bytes:
        try:
            body, _ = self.http.get(file.url, {"Accept-Encoding": "identity"}, limit)
        except HTTPStatus as e:
            raise NetworkError(
                f"{file.name}: HTTP {e.status} from {urlsplit(file.url).netloc}"
            ) from None
        if file.sha256 and hashlib.sha256(body).hexdigest() != file.sha256:
            raise HashMismatch(f"{file.name} does not have the hash its index page gives")
        return body


class _Remote(ReadRange):
    def __init__(self, http: Http, url: str) -> None:
        self.http, self.url = http, url

    def __call__(self, start: int, end: int) -> bytes:
        headers = {"Range": f"bytes={start}-{end - 1}", "Accept-Encoding": "identity"}
        return self.http.get(self.url, headers, limit=MAX_METADATA)[0]


class _Local(ReadRange):
    def __init__(self, data: bytes) -> None:
        self.data = data

    def __call__(self, start: int, end: int) -> bytes:
        return self.data[start:end]


def _best_for_metadata(release: Release) -> File:
    wheels = sorted(
        release.wheels,
        key=lambda f: (f.yanked is not None, not f.name.endswith("-none-any.whl"), f.name),
    )
    best = wheels[0] if wheels else release.sdist
    if best is None:
        raise BadMetadata(f"{release} has no files that can be read")
    return best


def _before_static(metadata: Metadata) -> bool:
    """Source metadata before version 2.2 does not say what a build may change."""
    try:
        return tuple(map(int, metadata.metadata_version.split(".")[:2])) < (2, 2)
    except ValueError:
        return True


def _check_identity(metadata: Metadata, release: Release) -> None:
    try:
        same = (
            canonicalize_name(metadata.name) == release.name
            and Version(metadata.version) == release.version
        )
    except InvalidVersion:
        same = False
    if not same:
        raise BadMetadata(f"the metadata of {release} says {metadata.name} {metadata.version}")


__all__ = [
    "BadMetadata",
    "Metadata",
    "PyrsError",
    "Release",
    "Source",
    "group_releases",
    "wheel_tags",
]
