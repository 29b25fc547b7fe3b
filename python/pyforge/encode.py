"""Encoders: rows, instances and any value to the JSON text of one of four dialects."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal, cast

from django.core.serializers.json import DjangoJSONEncoder
from django.db import models

from pyforge import _django_internals as internals
from pyforge import _pyforge, conf
from pyforge._plan import FieldDescriptor, Limits
from pyforge.errors import CompileError, DescriptorOrderError, JSONDecodeError
from pyforge.rules import as_descriptor, select_fields

Dialect = Literal["django", "drf", "ninja", "compact"]
ARRAY = (b"[", b", ", b"]")
ARRAY_COMPACT = (b"[", b",", b"]")
ROW = tuple[Any, ...]


# -- Styles ------------------------------------------------------------------------


def _drf_fallback() -> tuple[Callable[[Any], Any], bool, bool, bool]:
    from rest_framework.settings import api_settings
    from rest_framework.utils.encoders import JSONEncoder

    return (
        JSONEncoder().default,
        not api_settings.UNICODE_JSON,
        not api_settings.STRICT_JSON,
        api_settings.COMPACT_JSON,
    )


def _ninja_fallback() -> Callable[[Any], Any]:
    from ninja.responses import NinjaJSONEncoder

    return cast("Callable[[Any], Any]", NinjaJSONEncoder().default)


def style(
    *,
    ascii: bool = True,
    escape_lines: bool = False,
    drf: bool = False,
    plain: bool = False,
    allow_nan: bool = True,
    sort_keys: bool = False,
    skip_keys: bool = False,
    check_circular: bool = True,
    custom: bool = False,
    fallback: Callable[[Any], Any],
    separators: tuple[str, str] = (", ", ": "),
    indent: str | None = None,
) -> tuple[Any, ...]:
    """The tuple that the C writer takes for a style."""
    return (
        ascii, escape_lines, drf, plain, allow_nan, sort_keys, skip_keys, check_circular,
        custom, fallback, separators[0].encode(), separators[1].encode(),
        None if indent is None else indent.encode(),
    )  # fmt: skip


def dialect_style(dialect: str, default: Callable[[Any], Any] | None = None) -> tuple[Any, ...]:
    """The style of a dialect; `default` replaces the live encoder's."""
    custom = default is not None
    if dialect == "django":
        return style(fallback=default or DjangoJSONEncoder().default, custom=custom)
    if dialect == "compact":
        return style(ascii=False, separators=(",", ":"), custom=custom,
                     fallback=default or DjangoJSONEncoder().default)  # fmt: skip
    if dialect == "ninja":
        return style(fallback=default or _ninja_fallback(), custom=custom)
    if dialect == "drf":
        fallback, ascii_only, allow_nan, compact = _drf_fallback()
        return style(
            ascii=ascii_only, escape_lines=True, drf=True, allow_nan=allow_nan, custom=True,
            fallback=default or fallback, separators=(",", ":") if compact else (", ", ": "),
        )  # fmt: skip
    raise CompileError(f"unknown dialect {dialect!r}")


# -- Encoder -----------------------------------------------------------------------


def _rename(rename: Mapping[str, str] | Callable[[str], str] | None, name: str) -> str:
    if rename is None:
        return name
    return rename(name) if callable(rename) else rename.get(name, name)


