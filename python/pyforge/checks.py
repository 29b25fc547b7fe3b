"""System checks: what of the project falls back, and what is wrong in PYFORGE."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error, Warning, register

from pyforge import conf
from pyforge._plan import Limits
from pyforge.rules import RuleSet


def setting_problems() -> list[str]:
    """What is wrong with the values in PYFORGE."""
    given, found = conf.raw(), []
    found += [f"unknown key {k!r}" for k in given if k not in conf.KEYS]
    found += [f"PATCH: unknown name {n!r}" for n in given.get("PATCH", ()) if n not in conf.PATCHES]
    for key, allowed in (
        ("MODE", conf.MODES),
        ("COMPILE", ("lazy", "ready")),
        ("ON_MISMATCH", conf.ON_MISMATCH),
    ):
        if given.get(key, allowed[0]) not in allowed:
            found.append(f"{key}: {given[key]!r} is none of {', '.join(allowed)}")
    known = set(Limits.__dataclass_fields__)
    found += [f"LIMITS: unknown limit {k!r}" for k in given.get("LIMITS", {}) if k not in known]
    return found


def models_of(labels: Any) -> tuple[list[Any], list[str]]:
    """The models that PYFORGE["MODELS"] names, and the labels that name none."""
    if labels == "__all__":
        return list(apps.get_models()), []
    found, unknown = [], []
    for label in labels:
        try:
            found.append(apps.get_model(label))
        except (LookupError, ValueError):
            unknown.append(label)
    return found, unknown


@register()
def check_setting(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    messages: list[CheckMessage] = [
        Error(f"PYFORGE: {problem}.", id="pyforge.E002") for problem in setting_problems()
    ]
    _, unknown = models_of(conf.read().models)
    messages += [Error(f"PYFORGE: no model {label!r}.", id="pyforge.E001") for label in unknown]
    return messages


@register("compile", deploy=True)
def check_fallbacks(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """With `check --deploy` or `--tag compile`: fields and patterns kept in Python."""
    messages: list[CheckMessage] = []
    chosen, _ = models_of(conf.read().models)
    for model in chosen:
        for d in RuleSet.for_model(model).fields:
            where = f"{model._meta.label}.{d.name}"
            if d.fallback_reason is not None and "relation" not in d.fallback_reason:
                messages.append(
                    Warning(f"{where} falls back: {d.fallback_reason}.", id="pyforge.W001")
                )
            for validator in d.validators:
                if validator.op == "SEARCH":
                    messages.append(
                        Warning(f"{where}: a pattern without linear time.", id="pyforge.W002")
                    )
    return messages
