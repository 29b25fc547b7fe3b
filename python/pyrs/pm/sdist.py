"""Source archives, which nobody vouches for either: unpacked without trusting a byte."""

from __future__ import annotations

import gzip
import io
import os
import shutil
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from .wheel import MAX_RATIO, BadArchive, check_name, checked_members, read_directory, read_member


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
