"""For settings files of test runs: ``from pyforge.testing import install; install("on")``."""

from __future__ import annotations

import atexit
import json
import os
from typing import Any

import django


def install(mode: str, *names: str, report: str | None = None) -> None:
    """Patch Django as soon as it is set up, for a whole test run.

    "shadow" gives Django's answers and compares ours, "on" gives ours. What happened is
    written to `report` (or PYFORGE_REPORT) as JSON when the process ends.
    """
    setup = django.setup

    def setup_and_patch(*args: Any, **kwargs: Any) -> None:
        setup(*args, **kwargs)
        from pyforge._patch import patch

        patch(*names, mode=mode)

    django.setup = setup_and_patch
    target = report or os.environ.get("PYFORGE_REPORT")
    if target:
        atexit.register(_write, target, os.getpid())


def _write(target: str, pid: int) -> None:
    if os.getpid() != pid:  # a child of the test runner
        return
    from pyforge._patch import calls, mismatches, skipped

    with open(target, "w", encoding="utf-8") as f:
        facts = {"calls": dict(calls), "skipped": dict(skipped), "mismatches": mismatches}
        json.dump(facts, f, indent=1)
