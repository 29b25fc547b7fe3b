"""The inputs resolvelib tests itself with, solved by ours.

They are not part of this project: RESOLVELIB_INPUTS names `tests/functional/python/inputs` of a
checkout of resolvelib, else its sources are fetched from where they are published.
"""

import io
import json
import os
import tarfile
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from packaging.markers import Marker
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version
from pyrs.pm.errors import NoSolution
from pyrs.pm.manifest import PROD
from support.memory_index import solve

SOURCES = (
    "http://deb.debian.org/debian/pool/main/p/python-resolvelib/python-resolvelib_1.2.1.orig.tar.gz",
    "https://github.com/sarugaku/resolvelib/archive/refs/tags/1.2.1.tar.gz",
)
INPUTS = "tests/functional/python/inputs"
TOO_LONG = {"pyrex-1.9.8"}  # resolvelib expects to give up on this one, too


def fetched(folder):
    """The inputs below `folder`, from the first address that answers."""
    for address in SOURCES:
        try:
            with urlopen(address, timeout=20) as answer:
                body = answer.read()
        except (URLError, TimeoutError):
            continue
        with tarfile.open(fileobj=io.BytesIO(body)) as archive:
            for item in archive:
                place = folder / item.name.partition(f"{INPUTS}/")[2]
                if item.isfile() and place.suffix == ".json" and place != folder:
                    place.parent.mkdir(exist_ok=True)
                    place.write_bytes(archive.extractfile(item).read())
        return folder
    pytest.skip("needs RESOLVELIB_INPUTS, or a connection to the sources of resolvelib")


@pytest.fixture
def inputs(tmp_path):
    named = os.environ.get("RESOLVELIB_INPUTS")
    return Path(named) if named else fetched(tmp_path)


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


def difference(path):
    """What ours says, where that is not what resolvelib's own test expects; else None."""
    case = json.loads(path.read_text())
    index = json.loads((path.parents[1] / "index" / f"{case['index']}.json").read_text())
    try:
        found = solve(packages_of(index), case["requested"], python="==3.11.*", restrict=here)
    except NoSolution as error:
        return None if "conflicted" in case else str(error)
    chosen = {p.release.name: p.release.version for p in found.packages if p.groups[PROD]}
    return chosen if "conflicted" in case or chosen != expected_of(case) else None


@pytest.mark.network
def test_inputs_of_resolvelib_are_solved(inputs):
    cases = [p for p in sorted(inputs.glob("case/*.json")) if p.stem not in TOO_LONG]
    different = {path.stem: difference(path) for path in cases}

    assert len(cases) >= 10
    assert {k: v for k, v in different.items() if v is not None} == {}
