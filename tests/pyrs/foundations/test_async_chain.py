"""Chains of awaiting frames need no C stack."""

import subprocess
import sys

import pytest

CHAINS = """
import sys
sys.setrecursionlimit(10**7)

async def generator(n):
    if n:
        async for x in generator(n - 1):
            yield x + 1
    else:
        yield 1
        yield 2

async def collect(n):
    return [x async for x in generator(n)]

async def coroutine(n):
    return 0 if n == 0 else 1 + await coroutine(n - 1)

def delegating(n):
    return 1 + (yield from delegating(n - 1)) if n else 0
    yield

def drive(awaitable):
    try:
        while True:
            awaitable.send(None)
    except StopIteration as stop:
        return stop.value

print(drive({what}({depth})))
"""


@pytest.mark.parametrize(
    ("what", "answer"),
    [("collect", "[100001, 100002]"), ("coroutine", "100000"), ("delegating", "100000")],
)
def test_chain_100000_deep_runs_in_a_256_kib_stack(what, answer):
    program = CHAINS.replace("{what}", what).replace("{depth}", "100000")
    command = f'ulimit -s 256; exec "{sys.executable}" -m pyrs -c "$PROGRAM"'

    outcome = subprocess.run(
        ["bash", "-c", command],
        env={"PROGRAM": program, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=300,
    )

    assert (outcome.stdout.strip(), outcome.stderr) == (answer, "")
