"""A package index on this machine: real wheels and source archives, and every way of misbehaving."""

from __future__ import annotations

import base64
import csv
import gzip
import hashlib
import html
import io
import json
import ssl
import tarfile
import threading
import time
import zipfile
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def _digest(body):
    return base64.urlsafe_b64encode(hashlib.sha256(body).digest()).rstrip(b"=").decode()


def metadata_text(name, version, requires=(), python="", extras=()):
    lines = ["Metadata-Version: 2.2", f"Name: {name}", f"Version: {version}"]
    lines += [f"Requires-Dist: {r}" for r in requires]
    lines += [f"Provides-Extra: {e}" for e in extras]
    lines += [f"Requires-Python: {python}"] if python else []
    return "\n".join(lines) + "\n\nA description.\n"


def make_wheel(
    name,
    version,
    requires=(),
    *,
    files=None,
    tag="py3-none-any",
    python="",
    extras=(),
    scripts=None,
    data=None,
    mangle=None,
):
    """(file name, bytes).  `mangle` may change the list of (name, body) before it is zipped."""
    stem = f"{name.replace('-', '_')}-{version}"
    info = f"{stem}.dist-info"
    module = name.replace("-", "_")
    members = dict(
        files if files is not None else {f"{module}/__init__.py": f"version = {version!r}\n"}
    )
    members |= {f"{stem}.data/{k}": v for k, v in (data or {}).items()}
    members[f"{info}/METADATA"] = metadata_text(name, version, requires, python, extras)
    members[f"{info}/WHEEL"] = (
        f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n"
    )
    if scripts:
        lines = ["[console_scripts]", *(f"{k} = {v}" for k, v in scripts.items())]
        members[f"{info}/entry_points.txt"] = "\n".join(lines) + "\n"
    rows = [(k, v.encode() if isinstance(v, str) else v) for k, v in members.items()]
    record = io.StringIO()
    writer = csv.writer(record, lineterminator="\n")
    for path, body in rows:
        writer.writerow([path, f"sha256={_digest(body)}", len(body)])
    writer.writerow([f"{info}/RECORD", "", ""])
    rows.append((f"{info}/RECORD", record.getvalue().encode()))
    if mangle:
        rows = mangle(rows)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
        for path, body in rows:
            entry = (
                path
                if isinstance(path, zipfile.ZipInfo)
                else zipfile.ZipInfo(path, (2020, 1, 1, 0, 0, 0))
            )
            entry.compress_type = zipfile.ZIP_DEFLATED
            z.writestr(entry, body)
    return f"{stem}-{tag}.whl", out.getvalue()


# a build backend of one file: what the archive carries is all it needs
BACKEND = """
import base64, hashlib, os, zipfile
NAME, VERSION, REQUIRES, FAIL = {name!r}, {version!r}, {requires!r}, {fail!r}
INFO = f"{{NAME.replace('-', '_')}}-{{VERSION}}.dist-info"
METADATA = "Metadata-Version: 2.2\\nName: " + NAME + "\\nVersion: " + VERSION + "\\n" + "".join(
    f"Requires-Dist: {{r}}\\n" for r in REQUIRES)

def _check():
    if FAIL:
        raise SystemExit("the compiler is missing")

def prepare_metadata_for_build_wheel(folder, config_settings=None):
    _check()
    os.makedirs(os.path.join(folder, INFO))
    with open(os.path.join(folder, INFO, "METADATA"), "w") as f:
        f.write(METADATA)
    return INFO

def build_wheel(folder, config_settings=None, metadata_directory=None):
    _check()
    name = f"{{NAME.replace('-', '_')}}-{{VERSION}}-py3-none-any.whl"
    files = {{NAME.replace('-', '_') + ".py": "built = True\\n", INFO + "/METADATA": METADATA,
             INFO + "/WHEEL": "Wheel-Version: 1.0\\nTag: py3-none-any\\n"}}
    record = ""
    with zipfile.ZipFile(os.path.join(folder, name), "w") as z:
        for path, text in files.items():
            z.writestr(path, text)
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
            record += f"{{path}},sha256={{digest}},{{len(text)}}\\n"
        z.writestr(INFO + "/RECORD", record + INFO + "/RECORD,,\\n")
    return name
"""


