"""The bare wheel in an environment with nothing in it."""

import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
USE = """
import sys
from array import array
import fastarray as fa
assert fa.sum(array("i", range(10))) == 45
assert fa.map(array("d", [1.5]), lambda x: x * 2).tolist() == [3.0]
assert fa.stats([array("d", [1.0, 3.0])]).mean == 2.0
assert not {"numpy", "pyarrow"} & set(sys.modules)
print(fa.__file__)
"""


@pytest.mark.long
def test_the_wheel_is_all_it_takes(tmp_path):
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    wheel = [*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", tmp_path, ROOT]
    subprocess.run(wheel, check=True)
    [built] = tmp_path.glob("*.whl")
    venv.create(tmp_path / "env", with_pip=False)
    python = tmp_path / "env/bin/python"
    site = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    assert not list(Path(site).glob("*"))

    subprocess.run([*pip, "install", "--no-deps", "--no-index", "-t", site, built], check=True)

    used = subprocess.run([python, "-I", "-c", USE], capture_output=True, text=True, cwd=tmp_path)
    assert used.returncode == 0, used.stderr
    assert used.stdout.startswith(site)
