"""Unpacking on every core: forked workers fed with lines over socket pairs.

Forked before any thread starts.  A worker that dies is an error of the install, never silence.
"""

from __future__ import annotations

import itertools
import json
import math
import os
import socket
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import Future
from queue import PriorityQueue
from typing import Any

from . import errors
from .errors import PyrsError, StoreError

Work = Callable[..., Any]
Job = tuple[Future[Any], tuple[Any, ...]]


class Workers:
    """`submit(weight, *args)` runs `work(*args)` (JSON in, JSON out) in a child process.

    Of what waits, the heaviest goes first, so that the end is many small things and not one big.
    """

    def __init__(self, count: int, work: Work) -> None:
        self._waiting: PriorityQueue[tuple[float, int, Job | None]] = PriorityQueue()
        self._numbers = itertools.count()
        self._children: list[_Child] = []
        for _ in range(count):
            self._children.append(_Child(work, self._children))
        runs: list[Work] = [c.call for c in self._children] or [work]
        self._threads = [threading.Thread(target=self._feed, args=(run,)) for run in runs]
        for thread in self._threads:
            thread.start()

    def submit(self, weight: int, *args: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self._waiting.put((-weight, next(self._numbers), (future, args)))
        return future

    def _feed(self, run: Work) -> None:
        while job := self._waiting.get()[2]:
            future, args = job
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(run(*args))
                except BaseException as e:
                    future.set_exception(e)

    def close(self) -> None:
        """Ends when what is running has ended; what waits is given up."""
        for _ in self._threads:
            self._waiting.put((-math.inf, next(self._numbers), None))
        for thread in self._threads:
            thread.join()
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

    def call(self, *args: Any) -> Any:
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
