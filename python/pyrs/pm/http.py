"""HTTP as the package manager needs it: one pool, a cache it controls, no surprises.

Redirects are followed by hand so that they never leave http(s), never go from https down to
http, and never carry credentials to another host.  Safe to call from several threads.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import urllib3

from .config import Index, pip_settings, split_credentials
from .errors import NetworkError, StoreError

FRESH_SECONDS = 600  # for indexes that send no validators
MAX_REDIRECTS = 5
MAX_PAGE = 64 << 20
RETRIES = 3
ABANDONED_SECONDS = 3600  # nothing is written for so long
_NEW = ".new-"
_AGENT = "pyrs (package manager)"


class HTTPStatus(Exception):
    def __init__(self, url: str, status: int) -> None:
        super().__init__(f"{url}: HTTP {status}")
        self.url, self.status = url, status


@dataclass
class Policy:
    offline: bool = False
    refresh: bool = False
    timeout: float = 30.0


class Http:
    def __init__(self, cache: Path, policy: Policy, indexes: list[Index]) -> None:
        self.cache = cache / "pages"
        self.policy = policy
        self._credentials: dict[str, tuple[str, str] | None] = {
            urlsplit(i.url).netloc: i.credentials for i in indexes if i.credentials
        }
        self._lock = threading.Lock()
        self._pools: dict[str, urllib3.PoolManager] = {}  # by proxy, "" for none
        self._folder = _certificate_folder()

    # -- Connections -------------------------------------------------------------------------

    def _connections(self, url: str) -> urllib3.PoolManager:
        proxy = _proxy(url)
        with self._lock:
            if proxy not in self._pools:
                self._pools[proxy] = _pool(proxy, self._folder)
            return self._pools[proxy]

    def _read_bundle(self) -> None:
        """A certificate is missing in the folder: from now on the bundle beside it counts."""
        with self._lock:
            if self._folder:
                self._folder = None
                self._pools.clear()

    def open(self, url: str, headers: dict[str, str] | None = None) -> urllib3.BaseHTTPResponse:
        """A streaming answer with status below 400 (304 included); the caller releases it."""
        if self.policy.offline:
            raise NetworkError(f"{_shown(url)} is needed, but --offline was given")
        asked = url
        for _ in range(MAX_REDIRECTS + 1):
            answer = self._send(
                url, {"User-Agent": _AGENT, **self._authorization(url), **(headers or {})}
            )
            if answer.status not in (301, 302, 303, 307, 308):
                if answer.status >= 400:
                    answer.release_conn()
                    raise HTTPStatus(url, answer.status)
                return answer
            answer.drain_conn()
            answer.release_conn()
            url = _redirected(url, answer.headers.get("Location", ""))
        raise NetworkError(f"{_shown(asked)}: more than {MAX_REDIRECTS} redirects")

    def _send(self, url: str, headers: dict[str, str]) -> urllib3.BaseHTTPResponse:
        reason = ""
        timeout = urllib3.Timeout(connect=min(10.0, self.policy.timeout), read=self.policy.timeout)
        for attempt in range(RETRIES):
            if attempt:
                time.sleep(0.2 * 3**attempt * min(1.0, self.policy.timeout))
            try:
                answer = self._connections(url).request(
                    "GET",
                    url,
                    headers=headers,
                    redirect=False,
                    preload_content=False,
                    timeout=timeout,
                )
            except urllib3.exceptions.HTTPError as e:
                reason = _plain(e)
                if isinstance(e, urllib3.exceptions.SSLError):
                    self._read_bundle()
                continue
            except ValueError as e:
                raise NetworkError(f"{_shown(url)}: {e}") from None
            if answer.status not in (429, 500, 502, 503, 504):
                return answer
            reason = f"HTTP {answer.status}"
            answer.release_conn()
        raise NetworkError(
            f"cannot reach {_shown(url)}",
            [reason],
            help="check the network and the index address, or use --offline",
        )

    def _authorization(self, url: str) -> dict[str, str]:
        host = urlsplit(url).netloc
        if host not in self._credentials:
            self._credentials[host] = _netrc(urlsplit(url).hostname or "")
        credentials = self._credentials[host]
        if credentials is None:
            return {}
        return dict(urllib3.make_headers(basic_auth=":".join(credentials)))

    # -- Whole answers -----------------------------------------------------------------------

    def get(
        self, url: str, headers: dict[str, str] | None = None, limit: int = MAX_PAGE
    ) -> tuple[bytes, str]:
        """Body and content type, not cached."""
        answer = self.open(url, headers)
        try:
            body = b"".join(self.stream(answer, url, limit))
        finally:
            answer.release_conn()
        return body, answer.headers.get("Content-Type", "")

    def stream(self, answer: urllib3.BaseHTTPResponse, url: str, limit: int) -> Iterator[bytes]:
        size = 0
        try:
            for chunk in answer.stream(1 << 18, decode_content=True):
                size += len(chunk)
                if size > limit:
                    raise NetworkError(f"{_shown(url)}: larger than {limit} bytes")
                yield chunk
        except urllib3.exceptions.HTTPError as e:
            raise NetworkError(f"{_shown(url)}: {_plain(e)}") from None

    def cached(self, url: str, headers: dict[str, str]) -> tuple[bytes, str]:
        """A page, from the cache when fresh, revalidated when the index allows it."""
        path = self.cache / hashlib.sha256(url.encode()).hexdigest()[:40]
        old = _read_cached(path, url)
        if old and (self.policy.offline or (not self.policy.refresh and old.fresh())):
            return old.body, old.content_type
        # a page is mostly addresses, which are much alike
        headers = {**headers, "Accept-Encoding": "gzip", **(old.validators() if old else {})}
        answer = self.open(url, headers)
        try:
            if answer.status == 304 and old:
                answer.drain_conn()
                os.utime(path)
                return old.body, old.content_type
            body = b"".join(self.stream(answer, url, MAX_PAGE))
        finally:
            answer.release_conn()
        fresh = CachedPage(
            body,
            answer.headers.get("Content-Type", ""),
            answer.headers.get("ETag", ""),
            answer.headers.get("Last-Modified", ""),
            time.time(),
        )
        _write_cached(path, url, fresh)
        return body, fresh.content_type


def _proxy(url: str) -> str:
    """What HTTP_PROXY, HTTPS_PROXY, ALL_PROXY and NO_PROXY say of this address, in either case."""
    if not any(key.lower().endswith("_proxy") for key in os.environ):
        return ""
    from urllib.request import getproxies, proxy_bypass

    proxies, parts = getproxies(), urlsplit(url)
    chosen = proxies.get(parts.scheme) or proxies.get("all") or ""
    if not chosen or proxy_bypass(parts.hostname or ""):
        return ""
    return chosen if "://" in chosen else f"http://{chosen}"


def _pool(proxy: str, folder: str | None) -> urllib3.PoolManager:
    bundle = None if folder else _certificates()
    try:
        context = ssl.create_default_context(cafile=bundle, capath=folder)
    except OSError as e:  # not there, or none in it
        raise NetworkError(
            f"no certificates can be read from {bundle or folder}", [str(e)]
        ) from None
    if not proxy:
        return urllib3.PoolManager(num_pools=32, maxsize=16, ssl_context=context, retries=False)
    address, credentials = split_credentials(proxy)
    basic = ":".join(map(unquote, credentials)) if credentials else None
    return urllib3.ProxyManager(
        address,
        proxy_headers=urllib3.make_headers(proxy_basic_auth=basic),
        num_pools=32,
        maxsize=16,
        ssl_context=context,
        retries=False,
    )


@dataclass
class CachedPage:
    body: bytes
    content_type: str
    etag: str
    modified: str
    stored: float

    def fresh(self) -> bool:
        return time.time() - self.stored < FRESH_SECONDS

    def validators(self) -> dict[str, str]:
        pairs = {"If-None-Match": self.etag, "If-Modified-Since": self.modified}
        return {k: v for k, v in pairs.items() if v}


def _read_cached(path: Path, url: str) -> CachedPage | None:
    try:
        stored = path.stat().st_mtime
        head, _, body = path.read_bytes().partition(b"\n")
        known, content_type, etag, modified, digest = head.decode().split("\t")
    except (OSError, ValueError):
        return None
    if known != url or digest != hashlib.sha256(body).hexdigest():
        return None
    return CachedPage(body, content_type, etag, modified, stored)


def _write_cached(path: Path, url: str, page: CachedPage) -> None:
    digest = hashlib.sha256(page.body).hexdigest()
    head = "\t".join([url, page.content_type, page.etag, page.modified, digest])
    write_atomic(path, head.encode() + b"\n" + page.body)


def write_atomic(path: Path, data: bytes) -> None:
    """One rename; a full disk or a missing permission is the user's business, said plainly."""
    temporary = path.with_name(f"{path.name}{_NEW}{os.getpid()}-{threading.get_ident()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        _sweep(path.parent)
        temporary.write_bytes(data)
        os.replace(temporary, path)
    except OSError as e:
        temporary.unlink(missing_ok=True)
        raise StoreError(f"cannot write {path}: {e.strerror}") from None
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@functools.cache
def _sweep(folder: Path) -> None:
    """Once per command: what threads and processes that were ended did not get to rename."""
    for path in folder.glob(f"*{_NEW}*"):
        with contextlib.suppress(OSError):
            if time.time() - path.stat().st_mtime > ABANDONED_SECONDS:
                path.unlink()


def _redirected(url: str, location: str) -> str:
    try:
        target = urljoin(url, location)
        scheme = urlsplit(target).scheme
    except ValueError:
        target, scheme = location, "?"
    if scheme not in ("http", "https") or (urlsplit(url).scheme == "https" and scheme == "http"):
        raise NetworkError(f"{_shown(url)} redirects to {_shown(target)}, which is refused")
    return target


def _certificates() -> str | None:
    """The bundle the user already chose for other tools, or the system's."""
    for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
        if os.environ.get(name):
            return os.environ[name]
    chosen = pip_settings().get("cert")
    return chosen if chosen and os.path.isfile(chosen) else None


def _certificate_folder() -> str | None:
    """OpenSSL's own folder, where the chosen bundle lies in it: there a certificate is looked up by
    its name, while of a bundle all are read, which takes as long as fetching ten megabytes."""
    bundle, folder = _certificates(), ssl.get_default_verify_paths().capath
    if bundle and folder and os.path.dirname(os.path.realpath(bundle)) == os.path.realpath(folder):
        return folder
    return None


def _netrc(host: str) -> tuple[str, str] | None:
    if not os.environ.get("NETRC") and not os.path.exists(os.path.expanduser("~/.netrc")):
        return None
    import netrc

    try:
        found = netrc.netrc(os.environ.get("NETRC")).authenticators(host)
    except (OSError, netrc.NetrcParseError):
        return None
    return (found[0], found[2] or "") if found and found[0] else None


def _shown(url: str) -> str:
    """An address without the credentials it might carry."""
    scheme, at, rest = url.rpartition("@")
    return f"{scheme.split('//')[0]}//{rest}" if at and "//" in scheme else url


def _plain(error: Exception) -> str:
    text = str(getattr(error, "reason", None) or error)
    return text.rpartition(">: ")[2] or type(error).__name__
