"""Compiling modules of the store, once, for a given interpreter.

The bytecode is marked unchecked: the store is read-only and sealed, so looking at the source's
time on every import would buy nothing.
"""

from __future__ import annotations

import _imp
import importlib.util
import inspect
import marshal
import os
import subprocess
import sys
import warnings

from .errors import StoreError
from .store import Compiler

Job = tuple[str, str, str]


def compile_one(source: str, target: str, shown: str) -> bool:
    """Write `target`; False when the source is not for this Python (templates, tests)."""
    with open(source, "rb") as stream:
        text = stream.read()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            code = compile(text, shown, "exec", dont_inherit=True, optimize=0)
    except (SyntaxError, ValueError, RecursionError, OverflowError, MemoryError):
        return False
    head = importlib.util.MAGIC_NUMBER + b"\1\0\0\0" + _imp.source_hash(_imp_key(), text)
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o444), "wb") as out:
        out.write(head + marshal.dumps(code))
    return True


def _imp_key() -> int:
    return int.from_bytes(importlib.util.MAGIC_NUMBER, "little")


class Here(Compiler):
    """For environments on the interpreter the package manager runs on."""

    tag = sys.implementation.cache_tag or ""

    def compile(self, sources: list[Job]) -> list[str]:
        return [target for source, target, shown in sources if compile_one(source, target, shown)]


_PROGRAM = """\
import _imp, importlib.util, marshal, os, sys, warnings
{functions}
for job in os.fsdecode(sys.stdin.buffer.read()).split("\\0"):
    if job and compile_one(*job.split("\\t")):
        sys.stdout.buffer.write(os.fsencode(job.split("\\t")[1]) + b"\\0")
"""


class Elsewhere(Compiler):
    """For another interpreter: it compiles, with its own compiler."""

    def __init__(self, executable: str, tag: str) -> None:
        self.executable, self.tag = executable, tag

    def compile(self, sources: list[Job]) -> list[str]:
        jobs = "\0".join("\t".join(job) for job in sources)
        functions = inspect.getsource(compile_one) + inspect.getsource(_imp_key)
        command = [self.executable, "-I", "-S", "-c", _PROGRAM.format(functions=functions)]
        done = subprocess.run(command, input=os.fsencode(jobs), capture_output=True)
        if done.returncode:
            reason = done.stderr.decode("utf-8", "replace").splitlines()[-1:]
            raise StoreError(f"{self.executable} does not compile", reason)
        return [t for t in os.fsdecode(done.stdout).split("\0") if t]


def compiler_for(executable: str, tag: str) -> Compiler:
    return Here() if tag == Here.tag else Elsewhere(executable, tag)
