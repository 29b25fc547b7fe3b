"""The kernel sets against each other without Python, NEON under an emulator."""

import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SRC = ROOT / "src/fastarray"
SOURCES = [
    Path(__file__).with_name("kernel_twins.c"),
    SRC / "fa_dispatch.c",
    SRC / "fa_cpu.c",
    *sorted(SRC.glob("kernels/isa_*.c")),
]
FLAGS = ["-O2", "-std=gnu11", "-fno-strict-aliasing", "-w", f"-I{ROOT / 'src'}", f"-I{SRC}"]


def twins(tmp_path, compiler, *runner):
    """What each kernel set says: its comparisons and the checksum of its results."""
    for program in (compiler, *runner):
        if shutil.which(program) is None:
            pytest.skip(f"needs {program}")
    program = tmp_path / compiler
    subprocess.run([compiler, *FLAGS, *SOURCES, "-static", "-o", program, "-lm"], check=True)
    run = subprocess.run([*runner, program], capture_output=True, text=True)
    assert run.returncode == 0, run.stdout
    return {name: (int(n), sum_) for name, n, sum_ in map(str.split, run.stdout.splitlines())}


@pytest.mark.long
def test_neon_has_the_bits_of_every_other_set(tmp_path):
    here = twins(tmp_path, "gcc")
    neon = twins(tmp_path, "aarch64-linux-gnu-gcc", "qemu-aarch64")

    assert here and neon.keys() == {"neon"}
    assert set(here.values()) == set(neon.values())
    assert min(n for n, _ in here.values()) > 5000
