"""Run ordinary Python in a stackless virtual machine inside CPython, and manage its packages.

Nothing of the machine is loaded before the first use of one of these names.
"""

# typing.TYPE_CHECKING without the cost of importing typing
TYPE_CHECKING = False
if TYPE_CHECKING:
    from pyrs.abi import load_extension as load_extension
    from pyrs.runtime import accelerate as accelerate
    from pyrs.runtime import dis as dis
    from pyrs.runtime import explain as explain
    from pyrs.runtime import jit as jit
    from pyrs.runtime import run as run
    from pyrs.runtime import stats as stats

__version__ = "0.1.0"
__all__ = ["accelerate", "dis", "explain", "jit", "load_extension", "run", "stats"]

_HOMES = {"load_extension": "pyrs.abi"}


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value: object = getattr(import_module(_HOMES.get(name, "pyrs.runtime")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
