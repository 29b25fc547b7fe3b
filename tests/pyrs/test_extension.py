"""A C extension built here is used natively, and calls back into the VM."""

import os
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest
from support import oracle

HERE = Path(__file__).parent / "extension"


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """The program beside the extension it imports."""
    folder = tmp_path_factory.mktemp("extension")
    library = folder / f"trivial{sysconfig.get_config_var('EXT_SUFFIX')}"
    include = sysconfig.get_path("include")
    compiler = os.environ.get("CC", "cc").split()
    # a sanitizer that this process was started with is not for the compiler
    env = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
    flags = ["-shared", "-fPIC", "-O1", f"-I{include}", "-o", str(library)]
    subprocess.run([*compiler, *flags, str(HERE / "trivial.c")], check=True, env=env)
    return Path(shutil.copy(HERE / "use_trivial.py", folder))


EXPECTED = """\
42 42 abab 11 3
3.0 1.5 0 3
[0, 1, 4, 9, 16] [[0], [1]]
[[], [0], [0, 1], [0, 1, 4]]
2 3 [] [1, 2, 3]
step 6
step 7
step 8
step 9
60 70 True [80, 90]
"""


def test_plain_python_uses_the_extension(program):
    outcome = oracle.plain(program)

    assert outcome.stdout.startswith(EXPECTED)
    assert "KeyError: 2" in outcome.stderr
    assert outcome.code == 1


def test_vm_uses_the_extension_as_plain_python_does(program):
    outcome = oracle.vm(program)

    assert outcome == oracle.plain(program)
