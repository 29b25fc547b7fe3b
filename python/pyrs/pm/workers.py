"""Unpacking on every core: forked workers fed with lines over socket pairs.

Forked before any thread starts.  A worker that dies is an error of the install, never silence.
"""

from __future__ import annotations

import json
import os
import socket
import traceback
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from queue import SimpleQueue
from typing import Any

from . import errors
from .errors import PyrsError, StoreError

Work = Callable[..., Any]


class Workers:
    """`submit(*args)` runs `work(*args)` (JSON in, JSON out) in a child process."""

    def __init__(self, count: int, work: Work) -> None:
        self.work = work
        self._idle: SimpleQueue[_Child] = SimpleQueue()
        self._children: list[_Child] = []
        for _ in range(count):
            self._children.append(_Child(work, self._children))
            self._idle.put(self._children[-1])
        self._threads = ThreadPoolExecutor(max(count, 1))

    def submit(self, *args: Any) -> Future[Any]:
        if not self._children:
            return self._threads.submit(self.work, *args)
        return self._threads.submit(self._run, args)

    def _run(self, args: tuple[Any, ...]) -> Any:
        child = self._idle.get()
        try:
            return child.call(args)
        finally:
            self._idle.put(child)

    def close(self) -> None:
        self._threads.shutdown(wait=True, cancel_futures=True)
        for child in self._children:
            child.close()


class _Child:
    _socket: socket.socket
    descriptor: int

    def __init__(self, work: Work, elder: list[_Child]) -> None:
        ours, theirs = socket.socketpair()
        self.pid = os.fork()
        if self.pid == 0:
            ours.close()
            for child in elder:  # else a worker would wait for the end of its siblings' input
                child._socket.detach()
                os.close(child.descriptor)
            _serve(theirs, work)
        theirs.close()
        self.descriptor = ours.fileno()
        self._stream = ours.makefile("rwb")
        self._socket = ours

    def call(self, args: tuple[Any, ...]) -> Any:
        self._stream.write(json.dumps(args).encode() + b"\n")
        self._stream.flush()
        line = self._stream.readline()
        if not line:
            raise StoreError("an unpacking process ended unexpectedly")
        kind, value = json.loads(line)
        if kind == "ok":
            return value
        raise _revive(value)

    def close(self) -> None:
        self._stream.close()
        self._socket.close()
        os.waitpid(self.pid, 0)


def _serve(stream: socket.socket, work: Work) -> None:
    """The child's whole life; leaves without running anyone's exit handlers."""
    try:
        lines = stream.makefile("rwb")
        for line in lines:
            try:
                answer: tuple[str, Any] = ("ok", work(*json.loads(line)))
            except PyrsError as e:
                answer = (
                    "error",
                    {
                        "kind": type(e).__name__,
                        "code": e.code,
                        "args": [e.message, e.because, e.help],
                    },
                )
            except Exception:
                answer = (
                    "error",
                    {"kind": "PyrsError", "code": 1, "args": [traceback.format_exc(), [], None]},
                )
            lines.write(json.dumps(answer).encode() + b"\n")
            lines.flush()
    except (OSError, KeyboardInterrupt):
        pass
    finally:
        os._exit(0)


def _revive(value: dict[str, Any]) -> PyrsError:
    by_code = {c.code: c for c in PyrsError.__subclasses__()}
    kind = getattr(errors, value["kind"], None) or by_code.get(value["code"], PyrsError)
    error: PyrsError = kind(*value["args"])
    return error
