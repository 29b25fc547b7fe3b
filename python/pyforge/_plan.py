"""Plain data about fields, limits and results. Imports no Django."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, fields
from typing import Any, TypedDict


class FieldValidationError(TypedDict):
    """One error of one field, as ``validate_fields`` lists it."""

    field: str
    code: str | None
    message: str
    params: dict[str, Any] | None


class SerializedRecord(TypedDict, total=False):
    """One serialized row: its keys are the descriptors' names, its values JSON's types."""


@dataclass(frozen=True, slots=True)
class ValidatorDescriptor:
    """A validator of a field and how it is run: natively, or ``CALL``."""

    name: str
    op: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class FieldDescriptor:
    """What pyforge knows about one model field."""

    name: str
    attname: str
    column: str | None
    kind: str
    django_type: str
    null: bool = False
    blank: bool = False
    editable: bool = True
    max_length: int | None = None
    max_digits: int | None = None
    decimal_places: int | None = None
    choices: tuple[Any, ...] | None = None
    validators: tuple[ValidatorDescriptor, ...] = ()
    base: FieldDescriptor | None = None
    compiled: bool = True
    fallback_reason: str | None = None
    model: str | None = None

    def asdict(self) -> dict[str, Any]:
        """The descriptor as the plain dict that ``extract_model_fields`` gives."""
        result = {f.name: getattr(self, f.name) for f in fields(self)}
        result["validators"] = [v.name for v in self.validators]
        result["base"] = self.base.asdict() if self.base is not None else None
        return result


@dataclass(frozen=True, slots=True)
class Limits:
    """How much input ``parse_json`` takes; beyond it a LimitError names the setting."""

    max_bytes: int = 10 * 1024 * 1024
    max_depth: int = 200
    max_items: int = 100_000
    max_string: int = 10 * 1024 * 1024
    max_number_digits: int = 4300
    max_errors: int = 1000

    def _tuple(self) -> tuple[int, int, int, int, int]:
        return (
            self.max_bytes,
            self.max_depth,
            self.max_items,
            self.max_string,
            self.max_number_digits,
        )


@dataclass(slots=True)
class BatchResult:
    """Cleaned rows in input order; a failed row is None and its error is in ``errors``."""

    names: tuple[str, ...]
    rows: list[tuple[Any, ...] | None]
    errors: dict[int, Any]
    error_class: type[Exception]
    extra: dict[int, dict[str, Any]] = field(default_factory=dict)
    truncated: bool = False

    @property
    def ok(self) -> bool:
        return not self.errors

    @property
    def error_count(self) -> int:
        return len(self.errors)

    @property
    def valid_count(self) -> int:
        return len(self.rows) - len(self.errors)

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[tuple[Any, ...] | None]:
        return iter(self.rows)

    def raise_if_invalid(self) -> None:
        """Raise the first row's ValidationError, with all of its fields."""
        for row in sorted(self.errors):
            raise self.errors[row]

    def as_dicts(self) -> list[dict[str, Any] | None]:
        """The rows as dicts by field name."""
        return [None if r is None else dict(zip(self.names, r, strict=True)) for r in self.rows]


@dataclass(slots=True)
class CompileReport:
    """What compiled, what falls back and why, and what happened since."""

    fields: tuple[FieldDescriptor, ...]
    rebuilds: int = 0
    counters: dict[str, tuple[int, int, int, int]] = field(default_factory=dict)

    @property
    def native(self) -> int:
        return sum(f.compiled for f in self.fields)

    @property
    def values(self) -> int:
        return sum(c[0] for c in self.counters.values())

    @property
    def punts(self) -> int:
        """Values that were handed to Django's own Field.clean."""
        return sum(c[1] for c in self.counters.values())

    @property
    def calls(self) -> int:
        """Validators that were called in Python because C could not decide."""
        return sum(c[2] for c in self.counters.values())

    @property
    def punt_rate(self) -> float:
        return (self.punts + self.calls) / self.values if self.values else 0.0
