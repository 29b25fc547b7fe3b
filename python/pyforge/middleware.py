"""A Server-Timing header that says how a request's values were validated."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.conf import settings
from django.core.exceptions import MiddlewareNotUsed

from pyforge import conf
from pyforge.rules import _cache


def totals() -> tuple[int, int]:
    """Values cleaned so far, and those that Python had a part in."""
    values = python = 0
    for rules in _cache.values():
        for seen, punted, called, _ in rules.counters.values():
            values += seen
            python += punted + called
    return values, python


class ServerTiming:
    """Active under DEBUG, or when PYFORGE["METRICS"] is true; otherwise not used."""

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        if not (settings.DEBUG or conf.read().metrics):
            raise MiddlewareNotUsed
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: Any) -> Any:
        before = totals()
        if iscoroutinefunction(self.get_response):
            return self._later(self.get_response(request), before)
        return self._marked(self.get_response(request), before)

    async def _later(self, response: Awaitable[Any], before: tuple[int, int]) -> Any:
        return self._marked(await response, before)

    def _marked(self, response: Any, before: tuple[int, int]) -> Any:
        values, python = (now - then for now, then in zip(totals(), before, strict=True))
        entry = f'pyforge;desc="native={values - python} python={python}"'
        earlier = response.headers.get("Server-Timing")
        response.headers["Server-Timing"] = f"{earlier}, {entry}" if earlier else entry
        return response
