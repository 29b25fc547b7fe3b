"""Stubs say what the built modules have, and are there for each of them."""

import subprocess
import sys

import pytest
from support.tree import ROOT, files

STUBS = [path for path in files("python/*.pyi") if path.stem != "__init__"]
SOURCES = files("src/*SOURCES")
# src/ folder -> the extension module made of it, as setup.py says
EXTENSIONS = {
    "fastarray": "fastarray._fastarray",
    "pyforge": "pyforge._pyforge",
    "importguard": "pyrs._guard",
    "stacklessvm": "pyrs._pyrs",
}


def module_name(path):
    return ".".join(path.relative_to(ROOT / "python").with_suffix("").parts)


@pytest.mark.parametrize("name", [EXTENSIONS[listing.parent.name] for listing in SOURCES])
def test_extension_module_has_a_stub(name):
    assert name in {module_name(path) for path in STUBS}


@pytest.mark.parametrize("name", [module_name(path) for path in STUBS])
def test_stub_matches_the_module(name):
    run = subprocess.run(
        [sys.executable, "-m", "mypy.stubtest", "--mypy-config-file", "pyproject.toml", name],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )

    assert run.returncode == 0, run.stdout + run.stderr
