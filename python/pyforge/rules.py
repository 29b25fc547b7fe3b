"""Rule sets: a model's validation, compiled once, run in C, Django's in every result."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, cast

from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import models, router

from pyforge import _django_internals as internals
from pyforge import conf, signals
from pyforge._plan import (
    BatchResult,
    CompileReport,
    FieldDescriptor,
    FieldValidationError,
    Limits,
    ValidatorDescriptor,
)
from pyforge._pyforge import Plan
from pyforge.errors import CompileError, JSONDecodeError, RowShapeError, UnsupportedFieldError

Source = type[models.Model] | Iterable[FieldDescriptor | Mapping[str, Any]]
OnError = Literal["collect", "raise", "skip"]


def as_descriptor(item: FieldDescriptor | Mapping[str, Any]) -> FieldDescriptor:
    """A descriptor from the dict form, which may leave out what has a default."""
    if isinstance(item, FieldDescriptor):
        return item
    known = {k: v for k, v in item.items() if k in FieldDescriptor.__dataclass_fields__}
    if "name" not in known:
        raise CompileError(f"a field descriptor needs a name: {item!r}")
    known.setdefault("attname", known["name"])
    known.setdefault("column", known["name"])
    known.setdefault("django_type", item.get("field_type", "TextField"))
    known.setdefault("kind", "DYNAMIC")
    known["validators"] = tuple(
        x if isinstance(x, ValidatorDescriptor) else ValidatorDescriptor(str(x), "CALL")
        for x in known.get("validators") or ()
    )
    if known.get("base") is not None:
        known["base"] = as_descriptor(known["base"])
    return FieldDescriptor(**known)


def select_fields(
    model: type[models.Model], fields: Iterable[str] | None, exclude: Iterable[str] | None
) -> list[Any]:
    """Concrete fields by name, in the given order, or the model's."""
    by_name = {f.name: f for f in model._meta.fields}
    names = list(by_name) if fields is None else list(fields)
    unknown = [n for n in [*names, *(exclude or ())] if n not in by_name]
    if unknown:
        raise UnsupportedFieldError(f"{model._meta.label} has no concrete field {unknown[0]!r}")
    left_out = set(exclude or ())
    return [by_name[n] for n in names if n not in left_out]


