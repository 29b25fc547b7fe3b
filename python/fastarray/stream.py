"""Numbers that come in pieces: statistics over chunks, and files as chunks or arrays."""

from __future__ import annotations

import math
import os
import struct
import sys
from array import array
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any, BinaryIO

from fastarray import _fastarray

if TYPE_CHECKING:
    from typing_extensions import Buffer

# Sums of floats are kept as integers in units of the smallest float: exact, so that the
# order of updates and merges does not show in any result.
_UNIT_BITS = 1074


def _in_units(x: float) -> int:
    numerator, denominator = x.as_integer_ratio()
    return numerator << (_UNIT_BITS + 1 - denominator.bit_length())


class Accumulator:
    """Count, sum, mean, variance, minimum and maximum of everything it is updated with.

    Merging is exact: the same chunks give the same results in any order and grouping,
    across threads and processes (instances pickle).
    """

    __slots__ = ("_float", "_special", "_squares", "_total", "count", "max", "min")

    def __init__(self) -> None:
        self.count = 0
        self.min: int | float | None = None
        self.max: int | float | None = None
        self._float: bool | None = None  # None until the first element decides
        self._total = 0
        self._squares = 0
        self._special: float | None = None  # sum of infinities and NaNs, once there are any

    def update(self, a: Buffer, /) -> None:
        """Take in an array; int and float arrays don't mix."""
        n, total, error, squares, squares_error, low, high = _fastarray._tally(a)
        if n == 0:
            return
        one = Accumulator()
        one.count, one.min, one.max = n, low, high
        one._float = isinstance(total, float)
        if not one._float:
            one._total, one._squares = total, squares
        elif math.isfinite(squares + squares_error) and math.isfinite(total + error):
            one._total = _in_units(total) + _in_units(error)
            one._squares = _in_units(squares) + _in_units(squares_error)
        elif math.isfinite(_fastarray.sum(a)):
            raise OverflowError("the sum of squares is too large for a float")
        else:
            one._special = _fastarray.sum(a)
        self.merge(one)

    def merge(self, other: Accumulator, /) -> None:
        """Take in what another accumulator has seen."""
        if other.count == 0:
            return
        if self._float is None:
            self._float = other._float
        elif self._float != other._float:
            raise TypeError("an Accumulator can't mix int and float arrays")
        self.min = _extreme(self.min, other.min, _fastarray.min)
        self.max = _extreme(self.max, other.max, _fastarray.max)
        self.count += other.count
        self._total += other._total
        self._squares += other._squares
        if other._special is not None:
            self._special = (self._special or 0.0) + other._special

    @property
    def sum(self) -> int | float:
        """Exact for ints, correctly rounded from the chunks' sums for floats."""
        if self._special is not None:
            return self._special
        return self._total / (1 << _UNIT_BITS) if self._float else self._total

    @property
    def mean(self) -> float:
        """Arithmetic mean; ValueError when nothing has been seen."""
        if self.count == 0:
            raise ValueError("mean of an empty Accumulator")
        if self._special is not None:
            return self._special
        return self._total / (self.count << _UNIT_BITS if self._float else self.count)

    def var(self, *, correction: int = 0) -> float:
        """Variance with divisor count - correction."""
        n = self.count
        if n <= correction:
            raise ValueError(f"var needs more than {correction} elements, not {n}")
        if self._special is not None:
            return math.nan
        if self._float:
            top = (n * self._squares << _UNIT_BITS) - self._total**2
            return max(top, 0) / (n * (n - correction) << 2 * _UNIT_BITS)
        return (n * self._squares - self._total**2) / (n * (n - correction))

    def std(self, *, correction: int = 0) -> float:
        """Standard deviation: the square root of var."""
        return math.sqrt(self.var(correction=correction))

    def __repr__(self) -> str:
        return f"<Accumulator of {self.count}: min {self.min}, max {self.max}>"

    def __getstate__(self) -> tuple[object, ...]:
        return tuple(getattr(self, name) for name in self.__slots__)

    def __setstate__(self, state: tuple[object, ...]) -> None:
        for name, value in zip(self.__slots__, state, strict=True):
            setattr(self, name, value)


def _extreme(a: Any, b: Any, choose: Any) -> Any:
    """The lower or higher of two extremes; NaN wins, None is nothing yet."""
    if a is None or b is None:
        return b if a is None else a
    if isinstance(a, float):
        return choose(array("d", [a, b]))
    return (min if choose is _fastarray.min else max)(a, b)


