"""Archives nobody vouches for: reading wheels and source archives without trusting a byte.

A wheel is unpacked only where every member has a plain relative name, is listed in RECORD with
a hash, and has that hash.  Everything else is refused by name.
"""

from __future__ import annotations

import binascii
import contextlib
import csv
import gzip
import hashlib
import io
import os
import re
import shutil
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename

from . import link
from .errors import HashMismatch

libdeflate: Any = None
with contextlib.suppress(ImportError):  # inflates in half the time
    import deflate as libdeflate  # type: ignore[import-not-found,no-redef]

MAX_RATIO = 1000  # a bomb unpacks to far more than this times its size
MAX_TOTAL = 16 << 30
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
        raw = bytes(view[start + 46 : start + 46 + names])
        try:
            name = raw.decode("utf-8" if flags & 0x800 else "ascii")
        except UnicodeDecodeError:
            name = raw.decode("utf-8", "surrogateescape")
            if not flags & 0x800:
                name = raw.decode("cp437")
        members.append(Member(name, method, packed, plain, offset, mode >> 16 if host == 3 else 0))
        start += 46 + names + extra + comment
    return members


def _read_zip64(data: memoryview | bytes, archive: str) -> list[Member]:
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
    if member.method == zipfile.ZIP_DEFLATED:
        body = _inflate(packed, member, archive)
    elif member.method == zipfile.ZIP_STORED:
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
    try:
        if libdeflate and size:
            body: bytes = libdeflate.deflate_decompress(packed, size)
            return body
        return zlib.decompressobj(-15).decompress(packed, size + 1)
    except _INFLATING as e:
        raise BadArchive(f"{archive}: {member.name!r} is damaged ({e})") from None


_INFLATING = (zlib.error, libdeflate.DeflateError) if libdeflate else (zlib.error,)


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
    folders = {m.name.split("/")[0] for m in members if m.name.split("/")[0].endswith(".dist-info")}
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
    for needed in ("METADATA", "RECORD", "WHEEL"):
        if not any(m.name == f"{info}/{needed}" for m in members):
            raise BadArchive(f"{filename}: {info}/{needed} is missing")
    return info


def _read_record(
    data: memoryview, members: list[Member], info: str, filename: str
) -> dict[str, tuple[str, str]]:
    member = next(m for m in members if m.name == f"{info}/RECORD")
    record: dict[str, tuple[str, str]] = {}
    try:
        rows = list(csv.reader(io.StringIO(read_member(data, member, filename).decode("utf-8"))))
    except (UnicodeDecodeError, csv.Error) as e:
        raise BadArchive(f"{filename}: RECORD: {e}") from None
    for row in rows:
        if not row:
            continue
        if len(row) < 3 or row[0] in record:
            raise BadArchive(f"{filename}: RECORD has a bad line: {','.join(row)[:80]!r}")
        record[row[0]] = (row[1], row[2])
    return record


def _verify(
    name: str, body: bytes, record: dict[str, tuple[str, str]], info: str, filename: str
) -> str:
    """RECORD must list the file and agree; returns the file's SHA-256."""
    digest = hashlib.sha256(body)
    if name.startswith(info) and name[len(info) :] in _UNLISTED:
        return digest.hexdigest()
    if name not in record:
        raise BadArchive(f"{filename}: {name!r} is not listed in RECORD")
    algorithm, _, expected = record[name][0].partition("=")
    if algorithm not in ("sha256", "sha384", "sha512"):
        raise BadArchive(f"{filename}: RECORD gives no strong hash for {name!r}")
    actual = digest if algorithm == "sha256" else hashlib.new(algorithm, body)
    said = binascii.b2a_base64(actual.digest(), newline=False).translate(_URLSAFE)
    if said.rstrip(b"=").decode() != expected.rstrip("="):
        raise BadArchive(f"{filename}: {name!r} does not have the hash RECORD gives")
    return digest.hexdigest()


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


# -- Source archives -------------------------------------------------------------------------------


