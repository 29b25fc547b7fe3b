"""Django's jsonl serializer, records written by compiled writers; the same bytes."""

from __future__ import annotations

from django.core.serializers import jsonl as base
from django.core.serializers.base import DeserializationError

from pyforge.serializers.json import CompiledRecords

__all__ = ["DeserializationError", "Deserializer", "Serializer"]

Deserializer = base.Deserializer


class Serializer(CompiledRecords, base.Serializer):
    """django.core.serializers.jsonl.Serializer, faster where it can be."""

    comma = ","
    between = ""
    after = "\n"
