"""What the user sees: progress on a terminal, nothing when piped, results on stdout, JSON on request."""

from __future__ import annotations

import json
import sys
import threading
from types import TracebackType
from typing import Any


class Report:
    def __init__(self, as_json: bool = False, quiet: bool = False) -> None:
        self.as_json = as_json
        self.lively = sys.stderr.isatty() and not as_json and not quiet
        self.results: dict[str, Any] = {}

    def say(self, text: str) -> None:
        """A line for whoever is watching."""
        if self.lively:
            print(text, file=sys.stderr)

    def warn(self, text: str) -> None:
        print(f"warning: {text}", file=sys.stderr)

    def out(self, text: str, **data: Any) -> None:
        """A result: text on stdout, or part of the JSON object."""
        if self.as_json:
            self.results |= data
        elif text:
            print(text)

    def flush(self) -> None:
        if self.as_json:
            print(json.dumps(self.results, indent=2, sort_keys=True))

    def progress(self, title: str, total: int) -> Progress:
        return Progress(title, total, self.lively and total > 1)


class Progress:
    """A bar by rich, which is loaded only when there is someone to see it."""

    def __init__(self, title: str, total: int, visible: bool) -> None:
        self._bar: Any = None
        self._lock = threading.Lock()
        if visible:
            from rich.console import Console
            from rich.progress import Progress as Bar

            self._bar = Bar(console=Console(stderr=True), transient=True)
            self._task = self._bar.add_task(title, total=total)

    def __enter__(self) -> Progress:
        if self._bar:
            self._bar.start()
        return self

    def advance(self) -> None:
        if self._bar:
            with self._lock:
                self._bar.advance(self._task)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        if self._bar:
            self._bar.stop()
