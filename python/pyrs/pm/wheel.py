"""Archives nobody vouches for: reading wheels without trusting a byte; see `sdist` for the others.

A wheel is unpacked only where every member has a plain relative name, is listed in RECORD with
a hash, and has that hash.  Everything else is refused by name.
"""

from __future__ import annotations

import binascii
import contextlib
import csv
import hashlib
import importlib
import io
import os
import re
import stat
import struct
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from . import link
from .errors import HashMismatch

libdeflate: Any = None
with contextlib.suppress(ImportError):  # inflates in half the time
    libdeflate = importlib.import_module("deflate")

MAX_RATIO = 1000  # a bomb unpacks to far more than this times its size
MAX_TOTAL = 16 << 30
_STORED, _DEFLATED = 0, 8
_DENSEST = 1032  # what the format can make of one byte
_ODD = re.compile(r"[\\\0\n\t]")
# in a text of names each between two line ends: what none of many has need not be looked for in each
_SUSPECT = re.compile(r"[\\\0\t:]|//|\n/|\n\n|[/\n]\.\.?[/\n]")
_URLSAFE = bytes.maketrans(b"+/", b"-_")
_UNLISTED = ("/RECORD", "/RECORD.jws", "/RECORD.p7s")
_DATA_KINDS = {
    "purelib": "lib",
    "platlib": "lib",
    "scripts": "bin",
    "data": "data",
    "headers": "include",
}


class BadArchive(HashMismatch):
    """An archive that is not what it should be."""


@dataclass(slots=True)
class Member:
    name: str
    method: int
    packed: int
    plain: int
    offset: int
    mode: int


@dataclass
class Unpacked:
    """What was written: (path under the entry, sha256, size, mode)."""

    name: str
    version: str
    files: list[tuple[str, str, int, int]] = field(default_factory=list)
    entry_points: str = ""
    metadata: bytes = b""
    folders: set[str] = field(default_factory=set)  # under the entry, each with its parents


def check_name(name: str, archive: str) -> None:
    if not name or name.startswith("/") or _ODD.search(name):
        raise BadArchive(f"{archive}: member {name!r} does not have a plain relative name")
    padded = f"/{name.removesuffix('/')}/"
    if "//" in padded or "/./" in padded or "/../" in padded or ":" in name.partition("/")[0]:
        raise BadArchive(f"{archive}: member {name!r} would leave its folder")


def check_names(names: list[str], archive: str) -> None:
    text = "\n".join(["", *names, ""])
    if _SUSPECT.search(text) or text.count("\n") != len(names) + 1:
        for name in names:
            check_name(name, archive)


# signature, host system, flags, method, sizes, lengths of what follows, mode, offset
_DIRECTORY_ROW = struct.Struct("<4sxB2xHH8xIIHHH4xII")
_MEMBER_HEAD = struct.Struct("<4s22xHH")


# -- Zip directory -----------------------------------------------------------------------------


def read_directory(data: memoryview | bytes, archive: str) -> list[Member]:
    """The central directory.  zip64 goes through zipfile; the usual case is a third of its cost."""
    view = memoryview(data)
    tail = bytes(view[max(0, len(view) - 65_557) :])
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or at + 22 > len(tail):
        raise BadArchive(f"{archive}: not a zip archive")
    count, size, start = struct.unpack_from("<HII", tail, at + 10)
    if count == 0xFFFF or start == 0xFFFFFFFF or size == 0xFFFFFFFF:
        return _read_zip64(data, archive)
    members = []
    for _ in range(count):
        try:
            head = _DIRECTORY_ROW.unpack_from(view, start)
        except struct.error:
            raise BadArchive(f"{archive}: the directory is cut off") from None
        signature, host, flags, method, packed, plain, names, extra, comment, mode, offset = head
        if signature != b"PK\x01\x02" or flags & 1:
            raise BadArchive(f"{archive}: damaged or encrypted directory")
        raw = view[start + 46 : start + 46 + names]
        try:
            name = str(raw, "utf-8" if flags & 0x800 else "ascii")
        except UnicodeDecodeError:
            name = str(raw, *(("utf-8", "surrogateescape") if flags & 0x800 else ("cp437",)))
        members.append(Member(name, method, packed, plain, offset, mode >> 16 if host == 3 else 0))
        start += 46 + names + extra + comment
    return members