class RuleSet:
    """The compiled rules of a model's fields. Immutable; safe to share between threads.

    `clean` and its relatives do what ``Model(**values).clean_fields()`` would do to the
    row, and raise or collect the same ValidationErrors.
    """

    __slots__ = ("__weakref__", "_fields", "_lock", "_names", "_made_from", "_past",
                 "_plan", "_rebuilds", "_related", "_steps", "model")  # fmt: skip

    def __init__(
        self,
        source: Source,
        *,
        fields: Iterable[str] | None = None,
        exclude: Iterable[str] | None = None,
        related: Literal["python", "batch", "skip"] = "python",
        strict: bool = False,
    ) -> None:
        if related not in ("python", "batch", "skip"):
            raise CompileError(f"related must be python, batch or skip, not {related!r}")
        if isinstance(source, type) and issubclass(source, models.Model):
            self.model: type[models.Model] | None = source
            self._fields = select_fields(source, fields, exclude)
        else:
            self.model = None
            chosen = [as_descriptor(d) for d in cast("Iterable[Any]", source)]
            wanted = None if fields is None else set(fields)
            left_out = set(exclude or ())
            self._fields = [
                internals.field_from_descriptor(d)
                for d in chosen
                if (wanted is None or d.name in wanted) and d.name not in left_out
            ]
        self._related = related
        self._made_from = self.model._meta.fields if self.model is not None else None
        self._rebuilds = 0
        self._past: dict[str, tuple[int, int, int, int]] = {}
        self._lock = threading.Lock()
        self._compile()
        if strict:
            self._refuse_fallbacks()

    def _compile(self) -> None:
        in_dict = None if self.model is None else internals.dict_test(self.model)
        steps = [internals.compile_field(f, in_dict, self._related) for f in self._fields]
        self._steps = steps
        self._names = tuple(s.spec[0] for s in steps)
        self._plan = Plan(
            tuple(s.spec for s in steps), ValidationError, internals.DatabaseDefault, self.model
        )

    def _refuse_fallbacks(self) -> None:
        for step in self._steps:
            if step.reason is not None:
                raise UnsupportedFieldError(f"{step.spec[0]}: {step.reason}")

    def _current(self) -> Plan:
        """The plan, rebuilt first when something it was made from has changed."""
        plan = self._plan
        if plan.stale:
            with self._lock:
                if self._plan.stale:
                    self._past = self.counters
                    self._compile()
                    self._rebuilds += 1
                plan = self._plan
        return plan

    # -- What it is --------------------------------------------------------------

    @classmethod
    def for_model(cls, model: type[models.Model], **options: Any) -> RuleSet:
        """The shared rule set of a model; built when first asked for."""
        return _cache.get(model, options)

    @property
    def fields(self) -> tuple[FieldDescriptor, ...]:
        return tuple(s.descriptor for s in self._steps)

    @property
    def names(self) -> tuple[str, ...]:
        return self._names

    @property
    def report(self) -> CompileReport:
        return CompileReport(self.fields, self._rebuilds, self.counters)

    @property
    def counters(self) -> dict[str, tuple[int, int, int, int]]:
        """By field: values, punts to Field.clean, validators called, refusals of C."""
        now = self._plan.counters
        for name, past in self._past.items():
            if name in now:
                a, b, c, d = (x + y for x, y in zip(past, now[name], strict=True))
                now[name] = (a, b, c, d)
        return now

    @property
    def stale(self) -> bool:
        """Would the next call rebuild the plan?"""
        return self._plan.stale

    def reset_counters(self) -> None:
        self._past = {}
        self._plan.reset_counters()

    def __reduce__(self) -> tuple[Any, ...]:
        if self.model is not None:
            return _unpickle, (self.model._meta.label, self._names, self._related)
        return RuleSet, (list(self.fields),)

    def __repr__(self) -> str:
        what = self.model._meta.label if self.model is not None else ", ".join(self._names)
        return f"<RuleSet {what}: {len(self._names)} fields>"

    # -- Rows --------------------------------------------------------------------

    def clean(self, values: Any, instance: Any = None) -> tuple[Any, ...]:
        """One row's cleaned values in field order; ValidationError(error_dict)."""
        rows, _ = self._current().clean_rows((values,), True, -1, instance)
        if self._related == "batch":
            self._check_related(rows, {}, True)
        return cast("tuple[Any, ...]", rows[0])

    def clean_value(self, name: str, value: Any, instance: Any = None) -> Any:
        """What the field's own ``clean(value, instance)`` returns or raises."""
        return self._current().clean_value(name, value, instance)

    def clean_many(
        self, rows: Iterable[Any], *, on_error: OnError = "collect", max_errors: int | None = None
    ) -> BatchResult:
        """Every row; failed ones are None in `rows` and listed in `errors`."""
        limit = -1 if max_errors is None else max_errors
        cleaned, errors = self._current().clean_rows(rows, on_error == "raise", limit)
        return self._result(cleaned, errors, on_error, limit)

    def _result(self, rows: list[Any], errors: dict[int, Any], on_error: OnError, limit: int,
                extra: dict[int, Any] | None = None) -> BatchResult:  # fmt: skip
        if self._related == "batch":
            self._check_related(rows, errors, on_error == "raise")
        if on_error == "skip":
            rows = [r for r in rows if r is not None]
            errors = {}
        stopped = limit >= 0 and len(errors) >= limit
        return BatchResult(self._names, rows, errors, ValidationError, extra or {}, stopped)

    def _check_related(self, rows: list[Any], errors: dict[int, Any], first_only: bool) -> None:
        """One query a relation; the rows it doesn't find get the field's own error."""
        for column, field in enumerate(self._fields):
            if not isinstance(field, models.ForeignKey):
                continue
            values = {r[column] for r in rows if r is not None and r[column] is not None}
            missing = values - _existing(field, values)
            for number, row in enumerate(rows) if missing else ():
                if row is None or row[column] not in missing:
                    continue
                error = _field_error(field, row[column])
                if error is None:
                    continue
                if first_only:
                    raise error
                errors[number] = error
                rows[number] = None

    # -- JSON --------------------------------------------------------------------

    def parse_json(
        self,
        data: bytes | bytearray | memoryview | str,
        *,
        many: bool | None = None,
        extra: Literal["ignore", "forbid", "collect"] = "ignore",
        dialect: Literal["python", "rfc8259"] = "python",
        limits: Limits | None = None,
        on_error: OnError = "collect",
    ) -> Any:
        """JSON to cleaned rows: a tuple for an object, a BatchResult for an array.

        Equal to ``json.loads`` followed by ``clean`` or ``clean_many``, within `limits`
        (default: PYFORGE["LIMITS"]).
        """
        limits = conf.limits(limits)
        raw = data.encode("utf-8", "surrogatepass") if isinstance(data, str) else data
        unknown: dict[int, Any] | None = None if extra == "ignore" else {}
        single = many is False or (many is None and bytes(raw[:64]).lstrip()[:1] == b"{")
        result = self._current().parse_json(
            raw, -1 if many is None else int(many), unknown, extra == "forbid",
            dialect == "python", limits._tuple(), single or on_error == "raise",
            limits.max_errors,
        )  # fmt: skip
        if result is NotImplemented:
            return self._parse_slowly(data, many, extra, dialect, limits, on_error)
        if result is None:
            _forbid(unknown or {})
        rows, errors = result
        if single:
            if self._related == "batch":
                self._check_related(rows, errors, True)
            return rows[0]
        return self._result(rows, errors, on_error, limits.max_errors, unknown)

    def _parse_slowly(self, data: Any, many: bool | None, extra: str, dialect: str,
                      limits: Limits, on_error: OnError) -> Any:  # fmt: skip
        """The json module's word on what C could not read."""
        from pyforge.encode import loads_slowly

        value = loads_slowly(data, dialect)
        is_many = isinstance(value, list) if many is None else many
        rows = value if is_many else [value]
        if not isinstance(rows, list) or not all(isinstance(r, dict) for r in rows):
            raise RowShapeError("expected JSON objects")
        unknown = {
            i: {k: x for k, x in r.items() if k not in self._names} for i, r in enumerate(rows)
        }
        unknown = {i: d for i, d in unknown.items() if d}
        if extra == "forbid" and unknown:
            _forbid(unknown)
        if not is_many:
            return self.clean(rows[0])
        result = self.clean_many(rows, on_error=on_error, max_errors=limits.max_errors)
        result.extra = unknown if extra == "collect" else {}
        return result

    # -- Instances ---------------------------------------------------------------

    def clean_fields(self, instance: models.Model, exclude: Iterable[str] | None = None) -> None:
        """Model.clean_fields, for this rule set's fields."""
        self._clean_instances((instance,), exclude, True, -1)

    def clean_instances(
        self,
        instances: Iterable[models.Model],
        exclude: Iterable[str] | None = None,
        *,
        on_error: OnError = "collect",
        max_errors: int | None = None,
    ) -> BatchResult:
        """Model.clean_fields on each instance; cleaned values are set on them."""
        items = instances if isinstance(instances, list) else list(instances)
        limit = -1 if max_errors is None else max_errors
        errors = self._clean_instances(items, exclude, on_error == "raise", limit)
        rows: list[Any] = items
        if errors:
            rows = [None if i in errors else x for i, x in enumerate(items)]
        stopped = limit >= 0 and len(errors) >= limit
        if on_error == "skip":
            rows, errors = [x for x in rows if x is not None], {}
        return BatchResult(self._names, rows, errors, ValidationError, {}, stopped)

    def _clean_instances(self, instances: Sequence[Any], exclude: Iterable[str] | None,
                         first_only: bool, limit: int) -> dict[int, Any]:  # fmt: skip
        left_out = None if exclude is None else set(exclude)
        if self.model is None:
            raise CompileError("a rule set of descriptors cleans rows, not instances")
        method = internals.original(self.model.clean_fields)
        if method is not internals.original(models.Model.clean_fields):
            return _clean_overridden(instances, left_out, first_only)
        _, errors = self._current().clean_instances(instances, left_out, first_only, limit)
        return errors

    def full_clean(
        self,
        instance: models.Model,
        exclude: Iterable[str] | None = None,
        validate_unique: bool = True,
        validate_constraints: bool = True,
    ) -> None:
        """Model.full_clean with the fields cleaned by this rule set."""
        errors: dict[str, Any] = {}
        left_out = set(exclude) if exclude else set()
        try:
            self.clean_fields(instance, left_out)
        except ValidationError as e:
            errors = e.update_error_dict(errors)
        try:
            instance.clean()
        except ValidationError as e:
            errors = e.update_error_dict(errors)
        for wanted, check in (
            (validate_unique, instance.validate_unique),
            (validate_constraints, instance.validate_constraints),
        ):
            if wanted:
                left_out.update(n for n in errors if n != NON_FIELD_ERRORS)
                try:
                    check(exclude=left_out)
                except ValidationError as e:
                    errors = e.update_error_dict(errors)
        if errors:
            raise ValidationError(errors)

    def to_instances(self, result: BatchResult) -> list[models.Model]:
        """Unsaved instances of the valid rows."""
        if self.model is None:
            raise CompileError("a rule set of descriptors has no model to build")
        names = [f.attname for f in self._fields]
        return [
            self.model(**dict(zip(names, row, strict=True)))
            for row in result.rows
            if row is not None
        ]


