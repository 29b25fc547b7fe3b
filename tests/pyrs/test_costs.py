"""The costs that no machine's mood changes: memory."""

import importlib.util
import sys
from types import SimpleNamespace

import pytest
from support.tree import ROOT

pytest.importorskip("pyrs._pyrs", reason="needs the VM")
pytestmark = [pytest.mark.native, pytest.mark.limits]
VM = [sys.executable, "-m", "pyrs"]


@pytest.fixture(scope="module")
def costs():
    sys.path.insert(0, str(ROOT / "bench/pyrs"))
    try:
        spec = importlib.util.spec_from_file_location("costs", ROOT / "bench/pyrs/costs.py")
        module = importlib.util.module_from_spec(spec)
        sys.modules["costs"] = module  # its dataclass looks there
        spec.loader.exec_module(module)
    finally:
        sys.path.pop(0)
    yield module
    del sys.modules["costs"]


@pytest.mark.parametrize("program, limit", [("DEEP", 1024), ("LEAK", 10)])
def test_memory_is_within_its_goal(costs, program, limit):
    (value,) = costs.answer(VM, getattr(costs, program), {}).values()

    assert value <= limit


def test_every_cost_is_measured(costs):
    where = SimpleNamespace(vm=[sys.executable], plain=[sys.executable], plain_env={})

    lines = [goal.line() for goal in costs.goals(where, 1)]

    assert len(lines) == 10
    assert {line.split()[-1] for line in lines} <= {"met", "MISSED"}
