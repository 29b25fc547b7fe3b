"""Index pages (PEP 503 HTML, PEP 691 JSON) to lists of files.

Pages reach megabytes, so HTML is read with one pattern over the bytes and attributes
are decoded only for the links kept.
"""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from .errors import NetworkError

ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
_BASE = re.compile(rb"<base\s[^>]*href\s*=\s*[\"']([^\"']*)", re.I)
_ANCHOR = re.compile(rb"<a\s+([^>]*)>([^<]*)</a", re.I)
_ATTRIBUTE = re.compile(r"([A-Za-z-]+)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))|(data-yanked)")
_SDIST = (".tar.gz", ".zip")
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class File:
    """One distribution file as an index offers it."""

    name: str
    url: str
    sha256: str = ""
    size: int = 0
    requires_python: str = ""
    yanked: str | None = None
    metadata: str | bool | None = None  # sha256, True: there without hash, None: not said

    @property
    def is_wheel(self) -> bool:
        return self.name.endswith(".whl")


def parse_page(body: bytes, content_type: str, url: str) -> list[File]:
    if "json" in content_type:
        return _parse_json(body, url)
    return _parse_html(body, url)


def _parse_json(body: bytes, url: str) -> list[File]:
    try:
        page = json.loads(body)
        if str(page["meta"]["api-version"]).split(".")[0] != "1":
            raise NetworkError(
                f"{url}: index API version {page['meta']['api-version']} is not supported"
            )
        return [f for f in (_json_file(row, url) for row in page["files"]) if f]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as e:
        raise NetworkError(f"{url}: not an index page ({type(e).__name__}: {e})") from None


def _json_file(row: dict[str, Any], url: str) -> File | None:
    name = row["filename"]
    if not _wanted(name):
        return None
    yanked = row.get("yanked", False)
    said = row.get("core-metadata", row.get("dist-info-metadata"))
    return File(
        name,
        _absolute(url, row["url"]),
        _digest(row.get("hashes", {}).get("sha256", "")),
        int(row.get("size") or 0),
        row.get("requires-python") or "",
        None if yanked is False or yanked is None else ("" if yanked is True else str(yanked)),
        said["sha256"] if isinstance(said, dict) and "sha256" in said else (True if said else None),
    )


def _parse_html(body: bytes, url: str) -> list[File]:
    base = _BASE.search(body, 0, 4096)
    if base:
        url = urljoin(url, html.unescape(base[1].decode("utf-8", "replace")))
    if b"<" not in body[:1024]:
        raise NetworkError(f"{url}: not an index page")
    files = []
    for attributes, text in _ANCHOR.findall(body):
        file = _html_file(
            attributes.decode("utf-8", "replace"), text.decode("utf-8", "replace"), url
        )
        if file:
            files.append(file)
    return files


def _html_file(attributes: str, text: str, base: str) -> File | None:
    values = {}
    for key, double, single, bare, flag in _ATTRIBUTE.findall(attributes):
        values[(key or flag).lower()] = html.unescape(double or single or bare)
    href = values.get("href", "")
    address, _, fragment = href.partition("#")
    name = unquote(address.rpartition("/")[2]) or text.strip()
    if not _wanted(name):
        return None
    digest = _digest(fragment.removeprefix("sha256=")) if fragment.startswith("sha256=") else ""
    said = values.get("data-core-metadata", values.get("data-dist-info-metadata"))
    metadata: str | bool | None = None
    if said is not None:
        metadata = said.removeprefix("sha256=") if said.startswith("sha256=") else said != "false"
    return File(
        name,
        _absolute(base, address),
        digest,
        0,
        values.get("data-requires-python", ""),
        values.get("data-yanked"),
        metadata,
    )


def _wanted(name: object) -> bool:
    """Wheels and source archives with a plain file name; never a path."""
    if (
        not isinstance(name, str)
        or "/" in name
        or "\\" in name
        or "\0" in name
        or name.startswith(".")
    ):
        return False
    return name.endswith(".whl") or name.endswith(_SDIST)


def _digest(text: str) -> str:
    text = str(text).lower()
    return text if _SHA256.fullmatch(text) else ""


def _absolute(base: str, address: str) -> str:
    """Files may live on another host, but only over http(s)."""
    if address.startswith("https://"):
        return address
    target = urljoin(base, address)
    if urlsplit(target).scheme not in ("http", "https"):
        return ""
    return target