class Encoder:
    """Columns and a dialect, compiled once. Immutable; safe to share between threads."""

    __slots__ = ("_frame", "_style", "_writer", "dialect", "fields", "model", "names")

    def __init__(
        self,
        source: type[models.Model] | Iterable[FieldDescriptor | Mapping[str, Any]],
        *,
        fields: Iterable[str] | None = None,
        exclude: Iterable[str] | None = None,
        rename: Mapping[str, str] | Callable[[str], str] | None = None,
        dialect: Dialect = "django",
        default: Callable[[Any], Any] | None = None,
        envelope: tuple[bytes, bytes] | None = None,
    ) -> None:
        self.model: Any = None
        if isinstance(source, type) and issubclass(source, models.Model):
            self.model = source
            live = select_fields(source, fields, exclude)
            columns = [(f.name, f.attname, internals.instance_converter(f)) for f in live]
        else:
            columns = list(_described(cast("Any", source), fields, exclude))
        self.dialect = dialect
        self.fields = tuple(c[0] for c in columns)
        self.names = tuple(_rename(rename, n) for n in self.fields)
        chosen = self._style = dialect_style(dialect, default)
        in_dict = internals.dict_test(self.model)
        self._writer = _pyforge.Writer(
            chosen,
            tuple(
                (name, attname, not in_dict(attname), convert)
                for name, (_, attname, convert) in zip(self.names, columns, strict=True)
            ),
            self.model,
        )
        before, after = envelope or (b"", b"")
        self._frame = (before + b"[", chosen[10], b"]" + after)

    @property
    def fallbacks(self) -> int:
        """Values written by the dialect's live encoder so far."""
        return self._writer.fallbacks

    def encode(self, obj: Any) -> bytes:
        """One instance, mapping, or tuple in field order, as a JSON object."""
        if isinstance(obj, (tuple, list)):
            return self._writer.tuple(obj)
        if isinstance(obj, Mapping):
            return self._writer.dict(obj)
        return self._writer.instance(obj)

    def encode_many(self, objs: Iterable[Any]) -> bytes:
        """An array of rows, all of the first one's sort."""
        rows = objs if isinstance(objs, list) else list(objs)
        first = rows[0] if rows else ()
        if isinstance(first, (tuple, list)):
            return self._writer.tuples(rows, self._frame)
        if isinstance(first, Mapping):
            return self._writer.dicts(rows, self._frame)
        return self._writer.instances(rows, self._frame)

    def encode_into(self, obj: Any, buf: bytearray) -> int:
        """Append one object; how many bytes that were."""
        data = self.encode(obj)
        buf += data
        return len(data)


def _described(source: Iterable[Any], fields: Iterable[str] | None, exclude: Iterable[str] | None
               ) -> Iterable[tuple[str, str, Any]]:  # fmt: skip
    wanted = None if fields is None else set(fields)
    left_out = set(exclude or ())
    for d in map(as_descriptor, source):
        if (wanted is None or d.name in wanted) and d.name not in left_out:
            convert = {"FILE": internals.file_name, "BINARY": internals._base64}.get(d.kind)
            yield d.name, d.attname, convert


@lru_cache(maxsize=256)
def _encoder_of(columns: tuple[tuple[str, str, str], ...]) -> Encoder:
    return Encoder([
        FieldDescriptor(name=n, attname=a, column=None, kind=k, django_type="") for n, a, k in columns
    ])  # fmt: skip


@lru_cache(maxsize=256)
def _encoder_of_model(model: Any, fields: tuple[Any, ...]) -> Encoder:
    """`fields` keys the cache: a model may get more of them."""
    return Encoder(model)


def as_encoder(descriptors: Any) -> Encoder:
    """The encoder of descriptors; equal ones share it."""
    if isinstance(descriptors, Encoder):
        return descriptors
    if isinstance(descriptors, type):
        model = cast("Any", descriptors)
        return _encoder_of_model(model, tuple(model._meta.fields))
    return _encoder_of(tuple(map(_column_key, descriptors)))


def _column_key(d: Any) -> tuple[str, str, str]:
    if isinstance(d, FieldDescriptor):
        return d.name, d.attname, d.kind
    try:
        name = d["name"]
        return name, d.get("attname", name), d.get("kind", "DYNAMIC")
    except (KeyError, TypeError, AttributeError) as error:
        raise CompileError(f"a field descriptor needs a name: {d!r}") from error


# -- The plain functions -----------------------------------------------------------


