"""Running a program twice: in plain CPython, which is right by definition, and in the VM."""

import os
import re
import resource
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

PLAIN = (sys.executable,)
VM = (sys.executable, "-m", "pyrs")
SAME_EVERYWHERE = {"PYTHONHASHSEED": "0", "PYTHONIOENCODING": "utf-8", "PYTHONUNBUFFERED": ""}
TIMEOUT = 300  # only what hangs takes as long, on a machine under load too
ADDRESS = re.compile(r"\b0x[0-9a-f]{8,}")  # of objects, in their repr
UNITS = {"KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
LIMITS = {"stack": resource.RLIMIT_STACK, "memory": resource.RLIMIT_AS}


@dataclass(frozen=True)
class Outcome:
    """What a process said and how it ended."""

    stdout: str
    stderr: str
    code: int


def limits_of(program: Path) -> dict[int, int]:
    """What a first line such as `# limits: stack=1MiB memory=1GiB` asks for, in bytes."""
    with program.open(encoding="utf-8") as lines:
        first = lines.readline()
    if not first.startswith("# limits:"):
        return {}
    return {
        LIMITS[name]: int(number) * UNITS[unit]
        for name, number, unit in re.findall(r"(\w+)=(\d+)(\w+)", first)
    }


def run_in(folder: Path, command, arguments, stdin="", env=None, limits=None) -> Outcome:
    """Run a command from a folder; its output loses that folder's name and addresses."""

    def lower():
        for which, soft in limits.items():
            resource.setrlimit(which, (soft, resource.getrlimit(which)[1]))

    done = subprocess.run(
        [*command, *arguments],
        cwd=folder,
        input=stdin,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=TIMEOUT,
        env=os.environ | SAME_EVERYWHERE | (env or {}),
        preexec_fn=lower if limits else None,
    )
    here = f"{folder}{os.sep}"
    stdout, stderr = (ADDRESS.sub("0x...", text) for text in (done.stdout, done.stderr))
    return Outcome(stdout, stderr.replace(here, ""), done.returncode)


def run(command, program: Path, *args, stdin="", env=None) -> Outcome:
    """Run a program from its own folder."""
    return run_in(program.parent, command, [program.name, *args], stdin, env, limits_of(program))


@cache
def plain(program: Path) -> Outcome:
    """What plain CPython says; asked once."""
    return run(PLAIN, program)


def vm(program: Path) -> Outcome:
    return run(VM, program)
