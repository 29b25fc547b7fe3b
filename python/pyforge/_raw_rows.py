"""Which cell code reads a column of a raw database row, and when none does.

A column is read natively only when every loader and converter between the wire and
``values()`` is one whose result is known; otherwise its cells go through exactly those
loaders and converters, one call a cell, counted.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db.models.expressions import Col
from django.db.models.fields.json import JSONField

from pyforge._pyforge import CELLS, Writer


@dataclass(slots=True)
class Column:
    """One raw column: its code, the code's parameter, and its slow way."""

    name: str
    code: str
    param: int
    convert: Callable[[Any], Any] | None
    reason: str | None = None


@dataclass(slots=True)
class RawPlan:
    """The columns of a query in the form the writer takes."""

    columns: list[Column]
    codes: bytes = b""
    params: tuple[int, ...] = ()
    converts: tuple[Any, ...] = ()

    def __post_init__(self) -> None:
        self.codes = bytes(CELLS[c.code] for c in self.columns)
        self.params = tuple(c.param for c in self.columns)
        self.converts = tuple(c.convert for c in self.columns)

    def sqlite(self, writer: Writer, rows: list[Any], frame: tuple[bytes, bytes, bytes]
               ) -> tuple[bytes, int]:  # fmt: skip
        return writer.sqlite_rows(rows, self.codes, self.params, self.converts, frame)

    def pg(self, writer: Writer, result: Any, first: int, last: int,
           frame: tuple[bytes, bytes, bytes]) -> tuple[bytes, int]:  # fmt: skip
        return writer.pg_rows(
            result.get_value, first, last, self.codes, self.params, self.converts, frame
        )


def expressions(compiler: Any) -> list[Any]:
    """The selected expressions, in row order."""
    return [s[0] for s in compiler.select[: compiler.col_count]]


def converters(expression: Any, connection: Any) -> list[Any]:
    """What Django applies to a cell, as SQLCompiler.get_converters collects it."""
    return [
        *connection.ops.get_db_converters(expression),
        *expression.get_db_converters(connection),
    ]


def chain(steps: list[Any], expression: Any, connection: Any) -> Callable[[Any], Any] | None:
    if not steps:
        return None

    def convert(value: Any) -> Any:
        for step in steps:
            value = step(value, expression, connection)
        return value

    return convert


def _is_utc(tz: Any) -> bool:
    return tz is datetime.UTC or str(tz) == "UTC"


def is_plain_json(step: Any, expression: Any) -> bool:
    """Is the step JSONField.from_db_value with json's own decoder, on a column?"""
    owner: Any = getattr(step, "__self__", None)
    return (
        isinstance(expression, Col)
        and type(owner) is JSONField
        and getattr(step, "__func__", None) is JSONField.__dict__["from_db_value"]
        and owner.decoder is None
    )


# -- SQLite ------------------------------------------------------------------------


def _sqlite_code(step: Any, expression: Any, connection: Any) -> tuple[str, int] | str:
    from django.db.backends.sqlite3.operations import DatabaseOperations

    own = {
        DatabaseOperations.convert_datefield_value: "DATE",
        DatabaseOperations.convert_timefield_value: "TIME",
        DatabaseOperations.convert_uuidfield_value: "UUID",
        DatabaseOperations.convert_booleanfield_value: "BOOL",
        DatabaseOperations.convert_durationfield_value: "DURATION",
    }
    function = getattr(step, "__func__", None)
    if function in own:
        return own[function], 0
    if function is DatabaseOperations.convert_datetimefield_value:
        if not settings.USE_TZ:
            return "DATETIME", 0
        return ("DATETIME_UTC", 0) if _is_utc(connection.timezone) else "time zone is not UTC"
    if getattr(step, "__qualname__", "").startswith(
        "DatabaseOperations.get_decimalfield_converter"
    ):
        field = expression.output_field
        if isinstance(expression, Col) and field.max_digits is not None and field.max_digits <= 60:
            return "DECIMAL", field.decimal_places + 100 * field.max_digits
        return "a computed decimal"
    if is_plain_json(step, expression):
        return "JSON", 0
    return "a converter of its own"


def sqlite_plan(compiler: Any, names: list[str], connection: Any) -> RawPlan:
    columns = []
    for name, expression in zip(names, expressions(compiler), strict=True):
        steps = converters(expression, connection)
        found: tuple[str, int] | str = ("ANY", 0)
        if len(steps) == 1:
            found = _sqlite_code(steps[0], expression, connection)
        elif steps:
            found = "several converters"
        convert = chain(steps, expression, connection)
        if isinstance(found, str):
            columns.append(Column(name, "CONVERT", 0, convert, found))
        else:
            columns.append(Column(name, found[0], found[1], convert))
    return RawPlan(columns)


# -- PostgreSQL --------------------------------------------------------------------