def serialize_fields(field_descriptors: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    """A mapping's values as JSON's types: ``json.loads`` of its encoded text."""
    return as_encoder(field_descriptors)._writer.mapping_dict(values)


def serialize_instance(instance: Any, descriptors: Any) -> dict[str, Any]:
    """All fields of an instance in one call, as JSON's types."""
    return as_encoder(descriptors)._writer.instance_dict(instance)


def serialize_instance_bytes(instance: Any, enc: Any) -> bytes:
    """One instance as a JSON object."""
    if type(enc) is not Encoder:
        enc = as_encoder(enc)
    return enc._writer.instance(instance)


def serialize_batch(instances: Iterable[Any], enc: Any) -> bytes:
    """Instances as a JSON array."""
    encoder = as_encoder(enc)
    return encoder._writer.instances(instances, encoder._frame)


def serialize_to_bytes(descriptors: Any, values: Sequence[Any]) -> bytes:
    """One row of values, in the descriptors' order, as a JSON object."""
    return as_encoder(descriptors)._writer.tuple(values)


def serialize_value_tuples(
    rows: Iterable[Sequence[Any]], descriptors: Any, *, names: Sequence[str] | None = None
) -> bytes:
    """``values_list()`` rows as a JSON array. The order of the values is the order of the
    descriptors: checked against `names`, or against the queryset's own selection."""
    encoder = as_encoder(descriptors)
    if names is None and isinstance(rows, models.QuerySet):
        names = rows.query.values_select
    if names is not None and tuple(names) not in (encoder.fields, _attnames(encoder)):
        raise DescriptorOrderError(
            f"values come as {', '.join(names)}; the descriptors are {', '.join(encoder.fields)}"
        )
    return encoder._writer.tuples(rows, encoder._frame)


def _attnames(encoder: Encoder) -> tuple[str, ...]:
    if encoder.model is None:
        return encoder.fields
    return tuple(encoder.model._meta.get_field(n).attname for n in encoder.fields)


def estimate_json_size(descriptors: Any, values: Sequence[Any]) -> int:
    """A guess at the bytes of a row: keys exactly, texts by their length."""
    encoder = as_encoder(descriptors)
    size = 2 + sum(len(n) + 6 for n in encoder.names)
    for value in values:
        size += len(value) + 2 if isinstance(value, (str, bytes)) else 24
    return size


# -- json.dumps and json.loads -----------------------------------------------------


@lru_cache(maxsize=64)
def _dumper(dialect: str, default: Any, sort_keys: bool, indent: str | None,
            ascii: bool | None, allow_nan: bool | None) -> _pyforge.Writer:  # fmt: skip
    s = list(dialect_style(dialect, default))
    if ascii is not None:
        s[0] = ascii
    if allow_nan is not None:
        s[4] = allow_nan
    s[5] = sort_keys
    if indent is not None:
        s[10], s[12] = b",", indent.encode()
    return _pyforge.Writer(tuple(s), ())


def dumps(
    obj: Any,
    *,
    dialect: Dialect = "django",
    default: Callable[[Any], Any] | None = None,
    sort_keys: bool = False,
    indent: int | str | None = None,
    ensure_ascii: bool | None = None,
    allow_nan: bool | None = None,
) -> bytes:
    """Any value as the dialect's JSON bytes."""
    text = " " * indent if isinstance(indent, int) else indent
    return _dumper(dialect, default, sort_keys, text, ensure_ascii, allow_nan).dumps(obj)


def loads(data: bytes | bytearray | memoryview | str, *, limits: Limits | None = None,
          dialect: Literal["python", "rfc8259"] = "python") -> Any:  # fmt: skip
    """``json.loads``, within `limits` (default: PYFORGE["LIMITS"])."""
    raw = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
    value = _pyforge.loads(raw, conf.limits(limits)._tuple(), dialect == "python")
    return loads_slowly(data, dialect) if value is NotImplemented else value


def _refuse_constant(name: str) -> Any:
    raise JSONDecodeError(f"{name} is not JSON", name, 0)


def loads_slowly(data: Any, dialect: str = "python") -> Any:
    """The json module's own answer; its errors become ours, with its position."""
    raw = bytes(data) if isinstance(data, memoryview) else data
    if dialect == "rfc8259" and not isinstance(raw, str):
        _check_utf8(raw, "utf-8", "strict")
    try:
        constant: dict[str, Any] = (
            {"parse_constant": _refuse_constant} if dialect == "rfc8259" else {}
        )
        value = json.loads(raw, **constant)
    except JSONDecodeError:
        raise
    except json.JSONDecodeError as e:
        raise JSONDecodeError(e.msg, e.doc, e.pos) from None
    except UnicodeDecodeError as e:
        raise _not_utf8(e) from None
    if dialect == "rfc8259":
        raise JSONDecodeError("not RFC 8259 (lone surrogate)", str(data)[:80], 0)
    return value


def _check_utf8(raw: Any, encoding: str, errors: str) -> None:
    try:
        bytes(raw).decode(encoding, errors)
    except UnicodeDecodeError as e:
        raise _not_utf8(e) from None


def _not_utf8(e: UnicodeDecodeError) -> JSONDecodeError:
    return JSONDecodeError(f"invalid {e.encoding}: {e.reason}", e.object.decode("latin-1"), e.start)