def make_sdist(name, version, requires=(), *, dynamic=False, fail=False, build_requires=()):
    stem = f"{name.replace('-', '_')}-{version}"
    info = metadata_text(name, version, requires)
    if dynamic:
        info = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n\n"
    files = {
        "PKG-INFO": info,
        "backend.py": BACKEND.format(
            name=name, version=version, requires=list(requires), fail=fail
        ),
        "pyproject.toml": f"[build-system]\nrequires = {json.dumps(list(build_requires))}\n"
        'build-backend = "backend"\nbackend-path = ["."]\n',
    }
    out = io.BytesIO()
    with (
        gzip.GzipFile(fileobj=out, mode="wb", mtime=0) as zipped,
        tarfile.open(fileobj=zipped, mode="w") as tar,
    ):
        for path, text in files.items():
            item = tarfile.TarInfo(f"{stem}/{path}")
            item.size = len(text.encode())
            tar.addfile(item, io.BytesIO(text.encode()))
    return f"{stem}.tar.gz", out.getvalue()


@dataclass
class Offer:
    """One file of the index."""

    name: str
    body: bytes
    python: str = ""
    yanked: str | None = None
    sha256: str | None = None  # what the page says, when it lies
    served: bytes | None = None  # what is sent, when it is not the body


@dataclass
class PackageIndex:
    """Start with `with PackageIndex() as index`; everything may be changed while it runs."""

    as_json: bool = True
    hashes: bool = True
    metadata: str = "advertised"  # or "quiet" (there, not advertised), "absent"
    ranges: bool = True
    etag: bool = False
    compress: bool = False  # pages, for who asks for it
    user: str = ""
    password: str = ""
    certificate: str = ""  # a file with it and its key: served by https
    delay: float = 0.0
    gather: threading.Barrier | None = None  # files are sent when so many are asked for at once,
    gather_at: str = ".whl"  # those with such names
    failures: dict = field(default_factory=dict)  # path -> statuses to answer first
    redirects: dict = field(default_factory=dict)
    raw: dict = field(default_factory=dict)  # path -> (content type, body)
    raw_headers: dict = field(default_factory=dict)
    files: dict = field(default_factory=dict)  # project -> {file name: Offer}
    log: list = field(default_factory=list)
    credentials: list = field(default_factory=list)  # that somebody sent
    proxied: list = field(default_factory=list)  # credentials for it as a proxy

    def wheel(self, name, version, requires=(), *, yanked=None, **options):
        filename, body = make_wheel(name, version, requires, **options)
        return self.offer(name, Offer(filename, body, options.get("python", ""), yanked))

    def sdist(self, name, version, requires=(), *, yanked=None, python="", **options):
        filename, body = make_sdist(name, version, requires, **options)
        return self.offer(name, Offer(filename, body, python, yanked))

    def offer(self, project, offer):
        self.files.setdefault(project, {})[offer.name] = offer
        return offer

    def find(self, filename):
        return next(o for offers in self.files.values() for n, o in offers.items() if n == filename)

    @property
    def url(self):
        scheme = "https" if self.certificate else "http"
        return f"{scheme}://127.0.0.1:{self.server.server_address[1]}/simple/"

    @property
    def base(self):
        return self.url.removesuffix("/simple/")

    def requests(self, part):
        return [p for p in self.log if part in p]

    def __enter__(self):
        self.server = _Server(("127.0.0.1", 0), _handler(self))
        if self.certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(self.certificate)
            self.server.socket = context.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *exc):
        self.server.shutdown()
        self.server.server_close()

    def page(self, project):
        offers = self.files[project].values()
        if self.as_json:
            rows = [self._json_row(o) for o in offers]
            page = {"meta": {"api-version": "1.0"}, "name": project, "files": rows}
            return "application/vnd.pypi.simple.v1+json", json.dumps(page).encode()
        links = "\n".join(self._link(o) for o in offers)
        return "text/html", f"<!DOCTYPE html><html><body>\n{links}\n</body></html>".encode()

    def _sha256(self, offer):
        return offer.sha256 or hashlib.sha256(offer.body).hexdigest()

    def _json_row(self, offer):
        row = {
            "filename": offer.name,
            "url": f"../../files/{offer.name}",
            "hashes": {},
            "size": len(offer.body),
        }
        if self.hashes:
            row["hashes"] = {"sha256": self._sha256(offer)}
        if offer.python:
            row["requires-python"] = offer.python
        if offer.yanked is not None:
            row["yanked"] = offer.yanked or True
        if offer.name.endswith(".whl") and self.metadata == "advertised":
            row["core-metadata"] = {"sha256": hashlib.sha256(self.metadata_of(offer)).hexdigest()}
        return row

    def _link(self, offer):
        fragment = f"#sha256={self._sha256(offer)}" if self.hashes else ""
        extra = f' data-requires-python="{html.escape(offer.python)}"' if offer.python else ""
        if offer.yanked is not None:
            extra += f' data-yanked="{html.escape(offer.yanked)}"'
        return f'<a href="../../files/{offer.name}{fragment}"{extra}>{offer.name}</a><br/>'

    def metadata_of(self, offer):
        with zipfile.ZipFile(io.BytesIO(offer.body)) as z:
            return z.read(next(n for n in z.namelist() if n.endswith(".dist-info/METADATA")))


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        """Clients of these tests are killed, time out and hang up."""


