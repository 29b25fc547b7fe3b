"""Fixtures: every kernel set this CPU runs, and both ways into array.array."""

import pytest
from hypothesis import HealthCheck, settings

from fastarray import _fastarray

# a loaded machine is no failure
settings.register_profile("any speed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any speed")

KERNEL_SETS = _fastarray.cpu_targets()["available"]


@pytest.fixture(params=KERNEL_SETS)
def kernels(request):
    before = _fastarray._use_kernels(request.param)
    yield request.param
    _fastarray._use_kernels(before)


@pytest.fixture(params=["direct", "portable"])
def path(request):
    before = _fastarray._use_direct(request.param == "direct")
    yield request.param
    _fastarray._use_direct(before)
