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

RUNNER = Path(__file__).with_name("run_cases.py")
PLAIN = (sys.executable,)
VM = (sys.executable, "-m", "pyrs")
RESTARTS = 6
SECONDS = 600  # of one process: more than the longest module takes on a busy machine


@dataclass
class Outcome:
    """How the cases of a module ended, by their names."""

    ok: set = field(default_factory=set)
    bad: dict = field(default_factory=dict)  # name -> what was said
    skipped: set = field(default_factory=set)

    def seen(self):
        return self.ok | self.bad.keys() | self.skipped


def process(command, module, out, cases, folder):
    env = os.environ | {
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "TMPDIR": str(folder),
    }
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
    """Add what was told; the case that was not ended, and whether all were."""
    open_case, complete = None, False
    for kind, *rest in events:
        if kind == "start":
            open_case = rest[0]
        elif kind == "end":
            case, how, said = rest
            open_case = None if case == open_case else open_case
            outcome.bad.pop(case, None)
            if how == "bad":
                outcome.bad[case] = said
            else:
                (outcome.ok if how == "ok" else outcome.skipped).add(case)
        complete = complete or kind == "done"
    return open_case, complete


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


def run(command, module, cases=()):
    """Run a module's cases, all or the named ones."""
    outcome = Outcome()
    with tempfile.TemporaryDirectory(prefix="cases_") as name:
        folder = Path(name)
        for attempt in range(RESTARTS):
            out = folder / f"out{attempt}"
            said = process(command, module, out, cases, folder)
            open_case, complete = take(outcome, events_of(out))
            if complete:
                break
            outcome.bad[open_case or module] = said
            cases = [c for c in cases or names(module, PLAIN, folder) if c not in outcome.seen()]
            if open_case is None or not cases:
                break
    return outcome


def differences(module):
    """Of a module: how many cases there are, and what failed there and passes plainly."""
    vm = run(VM, module)
    if not vm.bad:
        return len(vm.seen()), {}
    known = [case for case in vm.bad if case.startswith("test.")]
    plain = run(PLAIN, module, known) if len(known) == len(vm.bad) else run(PLAIN, module)
    return len(vm.seen()), {
        case: said
        for case, said in vm.bad.items()
        if case in plain.ok or (case == module and plain.ok)
    }
