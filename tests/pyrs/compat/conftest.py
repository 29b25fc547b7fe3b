"""Builds the test-only extension for this interpreter, once per change of a source."""

import importlib.util
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from support.leaks import growth

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
COMPAT = ROOT / "src" / "cpyext_compat"
CFLAGS = [
    *"-std=gnu11 -O2 -g -fPIC -shared -fvisibility=hidden -fno-strict-aliasing".split(),
    *"-Wall -Wextra -Werror -Wno-unused-parameter -Wno-missing-field-initializers".split(),
    "-Wno-cast-function-type",
]


def build(name: str, sources: list[Path], *flags: str) -> Path:
    """The shared object of a test extension, compiled if a source is newer."""
    out = ROOT / "build" / f"compat-{sys.implementation.cache_tag}"
    out.mkdir(parents=True, exist_ok=True)
    target = out / (name + sysconfig.get_config_var("EXT_SUFFIX"))
    inputs = [*sources, *COMPAT.rglob("*.[hc]"), *COMPAT.rglob("*.def"), Path(__file__)]
    if target.exists() and target.stat().st_mtime > max(p.stat().st_mtime for p in inputs):
        return target
    include = ["-I" + str(ROOT / "src"), "-I" + sysconfig.get_path("include")]
    command = [os.environ.get("CC", "cc"), *CFLAGS, *flags, *include, *map(str, sources)]
    fresh = target.with_name(f"{os.getpid()}.{target.name}")
    done = subprocess.run([*command, "-o", str(fresh)], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"the test extension does not compile:\n{done.stderr}")
    fresh.replace(target)  # another worker may be loading the one before
    return target


def load(name: str, path: Path):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def leaks():
    """leaks(churn) -> what grows by 20 or more in each call of churn, which does a thing 50 times
    or more; less than that is the drift of everybody's caches."""
    return lambda churn: {what: n for what, n in growth(churn).per_round().items() if n >= 20}


@pytest.fixture
def build_extension():
    return build


@pytest.fixture(scope="session")
def sample_path():
    return build("_sample", [HERE / "_sample.c"], "-pthread")


@pytest.fixture(scope="session")
def sample(sample_path):
    """The extension that others could have written; PyCapsule_Import() wants it imported."""
    module = load("_sample", sample_path)
    sys.modules["_sample"] = module
    return module


@pytest.fixture(scope="session")
def cpy():
    sources = [HERE / "_cpytest.c", *COMPAT.rglob("*.c")]
    return load("_cpytest", build("_cpytest", sources))
