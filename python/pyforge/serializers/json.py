"""Django's json serializer, records written by compiled writers; the same bytes.

A model whose fields are all of known classes gets a writer; everything else, and every
option beyond the usual ones, is left to Django's Serializer.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, cast

from django.core.serializers import json as base
from django.core.serializers.base import DeserializationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models.query import ModelIterable
from django.utils.duration import duration_string
from django.utils.encoding import is_protected_type

from pyforge import _django_internals as internals
from pyforge import _patch
from pyforge._pyforge import Writer
from pyforge.encode import style

__all__ = ["DeserializationError", "Deserializer", "Serializer"]

Deserializer = base.Deserializer
AS_IT_IS = (
    models.IntegerField, models.FloatField, models.DecimalField, models.BooleanField,
    models.DateField, models.DateTimeField, models.TimeField, models.JSONField,
)  # fmt: skip
AS_TEXT = (models.CharField, models.TextField, models.UUIDField, models.GenericIPAddressField)


def _text(value: Any) -> Any:
    return value if is_protected_type(value) else str(value)


def _duration(value: Any) -> Any:
    return None if value is None else duration_string(value)


def _methods_are_djangos(field: Any, base_class: type) -> bool:
    return all(
        getattr(type(field), m) is getattr(base_class, m)
        for m in ("value_to_string", "value_from_object")
    )


def converter(field: Any) -> Any:
    """How the field's value goes into a record; False when only Django can tell."""
    cls = next(
        (c for c in type(field).__mro__ if c.__module__.startswith("django.db.models")), None
    )
    if cls is None or not _methods_are_djangos(field, cls):
        return False
    if issubclass(cls, AS_IT_IS):
        return None
    if issubclass(cls, AS_TEXT):
        return _text
    if issubclass(cls, models.DurationField):
        return _duration
    return False


Record = tuple[Writer, Writer, bytes]  # of the fields, of the key, and how it begins


def record_of(model: type[models.Model], comma: str) -> Record | None:
    """What writes a record of the model; None when only Django can."""
    return _record_of(
        cast("Any", model), comma, tuple(model._meta.concrete_model._meta.local_fields)
    )


@lru_cache(maxsize=1024)
def _record_of(model: Any, comma: str, fields: tuple[Any, ...]) -> Record | None:
    """`fields` keys the cache: a model may get more of them."""
    meta = model._meta.concrete_model._meta
    in_dict = internals.dict_test(model)
    columns = []
    for field in [meta.pk, *(f for f in fields if f.serialize)]:
        convert = converter(field)
        if convert is False or field.remote_field or meta.local_many_to_many:
            return None
        by_getattr = not in_dict(field.attname)
        columns.append((field.name, field.attname, by_getattr, convert))
    chosen = style(ascii=False, fallback=DjangoJSONEncoder().default, separators=(comma, ": "))
    columns[0] = ("pk", *columns[0][1:])
    head = Writer(chosen, ()).dumps({"model": str(model._meta)})[:-1]
    return Writer(chosen, tuple(columns[1:]), model), Writer(chosen, (columns[0],), model), head


class CompiledRecords:
    """Puts compiled records into a Serializer; each is the text Django would write."""

    comma = ", "  # between the members of a record
    between = ", "
    after = ""
    stream: Any

    def serialize(self, queryset: Any, **options: Any) -> Any:
        record, why = self._record(queryset, options)
        shadowed = _patch._active.get("serializers") == "shadow"
        if record is None:
            if shadowed:
                _patch._skip("serializers", why)
            return super().serialize(queryset, **options)  # type: ignore[misc]
        _patch.calls["serializers"] += 1
        if not shadowed:
            return self._serialize_plain(queryset, record, options)
        plain: Any = super().serialize  # type: ignore[misc]
        return _patch.compare_records(
            f"{queryset.model._meta.label}",
            lambda stream: plain(queryset, stream=stream),
            options.get("stream") or base.Serializer.stream_class(),
            lambda: type(self)()._serialize_plain(queryset, record, {}),
        )

    def _record(self, queryset: Any, options: dict[str, Any]) -> tuple[Record | None, str]:
        if set(options) - {"stream"}:
            return None, "options that Django's serializer knows"
        if not isinstance(queryset, models.QuerySet):
            return None, "not a queryset"
        if queryset._iterable_class is not ModelIterable:
            return None, "not a queryset of instances"
        record = record_of(queryset.model, self.comma)
        return record, "relations, or fields of their own"

    def _serialize_plain(self, queryset: Any, record: Record, options: dict[str, Any]) -> Any:
        this: Any = self
        this.options = options
        this.stream = options.get("stream") or this.stream_class()
        this.selected_fields = None
        this.use_natural_foreign_keys = this.use_natural_primary_keys = False
        this.start_serialization()
        fields, key, head = record
        comma = self.comma.encode()
        for number, obj in enumerate(queryset):
            pk, rest = key.instance(obj)[1:-1], fields.instance(obj)
            text = b"".join((head, comma, pk, comma, b'"fields": ', rest, b"}"))
            this.stream.write((self.between if number else "") + text.decode() + self.after)
        this.end_serialization()
        return this.getvalue()


class Serializer(CompiledRecords, base.Serializer):
    """django.core.serializers.json.Serializer, faster where it can be."""
