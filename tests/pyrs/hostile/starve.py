"""Runs a program again and again in the VM, the k-th allocation of each run failing.

python starve.py vm|plain CASE        N, the first k at which nothing failed any more; dies if the VM does
"""

import _testcapi
import faulthandler
import os
import sys

from fuzz_code import corpus_by_name

ENOUGH = 20  # runs in a row that end as if nothing had failed: the program allocates no more


def starved(execute, make, k):
    """How a run ends whose k-th allocation fails; made before, so that only it is short."""
    function, args = make()
    sys.unraisablehook = lambda *_: None
    _testcapi.set_nomemory(k, k + 1)
    try:
        execute(function, args)
        ended = "returned"
    except MemoryError:
        ended = "MemoryError"
    except BaseException:
        ended = "raised"
    finally:
        _testcapi.remove_mem_hooks()
    return ended


def main(mode, name):
    from pyrs import _pyrs

    faulthandler.enable()
    execute = _pyrs.run_function if mode == "vm" else lambda function, args: function(*args)
    make = corpus_by_name()[name]
    usual = starved(execute, make, 10**9)
    k = calm = 0
    while calm < ENOUGH:
        k += 1
        calm = calm + 1 if starved(execute, make, k) == usual else 0
    print(k - ENOUGH, flush=True)
    os._exit(0)


if __name__ == "__main__":
    main(*sys.argv[1:])
