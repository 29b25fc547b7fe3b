"""Kernels over any buffer of numbers; see docs/fastarray/ for the rules in full.

Arrays are anything with the buffer protocol in C order (reductions and in-place functions
take Fortran order too), Arrow's C data interface or DLPack, one-dimensional or flat, of
typecodes b B h H i I l L q Q f d; reductions, map and filter also read e, ?, n and N.
Everywhere: TypeError for other typecodes, BufferError for strided memory and read-only
targets, ValueError for foreign byte order.
"""

from array import array
from collections.abc import Callable
from typing import Any, Literal, TypeAlias, TypedDict, TypeVar, final

from typing_extensions import Buffer, CapsuleType

_T = TypeVar("_T")
_Numbers: TypeAlias = Buffer | Any
_Array: TypeAlias = array[Any]
_NanRule: TypeAlias = Literal["propagate", "ignore", "raise"]

class _Targets(TypedDict):
    chosen: str
    available: list[str]

class _Counts(TypedDict):
    kernel: int
    python: int

@final
class _ArrowArray:
    def __arrow_c_array__(
        self, requested_schema: object = None
    ) -> tuple[CapsuleType, CapsuleType]: ...

def sum(a: _Numbers, /, *, start: Any = 0) -> Any:
    """Exact int for integer arrays, compensated float for float arrays; start + 0 when empty."""

def fsum(a: _Numbers, /) -> float:
    """Correctly rounded sum. ValueError for inf - inf, OverflowError when no float is large enough."""

def mean(a: _Numbers, /, *, default: _T = ...) -> float | _T:
    """sum / count, rounded once for ints. ValueError when empty, unless default is given."""

def min(a: _Numbers, /, *, default: _T = ..., nan: _NanRule = "propagate") -> Any | _T:
    """Smallest element; -0.0 is below 0.0. ValueError when empty, unless default is given."""

def max(a: _Numbers, /, *, default: _T = ..., nan: _NanRule = "propagate") -> Any | _T:
    """Largest element; -0.0 is below 0.0. ValueError when empty, unless default is given."""

def minmax(
    a: _Numbers, /, *, default: _T = ..., nan: _NanRule = "propagate"
) -> tuple[Any, Any] | _T:
    """(smallest, largest) in one pass."""

def argmin(a: _Numbers, /) -> int:
    """Index of the first smallest element, or of the first NaN. ValueError when empty."""

def argmax(a: _Numbers, /) -> int:
    """Index of the first largest element, or of the first NaN. ValueError when empty."""

def var(a: _Numbers, /, *, correction: float = 0, mean: float | None = None) -> float:
    """Variance with divisor n - correction: exact for ints. ValueError with too few elements."""

def std(a: _Numbers, /, *, correction: float = 0, mean: float | None = None) -> float:
    """Square root of var."""

def dot(a: _Numbers, b: _Numbers, /) -> Any:
    """Sum of products: exact for ints. TypeError for mixed typecodes, ValueError for lengths."""

def count(a: _Numbers, value: float, /) -> int:
    """How many elements equal value, as == has it."""

def prod(a: _Numbers, /) -> Any:
    """Product: an exact int, or floats multiplied left to right; 1 when empty."""

def any(a: _Numbers, /) -> bool:
    """Is some element not zero?"""

def all(a: _Numbers, /) -> bool:
    """Is no element zero?"""

def scale(
    a: _Numbers,
    factor: float,
    /,
    *,
    rounding: Literal["trunc", "floor", "ceil", "even"] | None = None,
    check: bool = True,
) -> None:
    """Multiply in place. OverflowError leaves a as it was; check=False wraps.

    A fraction needs rounding= for integer arrays (TypeError without).
    """

def clip(a: _Numbers, min: float | None, max: float | None) -> None:
    """Limit to min..max in place; None leaves an end open. ValueError for NaN or min > max."""

def map(
    a: _Numbers,
    fn: Callable[[Any], Any],
    /,
    *,
    typecode: str | None = None,
    out: _Numbers | None = None,
) -> Any:
    """fn of every element in a new array of a's typecode (or typecode), or written to out.

    Results are stored as array.array stores them; fn's exceptions pass through, and then
    nothing has been written.
    """

def map_inplace(a: _Numbers, fn: Callable[[Any], Any], /) -> None:
    """Replace every element by fn of it: all of them, or none if something raises."""

def filter(a: _Numbers, predicate: Callable[[Any], object], /) -> _Array:
    """The elements predicate is true for, in a new array."""

def reduce(a: _Numbers, fn: Callable[[Any, Any], Any], /, initial: Any = ...) -> Any:
    """functools.reduce over the elements. TypeError when empty without initial."""

def explain(
    fn: Callable[..., Any],
    typecode: str,
    /,
    *,
    use: Literal["map", "filter"] = "map",
    result: str | None = None,
) -> str:
    """'compiled: ...' or 'python: ' and the reason, for such an array."""

def block_counts() -> _Counts:
    """Blocks of map, filter and reduce that ran in kernels, and in Python, so far."""

def add(a: _Numbers, b: _Numbers, /, *, out: _Numbers | None = None) -> Any:
    """a + b by element; b an array of a's typecode and length, or a number."""

def sub(a: _Numbers, b: _Numbers, /, *, out: _Numbers | None = None) -> Any:
    """a - b by element."""

def mul(a: _Numbers, b: _Numbers, /, *, out: _Numbers | None = None) -> Any:
    """a * b by element."""

def truediv(a: _Numbers, b: _Numbers, /, *, out: _Numbers | None = None) -> Any:
    """a / b by element: typecode 'd', or 'f' for 'f'. ZeroDivisionError as in Python."""

def floordiv(a: _Numbers, b: _Numbers, /, *, out: _Numbers | None = None) -> Any:
    """a // b by element. ZeroDivisionError as in Python."""

def to_arrow(a: _Numbers, /) -> _ArrowArray:
    """An object that offers a's memory through Arrow's C data interface."""

def from_arrow(obj: object, /) -> memoryview:
    """A read-only memoryview of an Arrow array. ValueError if it has nulls."""

def from_dlpack(obj: object, /) -> memoryview:
    """A read-only memoryview of a DLPack tensor in CPU memory."""

def cpu_targets() -> _Targets:
    """Kernel sets this CPU runs, best last, and the one in use."""

def set_num_threads(n: int, /) -> None:
    """How many threads reductions of 8 MiB and more may use. ValueError below 1."""

def get_num_threads() -> int:
    """How many threads long reductions may use."""

def _tally(a: _Numbers, /) -> tuple[int, Any, Any, Any, Any, Any, Any]: ...
def _use_kernels(name: str, /) -> str: ...
def _use_direct(flag: object, /) -> bool: ...
