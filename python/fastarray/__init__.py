"""Kernels over any buffer of numbers: exact where Python is exact, fast everywhere."""

from fastarray import _fastarray
from fastarray._fastarray import clip, cpu_targets, max, mean, min, minmax, scale, sum

# Names of builtins stay out, so that a star import shadows nothing.
__all__ = ["clip", "cpu_targets", "mean", "minmax", "scale"]
