"""Kernels over any buffer of numbers: exact where Python is exact, fast everywhere."""

from fastarray._fastarray import block_counts as block_counts
from fastarray._fastarray import clip as clip
from fastarray._fastarray import cpu_targets as cpu_targets
from fastarray._fastarray import explain as explain
from fastarray._fastarray import filter as filter
from fastarray._fastarray import map as map
from fastarray._fastarray import map_inplace as map_inplace
from fastarray._fastarray import max as max
from fastarray._fastarray import mean as mean
from fastarray._fastarray import min as min
from fastarray._fastarray import minmax as minmax
from fastarray._fastarray import reduce as reduce
from fastarray._fastarray import scale as scale
from fastarray._fastarray import sum as sum

# Names of builtins stay out, so that a star import shadows nothing.
__all__ = [
    "block_counts",
    "clip",
    "cpu_targets",
    "explain",
    "map_inplace",
    "mean",
    "minmax",
    "reduce",
    "scale",
]
