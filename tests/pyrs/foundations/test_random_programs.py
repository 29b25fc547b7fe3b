"""Random programs print the same in the VM as in plain CPython.

More of them: random_programs.py --run SEED COUNT, with `python` and with `python -m pyrs`.
"""

import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("pyrs._pyrs", reason="needs the VM")

PROGRAMS = Path(__file__).parent / "random_programs.py"
BATCH = 150


def output(*command):
    result = subprocess.run(
        [sys.executable, *command], capture_output=True, text=True, timeout=600, check=True
    )
    return result.stdout.split("# seed ")


@pytest.mark.parametrize("seed", range(0, 4 * BATCH, BATCH))
def test_prints_what_cpython_prints(seed):
    command = [str(PROGRAMS), "--run", str(seed), str(BATCH)]
    plain, ours = output(*command), output("-m", "pyrs", *command)
    different = [text.split("\n", 1)[0] for text, other in zip(plain, ours) if text != other]
    assert len(plain) == len(ours) == BATCH + 1
    assert not different, f"seeds {', '.join(different)}"
