"""Programs started by `python` and by `python -m pyrs`, side by side, or on a terminal."""

import codecs
import contextlib
import functools
import os
import pty
import re
import select
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

ANSWER = 60  # of a program on a terminal
TIMEOUT = 300  # only what hangs takes as long, on a machine under load too
# not for the programs here: what the machine that runs the tests has set
FOREIGN = ("PYTHONSTARTUP", "PYTHONINSPECT", "PYRS_FALLBACK", "PYTHONSAFEPATH")


@dataclass(frozen=True)
class Outcome:
    stdout: str
    stderr: str
    code: int


def environment(home, env):
    base = {name: value for name, value in os.environ.items() if name not in FOREIGN}
    return base | {"PYTHONHASHSEED": "0", "HOME": str(home), "TERM": "dumb"} | env


def write(folder, files):
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)


def start(folder, words, stdin="", env=None, shell=""):
    """Run `python words`; or, with `shell`, a command line in which PYTHON stands for that."""
    command = [sys.executable, *words]
    if shell:
        command = ["sh", "-c", shell.replace("PYTHON", shlex.join(command))]
    done = subprocess.run(
        command,
        cwd=folder,
        input=stdin.encode() if isinstance(stdin, str) else stdin,
        capture_output=True,
        timeout=TIMEOUT,
        env=environment(folder, env or {}),
    )
    out, err = (text.decode("utf-8", "backslashreplace") for text in (done.stdout, done.stderr))
    return Outcome(without_addresses(out), without_addresses(err), done.returncode)


def without_addresses(text):
    # nor the process that a sanitizer's warning names
    text = re.sub(r"^==\d+==", "==…==", text, flags=re.MULTILINE)
    return re.sub(r"0x[0-9a-f]{6,}", "0x…", text)


@pytest.fixture
def sides(tmp_path):
    """How a program is started -> (what plain Python does, what `-m pyrs` does).

    words: what follows `python`   flags: the interpreter's own   files: name -> content
    machine: whether there is one   stdin, env, shell: as for start()
    """

    def run(words=(), files=None, flags=(), env=None, machine=True, **how):
        folder = tmp_path / "program"
        folder.mkdir()
        write(folder, files or {})
        env = env or {}
        plain = start(folder, [*flags, *words], env=env, **how)
        if not machine:
            env = env | without_machine(tmp_path)
        return plain, start(folder, [*flags, "-m", "pyrs", *words], env=env, **how)

    return run


@pytest.fixture
def plain_python(tmp_path):
    """words -> what `python words` does in a folder with `files`."""

    def run(*words, files=None, stdin="", env=None, machine=True):
        folder = tmp_path / "folder"
        folder.mkdir(exist_ok=True)
        write(folder, files or {})
        env = (env or {}) | ({} if machine else without_machine(tmp_path))
        return start(folder, words, stdin, env)

    return run


@pytest.fixture
def pyrs(plain_python):
    """words -> what `python -m pyrs words` does."""
    return functools.partial(plain_python, "-m", "pyrs")


def without_machine(tmp_path):
    """An environment in which the package is installed without its compiled half."""
    folder = tmp_path / "without-machine"
    folder.mkdir(exist_ok=True)
    (folder / "sitecustomize.py").write_text("import sys; sys.modules['pyrs._pyrs'] = None\n")
    inherited = os.environ.get("PYTHONPATH")
    return {"PYTHONPATH": os.pathsep.join([str(folder), *([inherited] if inherited else [])])}


# -- terminals ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Transcript:
    """All that stood on the terminal, and how the program ended."""

    text: str
    code: int


class Terminal:
    """A child process on a pseudo-terminal: typing to it when it waits."""

    def __init__(self, command, folder, env):
        self.seen = ""
        self.typed = 0  # what stood there when something was last typed
        self.decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            try:
                os.chdir(folder)
                os.execvpe(command[0], list(command), env)
            finally:
                os._exit(127)

    def wait_for(self, pattern):
        """Read until what came since the last typing ends in a line that is the pattern."""
        deadline = time.monotonic() + ANSWER
        ends = re.compile(f"^(?:{pattern})\\Z", re.MULTILINE)
        while not ends.search(self.seen[self.typed :]):
            if not self.read(deadline - time.monotonic()):
                shown = self.seen[self.typed :]
                raise TimeoutError(f"no line {pattern!r} at the end of {shown!r}")

    def read(self, seconds):
        """Read what is there; False at the end or when nothing comes in time."""
        ready, _, _ = select.select([self.fd], [], [], max(seconds, 0))
        if not ready:
            return False
        try:
            data = os.read(self.fd, 4096)
        except OSError:
            return False
        self.seen += self.decoder.decode(data).replace("\r\n", "\n")
        return bool(data)

    def settle(self):
        """Wait until it sleeps: a signal between its prompt and its reading is lost."""
        deadline, before = time.monotonic() + ANSWER, None
        while time.monotonic() < deadline:
            status = Path(f"/proc/{self.pid}/status").read_text()
            now = re.findall(r"^(?:State|\w*voluntary_ctxt_switches):.*", status, re.MULTILINE)
            if now == before and "(sleeping)" in now[0]:
                return
            before = now
            time.sleep(0.05)

    def type(self, text):
        self.typed = len(self.seen)
        os.write(self.fd, text.encode())

    def end(self):
        """Read to the end."""
        deadline = time.monotonic() + ANSWER
        while self.read(deadline - time.monotonic()):
            pass
        if time.monotonic() >= deadline:
            raise TimeoutError(f"it goes on after {self.seen[self.typed :]!r}")
        _, status = os.waitpid(self.pid, 0)
        self.pid = 0
        return Transcript(without_addresses(self.seen), os.waitstatus_to_exitcode(status))

    def close(self):
        if self.pid:
            with contextlib.suppress(OSError):
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
        os.close(self.fd)


@pytest.fixture
def terminal(tmp_path):
    """(words, files, env) -> a program on a terminal, closed at the end of the test."""
    opened = []

    def open_terminal(*words, files=None, env=None):
        folder = tmp_path / "terminal"
        folder.mkdir(exist_ok=True)
        write(folder, files or {})
        opened.append(Terminal((sys.executable, *words), folder, environment(folder, env or {})))
        return opened[-1]

    yield open_terminal
    for each in opened:
        each.close()
