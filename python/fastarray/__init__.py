"""Kernels over any buffer of numbers: exact where Python is exact, fast everywhere."""

# one statement: each further one would look the module up again
from fastarray._fastarray import (  # isort: skip
    add as add,
    all as all,
    any as any,
    argmax as argmax,
    argmin as argmin,
    block_counts as block_counts,
    clip as clip,
    count as count,
    cpu_targets as cpu_targets,
    dot as dot,
    explain as explain,
    filter as filter,
    floordiv as floordiv,
    from_arrow as from_arrow,
    from_dlpack as from_dlpack,
    fsum as fsum,
    get_num_threads as get_num_threads,
    map as map,
    map_inplace as map_inplace,
    max as max,
    mean as mean,
    min as min,
    minmax as minmax,
    mul as mul,
    prod as prod,
    reduce as reduce,
    scale as scale,
    set_num_threads as set_num_threads,
    std as std,
    sub as sub,
    sum as sum,
    to_arrow as to_arrow,
    truediv as truediv,
    var as var,
)

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
