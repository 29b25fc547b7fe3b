"""An allocation that fails, one after the other: what needs memory has to do without."""

from collections.abc import Callable
from typing import Any


def ends_without(k: int, action: Callable[..., Any], *args: Any) -> bool:
    """Whether the action ends when the k-th allocation from here on fails; False: MemoryError."""
    import _testcapi  # CPython's own hooks of all three domains; some builds are without

    _testcapi.set_nomemory(k, k + 1)
    try:
        action(*args)
    except MemoryError:
        return False
    finally:
        _testcapi.remove_mem_hooks()
    return True