def read_pkg_info(filename: str, data: bytes) -> bytes:
    """The top folder's PKG-INFO, or nothing."""
    try:
        if filename.endswith(".zip"):
            view = memoryview(data)
            for member in checked_members(read_directory(view, filename), filename, len(data)):
                if member.name.count("/") == 1 and member.name.endswith("/PKG-INFO"):
                    return read_member(view, member, filename)
            return b""
        with tarfile.open(fileobj=io.BytesIO(data)) as tar:
            for item in _items(tar, filename, len(data)):
                if item.name.count("/") == 1 and item.name.endswith("/PKG-INFO") and item.isfile():
                    stream = tar.extractfile(item)
                    return stream.read(16 << 20) if stream else b""
    except (tarfile.TarError, EOFError, OSError, zlib.error) as e:
        raise BadArchive(f"{filename}: {_first_line(e)}") from None
    return b""


def _first_line(error: Exception) -> str:
    """tarfile lists what each of its decompressors found."""
    return str(error).partition("\n")[0].rstrip(":")


def _items(tar: tarfile.TarFile, archive: str, size: int) -> Iterator[tarfile.TarInfo]:
    """The members, ending before more is inflated than an honest archive of this size holds."""
    limit = max(size, 1 << 16) * MAX_RATIO
    for item in tar:
        limit -= item.size
        if limit < 0:
            raise BadArchive(f"{archive}: looks like a bomb")
        yield item


def unpack_sdist(path: Path, target: Path) -> Path:
    """Unpack a source archive; returns its one top folder."""
    filename = path.name
    try:
        if filename.endswith(".zip"):
            _unpack_zip(path, target)
        else:
            _unpack_tar(path, target)
    except (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError) as e:
        raise BadArchive(f"{filename}: {_first_line(e)}") from None
    except (FileExistsError, NotADirectoryError) as e:
        raise BadArchive(f"{filename}: two members claim {e.filename}") from None
    tops = [p for p in target.iterdir() if p.name != "pax_global_header"]
    if len(tops) != 1 or not tops[0].is_dir():
        raise BadArchive(f"{filename}: expected one top folder")
    return tops[0]


def _unpack_zip(path: Path, target: Path) -> None:
    data = memoryview(path.read_bytes())
    for member in checked_members(read_directory(data, path.name), path.name, len(data)):
        place = target / member.name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(read_member(data, member, path.name))


def _unpack_tar(path: Path, target: Path) -> None:
    """Without tarfile's own extraction, whose filters are not in every 3.11.

    Links are made last, so that nothing is written through one.
    """
    links = []
    with tarfile.open(path) as tar:
        for item in _items(tar, path.name, path.stat().st_size):
            name = item.name.rstrip("/").removeprefix("./")
            if name in ("", "."):
                continue
            check_name(name, path.name)
            if item.issym():
                links.append((name, item.linkname))
            else:
                _extract(tar, item, target, name)
    for name, leads in links:
        inside = os.path.normpath(f"{os.path.dirname(name)}/{leads}").split("/")[0]
        if leads.startswith("/") or inside != name.split("/")[0]:
            raise BadArchive(f"{path.name}: link {name!r} leads out of the archive")
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        os.symlink(leads, target / name)


def _extract(tar: tarfile.TarFile, item: tarfile.TarInfo, target: Path, name: str) -> None:
    archive = os.path.basename(str(tar.name))
    place = target / name
    if item.isdir():
        place.mkdir(parents=True, exist_ok=True)
        return
    if item.islnk():
        check_name(item.linkname, archive)
    try:
        content = tar.extractfile(item) if item.isreg() or item.islnk() else None
    except KeyError as e:  # a hard link to nothing
        raise BadArchive(f"{archive}: {e}") from None
    if content is None:
        raise BadArchive(f"{archive}: member {name!r} is neither file, folder nor link")
    place.parent.mkdir(parents=True, exist_ok=True)
    with content, open(place, "xb") as out:
        shutil.copyfileobj(content, out)
    place.chmod(0o755 if item.mode & 0o111 else 0o644)
