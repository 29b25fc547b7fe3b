"""The package installs on every interpreter; which extension modules each one gets."""

import importlib
import json
import subprocess
import sys

import pytest
from pyrs.abi import report
from support.tree import ROOT

ALL = {"fastarray._fastarray", "pyforge._pyforge", "pyrs._guard", "pyrs._pyrs"}
LISTS = """
from distutils.core import run_setup
import json
made = run_setup("setup.py", stop_after="init")
print(json.dumps([made.has_ext_modules(), [e.name for e in made.ext_modules]]))
"""


@pytest.mark.parametrize(
    ("pretend", "extensions"),
    [
        ("", ALL),
        ("sys.implementation.name = 'pypy'", set()),
        ("sysconfig.get_config_vars()['Py_GIL_DISABLED'] = 1", {"fastarray._fastarray"}),
        ("sys.version_info = (3, 15, 2, 'final', 0)", {"pyforge._pyforge", "pyrs._guard"}),
        (
            "sys.version_info = (3, 15, 2, 'final', 0)\n"
            "sysconfig.get_config_vars()['Py_GIL_DISABLED'] = 1",
            set(),
        ),
    ],
    ids=["this one", "PyPy", "free-threaded", "newer", "newer and free-threaded"],
)
def test_interpreter_gets_what_it_can_have(pretend, extensions):
    code = f"import setuptools, sys, sysconfig\n{pretend}\n{LISTS}"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    binary, names = json.loads(done.stdout.splitlines()[-1])

    assert set(names) == extensions
    # a wheel without them is not for the other interpreters
    assert binary


@pytest.mark.parametrize("name", sorted(ALL))
def test_extension_finds_the_interpreter_that_loads_it(name):
    """Linked to a libpython, it would bring a second one into a Python that has it built in."""
    module = importlib.import_module(name)

    assert [library for library in report(module.__file__).needed if "python" in library] == []