def _handler(index):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args):
            pass

        def do_GET(self):
            index.log.append(self.path)
            index.proxied += self.headers.get_all("Proxy-Authorization", [])
            if self.path.startswith("http://"):  # asked as a proxy
                self.path = "/" + self.path.split("/", 3)[3]
            index.credentials += self.headers.get_all("Authorization", [])
            if index.delay:
                time.sleep(index.delay)
            if self.path in index.redirects:
                return self._send(302, b"", {"Location": index.redirects[self.path]})
            statuses = index.failures.get(self.path)
            if statuses:
                return self._send(statuses.pop(0), b"")
            if index.user and not self._authorised():
                return self._send(401, b"")
            if self.path in index.raw:
                kind, body = index.raw[self.path]
                return self._send(200, body, {"Content-Type": kind, **index.raw_headers})
            return self._content()

        def _authorised(self):
            expected = base64.b64encode(f"{index.user}:{index.password}".encode()).decode()
            return self.headers.get("Authorization") == f"Basic {expected}"

        def _content(self):
            parts = self.path.strip("/").split("/")
            if parts[0] == "simple" and len(parts) == 2 and parts[1] in index.files:
                kind, body = index.page(parts[1])
                tag = f'"{hashlib.sha256(body).hexdigest()}"'
                if index.etag and self.headers.get("If-None-Match") == tag:
                    return self._send(304, b"")
                head = {"Content-Type": kind} | ({"ETag": tag} if index.etag else {})
                if index.compress and "gzip" in self.headers.get("Accept-Encoding", ""):
                    index.log.append("compressed")
                    body, head["Content-Encoding"] = gzip.compress(body), "gzip"
                return self._send(200, body, head)
            if parts[0] == "files":
                return self._file(parts[1])
            return self._send(404, b"")

        def _file(self, name):
            if index.gather and name.endswith(index.gather_at):
                index.gather.wait(timeout=60)
            if name.endswith(".metadata"):
                if index.metadata == "absent":
                    return self._send(404, b"")
                return self._send(
                    200, index.metadata_of(index.find(name.removesuffix(".metadata")))
                )
            offer = index.find(name)
            body = offer.served if offer.served is not None else offer.body
            wanted = self.headers.get("Range", "")
            if index.ranges and wanted.startswith("bytes="):
                first, _, last = wanted.removeprefix("bytes=").partition("-")
                start = int(first) if first else max(0, len(body) - int(last))
                end = min(int(last), len(body) - 1) if first and last else len(body) - 1
                head = {"Content-Range": f"bytes {start}-{end}/{len(body)}"}
                return self._send(206, body[start : end + 1], head)
            return self._send(200, body)

        def _send(self, status, body, headers=None):
            self.send_response(status)
            for key, value in (headers or {}).items():
                self.send_header(key, value)
            if status != 304:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            try:
                self.wfile.write(body)
            except ConnectionError:
                pass

    return Handler
