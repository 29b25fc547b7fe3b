"""CMake compiles what setup.py compiles: both read the same lists."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support.tree import ROOT, files

CMAKE = shutil.which("cmake", path=str(Path(sys.executable).parent)) or shutil.which("cmake")


@pytest.fixture(scope="module")
def commands(tmp_path_factory):
    """Compiler commands by source file, of a build with all checks on."""
    build = tmp_path_factory.mktemp("cmake")
    options = [f"-DPython3_EXECUTABLE={sys.executable}", "-DPYRS_ASAN=ON", "-DPYRS_HOSTILE=ON"]
    done = subprocess.run(
        [CMAKE, "-S", ROOT, "-B", build, *options], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    entries = json.loads((build / "compile_commands.json").read_text())
    return {Path(entry["file"]).resolve(): entry["command"].split() for entry in entries}


def listed(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    return [entry for line in lines if (entry := line.split("#")[0].strip())]


@pytest.mark.parametrize("listing", files("src/*SOURCES"), ids=lambda p: p.parent.name)
def test_every_source_is_compiled_with_the_listed_flags(commands, listing):
    sources = [(listing.parent / name).resolve() for name in listed(listing)]

    assert set(sources) <= set(commands)
    for source in sources:
        assert set(listed(ROOT / "src/CFLAGS")) <= set(commands[source])


def test_options_reach_the_compiler(commands):
    command = next(iter(commands.values()))

    assert "-fsanitize=address" in command
    assert "-DVM_HOSTILE" in command