CompiledValidator = RuleSet


def _unpickle(label: str, names: tuple[str, ...], related: str) -> RuleSet:
    from django.apps import apps

    return RuleSet(apps.get_model(label), fields=names, related=related)  # type: ignore[arg-type]


def _forbid(unknown: dict[int, Any]) -> None:
    row = min(unknown)
    raise UnsupportedFieldError(f"row {row}: unknown field {next(iter(unknown[row]))!r}")


def _existing(field: Any, values: set[Any]) -> set[Any]:
    """The values that the relation's target table holds."""
    if not values:
        return set()
    target = field.remote_field.field_name
    manager = field.remote_field.model._base_manager.using(
        router.db_for_read(field.remote_field.model)
    )
    rows = manager.filter(**{f"{target}__in": values}).complex_filter(field.get_limit_choices_to())
    return set(rows.values_list(target, flat=True))


def _field_error(field: Any, value: Any) -> ValidationError | None:
    try:
        field.validate(value, None)
    except ValidationError as e:
        return ValidationError({field.name: e.error_list})
    return None


def _clean_overridden(instances: Sequence[Any], exclude: set[str] | None, first_only: bool
                      ) -> dict[int, Any]:  # fmt: skip
    """The model has a clean_fields of its own: it is called."""
    errors: dict[int, Any] = {}
    for number, instance in enumerate(instances):
        try:
            instance.clean_fields(exclude)
        except ValidationError as e:
            if first_only:
                raise
            errors[number] = e
    return errors


