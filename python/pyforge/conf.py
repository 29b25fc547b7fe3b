"""The PYFORGE setting, read with its defaults."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, fields
from typing import Any

from django.conf import settings

from pyforge._plan import Limits

PATCHES = ("clean_fields", "field_clean", "encoder", "serializers")
MODES = ("on", "shadow", "off")
ON_MISMATCH = ("log", "raise", "signal")


@dataclass(frozen=True, slots=True)
class Config:
    """One key of the PYFORGE dict each; names in upper case there."""

    models: Any = "__all__"
    compile: str = "lazy"
    patch: tuple[str, ...] = ()
    mode: str = "on"
    shadow_sample: float = 1.0
    on_mismatch: str = "log"
    limits: dict[str, int] = field(default_factory=dict)
    metrics: bool = False


DEFAULT_LIMITS = Limits()
KEYS = {f.name.upper(): f.name for f in fields(Config)}


def raw() -> dict[str, Any]:
    value = getattr(settings, "PYFORGE", {})
    return value if isinstance(value, dict) else {}


def read() -> Config:
    """The setting as it is now; unknown keys are a system check's business."""
    given = {KEYS[k]: v for k, v in raw().items() if k in KEYS}
    if "patch" in given:
        given["patch"] = tuple(given["patch"])
    if os.environ.get("PYFORGE_DISABLE"):
        given["mode"] = "off"
    return Config(**given)


def limits(given: Limits | None = None) -> Limits:
    """What was given, or the defaults with what PYFORGE["LIMITS"] says otherwise."""
    if given is not None:
        return given
    changed = raw().get("LIMITS") if settings.configured else None
    if not changed:
        return DEFAULT_LIMITS
    return Limits(**{k: v for k, v in changed.items() if k in Limits.__dataclass_fields__})
