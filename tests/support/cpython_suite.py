"""CPython's own tests, run in the VM; what fails there is run again in plain CPython.

A case is a difference when it passes plainly and not in the VM.  Each module runs in a process of
its own; one that dies or hangs goes on behind the case it was in, which has failed.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

RUNNER = Path(__file__).with_name("run_cases.py")
PLAIN = (sys.executable,)
VM = (sys.executable, "-m", "pyrs")
NO_FALLBACK = {"PYRS_FALLBACK": "error"}
RESTARTS = 6
SECONDS = 600  # of one process: more than the longest module takes on a busy machine


@dataclass
class Outcome:
    """How the cases of a module ended, by their names."""

    ok: set = field(default_factory=set)
    bad: dict = field(default_factory=dict)  # name -> what was said
    skipped: set = field(default_factory=set)
    why: dict = field(default_factory=dict)  # name -> reasons CPython's evaluator was asked

    def seen(self):
        return self.ok | self.bad.keys() | self.skipped


class Difference(NamedTuple):
    """Of a case that fails in the VM only."""

    said: str
    why: tuple


def process(command, module, out, cases, folder, env):
    env = (
        os.environ
        | env
        | {
            "PYTHONHASHSEED": "0",
            "PYTHONDONTWRITEBYTECODE": "1",
            "TMPDIR": str(folder),
        }
    )
    child = subprocess.Popen(
        [*command, str(RUNNER), module, str(out), *cases],
        cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, errors="replace", start_new_session=True,
    )  # fmt: skip
    try:
        said, _ = child.communicate(timeout=SECONDS)
        return f"exit code {child.returncode}\n{said[-1500:]}"
    except subprocess.TimeoutExpired:
        return f"nothing more after {SECONDS} s"
    finally:
        try:
            os.killpg(child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        child.wait()


def events_of(out):
    """What the process told; a line it died in is no event."""
    for line in out.read_text(encoding="utf-8").splitlines() if out.exists() else ():
        try:
            yield json.loads(line)
        except ValueError:
            return


def take(outcome, events):
    """Add what was told; the case begun last, and whether all were ended."""
    last, complete = None, False
    for kind, *rest in events:
        if kind == "start":
            last = rest[0]
        elif kind == "end":
            case, how, said, why = rest
            outcome.why[case] = why
            outcome.bad.pop(case, None)
            if how == "bad":
                outcome.bad[case] = said
            else:
                (outcome.ok if how == "ok" else outcome.skipped).add(case)
        complete = complete or kind == "done"
    return last, complete


def names(module, command, folder):
    """The names of a module's cases."""
    program = (
        "import sys, unittest; from run_cases import cases_of;"
        f"[print(t.id()) for t in cases_of(unittest.defaultTestLoader.loadTestsFromName({module!r}))]"
    )
    env = os.environ | {"PYTHONPATH": str(RUNNER.parent)}
    done = subprocess.run(
        [*command, "-c", program], cwd=folder, env=env, capture_output=True, text=True
    )
    return done.stdout.split()


def run(command, module, cases=(), env=None):
    """Run a module's cases, all or the named ones."""
    outcome = Outcome()
    with tempfile.TemporaryDirectory(prefix="cases_") as name:
        folder = Path(name)
        for attempt in range(RESTARTS):
            out = folder / f"out{attempt}"
            said = process(command, module, out, cases, folder, env or {})
            last, complete = take(outcome, events_of(out))
            if complete:
                break
            outcome.ok.discard(last)  # even an ended one: the process died of what it left
            outcome.bad[last or module] = said
            cases = [c for c in cases or names(module, PLAIN, folder) if c not in outcome.seen()]
            if last is None or not cases:
                break
        else:
            outcome.bad.update(dict.fromkeys(cases, "the module died too often"))
    return outcome


def differences(module, env=None):
    """Of a module: how many cases there are, and of those that fail there and pass plainly what
    they said, and why CPython's evaluator was asked in them.

    What fails in the VM is run once more before it counts: some cases ask for a quiet machine.
    """
    vm = run(VM, module, env=env)
    if not vm.bad:
        return len(vm.seen()), {}
    again = run(VM, module, cases_of(module, vm.bad), env)
    plain = run(PLAIN, module, cases_of(module, again.bad)) if again.bad else Outcome()
    return len(vm.seen()), {
        case: Difference(said, tuple(again.why.get(case, ())))
        for case, said in again.bad.items()
        if case in plain.ok or (case == module and plain.ok)
    }


def cases_of(module, bad):
    """What to run again: the cases that failed, or all when something else did, as a fixture."""
    return [] if any(case == module or " " in case for case in bad) else list(bad)
