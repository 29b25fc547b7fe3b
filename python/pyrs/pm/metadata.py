"""Core metadata: the few header fields resolving needs, and how to get them cheaply.

Order per wheel: the `.metadata` file beside it (advertised or not; a refusal is remembered per
host), the archive's tail by range, the whole wheel.
"""

from __future__ import annotations

import io
import re
import struct
import zlib
from dataclasses import dataclass, field

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from .errors import NetworkError

MAX_METADATA = 16 << 20


@dataclass
class Metadata:
    name: str = ""
    version: str = ""
    requires: list[Requirement] = field(default_factory=list)
    requires_python: str = ""
    extras: list[str] = field(default_factory=list)
    dynamic: list[str] = field(default_factory=list)
    metadata_version: str = ""


class BadMetadata(Exception):
    pass


def parse_metadata(data: bytes) -> Metadata:
    """Headers only; the description after the first blank line is not looked at."""
    result = Metadata()
    try:
        text = data.partition(b"\n\n")[0].partition(b"\r\n\r\n")[0].decode("utf-8")
    except UnicodeDecodeError as e:
        raise BadMetadata(f"not UTF-8: {e}") from None
    for line in re.sub(r"\r?\n[ \t]+", " ", text).splitlines():
        key, _, value = line.partition(":")
        _take(result, key.strip().lower(), value.strip())
    if not result.name or not result.version:
        raise BadMetadata("no Name or no Version")
    return result


def _take(result: Metadata, key: str, value: str) -> None:
    if key == "requires-dist":
        try:
            result.requires.append(Requirement(value))
        except InvalidRequirement as e:
            raise BadMetadata(f"Requires-Dist {value!r}: {str(e).splitlines()[0]}") from None
    elif key == "provides-extra":
        result.extras.append(canonicalize_name(value))
    elif key == "dynamic":
        result.dynamic.append(value.lower())
    elif key in ("name", "version", "metadata-version", "requires-python"):
        setattr(result, key.replace("-", "_"), value)


# -- One member out of a zip's tail -----------------------------------------------------------

_END = b"PK\x05\x06"
_ENTRY = b"PK\x01\x02"


def metadata_from_tail(tail: bytes, total: int, read: ReadRange) -> bytes:
    """`*.dist-info/METADATA` of a zip whose last bytes are `tail`; `read(start, end)` gets more."""
    end = tail.rfind(_END)
    if end < 0 or end + 22 > len(tail):
        raise NetworkError("not a zip archive")
    count, size, offset = struct.unpack("<H", tail[end + 10 : end + 12]) + struct.unpack(
        "<II", tail[end + 12 : end + 20]
    )
    if offset == 0xFFFFFFFF or count == 0xFFFF:
        raise NetworkError("a zip64 archive")
    start = total - len(tail)
    directory = (
        tail[offset - start : offset - start + size]
        if offset >= start
        else read(offset, offset + size)
    )
    for name, method, packed, plain, at in _directory(directory):
        if name.count("/") == 1 and name.endswith(".dist-info/METADATA"):
            return _member(read, method, packed, plain, at)
    raise NetworkError("no METADATA in the archive")


class ReadRange:
    """Something that reads `bytes[start:end]` of a remote file."""

    def __call__(self, start: int, end: int) -> bytes:
        raise NotImplementedError


def _directory(data: bytes) -> list[tuple[str, int, int, int, int]]:
    entries: list[tuple[str, int, int, int, int]] = []
    stream = io.BytesIO(data)
    while True:
        head = stream.read(46)
        if len(head) < 46 or head[:4] != _ENTRY:
            return entries
        method, packed, plain, names, extra, comment, at = struct.unpack("<10xH8xIIHHH8xI", head)
        entries.append((stream.read(names).decode("utf-8", "replace"), method, packed, plain, at))
        stream.read(extra + comment)


def _member(read: ReadRange, method: int, packed: int, plain: int, at: int) -> bytes:
    if plain > MAX_METADATA:
        raise NetworkError("the archive's METADATA is too large")
    data = read(at, at + 30 + 512 + packed)
    names, extra = struct.unpack("<HH", data[26:30])
    body = data[30 + names + extra : 30 + names + extra + packed]
    if method == 0:
        return body
    if method != 8:
        raise NetworkError(f"compression method {method}")
    return zlib.decompressobj(-15).decompress(body, MAX_METADATA)
