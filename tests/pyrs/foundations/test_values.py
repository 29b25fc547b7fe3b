"""Objects in the VM are the objects CPython would have: identity, NaN, finalisers, counts, types."""

import gc
import importlib.util
import sys
from pathlib import Path

import pytest

_pyrs = pytest.importorskip("pyrs._pyrs", reason="needs the VM")


def load(name):
    """The module beside this file, importable by its name: some traps pickle what is in it."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


traps = load("value_traps")


@pytest.fixture(autouse=True)
def quiet():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def named(table):
    return [pytest.param(trap, id=trap.__name__) for trap in table]


def plain_and_vm(trap):
    """What the trap says in both, each time for the second time."""
    trap(), _pyrs.run_function(trap, ())
    return trap(), _pyrs.run_function(trap, ())


@pytest.mark.parametrize("trap", named(traps.IDENTITY))
def test_one_object_stays_one(trap):
    plain, vm = plain_and_vm(trap)

    split = [i for i, (p, v) in enumerate(zip(plain, vm, strict=True)) if p and not v]
    assert split == [], (plain, vm)


@pytest.mark.parametrize("trap", named(traps.ORDER + traps.COUNTS))
def test_facts_are_plain_pythons(trap):
    plain, vm = plain_and_vm(trap)

    assert vm == plain


# what goes on in CPython sees the type below, as C does
@pytest.mark.native
@pytest.mark.parametrize("trap", named(traps.TYPES))
def test_types_are_plain_pythons(trap):
    plain, vm = plain_and_vm(trap)

    assert vm == plain
