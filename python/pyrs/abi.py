"""What a C extension asks of Python, and which Pythons can load it: `python -m pyrs --abi FILE`.

The file is only read, never loaded, so it may be for another machine or another Python.
"""

import ctypes
import os
import re
import struct
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

from pyrs import _capi

VERSIONS = _capi.VERSIONS  # ((3, 11), ...): the ones the table knows
FREE_THREADED = tuple(v for v in VERSIONS if v >= (3, 13))
# used by reference counting that is inlined in code for free-threaded builds
ONLY_FREE_THREADED = {"_Py_MergeZeroLocalRefcount", "_Py_DecRefShared", "_Py_DecRefSharedDebug"}

Version = tuple[int, int]


def load_extension(path: "str | os.PathLike[str]", name: str | None = None) -> ModuleType:
    """The module in the shared object at `path`, imported as `name` (default: the file's).

    ImportError says what is wrong with the file: not ELF, for another machine or another
    Python, cut off, a missing symbol or initialisation function, a name that is taken.
    """
    from pyrs import _pyrs

    return _pyrs.load_extension(path, name)


# -- the file ------------------------------------------------------------------------------

MACHINES = {
    3: "i386",
    21: "ppc64",
    22: "s390x",
    40: "arm",
    62: "x86_64",
    183: "aarch64",
    243: "riscv",
}
SHT_DYNSYM, SHT_DYNAMIC = 11, 6
DT_NEEDED = 1


class NotAnExtension(ValueError):
    """The file can't be read as a shared object."""


class SharedObject:
    """The dynamic symbols of an ELF file."""

    def __init__(self, data: bytes) -> None:
        if data[:4] != b"\x7fELF" or len(data) < 52:
            raise NotAnExtension("not an ELF file")
        self.data = data
        self.bits = 64 if data[4] == 2 else 32
        self.order = ">" if data[5] == 2 else "<"
        kind, machine = self.unpack("HH", 16)
        if kind != 3:
            raise NotAnExtension("an ELF file, but not a shared object")
        self.machine = MACHINES.get(machine, f"machine {machine}")
        self.needed: list[str] = []
        self.defined: set[str] = set()
        self.undefined: set[str] = set()
        try:
            self.read_sections()
        except (struct.error, OverflowError):
            raise NotAnExtension("cut off") from None

    def unpack(self, layout: str, offset: int) -> tuple[int, ...]:
        return struct.unpack_from(self.order + layout, self.data, offset)

    def read_sections(self) -> None:
        wide = self.bits == 64
        (start,) = self.unpack("Q", 40) if wide else self.unpack("I", 32)
        size, count = self.unpack("HH", 58 if wide else 46)
        if not start or not count:
            raise NotAnExtension("stripped of its section headers")
        sections = [
            self.unpack("IIQQQQIIQQ" if wide else "IIIIIIIIII", start + i * size)
            for i in range(count)
        ]
        found = False
        for _name, kind, _flags, _address, offset, length, link, *_rest in sections:
            if kind not in (SHT_DYNSYM, SHT_DYNAMIC):
                continue
            if link >= count:
                raise NotAnExtension("damaged: a section without its names")
            names = sections[link][4]
            if kind == SHT_DYNSYM:
                self.read_symbols(offset, length, names)
                found = True
            else:
                self.read_dynamic(offset, length, names)
        if not found:
            raise NotAnExtension("no dynamic symbols")

    def read_symbols(self, offset: int, length: int, names: int) -> None:
        step = 24 if self.bits == 64 else 16
        for at in range(offset + step, offset + length, step):
            (name,) = self.unpack("I", at)
            (section,) = self.unpack("H", at + (6 if self.bits == 64 else 14))
            (self.defined if section else self.undefined).add(self.text(names + name))

    def read_dynamic(self, offset: int, length: int, names: int) -> None:
        step, layout = (16, "QQ") if self.bits == 64 else (8, "II")
        for at in range(offset, offset + length, step):
            tag, value = self.unpack(layout, at)
            if tag == DT_NEEDED:
                self.needed.append(self.text(names + value))

    def text(self, offset: int) -> str:
        end = self.data.find(b"\0", offset)
        if end < 0:
            raise NotAnExtension("cut off")
        return self.data[offset:end].decode("utf-8", "replace")


def is_c_api(symbol: str) -> bool:
    return symbol.startswith(("Py", "_Py")) and not symbol.startswith("PyInit")


# -- the table -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Known:
    """What the table says of a symbol."""

    exported: frozenset[Version]
    limited: Version | None  # since which version of the limited API


def known_symbols() -> dict[str, Known]:
    table = {}
    for exported, limited, names in _capi.TABLE:
        row = Known(frozenset(VERSIONS[i] for i in exported), limited)
        table.update(dict.fromkeys(names.split(), row))
    return table


# -- the name ------------------------------------------------------------------------------

CPYTHON = re.compile(r"cpython-(\d)(\d+)([a-z]*)(?:-|$)")


@dataclass(frozen=True)
class Tag:
    """What a file's name says it was built for."""

    text: str = ""  # as people say it; empty: nothing
    version: Version | None = None
    free_threaded: bool = False
    stable: bool = False  # the stable ABI


def tag_of(name: str) -> Tag:
    parts = name.split(".")[1:-1]
    word = parts[0] if parts else ""
    if match := CPYTHON.match(word):
        version = int(match[1]), int(match[2])
        flags = {"t": " free-threaded", "d": " debug"}.get(match[3], "")
        return Tag(f"CPython {shown(version)}{flags}", version, "t" in match[3])
    if word == "abi3":
        return Tag("the stable ABI of CPython 3", stable=True)
    return Tag(word if re.match(r"abi|pypy|graalpy", word) else "")


