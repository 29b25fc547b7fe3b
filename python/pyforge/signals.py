"""Signals that pyforge sends."""

from django.dispatch import Signal

# sender: the model; rules: its RuleSet
ruleset_compiled = Signal()
# sender: the name of the patch; mismatch: what differed
shadow_mismatch = Signal()
