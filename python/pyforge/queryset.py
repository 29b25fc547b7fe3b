"""Querysets straight to JSON bytes.

The text is that of ``json.dumps(list(qs.values(*fields)), cls=DjangoJSONEncoder)`` (or of
the chosen dialect). Rows are taken from Django's own cursor, in its transaction, through
its execute wrappers and logging; the path is never another answer, only another way.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any, Literal

from asgiref.sync import sync_to_async
from django.db import connections, models
from django.db.models.query import ModelIterable, RawQuerySet, ValuesIterable
from django.db.models.sql.constants import CURSOR
from django.db.transaction import TransactionManagementError
from django.http import StreamingHttpResponse

from pyforge import _raw_rows as raw
from pyforge._pyforge import Writer
from pyforge.encode import Dialect, Encoder, dialect_style
from pyforge.errors import CompileError, UnsupportedFieldError

Frame = tuple[bytes, bytes, bytes]
Format = Literal["array", "ndjson"]

paths: Counter[str] = Counter()  # queries by the path their rows took
cells: Counter[str] = Counter()  # "converted": cells that went through Django's converters


# -- What is asked for -------------------------------------------------------------


def _values_queryset(qs: Any, fields: Sequence[str] | None, encoder: Encoder | None) -> Any:
    if encoder is not None and fields is None:
        fields = encoder.fields
    if not isinstance(qs, models.QuerySet):
        raise CompileError(f"expected a QuerySet, not {type(qs).__name__}")
    if qs._iterable_class is ModelIterable:
        return qs.values(*(fields or ()))
    if qs._iterable_class is not ValuesIterable or fields:
        raise UnsupportedFieldError("give a queryset of instances, or one of values()")
    return qs


class _Rows:
    """One query and the writer of its rows; `chunks` gives bytes for each part."""

    def __init__(self, qs: Any, fields: Sequence[str] | None, encoder: Encoder | None,
                 dialect: Dialect, default: Callable[[Any], Any] | None) -> None:  # fmt: skip
        self.instances = isinstance(qs, RawQuerySet)
        self.path = "instances"
        self.reason: str | None = None
        self.plan: raw.RawPlan | None = None
        if self.instances:
            self.source = encoder or Encoder(qs.model, fields=fields, dialect=dialect)
            self.writer, self.rows, self.separator = self.source._writer, qs, self.source._frame[1]
            return
        self.qs = _values_queryset(qs, fields, encoder)
        self.connection = connections[self.qs.db]
        style = encoder._style if encoder is not None else dialect_style(dialect, default)
        self.separator = style[10]
        self.compiler = self.qs.query.get_compiler(self.qs.db)
        self.compiler.pre_sql_setup()
        self.names = raw.selected_names(self.qs.query)
        labels = self.names if encoder is None else encoder.names
        self.writer = Writer(style, tuple((n, n, False, None) for n in labels))
        self._choose()

    def _choose(self) -> None:
        self.reason = raw.raw_reason(self.qs, self.compiler, self.connection)
        if self.reason is None and len(set(self.names)) != self.compiler.col_count:
            self.reason = "names and columns differ"
        self.path = "values_list" if self.reason else self.connection.vendor

    # -- Chunks of rows as bytes --------------------------------------------------

    def chunks(self, size: int, frame: Frame, streaming: bool) -> Iterator[tuple[bytes, int]]:
        """(text, rows) of each chunk; the frame of all but the first starts with `between`."""
        if self.instances:
            yield from self._python_chunks(iter(self.rows), self.writer.instances, size, frame)
        elif self.path == "values_list":
            paths[self.path] += 1
            rows = self._values_rows(size, streaming)
            yield from self._python_chunks(rows, self.writer.tuples, size, frame)
        elif self.path == "sqlite":
            yield from self._sqlite_chunks(size, frame, streaming)
        else:
            yield from self._pg_chunks(size, frame, streaming)

    def _values_rows(self, size: int, streaming: bool) -> Iterator[Any]:
        chunked = streaming and not self.connection.settings_dict.get("DISABLE_SERVER_SIDE_CURSORS")
        compiler = self.qs.query.get_compiler(self.qs.db)
        return iter(
            compiler.results_iter(tuple_expected=True, chunked_fetch=chunked, chunk_size=size)
        )

    def _python_chunks(self, rows: Iterator[Any], write: Any, size: int, frame: Frame
                       ) -> Iterator[tuple[bytes, int]]:  # fmt: skip
        while chunk := [row for _, row in zip(range(size), rows, strict=False)]:
            yield write(chunk, frame), len(chunk)
            frame = (frame[1], frame[1], frame[2])

    def _sqlite_chunks(
        self, size: int, frame: Frame, streaming: bool
    ) -> Iterator[tuple[bytes, int]]:
        paths["sqlite"] += 1
        cursor = self._execute(streaming)
        if cursor is None:
            return
        try:
            plan = self.plan = raw.sqlite_plan(self.compiler, self.names, self.connection)
            with self.connection.wrap_database_errors:
                while rows := cursor.fetchmany(size):
                    text, converted = plan.sqlite(self.writer, rows, frame)
                    cells["converted"] += converted
                    yield text, len(rows)
                    frame = (frame[1], frame[1], frame[2])
        finally:
            cursor.close()

    def _execute(self, chunked: bool) -> Any:
        return self.compiler.execute_sql(CURSOR, chunked_fetch=chunked)

    # -- PostgreSQL ---------------------------------------------------------------

    def _pg_chunks(self, size: int, frame: Frame, streaming: bool) -> Iterator[tuple[bytes, int]]:
        self.connection.ensure_connection()
        self.reason = raw.session_reason(self.connection)
        if self.reason is not None:
            self.path = "values_list"
            yield from self.chunks(size, frame, streaming)
            return
        paths["postgresql"] += 1
        chunked = streaming and not self.connection.settings_dict.get("DISABLE_SERVER_SIDE_CURSORS")
        cursor = self._execute(chunked)
        if cursor is None:
            return
        try:
            results = self._server_results(cursor, size) if chunked else iter([cursor.cursor])
            for fetched in results:
                for text, rows in self._result_chunks(fetched, size if streaming else None, frame):
                    yield text, rows
                    frame = (frame[1], frame[1], frame[2])
        finally:
            cursor.close()

    def _server_results(self, cursor: Any, size: int) -> Iterator[Any]:
        """Results of FETCH on Django's own named cursor, through a plain one beside it."""
        from psycopg import sql

        fetch = sql.SQL("FETCH FORWARD {} FROM {}").format(
            sql.Literal(size), sql.Identifier(cursor.cursor.name)
        )
        with self.connection.wrap_database_errors, self.connection.connection.cursor() as plain:
            while plain.execute(fetch).pgresult.ntuples:
                yield plain

    def _result_chunks(
        self, cursor: Any, size: int | None, frame: Frame
    ) -> Iterator[tuple[bytes, int]]:
        result = cursor.pgresult
        if self.plan is None:
            self.plan = raw.pg_plan(self.compiler, self.names, self.connection, cursor, result)
        if any(result.fformat(i) for i in range(result.nfields)):
            raise TransactionManagementError("binary results on a text cursor")
        total = result.ntuples
        step = size or max(total, 1)
        for first in range(0, total, step):
            last = min(first + step, total)
            with self.connection.wrap_database_errors:
                text, converted = self.plan.pg(self.writer, result, first, last, frame)
            cells["converted"] += converted
            yield text, last - first
            frame = (frame[1], frame[1], frame[2])


