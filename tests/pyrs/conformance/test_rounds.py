"""CPython's quick tests three times in one process: what the second round left, the third leaves."""

import json
import subprocess
import sys

import pytest
from support.tree import ROOT

pytest.importorskip("pyrs._pyrs", reason="needs the VM")

ROUNDS = ROOT / "tests/support/rounds.py"
MODULES = [
    f"test.{line.split()[0]}"
    for line in (ROOT / "tests/pyrs/conformance/modules.txt").read_text().splitlines()
    if line.endswith(" quick")
]
# more than plain CPython's third round keeps: caches that happen to grow, of 6,000 cases
SLACK = {"blocks": 50, "references": 5}


def rounds_in(command, folder):
    """What the third round kept, and how its cases ended."""
    out = folder / "out.json"
    done = subprocess.run(
        [sys.executable, *command, str(ROUNDS), str(out), *MODULES],
        cwd=folder, capture_output=True, text=True, errors="replace", timeout=1500,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(out.read_text())
    _, second, third = told["after"][-1]
    kept = {name: third[i] - second[i] for i, name in enumerate(SLACK)}
    return kept, told["cases"][-1]


@pytest.mark.long
@pytest.mark.native
def test_third_round_keeps_nothing(tmp_path):
    if subprocess.run(
        [sys.executable, "-c", "import test.test_math"], capture_output=True
    ).returncode:
        pytest.skip("needs CPython's tests")

    kept, ended = rounds_in(["-m", "pyrs"], tmp_path)
    plain, plainly = rounds_in([], tmp_path)

    assert ended == plainly
    print(kept, plain)
    assert {n: k for n, k in kept.items() if k > max(plain[n], 0) + SLACK[n]} == {}