def shown(version: Version) -> str:
    return f"{version[0]}.{version[1]}"


# -- the answer ----------------------------------------------------------------------------


@dataclass(frozen=True)
class Verdict:
    """Whether one Python would load the file."""

    version: Version
    free_threaded: bool
    reasons: tuple[str, ...]  # against it; empty: it would

    @property
    def python(self) -> str:
        return shown(self.version) + (" free-threaded" if self.free_threaded else "")


@dataclass
class Report:
    """All that is to be said about an extension."""

    file: str
    machine: str
    tag: Tag
    modules: list[str]
    needed: list[str]
    symbols: list[str]  # of the C API, used and not defined here
    limited: dict[str, Version]
    missing_here: list[str]
    verdicts: list[Verdict]
    here: list[str] = field(default_factory=list)  # what speaks against this Python

    @property
    def not_limited(self) -> list[str]:
        return [s for s in self.symbols if s not in self.limited]


def listed(names: Iterable[str], at_most: int = 4) -> str:
    names = list(names)
    more = len(names) - at_most
    return ", ".join(names[:at_most]) + (f" and {more} more" if more > 0 else "")


def is_exported_here(symbol: str) -> bool:
    return hasattr(ctypes.pythonapi, symbol)


def reasons_against(
    so: SharedObject, tag: Tag, symbols: list[str], version: Version, free_threaded: bool
) -> Iterator[str]:
    """Why that Python would not load the file."""
    if tag.text and not tag.stable and (tag.version, tag.free_threaded) != (version, free_threaded):
        yield f"built for {tag.text}"
    elif free_threaded and (tag.stable or not ONLY_FREE_THREADED & so.undefined):
        yield "not built for a free-threaded Python"
    elif not free_threaded and ONLY_FREE_THREADED & so.undefined:
        yield "built for a free-threaded Python"
    table = known_symbols()
    absent = [
        s
        for s in symbols
        if s not in ONLY_FREE_THREADED and (s not in table or version not in table[s].exported)
    ]
    if absent:
        yield f"has no {listed(absent)}"
    for library in so.needed:
        other = re.match(r"libpython(\d)\.(\d+)", library)
        if other and (int(other[1]), int(other[2])) != version:
            yield f"needs {library}"


def report(path: "str | os.PathLike[str]") -> Report:
    """Read the file; OSError, or NotAnExtension with the reason."""
    path = Path(path)
    so = SharedObject(path.read_bytes())
    tag = tag_of(path.name)
    symbols = sorted(filter(is_c_api, so.undefined))
    table = known_symbols()
    verdicts = [
        Verdict(version, free, tuple(reasons_against(so, tag, symbols, version, free)))
        for free, versions in ((False, VERSIONS), (True, FREE_THREADED))
        for version in versions
    ]
    machine = os.uname().machine
    own_bits = 8 * struct.calcsize("P")
    found = Report(
        file=path.name,
        machine=f"{so.machine}, {so.bits} bit, {'big' if so.order == '>' else 'little'}-endian",
        tag=tag,
        modules=sorted(s.removeprefix("PyInit_") for s in so.defined if s.startswith("PyInit_")),
        needed=so.needed,
        symbols=symbols,
        limited={s: v for s in symbols if s in table and (v := table[s].limited)},
        missing_here=[s for s in symbols if not is_exported_here(s)],
        verdicts=verdicts,
    )
    if so.machine != machine or so.bits != own_bits:
        found.here.append(f"built for {found.machine}; this is {machine}, {own_bits} bit")
    own = sys.version_info[:2]
    free = bool(getattr(sys, "abiflags", "").count("t"))
    if tag.text and not tag.stable and (tag.version, tag.free_threaded) != (own, free):
        found.here.append(f"built for {tag.text}")
    if not found.modules:
        found.here.append("has no PyInit_ function")
    if found.missing_here:
        found.here.append(f"this Python has no {listed(found.missing_here)}")
    return found


def text(r: Report) -> Iterator[str]:
    """The report for reading, line by line."""
    yield r.file
    yield f"  machine     {r.machine}"
    yield f"  built for   {r.tag.text or 'unknown: the file name does not say'}"
    yield f"  modules     {', '.join(r.modules) or 'none: no PyInit_ function'}"
    yield f"  links to    {', '.join(r.needed) or 'nothing'}"
    yield f"  C API       {len(r.symbols)} symbols, {len(r.limited)} of them in the limited API"
    if r.limited:
        since = max(r.limited.values())
        yield f"              the newest of these is in it since {shown(since)}"
    if r.not_limited:
        yield f"              not in it: {listed(r.not_limited, 8)}"
    own = ".".join(map(str, sys.version_info[:3]))
    yield f"  here        Python {own} {'; '.join(r.here) or 'has all it uses and would load it'}"
    yield "  would load on"
    for v in r.verdicts:
        yield f"    {v.python:<20}{'no: ' + '; '.join(v.reasons) if v.reasons else 'yes'}"


def main(arguments: list[str]) -> int:
    """Print a report for each file; 0 if this Python would load all of them."""
    status = 0
    for name in arguments:
        try:
            found = report(name)
        except OSError as e:
            print(f"pyrs: {name}: {e.strerror or e}", file=sys.stderr)
            status = 2
        except NotAnExtension as e:
            print(f"pyrs: {name}: {e}", file=sys.stderr)
            print("hint: --abi expects the .so file of a C extension", file=sys.stderr)
            status = 2
        else:
            print(*text(found), sep="\n")
            status = max(status, int(bool(found.here)))
    return status
