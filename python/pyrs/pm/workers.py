"""Work beside the main thread: threads for what waits, forked processes for what computes.

Threads are daemons: an interrupted command ends at once, whatever an index is doing.  Processes are
forked before any thread starts; one that dies is an error of the install, never silence.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import math
import os
import socket
import threading
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from queue import Empty, PriorityQueue
from typing import Any

from . import errors
from .errors import PyrsError, StoreError

Work = Callable[..., Any]
Job = tuple[Future[Any], tuple[Any, ...]]


class Pool:
    """`submit(weight, *args)` calls one of `runs` with them, each in a thread of its own.

    Of what waits, the heaviest goes first, so that the end is many small things and not one big.
    """

    def __init__(self, runs: Sequence[Work]) -> None:
        self._runs = list(runs)  # of threads not started yet
        self._waiting: PriorityQueue[tuple[float, int, Job | None]] = PriorityQueue()
        self._numbers = itertools.count()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._closed = False

    def submit(self, weight: float, *args: Any) -> Future[Any]:
        future: Future[Any] = Future()
        with self._lock:
            if self._closed:
                future.cancel()
                return future
            self._waiting.put((-weight, next(self._numbers), (future, args)))
            if self._runs:
                run = self._runs.pop()
                self._threads.append(threading.Thread(target=self._feed, args=(run,), daemon=True))
                self._threads[-1].start()
        return future

    def _feed(self, run: Work) -> None:
        while job := self._waiting.get()[2]:
            future, args = job
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(run(*args))
                except BaseException as e:
                    future.set_exception(e)
            del job, future, args  # while waiting, nothing is kept alive

    def close(self, wait: bool = True) -> None:
        """What waits is given up; what runs goes on, and is waited for or not."""
        with self._lock:
            self._closed = True
        with contextlib.suppress(Empty):
            while job := self._waiting.get_nowait()[2]:
                job[0].cancel()
        for _ in self._threads:
            self._waiting.put((math.inf, next(self._numbers), None))
        for thread in self._threads if wait else ():
            thread.join()


class Workers(Pool):
    """A pool whose calls run `work` (JSON in, JSON out) in `count` child processes, or here if none."""

    def __init__(self, count: int, work: Work) -> None:
        self._children: list[_Child] = []
        for _ in range(count):
            self._children.append(_Child(work, self._children))
        super().__init__([c.call for c in self._children] or [work])

    def close(self, wait: bool = True) -> None:
        super().close(wait)
        for child in self._children:
            child.dismiss()
        for child in self._children:  # they end side by side
            os.waitpid(child.pid, 0)


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
        try:
            self._stream.write(json.dumps(args).encode() + b"\n")
            self._stream.flush()
            line = self._stream.readline()
        except OSError:
            line = b""
        if not line:
            raise StoreError("an unpacking process ended unexpectedly")
        kind, value = json.loads(line)
        if kind == "ok":
            return value
        raise _revive(value)

    def dismiss(self) -> None:
        with contextlib.suppress(OSError):  # gone already, with what was written to it last
            self._stream.close()
        self._socket.close()


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
