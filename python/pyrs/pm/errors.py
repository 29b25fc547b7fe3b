"""Every way a command can fail: one exit code per kind, one shape for the message.

A `PyrsError` is what the user is told.  Anything else that escapes is a defect of ours.
"""

from __future__ import annotations

from collections.abc import Sequence

# exit code -> what it means; docs/pyrs/pm.md prints this table
EXIT_CODES = {
    0: "success",
    1: "unspecified failure (`run` returns the program's own code)",
    2: "usage, or a part that is not installed",
    3: "the manifest is not valid",
    4: "no solution",
    5: "the lock is missing, stale or damaged",
    6: "a file does not have the recorded hash, or an archive is malformed",
    7: "the network, an index, or something not available offline",
    8: "building a source distribution failed or is not allowed",
    9: "the store or the disk: damaged, locked, full, no permission",
    10: "no such thing: package, path, command",
    130: "interrupted",
}


class PyrsError(Exception):
    """A failure with an exit code, the reasons, and what to do about it."""

    code = 1

    def __init__(self, message: str, because: Sequence[str] = (), help: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.because = list(because)
        self.help = help

    def render(self) -> str:
        lines = [f"error[pyrs-{self.code}]: {self.message}"]
        lines += [f"  because {reason}" for reason in self.because]
        if self.help:
            lines.append(f"help: {self.help}")
        return "\n".join(lines)

    def as_json(self) -> dict[str, object]:
        return {
            "code": self.code,
            "message": self.message,
            "because": self.because,
            "help": self.help,
        }


class UsageError(PyrsError):
    code = 2


class ManifestError(PyrsError):
    code = 3


class NoSolution(PyrsError):
    code = 4


class LockError(PyrsError):
    code = 5


class HashMismatch(PyrsError):
    code = 6


class NetworkError(PyrsError):
    code = 7


class BuildError(PyrsError):
    code = 8


class StoreError(PyrsError):
    code = 9


class NotFound(PyrsError):
    code = 10
