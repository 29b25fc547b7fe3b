"""Frames go on in the CPythons after 3.11 too, from the same register code by the same maps.

test_handover.py is run by each of them that is here: `python3.14` on the PATH, or the command
that PYTHON314 names, and so on.  What it needs of pytest and setuptools is this environment's.

Marked long: every case compiles the VM.
"""

import importlib.util
import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest
import variants
from support.tree import ROOT

pytestmark = pytest.mark.long

TOOLS = "pytest _pytest py pluggy iniconfig packaging pygments setuptools _distutils_hack".split()
# without any hand-over, too: these let finished frames keep their callers, and clear running ones
KNOWN = {12: {"frames", "frame.clear"}, 13: {"frames"}, 14: set()}
ASK = "import sys, sysconfig; print(*sys.version_info[:2], sysconfig.get_path('include'))"


def interpreter(minor):
    """The command that starts it; skips without one, or without its headers."""
    command = shlex.split(os.environ.get(f"PYTHON3{minor}", f"python3.{minor}"))
    try:
        says = subprocess.run([*command, "-c", ASK], capture_output=True, text=True).stdout.split()
    except OSError:
        says = []
    if says[:2] != ["3", str(minor)]:
        pytest.skip(f"needs CPython 3.{minor}")
    compiles = "import sysconfig, os; os.stat(sysconfig.get_path('include') + '/Python.h')"
    if subprocess.run([*command, "-c", compiles], capture_output=True).returncode:
        pytest.skip(f"needs the headers of CPython 3.{minor}")
    return command


def tools(folder):
    """A folder of links to what is pure Python here."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in TOOLS:
        spec = importlib.util.find_spec(name)
        source = Path(spec.origin).parent if spec.submodule_search_locations else Path(spec.origin)
        link = folder / source.name
        if not link.is_symlink():
            link.symlink_to(source)
    return folder


def built(python, base, env):
    """The folder with the VM's package in it."""
    options = [f"--build-lib={base / 'lib'}", f"--build-temp={base / 'temp'}"]
    subprocess.run(
        [*python, "setup.py", "--quiet", "build_ext", *options],
        cwd=ROOT, check=True, env=env | {"PYFORGE_PACKAGES": "pyrs", "PYFORGE_CFLAGS": "-O1"},
    )  # fmt: skip
    variants.link_package(ROOT / "python/pyrs", base / "lib/pyrs")
    return base / "lib"


@pytest.mark.parametrize("minor", KNOWN)
def test_every_boundary_is_a_place_to_hand_over(minor):
    python = interpreter(minor)
    base = ROOT / f"build/python3.{minor}"
    env = os.environ | {"PYTHONPATH": str(tools(base / "tools"))}
    lib = built(python, base, env)
    tests = Path(__file__).with_name("test_handover.py").relative_to(ROOT)

    done = subprocess.run(
        [*python, "-m", "pytest", "-q", "-m", "", "-p", "no:cacheprovider", "-W", "ignore", tests],
        cwd=ROOT, capture_output=True, text=True,
        env=env | {"PYTHONPATH": f"{lib}{os.pathsep}{env['PYTHONPATH']}"},
    )  # fmt: skip

    failed = re.findall(
        r"^(?:FAILED|ERROR) \S+?::(?:\w+)(?:\[(.*?)\])?(?: - |$)", done.stdout, re.M
    )
    assert set(failed) == KNOWN[minor], done.stdout[-3000:] + done.stderr[-1000:]
    assert len(failed) == len(KNOWN[minor])
    passed = int(re.search(r"(\d+) passed", done.stdout + "0 passed")[1])
    print(f"CPython 3.{minor}: {passed} passed, {len(failed)} known")
    assert passed > 200
