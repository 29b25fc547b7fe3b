"""A program on a terminal of its own: typing to it when it waits, keeping what it shows."""

import contextlib
import os
import pty
import re
import select
import signal
import time
from dataclasses import dataclass

TIMEOUT = 60


@dataclass(frozen=True)
class Transcript:
    """All that stood on the terminal, and how the program ended."""

    text: str
    code: int


class Terminal:
    """A child process on a pseudo-terminal."""

    def __init__(self, command, cwd, env):
        self.seen = ""
        self.typed = 0  # what stood there when something was last typed
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            try:
                os.chdir(cwd)
                os.execvpe(command[0], list(command), env)
            finally:
                os._exit(127)

    def wait_for(self, pattern):
        """Read until what came since the last typing ends in a line that is the pattern."""
        deadline = time.monotonic() + TIMEOUT
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
        self.seen += data.decode("utf-8", "replace").replace("\r\n", "\n")
        return bool(data)

    def type(self, text):
        self.typed = len(self.seen)
        os.write(self.fd, text.encode())

    def end(self):
        """Read to the end."""
        deadline = time.monotonic() + TIMEOUT
        while self.read(deadline - time.monotonic()):
            pass
        _, status = os.waitpid(self.pid, 0)
        os.close(self.fd)
        return Transcript(self.seen, os.waitstatus_to_exitcode(status))

    def kill(self):
        with contextlib.suppress(OSError):
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        with contextlib.suppress(OSError):
            os.close(self.fd)
