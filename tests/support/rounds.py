"""CPython's own tests run three times in one process: does anything grow after the second?

    python [-m pyrs] rounds.py OUT MODULE...     OUT gets what each round kept, as JSON

Between rounds what CPython's own leak hunter empties is emptied (test.libregrtest.refleak).  A round
is all modules, one after the other, so what one of them leaves to the next is there as well.
"""

import copyreg
import gc
import json
import sys
import unittest
import warnings
import zipimport
from array import array
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from support.leaks import COMMON
from support.run_cases import HANGING, cases_of

ROUNDS = 3


class Quiet(unittest.TestResult):
    """Keeps nothing of what it is told but counts."""

    def __init__(self):
        super().__init__()
        self.buffer = True
        self.counts = Counter()

    def addSuccess(self, test):
        self.counts["ok"] += 1

    def addError(self, test, error):
        self.counts["bad"] += 1

    addFailure = addError

    def addSubTest(self, test, subtest, error):
        if error is not None:
            self.counts["bad"] += 1

    def addSkip(self, test, reason):
        self.counts["skip"] += 1

    def addUnexpectedSuccess(self, test):
        self.counts["bad"] += 1


def cleaner():
    """A call that empties the caches of the interpreter and its library."""
    from test.libregrtest.refleak import dash_R_cleanup, warm_caches

    warm_caches()
    filters = warnings.filters[:]
    tables = copyreg.dispatch_table, sys.path_importer_cache, zipimport._zip_directory_cache
    kept = [table.copy() for table in tables]
    return lambda: dash_R_cleanup(filters, *kept, {})


def run_once(module):
    suite = unittest.defaultTestLoader.loadTestsFromName(module)
    chosen = unittest.TestSuite(t for t in cases_of(suite) if t.id() not in HANGING)
    result = Quiet()
    chosen.run(result)
    return result.counts


def measured():
    """Allocated blocks, and references to what everything touches."""
    for _ in range(3):  # a finaliser may make more garbage
        gc.collect()
    return sys.getallocatedblocks(), sum(sys.getrefcount(o) for o in COMMON.values())


def main(out, *modules):
    clean = cleaner()
    # made before, or we would count our own figures
    marks = array("q", bytes(16 * ROUNDS * (len(modules) + 1)))
    counts = [Counter() for _ in range(ROUNDS)]
    for i in range(len(marks) // 2):
        number, at = divmod(i, len(modules) + 1)
        if at > 0:
            counts[number] += run_once(modules[at - 1])
        clean()
        marks[2 * i], marks[2 * i + 1] = measured()
    rows = [
        list(zip(marks[0::2], marks[1::2]))[i :: len(modules) + 1] for i in range(len(modules) + 1)
    ]
    Path(out).write_text(json.dumps({"cases": counts, "before": rows[0], "after": rows[1:]}))


if __name__ == "__main__":
    main(*sys.argv[1:])