class _Cache:
    """Rule sets by model and options: least recently used go first."""

    def __init__(self, size: int = 1024) -> None:
        self._size = size
        self._lock = threading.Lock()
        self._items: OrderedDict[Any, RuleSet] = OrderedDict()

    def get(self, model: type[models.Model], options: dict[str, Any]) -> RuleSet:
        key: Any = model
        if options:
            key = (model, *((k, tuple(x) if isinstance(x, (list, set)) else x)
                            for k, x in sorted(options.items())))  # fmt: skip
        found = self._items.get(key)
        if found is None or found._made_from is not model._meta.fields:
            found = RuleSet(model, **options)
            with self._lock:
                self._items[key] = found
                if len(self._items) > self._size:
                    self._items.popitem(last=False)
            signals.ruleset_compiled.send(sender=model, rules=found)
        return found

    def clear(self) -> None:
        with self._lock:
            self._items.clear()

    def values(self) -> list[RuleSet]:
        return list(self._items.values())


_cache = _Cache()


# -- The plain functions -----------------------------------------------------------


def extract_model_fields(
    model_class: type[models.Model],
    *,
    fields: Iterable[str] | None = None,
    exclude: Iterable[str] | None = None,
    as_dict: bool = True,
) -> list[Any]:
    """Descriptors of a model's concrete fields, as dicts or FieldDescriptors."""
    found = [
        internals.compile_field(f).descriptor for f in select_fields(model_class, fields, exclude)
    ]
    return [d.asdict() for d in found] if as_dict else found


def _rule_set(descriptors: Any) -> RuleSet:
    if isinstance(descriptors, RuleSet):
        return descriptors
    return RuleSet.for_model(descriptors) if isinstance(descriptors, type) else RuleSet(descriptors)


def _error_entries(error: ValidationError) -> list[FieldValidationError]:
    entries: list[FieldValidationError] = []
    for name, errors in error.error_dict.items():
        for e in errors:
            message = next(iter(e))  # formatted as Django does, plurals included
            entries.append({"field": name, "code": e.code, "message": message, "params": e.params})
    return entries


def validate_fields(descriptors: Any, values: list[Any]) -> dict[str, Any]:
    """One row against its descriptors: counts of fields, and every error."""
    rules = _rule_set(descriptors)
    errors: list[FieldValidationError] = []
    try:
        rules.clean(values)
    except ValidationError as e:
        errors = _error_entries(e)
    failed = len({e["field"] for e in errors})
    return {
        "is_valid": not errors,
        "valid_count": len(rules.names) - failed,
        "error_count": len(errors),
        "errors": errors,
    }


def validate_field_batch(descriptors: Any, rows: Iterable[Any]) -> BatchResult:
    """Many rows against descriptors or a RuleSet, by the compiled rules."""
    return _rule_set(descriptors).clean_many(rows)


__all__ = ["BatchResult", "CompiledValidator", "JSONDecodeError", "RuleSet",
           "extract_model_fields", "validate_field_batch", "validate_fields"]  # fmt: skip