def _read_zip64(data: memoryview | bytes, archive: str) -> list[Member]:
    import zipfile  # as rare as archives of four gigabytes

    try:
        with zipfile.ZipFile(io.BytesIO(bytes(data))) as z:
            return [
                Member(
                    i.filename,
                    i.compress_type,
                    i.compress_size,
                    i.file_size,
                    i.header_offset,
                    i.external_attr >> 16,
                )
                for i in z.infolist()
            ]
    except (zipfile.BadZipFile, ValueError, OSError) as e:
        raise BadArchive(f"{archive}: {e}") from None


def read_member(view: memoryview, member: Member, archive: str) -> bytes:
    try:
        signature, names, extra = _MEMBER_HEAD.unpack_from(view, member.offset)
    except struct.error:
        raise BadArchive(f"{archive}: {member.name!r} lies outside the archive") from None
    start = member.offset + 30 + names + extra
    packed = view[start : start + member.packed]
    if signature != b"PK\x03\x04" or len(packed) != member.packed:
        raise BadArchive(f"{archive}: {member.name!r} is damaged")
    if member.method == _DEFLATED:
        body = _inflate(packed, member, archive)
    elif member.method == _STORED:
        body = bytes(packed)
    else:
        raise BadArchive(f"{archive}: {member.name!r} uses compression method {member.method}")
    if len(body) != member.plain:
        raise BadArchive(f"{archive}: {member.name!r} does not have the size the directory gives")
    return body


def _inflate(packed: memoryview, member: Member, archive: str) -> bytes:
    """Never more than the directory says, whatever the stream holds; nor memory for more than it can."""
    size = member.plain
    if size > (len(packed) + 1) * _DENSEST:
        raise BadArchive(f"{archive}: {member.name!r} does not have the size the directory gives")
    if libdeflate and size:
        try:
            body: bytes = libdeflate.deflate_decompress(packed, size)
        except libdeflate.DeflateError:
            pass  # what is wrong with it, zlib can tell
        else:
            return body
    try:
        return zlib.decompressobj(-15).decompress(packed, size + 1)
    except zlib.error as e:
        raise BadArchive(f"{archive}: {member.name!r} is damaged ({e})") from None


# -- Wheels --------------------------------------------------------------------------------------


def checked_members(members: list[Member], archive: str, size: int) -> list[Member]:
    """Files only, every name plain and once; refuses links and bombs."""
    seen: set[str] = set()
    folders: set[str] = set()
    total = 0
    check_names([m.name for m in members], archive)
    for member in members:
        if member.mode and stat.S_ISLNK(member.mode):
            raise BadArchive(f"{archive}: member {member.name!r} is a symbolic link")
        if member.name in seen:
            raise BadArchive(f"{archive}: two members are named {member.name!r}")
        seen.add(member.name)
        total += member.plain
        folder = member.name.rstrip("/").rpartition("/")[0]
        while folder and folder not in folders:
            folders.add(folder)
            folder = folder.rpartition("/")[0]
    if total > MAX_TOTAL or total > max(size, 1 << 16) * MAX_RATIO:
        raise BadArchive(
            f"{archive}: unpacks to {total} bytes from {size}, which looks like a bomb"
        )
    clash = folders & seen
    if clash:
        raise BadArchive(f"{archive}: {min(clash)!r} is both a file and a folder")
    return [m for m in members if not m.name.endswith("/")]


def identify(filename: str) -> tuple[str, str]:
    try:
        name, version, _, _ = parse_wheel_filename(filename)
    except InvalidWheelFilename as e:
        raise BadArchive(str(e)) from None
    return name, str(version)


def unpack(data: memoryview, filename: str, target: Path) -> Unpacked:
    """Write a wheel's files below `target`: lib, bin, data, include."""
    name, version = identify(filename)
    members = checked_members(read_directory(data, filename), filename, len(data))
    info = _dist_info(members, name, version, filename)
    record = _read_record(data, members, info, filename)
    result = Unpacked(name, version)
    for member in members:
        body = read_member(data, member, filename)
        digest = _verify(member.name, body, record, info, filename)
        _write(str(target), _destination(member.name, info), body, member, result, digest)
        if member.name == info + "/METADATA":
            result.metadata = body
        elif member.name == info + "/entry_points.txt":
            result.entry_points = body.decode("utf-8", "replace")
    missing = set(record) - {m.name for m in members}
    if missing:
        raise BadArchive(f"{filename}: RECORD lists {min(missing)!r}, which is not there")
    return result