# -- Whole, in parts, as a response ------------------------------------------------


def queryset_to_json(
    qs: Any,
    *,
    fields: Sequence[str] | None = None,
    encoder: Encoder | None = None,
    dialect: Dialect = "django",
    default: Callable[[Any], Any] | None = None,
    chunk_rows: int = 200,
) -> bytes:
    """All rows as one JSON array."""
    rows = _Rows(qs, fields, encoder, dialect, default)
    frame = (b"[", rows.separator, b"")
    parts = [text for text, _ in rows.chunks(chunk_rows, frame, False)]
    if not parts:
        return b"[]"
    parts.append(b"]")
    return b"".join(parts)


def iter_json(
    qs: Any,
    *,
    fields: Sequence[str] | None = None,
    encoder: Encoder | None = None,
    dialect: Dialect = "django",
    default: Callable[[Any], Any] | None = None,
    chunk_rows: int = 200,
    fmt: Format = "array",
    trailer: bool = False,
) -> Iterator[bytes]:
    """The rows in parts of `chunk_rows`; never more than one part in memory.

    As "ndjson" each row is a line, and `trailer` adds a last one with the count. When
    a row fails after the first part, the array stays without its closing bracket and
    the exception leaves through the iterator.
    """
    if fmt not in ("array", "ndjson"):
        raise CompileError(f"fmt must be array or ndjson, not {fmt!r}")
    rows = _Rows(qs, fields, encoder, dialect, default)
    lines = fmt == "ndjson"
    frame = (b"", b"\n", b"") if lines else (b"[", rows.separator, b"")
    return _parts(rows, chunk_rows, frame, lines, trailer)


def _parts(rows: _Rows, size: int, frame: Frame, lines: bool, trailer: bool) -> Iterator[bytes]:
    count = 0
    for text, n in rows.chunks(size, frame, True):
        count += n
        yield text
    if not lines:
        yield b"]" if count else b"[]"
    else:
        end = b"\n" if count else b""
        if trailer:
            end += b'{"count": %d}\n' % count
        if end:
            yield end


async def aiter_json(qs: Any, **options: Any) -> AsyncIterator[bytes]:
    """iter_json for async code: each part is made in Django's database thread."""
    parts: Any = await sync_to_async(iter_json)(qs, **options)
    advance: Any = next
    following: Any = sync_to_async(advance)
    try:
        while (part := await following(parts, None)) is not None:
            yield part
    finally:
        await sync_to_async(parts.close)()


def _content_type(options: dict[str, Any]) -> str:
    return "application/x-ndjson" if options.get("fmt") == "ndjson" else "application/json"


def json_response(qs: Any, **options: Any) -> StreamingHttpResponse:
    """A streaming response of iter_json."""
    return StreamingHttpResponse(iter_json(qs, **options), content_type=_content_type(options))


def ajson_response(qs: Any, **options: Any) -> StreamingHttpResponse:
    """A streaming response of aiter_json, for async views."""
    return StreamingHttpResponse(aiter_json(qs, **options), content_type=_content_type(options))


def explain(qs: Any, *, fields: Sequence[str] | None = None) -> dict[str, Any]:
    """Which path the rows would take, and how each column would be read.

    On PostgreSQL the query is run for one row: the server says what the columns are.
    """
    rows = _Rows(qs, fields, None, "django", None)
    if rows.path == "sqlite":
        rows.compiler.as_sql()
        rows.plan = raw.sqlite_plan(rows.compiler, rows.names, rows.connection)
    elif rows.path == "postgresql":
        if not rows.qs.query.is_sliced:
            rows = _Rows(rows.qs.all()[:1], None, None, "django", None)
        for _ in rows.chunks(1, (b"", b"", b""), False):
            pass
    columns = [] if rows.plan is None else rows.plan.columns
    return {
        "path": rows.path,
        "reason": rows.reason,
        "columns": {c.name: {"code": c.code, "reason": c.reason} for c in columns},
    }
