"""Kernels over any buffer of numbers: exact where Python is exact, fast everywhere."""

from fastarray._fastarray import add as add
from fastarray._fastarray import all as all
from fastarray._fastarray import any as any
from fastarray._fastarray import argmax as argmax
from fastarray._fastarray import argmin as argmin
from fastarray._fastarray import block_counts as block_counts
from fastarray._fastarray import clip as clip
from fastarray._fastarray import count as count
from fastarray._fastarray import cpu_targets as cpu_targets
from fastarray._fastarray import dot as dot
from fastarray._fastarray import explain as explain
from fastarray._fastarray import filter as filter
from fastarray._fastarray import floordiv as floordiv
from fastarray._fastarray import from_arrow as from_arrow
from fastarray._fastarray import from_dlpack as from_dlpack
from fastarray._fastarray import fsum as fsum
from fastarray._fastarray import get_num_threads as get_num_threads
from fastarray._fastarray import map as map
from fastarray._fastarray import map_inplace as map_inplace
from fastarray._fastarray import max as max
from fastarray._fastarray import mean as mean
from fastarray._fastarray import min as min
from fastarray._fastarray import minmax as minmax
from fastarray._fastarray import mul as mul
from fastarray._fastarray import prod as prod
from fastarray._fastarray import reduce as reduce
from fastarray._fastarray import scale as scale
from fastarray._fastarray import set_num_threads as set_num_threads
from fastarray._fastarray import std as std
from fastarray._fastarray import sub as sub
from fastarray._fastarray import sum as sum
from fastarray._fastarray import to_arrow as to_arrow
from fastarray._fastarray import truediv as truediv
from fastarray._fastarray import var as var

TYPE_CHECKING = False  # what typing.TYPE_CHECKING is, without the import of typing
if TYPE_CHECKING:
    from fastarray.stream import Accumulator as Accumulator
    from fastarray.stream import ascontiguous as ascontiguous
    from fastarray.stream import chunks as chunks
    from fastarray.stream import frombytes as frombytes
    from fastarray.stream import mmap_array as mmap_array
    from fastarray.stream import stats as stats

# Names of builtins stay out, so that a star import shadows nothing.
__all__ = [
    "Accumulator",
    "add",
    "argmax",
    "argmin",
    "ascontiguous",
    "block_counts",
    "chunks",
    "clip",
    "count",
    "cpu_targets",
    "dot",
    "explain",
    "floordiv",
    "from_arrow",
    "from_dlpack",
    "frombytes",
    "fsum",
    "get_num_threads",
    "map_inplace",
    "mean",
    "minmax",
    "mmap_array",
    "mul",
    "prod",
    "reduce",
    "scale",
    "set_num_threads",
    "stats",
    "std",
    "sub",
    "to_arrow",
    "truediv",
    "var",
]

_STREAM = {"Accumulator", "ascontiguous", "chunks", "frombytes", "mmap_array", "stats"}


def __getattr__(name: str) -> object:
    """The streaming half is loaded when it is first used: import stays under a millisecond."""
    if name not in _STREAM:
        raise AttributeError(f"module 'fastarray' has no attribute {name!r}")
    from fastarray import stream

    value: object = getattr(stream, name)
    globals()[name] = value
    return value
