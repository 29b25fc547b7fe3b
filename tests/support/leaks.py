"""Does something that runs again and again keep memory or references?

`growth(call)` warms up, then measures after each further round: allocated blocks, and the
references to objects that everything touches.  What leaks grows in every round; caches and
free lists grow in some.  `lasting(call)` goes on until nothing grows, so that caches are full.

As a command it runs a whole program repeatedly in this process, in the VM or plainly:
    python -m support.leaks vm|plain program.py
"""

import contextlib
import gc
import io
import json
import sys
from array import array
from dataclasses import asdict, dataclass
from pathlib import Path

WARM_UP = 4
ROUNDS = 6
WINDOWS = 5
# some keep things in plain CPython too (modules, hooks, caches), not always equally many
NOISE = 2
# touched by nearly every piece of code; immortal, and so silent, in newer releases
COMMON = {
    "None": None, "True": True, "False": False, "...": ..., "()": (), "''": "", "b''": b"",
    "object": object, "type": type, "int": int, "str": str, "list": list, "dict": dict, "tuple": tuple,
    "function": type(lambda: 0), "generator": type(x for x in ()), "print": print, "len": len,
    "ValueError": ValueError, "KeyError": KeyError, "StopIteration": StopIteration,
}  # fmt: skip


@dataclass(frozen=True)
class Growth:
    blocks: list[int]  # more than after the round before
    references: dict[str, list[int]]  # of those in COMMON that grew at all

    def per_round(self) -> dict[str, int]:
        """What grew in every round, and by how much at least."""
        return {what: min(by) for what, by in self.rows().items() if min(by) > 0}

    def rows(self) -> dict[str, list[int]]:
        return {"memory blocks": self.blocks} | {
            f"references to {name}": grown for name, grown in self.references.items()
        }


def growth(call, rounds=ROUNDS, warm_up=WARM_UP) -> Growth:
    # measured into arrays made before, or we would count our own figures
    marks = array("q", bytes(8 * (rounds + 1) * (len(COMMON) + 1)))
    row = len(COMMON) + 1
    items = list(COMMON.values())
    gc.collect()
    gc.freeze()  # collecting must not walk what others imported
    try:
        for i in range(-warm_up, rounds + 1):
            if i > -warm_up:
                call()
            measure(items, marks, row * max(i, 0))
    finally:
        gc.unfreeze()
    by_row = [
        [now - before for before, now in zip(marks[k::row], marks[k + row :: row], strict=False)]
        for k in range(row)
    ]
    references = dict(zip(COMMON, by_row[1:], strict=True))
    return Growth(by_row[0], {name: by for name, by in references.items() if any(by)})


def lasting(call) -> Growth:
    """The growth once caches are full: of the first six rounds without any, or the last six."""
    for window in range(WINDOWS):
        found = growth(call, warm_up=0 if window else WARM_UP)
        if max(found.per_round().values(), default=0) <= NOISE:
            break
    return found


def measure(items, marks, at):
    for _ in range(3):  # a finaliser may make more garbage
        gc.collect()
    marks[at] = sys.getallocatedblocks()
    for k in range(len(items)):
        marks[at + 1 + k] = sys.getrefcount(items[k])


def program_runner(mode, path):
    """A call that runs the program once, quietly, in a namespace of its own."""
    source = path.read_bytes()
    if mode == "vm":
        import pyrs

        def execute(code, namespace):
            pyrs.run(code, globals=namespace)
    else:
        execute = exec

    def once():
        namespace = {"__name__": "__main__", "__file__": str(path), "__builtins__": __builtins__}
        quiet = io.StringIO()
        with contextlib.redirect_stdout(quiet), contextlib.redirect_stderr(quiet):
            # how a program ends is not the matter here
            with contextlib.suppress(Exception, SystemExit):
                # anew each time: what the VM makes of a code object must go with it
                execute(compile(source, str(path), "exec"), namespace)

    return once


if __name__ == "__main__":
    print(json.dumps(asdict(lasting(program_runner(sys.argv[1], Path(sys.argv[2]))))))