LOADERS = {
    "IntLoader": "INT",
    "OidLoader": "INT",
    "FloatLoader": "FLOAT",
    "NumericLoader": "NUMERIC",
    "TextLoader": "TEXT",
    "BoolLoader": "BOOL",
    "DateLoader": "DATE",
    "TimeLoader": "TIME",
    "TimestampLoader": "DATETIME",
    "IntervalLoader": "DURATION",
    "UUIDLoader": "UUID",
    "HstoreLoader": "HSTORE",
}
JSON_OIDS = (3802,)  # jsonb; Django loads it as text


def _is_stock(cls: type) -> bool:
    """Is the class psycopg's own? The array loaders that it makes at run time bear another
    module's name; they add data to the class they are made from, and nothing that is called."""
    if cls.__module__.split(".")[0] in ("psycopg", "psycopg_binary", "psycopg_c"):
        return True
    made_of = cls.__bases__
    return (
        len(made_of) == 1
        and made_of[0].__name__ == "ArrayLoader"
        and _is_stock(made_of[0])
        and not any(map(callable, vars(cls).values()))
    )


def _loader_code(cls: Any, connection: Any, get: Callable[[int], Any]) -> tuple[str, int] | str:
    """The code of what a loader class makes, or why there is none."""
    if cls.__qualname__ == "register_tzloader.<locals>.SpecificTzLoader":
        utc = (
            _is_utc(cls.timezone) and cls.__module__ == "django.db.backends.postgresql.psycopg_any"
        )
        return ("DATETIME_UTC", 0) if utc else "time zone is not UTC"
    if not _is_stock(cls):
        return f"loader {cls.__qualname__} is not psycopg's own"
    if cls.__name__ in LOADERS:
        return LOADERS[cls.__name__], 0
    if any(c.__name__ == "ArrayLoader" and _is_stock(c) for c in cls.__mro__):
        if cls.delimiter != b",":
            return "array with a delimiter of its own"
        item = _loader_code(get(cls.base_oid), connection, get)
        if isinstance(item, str) or item[0] in ("ARRAY", "HSTORE"):
            return f"array items: {item}"
        return "ARRAY", CELLS[item[0]]
    return f"no native reader for {cls.__name__}"


def session_reason(connection: Any) -> str | None:
    """Why text from this connection could look different from what the readers expect."""
    info = connection.connection.info
    for setting, wanted in (
        ("client_encoding", "UTF8"),
        ("IntervalStyle", "postgres"),
        ("DateStyle", "ISO"),
    ):
        value = info.parameter_status(setting) or ""
        if not value.startswith(wanted):
            return f"{setting} is {value}"
    return None


def pg_plan(compiler: Any, names: list[str], connection: Any, cursor: Any, result: Any) -> RawPlan:
    """The columns of an executed query, by the loaders this cursor would use."""
    from psycopg.pq import Format

    adapters = cursor.adapters

    def get(oid: int) -> Any:
        return adapters.get_loader(oid, Format.TEXT) or adapters.get_loader(0, Format.TEXT)

    columns = []
    for i, (name, expression) in enumerate(zip(names, expressions(compiler), strict=True)):
        oid = result.ftype(i)
        cls = get(oid)
        steps = converters(expression, connection)
        found = _loader_code(cls, connection, get)
        if steps:
            plain = len(steps) == 1 and is_plain_json(steps[0], expression) and oid in JSON_OIDS
            found = ("JSON", 0) if plain and found == ("TEXT", 0) else "a converter of its own"
        convert = _load_and(cls(oid, cursor), chain(steps, expression, connection))
        if isinstance(found, str):
            columns.append(Column(name, "CONVERT", 0, convert, found))
        else:
            columns.append(Column(name, found[0], found[1], convert))
    return RawPlan(columns)


def _load_and(loader: Any, convert: Callable[[Any], Any] | None) -> Callable[[Any], Any]:
    def read(raw: bytes | None) -> Any:
        value = None if raw is None else loader.load(raw)
        return value if convert is None else convert(value)

    return read


def raw_reason(queryset: Any, compiler: Any, connection: Any) -> str | None:
    """Why rows of this query can't be taken from the cursor as they are."""
    if compiler.has_extra_select:
        return "extra columns for ordering"
    if queryset.query.extra_select:
        return "extra(select=…)"
    if connection.vendor == "sqlite":
        stock = type(connection).__module__ == "django.db.backends.sqlite3.base"
        return None if stock else "not Django's own SQLite backend"
    if connection.vendor == "postgresql":
        if type(connection).__module__ != "django.db.backends.postgresql.base":
            return "not Django's own PostgreSQL backend"
        from django.db.backends.postgresql.psycopg_any import is_psycopg3

        return None if is_psycopg3 else "psycopg2"
    return f"no raw path for {connection.vendor}"


def selected_names(query: Any) -> list[str]:
    """The keys of values(), in row order."""
    if getattr(query, "selected", None):
        return list(query.selected)
    return [*query.extra_select, *query.values_select, *query.annotation_select]
