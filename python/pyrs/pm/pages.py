"""Index pages (PEP 503 HTML, PEP 691 JSON) to lists of files.

Pages reach megabytes, so HTML is read with one pattern over the bytes and attributes
are decoded only for the links kept.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import unquote, urljoin, urlsplit

from .errors import NetworkError

ACCEPT = "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.1"
_BASE = re.compile(rb"<base\s[^>]*href\s*=\s*[\"']([^\"']*)", re.I)
_ANCHOR = re.compile(r"<a\s+([^>]*)>([^<]*)</a", re.I)
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


# a file's name, and how to read the rest when the file is looked at: most never are
Link = tuple[str, Callable[[], File | None]]


def parse_page(body: bytes, content_type: str, url: str) -> list[File]:
    return [file for _, read in parse_links(body, content_type, url) if (file := read())]


def parse_links(body: bytes, content_type: str, url: str) -> list[Link]:
    if "json" in content_type:
        return _parse_json(body, url)
    return _parse_html(body, url)


def _parse_json(body: bytes, url: str) -> list[Link]:
    try:
        page = json.loads(body)
        if str(page["meta"]["api-version"]).split(".")[0] != "1":
            raise NetworkError(
                f"{url}: index API version {page['meta']['api-version']} is not supported"
            )
        return [
            (row["filename"], partial(_json_file, row, url))
            for row in page["files"]
            if _wanted(row["filename"])
        ]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as e:
        raise NetworkError(f"{url}: not an index page ({type(e).__name__}: {e})") from None


def _json_file(row: dict[str, Any], url: str) -> File | None:
    try:
        return _read_json_file(row, url)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _read_json_file(row: dict[str, Any], url: str) -> File | None:
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


def _parse_html(body: bytes, url: str) -> list[Link]:
    base = _BASE.search(body, 0, 4096)
    if base:
        url = urljoin(url, html.unescape(base[1].decode("utf-8", "replace")))
    if b"<" not in body[:1024]:
        raise NetworkError(f"{url}: not an index page")
    links: list[Link] = []
    for attributes, raw in _ANCHOR.findall(body.decode("utf-8", "replace")):
        text = raw.strip()
        # by far most links show the file's name; of others the address has to be read
        name = text if text.endswith((".whl", *_SDIST)) else _shown_name(attributes)
        if _wanted(name):
            links.append((name, partial(_html_file, attributes, name, url)))
    return links


def _shown_name(attributes: str) -> str:
    href = next(
        (d or s or b for k, d, s, b, _ in _ATTRIBUTE.findall(attributes) if k.lower() == "href"), ""
    )
    return unquote(html.unescape(href).partition("#")[0].rpartition("/")[2])


def _html_file(attributes: str, name: str, base: str) -> File | None:
    values = {}
    for key, double, single, bare, flag in _ATTRIBUTE.findall(attributes):
        values[(key or flag).lower()] = html.unescape(double or single or bare)
    address, _, fragment = values.get("href", "").partition("#")
    if unquote(address.rpartition("/")[2]) != name:
        return None  # shown under another name than it has
    digest = _digest(fragment.removeprefix("sha256=")) if fragment.startswith("sha256=") else ""
    said = values.get("data-core-metadata", values.get("data-dist-info-metadata"))
    metadata: str | bool | None = None
    if said is not None:
        metadata = said.removeprefix("sha256=") if said.startswith("sha256=") else said != "false"
    url = _absolute(base, address)
    requires = values.get("data-requires-python", "")
    return (
        File(name, url, digest, 0, requires, values.get("data-yanked"), metadata) if url else None
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
