"""Code objects no compiler made crash nothing that they don't crash in plain CPython."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("pyrs._pyrs", reason="needs the VM")

FUZZER = Path(__file__).with_name("fuzz_code.py")


def fuzz(seed, count):
    env = os.environ | {"PYTHONHASHSEED": "0", "PYRS_FALLBACK": "error"}
    command = [sys.executable, str(FUZZER), seed, str(count)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=3600)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


@pytest.mark.slow
def test_changed_code_objects():
    found = fuzz("ci", 600)

    print(found)
    assert found["broken here only"] == []
    assert found["ran"] > 150 and found["refused"] > 150
    assert found["distinct opcodes"] > 60


@pytest.mark.long
@pytest.mark.parametrize("seed", "abcd")
def test_many_changed_code_objects(seed):
    found = fuzz(seed, 20_000)

    print(found)
    assert found["broken here only"] == []
