"""The module as such: its stub, its interpreters, and what its import brings along."""

import ast
import inspect
import subprocess
import sys
from pathlib import Path

import pytest

from fastarray import _fastarray

STUB = Path(__file__).parents[2] / "python/fastarray/_fastarray.pyi"
FUNCTIONS = {
    node.name: node
    for node in ast.parse(STUB.read_text("utf-8")).body
    if isinstance(node, ast.FunctionDef)
}


def test_the_stub_has_every_function_and_no_other():
    assert set(FUNCTIONS) == {name for name in dir(_fastarray) if not name.startswith("__")}


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if not name.startswith("_")])
def test_the_stub_has_the_signature_and_says_what_it_does(name):
    node, signature = FUNCTIONS[name], inspect.signature(getattr(_fastarray, name))
    kinds = {
        inspect.Parameter.POSITIONAL_ONLY: node.args.posonlyargs,
        inspect.Parameter.POSITIONAL_OR_KEYWORD: node.args.args,
        inspect.Parameter.KEYWORD_ONLY: node.args.kwonlyargs,
    }

    for kind, declared in kinds.items():
        have = [p.name for p in signature.parameters.values() if p.kind is kind]
        assert have == [a.arg for a in declared]
    assert ast.get_docstring(node) and getattr(_fastarray, name).__doc__


def test_further_interpreters_have_modules_of_their_own():
    testcapi = pytest.importorskip("_testcapi", reason="needs CPython's _testcapi")
    code = (
        "import fastarray as fa\n"
        "from array import array\n"
        "assert fa.map(array('i', [1, 2]), lambda x: x * 2) == array('i', [2, 4])\n"
        "fa._fastarray._use_kernels('plain')\n"
        "assert fa.sum(array('d', [0.5]) * 2_000_000) == 1e6\n"
    )
    before = _fastarray.cpu_targets()["chosen"]

    for _ in range(3):
        assert testcapi.run_in_subinterp(code) == 0

    assert _fastarray.cpu_targets()["chosen"] == before


def test_a_module_imported_again_has_a_state_of_its_own():
    code = (
        "import sys\n"
        "from array import array\n"
        "import fastarray._fastarray as first\n"
        "del sys.modules['fastarray._fastarray'], sys.modules['fastarray']\n"
        "import fastarray._fastarray as second\n"
        "assert first is not second\n"
        "first._use_kernels('plain')\n"
        "a = array('i', range(2000))\n"
        "assert first.map(a, abs) == second.map(a, abs) == a\n"
        "print(first.cpu_targets()['chosen'] == 'plain', first.block_counts()['kernel'] ==\n"
        "      second.block_counts()['kernel'] > 0)\n"
        "del first\n"
        "import gc; gc.collect()\n"
        "assert second.sum(a) == sum(a)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (run.stdout, run.stderr) == ("True True\n", "")


@pytest.mark.parametrize("late", ["array", "never"])
def test_arrays_are_found_whenever_their_module_comes(late):
    """`array` takes longer to import than all of this, so it is left until it is needed."""
    code = (
        "import sys, fastarray as fa\n"
        "assert fa.sum(b'12') == 99\n"
        f"never = {late == 'never'}\n"
        "there = 'array' in sys.modules\n"
        "if not never:\n"
        "    import array\n"
        "    assert fa.sum(array.array('d', [1.5, 2])) == 3.5\n"
        "assert type(fa.map(b'12', lambda x: x + 1)).__name__ == 'array'\n"
        "fa.scale(sys.modules['array'].array('i', [1]), 2)\n"
        "print(there)\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (run.stdout.strip(), run.stderr) in [("False", ""), ("True", "")]