def _dist_info(members: list[Member], name: str, version: str, filename: str) -> str:
    tops = {m.name.partition("/")[0] for m in members}
    folders = [top for top in tops if top.endswith(".dist-info")]
    if len(folders) != 1:
        raise BadArchive(f"{filename}: expected one .dist-info folder, found {len(folders)}")
    info = folders.pop()
    from packaging.version import InvalidVersion, Version

    said, _, numbered = info.removesuffix(".dist-info").rpartition("-")
    try:
        same = canonicalize_name(said) == name and str(Version(numbered)) == version
    except InvalidVersion:
        same = False
    if not same:
        raise BadArchive(f"{filename}: {info} belongs to another distribution")
    names = {m.name for m in members}
    for needed in ("METADATA", "RECORD", "WHEEL"):
        if f"{info}/{needed}" not in names:
            raise BadArchive(f"{filename}: {info}/{needed} is missing")
    return info


def _read_record(
    data: memoryview, members: list[Member], info: str, filename: str
) -> dict[str, str]:
    """The hash RECORD gives for each file, `sha256=...`; empty where it gives none."""
    member = next(m for m in members if m.name == f"{info}/RECORD")
    record: dict[str, str] = {}
    try:
        rows = _rows(read_member(data, member, filename).decode("utf-8"))
    except (UnicodeDecodeError, csv.Error) as e:
        raise BadArchive(f"{filename}: RECORD: {e}") from None
    for row in rows:
        if len(row) < 3 or row[0] in record:
            raise BadArchive(f"{filename}: RECORD has a bad line: {','.join(row)[:80]!r}")
        record[row[0]] = row[1]
    return record


def _rows(text: str) -> list[list[str]]:
    """Quotes are rare, and so are other line ends; without them a line is its own parser."""
    if '"' in text or "\r" in text:
        return [row for row in csv.reader(io.StringIO(text)) if row]
    return [line.split(",") for line in text.split("\n") if line]


def _verify(name: str, body: bytes, record: dict[str, str], info: str, filename: str) -> str:
    """RECORD must list the file and agree; returns the file's SHA-256."""
    digest = hashlib.sha256(body)
    expected = record.get(name)
    if expected != "sha256=" + _encoded(digest.digest()):
        _verify_otherwise(name, body, expected, info, filename)
    return digest.hexdigest()


def _encoded(digest: bytes) -> str:
    return binascii.b2a_base64(digest, newline=False).translate(_URLSAFE).decode().rstrip("=")


def _verify_otherwise(
    name: str, body: bytes, expected: str | None, info: str, filename: str
) -> None:
    """Files that are not listed by right, padded hashes, longer hashes; else the file is refused."""
    if name.startswith(info) and name[len(info) :] in _UNLISTED:
        return
    if expected is None:
        raise BadArchive(f"{filename}: {name!r} is not listed in RECORD")
    algorithm, _, said = expected.partition("=")
    if algorithm not in ("sha256", "sha384", "sha512"):
        raise BadArchive(f"{filename}: RECORD gives no strong hash for {name!r}")
    if _encoded(hashlib.new(algorithm, body).digest()) != said.rstrip("="):
        raise BadArchive(f"{filename}: {name!r} does not have the hash RECORD gives")


def _destination(name: str, info: str) -> str:
    """Where a member goes inside a store entry."""
    first, _, rest = name.partition("/")
    if first != info.removesuffix(".dist-info") + ".data":
        return "lib/" + name
    kind, _, rest = rest.partition("/")
    if kind not in _DATA_KINDS or not rest:
        raise BadArchive(f"{name!r} is not in a folder wheels may have")
    return f"{_DATA_KINDS[kind]}/{rest}"


def _make_folder(root: str, folder: str, made: set[str]) -> None:
    if folder and folder not in made:
        _make_folder(root, folder.rpartition("/")[0], made)
        try:
            os.mkdir(f"{root}/{folder}")
        except FileExistsError:
            raise BadArchive(f"{folder!r} is both a file and a folder") from None
        made.add(folder)


def _write(
    root: str, path: str, body: bytes, member: Member, result: Unpacked, digest: str
) -> None:
    folder = path.rpartition("/")[0]
    if folder not in result.folders:
        _make_folder(root, folder, result.folders)
    executable = bool(member.mode & 0o111) or path.startswith("bin/")
    mode = 0o555 if executable else 0o444
    try:
        link.write_new(f"{root}/{path}", body, mode)
    except FileExistsError:
        raise BadArchive(f"two members become {path!r}") from None
    result.files.append((path, digest, len(body), mode))
