"""The inputs resolvelib tests itself with, solved by ours.

They are not part of this project: RESOLVELIB_INPUTS names `tests/functional/python/inputs` of a
checkout of resolvelib.
"""

import json
import os
from pathlib import Path

import pytest
from packaging.markers import Marker
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version
from pyrs.pm.errors import NoSolution
from pyrs.pm.manifest import PROD
from support.memory_index import solve

FOLDER = os.environ.get("RESOLVELIB_INPUTS", "")
TOO_LONG = {"pyrex-1.9.8"}  # resolvelib expects to give up on this one, too
CASES = [p for p in sorted(Path(FOLDER, "case").glob("*.json")) if p.stem not in TOO_LONG]
CASES = CASES if FOLDER else []


def here(universe):
    return 1


def is_version(text):
    try:
        return bool(Version(text))
    except InvalidVersion:
        return False


def packages_of(index):
    return {
        canonicalize_name(name): {
            # resolvelib's own provider leaves out what has a marker unless an extra asks for it,
            # and the expected solutions depend on that
            v: [r for r in row["dependencies"] if ";" not in r or "extra" in r]
            for v, row in versions.items()
            if is_version(v)
        }
        for name, versions in index.items()
        if isinstance(versions, dict)
    }


def expected_of(case):
    rows = {n: r if isinstance(r, dict) else {"version": r} for n, r in case["resolved"].items()}
    environment = {"extra": "", "python_version": "3.11", "python_full_version": "3.11.0"}
    return {
        canonicalize_name(name.partition("[")[0]): Version(row["version"])
        for name, row in rows.items()
        if not row.get("marker") or Marker(row["marker"]).evaluate(environment)
    }


@pytest.mark.slow
def test_inputs_are_there():
    if not FOLDER:
        pytest.skip("needs RESOLVELIB_INPUTS, a folder of resolvelib's sources")
    assert len(CASES) >= 10


@pytest.mark.slow
@pytest.mark.parametrize("path", CASES, ids=lambda p: p.stem)
def test_input_is_solved(path):
    case = json.loads(path.read_text())
    index = json.loads((path.parents[1] / "index" / f"{case['index']}.json").read_text())
    requested = case["requested"]

    def solved():
        solution = solve(packages_of(index), requested, python="==3.11.*", restrict=here)
        return {p.release.name: p.release.version for p in solution.packages if p.groups[PROD]}

    if "conflicted" in case:
        with pytest.raises(NoSolution):
            solved()
        return
    chosen = solved()

    assert chosen == expected_of(case)
