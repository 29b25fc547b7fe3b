"""INSTALLED_APPS += ["pyforge"]: reads PYFORGE, patches, compiles, registers checks."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
from django.db.models.signals import class_prepared


def _forget(**kwargs: Any) -> None:
    """A setting changed, or a model was made: compiled plans may be out of date."""
    from pyforge import _pyforge

    _pyforge.bump_epoch()


class PyforgeConfig(AppConfig):
    name = "pyforge"
    verbose_name = "pyforge"

    def ready(self) -> None:
        from django.core.signals import setting_changed

        from pyforge import conf
        from pyforge._patch import patch

        setting_changed.connect(_forget, dispatch_uid="pyforge.forget")
        class_prepared.connect(_forget, dispatch_uid="pyforge.forget")
        from pyforge import checks  # noqa: F401  (registers them)

        config = conf.read()
        if config.mode != "off" and config.patch:
            patch(*config.patch, mode=config.mode)
        if config.compile == "ready":
            self.compile_models(config.models)

    def compile_models(self, labels: Any) -> None:
        """Build the rule sets now instead of at first use."""
        from django.apps import apps

        from pyforge.rules import RuleSet

        models = apps.get_models() if labels == "__all__" else map(apps.get_model, labels)
        for model in models:
            RuleSet.for_model(model)
