"""The jobs that look for bugs find one: each is run over a build with a bug put in.

Marked long: every case compiles the VM twice.
"""

import os
import subprocess
import sys

import pytest
import variants
from support.tree import ROOT, files

# bug, the build that shall show it, the tests that shall fail, what is said then
MILESTONES = "milestones and not pandas and not numpy"
CASES = {
    "overflow": (variants.ASAN, "OVERFLOW", "tests/pyrs/test_programs.py", "AddressSanitizer"),
    "leak": (variants.PLAIN, "LEAK", "tests/pyrs/test_leaks.py", "memory blocks"),
    "wrong_handover": (variants.HOSTILE, "WRONG_HANDOVER", "tests/pyrs/test_programs.py", "assert"),
    "race": (variants.TSAN, "RACE", "tests/pyrs/foundations/test_segments.py", "data race"),
}
CHOSEN = {"race": "beside"}
pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not files("src/stacklessvm/SOURCES"), reason="needs the VM"),
]


def run(variant, tests, chosen):
    """Output and exit code of the chosen tests in a build."""
    env = variants.environment(variant, variants.build(variant, ["pyrs"]))
    options = ["-q", "-p", "no:cacheprovider", "-k", chosen]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, tests],
        cwd=ROOT,
        env=env | {"CI": ""},
        capture_output=True,
        text=True,
    )
    return done.stdout + done.stderr, done.returncode


@pytest.fixture(autouse=True)
def not_inside_a_variant():
    if "PYFORGE_VARIANT" in os.environ:
        pytest.skip("needs to be outside of a variant's build")


@pytest.mark.parametrize("case", CASES)
def test_job_passes_without_and_fails_with_the_bug(case):
    variant, bug, tests, said = CASES[case]

    chosen = CHOSEN.get(case, MILESTONES)

    clean, clean_code = run(variant, tests, chosen)
    found, found_code = run(variants.planted(variant, bug), tests, chosen)

    assert clean_code == 0, clean[-3000:]
    assert found_code == 1, found[-3000:]
    assert said in found