def stats(chunks: Iterable[Buffer], /) -> Accumulator:
    """An Accumulator updated with every chunk."""
    result = Accumulator()
    for chunk in chunks:
        result.update(chunk)
    return result


def _itemsize(typecode: str) -> int:
    _fastarray.explain(abs, typecode)  # the same TypeError for codes that are no numbers
    return array(typecode).itemsize


def chunks(
    file: str | os.PathLike[str] | BinaryIO, typecode: str, /, size: int = 1 << 20
) -> Iterator[memoryview]:
    """Yield the numbers of a file as memoryviews of at most size bytes.

    Every view is over the same buffer: use it before asking for the next one.
    ValueError if the file ends inside an element.
    """
    itemsize = _itemsize(typecode)
    if size < itemsize:
        raise ValueError(f"size must be at least {itemsize} bytes for typecode {typecode!r}")
    return _read_chunks(file, typecode, itemsize, size - size % itemsize)


def _read_chunks(
    file: str | os.PathLike[str] | BinaryIO, typecode: str, itemsize: int, size: int
) -> Iterator[memoryview]:
    if isinstance(file, (str, os.PathLike)):
        with open(file, "rb", buffering=0) as opened:
            if hasattr(os, "posix_fadvise"):
                os.posix_fadvise(opened.fileno(), 0, 0, os.POSIX_FADV_SEQUENTIAL)
            yield from _read_chunks(opened, typecode, itemsize, size)
        return
    buffer = memoryview(bytearray(size))
    numbers = buffer.cast(typecode)  # type: ignore[call-overload]
    while filled := _fill(file, buffer):
        if filled % itemsize:
            raise ValueError(f"the file ends inside an element of typecode {typecode!r}")
        yield numbers[: filled // itemsize]


def _fill(file: BinaryIO, buffer: memoryview) -> int:
    """Read until the buffer is full or the file ends; short reads are normal for pipes."""
    filled = 0
    while filled < len(buffer):
        got = file.readinto(buffer[filled:])  # type: ignore[attr-defined]
        if not got:
            break
        filled += got
    return filled


def mmap_array(path: str | os.PathLike[str], typecode: str, /, mode: str = "r") -> memoryview:
    """A file as a memoryview of numbers: mode 'r' read-only, 'r+' shared, 'c' private."""
    import mmap

    itemsize = _itemsize(typecode)
    access = {"r": mmap.ACCESS_READ, "r+": mmap.ACCESS_WRITE, "c": mmap.ACCESS_COPY}
    if mode not in access:
        raise ValueError(f"mode must be 'r', 'r+' or 'c', not {mode!r}")
    with open(path, "r+b" if mode == "r+" else "rb") as file:
        length = os.fstat(file.fileno()).st_size
        if length % itemsize:
            raise ValueError(f"the file ends inside an element of typecode {typecode!r}")
        if length == 0:  # which can't be mapped
            return memoryview(b"" if mode == "r" else bytearray()).cast(typecode)  # type: ignore[call-overload, no-any-return]
        mapped = mmap.mmap(file.fileno(), 0, access=access[mode])
    return memoryview(mapped).cast(typecode)  # type: ignore[call-overload, no-any-return]


_ORDERS = {"=": sys.byteorder, "<": "little", ">": "big", "little": "little", "big": "big"}


def frombytes(data: Buffer, typecode: str, /, *, byteorder: str = "=") -> array[int] | array[float]:
    """An array of the numbers in data, which has the given byte order ('=', '<', '>')."""
    _itemsize(typecode)
    if byteorder not in _ORDERS:
        raise ValueError(f"byteorder must be one of {', '.join(map(repr, _ORDERS))}")
    result = array(typecode)
    result.frombytes(data)
    if _ORDERS[byteorder] != sys.byteorder:
        result.byteswap()
    return result


def ascontiguous(a: Buffer, /) -> Buffer:
    """a itself where its memory is contiguous in C order, else an array of its elements."""
    view = memoryview(a)
    if view.c_contiguous:
        return a
    code = view.format.lstrip("@=<>!")
    result = array({"?": "B", "e": "f", "n": "q", "N": "Q"}.get(code, code))
    if code in "?e":
        result.extend(x for (x,) in struct.iter_unpack(view.format, view.tobytes()))
    else:
        _itemsize(code)
        result.frombytes(view.tobytes())
        if view.format[0] in ">!" and sys.byteorder == "little":
            result.byteswap()
    return result
