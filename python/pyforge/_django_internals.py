"""The one place that leans on how Django works inside: from a live model field to the
plain tuple the C plan is built of. Every test of identity here is against what this
Django defines, so a subclass or a patch that changes behaviour is seen and not compiled.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from functools import lru_cache, partial
from types import FunctionType
from typing import Any, cast

from django.core import validators as v
from django.core.exceptions import ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models.fields import Field
from django.db.models.fields.files import FileField
from django.db.models.query_utils import DeferredAttribute
from django.utils.functional import SimpleLazyObject

from pyforge._plan import FieldDescriptor, ValidatorDescriptor
from pyforge._pyforge import CELLS, KIND_OF_CLASS, KINDS, OPS, Automaton

try:
    from django.db.models.expressions import DatabaseDefault
except ImportError:  # before 5.0
    DatabaseDefault = None

__all__ = ["CELLS", "KINDS", "DatabaseDefault", "Step", "compile_field", "dict_test", "original"]

OP_NAMES = {code: name for name, code in OPS.items()}
KIND_NAMES = {code: name for name, code in KINDS.items()}
METHODS = ("clean", "to_python", "validate", "run_validators")
ABSENT = NotImplemented  # in a watch: the key was not there
SCALARS = (str, int, bool, float, type(None))
WATCHED = (
    "null",
    "blank",
    "editable",
    "choices",
    "_choices",
    "max_digits",
    "decimal_places",
    "unpack_ipv4",
    "protocol",
    "encoder",
    "base_field",
    "empty_values",
)


def original(function: Any) -> Any:
    """The Django function behind one that pyforge.patch() put in its place."""
    return getattr(function, "_pyforge_original", function)


# -- Field classes -----------------------------------------------------------------


def _postgres_classes() -> list[type[Field[Any, Any]]]:
    try:
        from django.contrib.postgres.fields import ArrayField, HStoreField
    except Exception:  # psycopg is not installed
        return []
    return [ArrayField, HStoreField]


def _known_classes() -> dict[type, tuple[int, dict[str, Any], list[Any]]]:
    """Django's own field classes: kind, methods and empty values as they are at import."""
    known = {}
    classes = [getattr(models, name, None) for name in KIND_OF_CLASS]
    for cls in [*classes, *_postgres_classes()]:
        if cls is not None:
            methods = {m: original(getattr(cls, m)) for m in METHODS}
            known[cls] = (KIND_OF_CLASS[cls.__name__], methods, list(cls.empty_values))
    return known


KNOWN = _known_classes()


def kind_of(field: Field[Any, Any]) -> tuple[int, str | None]:
    """The field's kind; DYNAMIC and a reason when its cleaning isn't Django's own."""
    dynamic = KINDS["DYNAMIC"]
    cls = type(field)
    base = cls if cls in KNOWN else next((c for c in cls.__mro__ if c in KNOWN), None)
    if isinstance(field, models.ForeignObject):
        return dynamic, "relation: looks into the database"
    if base is None:
        return dynamic, f"{cls.__name__} is not a field class pyforge knows"
    kind, methods, empty_values = KNOWN[base]
    for name in METHODS:
        if name in field.__dict__:
            return dynamic, f"{name} is replaced on the field itself"
        if original(getattr(cls, name)) is not methods[name]:
            return dynamic, f"{cls.__name__} overrides {name}"
    if list(field.empty_values) != empty_values:
        return dynamic, "empty_values differ"
    return kind, None


# -- Choices -----------------------------------------------------------------------


def _choice_keys(choices: Any) -> list[Any]:
    keys: list[Any] = []
    for key, label in choices:
        keys.extend(k for k, _ in label) if isinstance(label, (list, tuple)) else keys.append(key)
    return keys


def compile_choices(field: Field[Any, Any]) -> tuple[frozenset[Any] | None, str | None]:
    """The keys as a set when that decides like Django's scan; else a reason."""
    choices = field.choices
    if choices is None:
        return None, None
    if type(choices) is not list:
        return None, "choices are computed when asked for"
    keys = _choice_keys(choices)
    if any(type(k) not in SCALARS or k != k for k in keys):
        return None, "choices with keys of their own types"
    return frozenset(keys), None


# -- Regular expressions -----------------------------------------------------------


def regex_source(regex: Any) -> tuple[str, int] | None:
    """Pattern and flags of Django's lazily compiled regex, without compiling it."""
    while type(regex) is SimpleLazyObject:  # isinstance would ask the regex, compiling it
        state = object.__getattribute__(regex, "__dict__")
        if type(state.get("_wrapped")) in (re.Pattern, SimpleLazyObject):
            regex = state["_wrapped"]  # asked for before; one lazy may hold another
            continue
        setup = state["_setupfunc"]
        cells = (cell.cell_contents for cell in getattr(setup, "__closure__", None) or ())
        names = getattr(getattr(setup, "__code__", None), "co_freevars", ())
        closure = dict(zip(names, cells, strict=True))
        source, flags = closure.get("regex"), int(closure.get("flags", 0))
        if issubclass(type(source), str):  # isinstance would ask a lazy one, as above
            return cast("str", source), int(flags | (0 if flags & re.ASCII else re.UNICODE))
        if type(source) is not SimpleLazyObject:
            regex = source if source is not None else setup()
            break
        regex = source
    if type(regex) is re.Pattern and isinstance(regex.pattern, str):
        return regex.pattern, regex.flags
    return None


@lru_cache(maxsize=1024)
def automaton(pattern: str, flags: int) -> tuple[Automaton | None, str | None]:
    """The automaton of a pattern, or why there is none."""
    try:
        return Automaton(pattern, flags), None
    except ValueError as error:
        return None, f"regular expression kept in re: {error}"


def fingerprint(cls: type, names: tuple[str, ...]) -> str:
    """A digest of the regular expressions a validator class is made of."""
    sources = [regex_source(cls.__dict__[name]) for name in names]
    return hashlib.sha256(repr(sources).encode()).hexdigest()[:16]


# The validators that C decides by hand-written rules, as they are in Django 5.2 and 6.x.
URL_REGEX = "ad0589f968fa5599"
EMAIL_REGEX = "4208642978f4d113"
DOMAIN_REGEX = "a732e88ed8e282f7"


def _domain_fingerprint() -> str:
    cls = getattr(v, "DomainNameValidator", None)
    if cls is None:
        return ""
    names = ("hostname_re", "domain_re", "tld_re", "ascii_only_hostname_re",
             "ascii_only_domain_re", "ascii_only_tld_re")  # fmt: skip
    return hashlib.sha256(repr([getattr(cls, n) for n in names]).encode()).hexdigest()[:16]


URL_IS_KNOWN = fingerprint(v.URLValidator, ("regex",)) == URL_REGEX
EMAIL_IS_KNOWN = (
    fingerprint(v.EmailValidator, ("user_regex", "domain_regex", "literal_regex")) == EMAIL_REGEX
)
DOMAIN_IS_KNOWN = _domain_fingerprint() == DOMAIN_REGEX

# -- Validators --------------------------------------------------------------------

Op = tuple[int, bool, int, int, Any, Any]  # code, flag, number, places, arg, validator


def _op(name: str, validator: Any, arg: Any = None, *, flag: bool = False,
        number: int = 0, places: int = 0) -> Op:  # fmt: skip
    return (OPS[name], flag, number, places, arg, validator)


def _limit(name: str) -> Callable[[Any], Op | str]:
    def compile_limit(validator: Any) -> Op | str:
        limit = validator.limit_value
        if callable(limit):
            return "limit is computed when asked for"
        if "LENGTH" in name and type(limit) is not int:
            return "limit is not an int"
        return _op(name, validator, limit)

    return compile_limit


def _step(validator: Any) -> Op | str:
    if callable(validator.limit_value) or getattr(validator, "offset", None) is not None:
        return "step with an offset"
    return _op("STEP", validator, validator.limit_value)


def _decimal(validator: Any) -> Op | str:
    digits, places = validator.max_digits, validator.decimal_places
    if any(n is not None and type(n) is not int for n in (digits, places)):
        return "max_digits or decimal_places not an int"
    return _op("DECIMAL", validator, number=-1 if digits is None else digits,
               places=-1 if places is None else places)  # fmt: skip


def _own(validator: Any, *allowed: str) -> bool:
    """Has the instance nothing of its own beyond the attributes we read?"""
    return set(validator.__dict__) <= {"message", "code", "_constructor_args", *allowed}


def _email(validator: Any) -> Op | str:
    allow = validator.domain_allowlist
    if not EMAIL_IS_KNOWN or not _own(validator, "domain_allowlist"):
        return "not this Django's e-mail rule"
    if not all(type(d) is str for d in allow):
        return "allowlist of other types"
    return _op("EMAIL", validator, frozenset(allow))


def _url(validator: Any) -> Op | str:
    own = validator.__dict__.get("regex")
    if not URL_IS_KNOWN or not _own(validator, "schemes", "regex", "flags", "inverse_match"):
        return "not this Django's URL rule"
    if own is not None and regex_source(own) != regex_source(v.URLValidator.__dict__["regex"]):
        return "a regular expression of its own"
    if validator.inverse_match or not all(type(s) is str for s in validator.schemes):
        return "inverse match or odd schemes"
    schemes = frozenset(validator.schemes)
    known = ("http" in schemes) + 2 * ("https" in schemes) + 4 * any(len(s) > 31 for s in schemes)
    return _op("URL", validator, schemes, number=known)


def _domain(validator: Any) -> Op | str:
    if not DOMAIN_IS_KNOWN or not _own(validator, "accept_idna", "regex", "flags"):
        return "not this Django's domain rule"
    return _op("DOMAIN", validator, flag=bool(validator.accept_idna))


def _regex(validator: Any) -> Op | str:
    source = regex_source(validator.regex)
    if source is None:
        return "not a str pattern"
    compiled, _reason = automaton(*source)
    inverse = bool(validator.inverse_match)
    if compiled is not None:
        return _op("AUTOMATON", validator, compiled, flag=inverse)
    search = validator.regex.search
    if type(getattr(search, "__self__", None)) is not re.Pattern:
        return "pattern object of its own"
    return _op("SEARCH", validator, search, flag=inverse)


def _no_nul(validator: Any) -> Op | str:
    return _op("NO_NUL", validator)


def _file_extension(validator: Any) -> Op | str:
    allowed = validator.allowed_extensions
    if allowed is not None and not all(type(e) is str for e in allowed):
        return "extensions of other types"
    return _op("FILE_EXT", validator, None if allowed is None else frozenset(allowed))


def _validator_table() -> dict[type, Callable[[Any], Op | str]]:
    table: dict[str, Callable[[Any], Op | str]] = {
        "MaxLengthValidator": _limit("MAX_LENGTH"),
        "MinLengthValidator": _limit("MIN_LENGTH"),
        "MaxValueValidator": _limit("MAX_VALUE"),
        "MinValueValidator": _limit("MIN_VALUE"),
        "StepValueValidator": _step,
        "DecimalValidator": _decimal,
        "EmailValidator": _email,
        "URLValidator": _url,
        "DomainNameValidator": _domain,
        "RegexValidator": _regex,
        "ProhibitNullCharactersValidator": _no_nul,
        "FileExtensionValidator": _file_extension,
    }
    found = {getattr(v, name): rule for name, rule in table.items() if hasattr(v, name)}
    try:
        from django.contrib.postgres.validators import ArrayMaxLengthValidator
    except Exception:  # psycopg is not installed
        pass
    else:
        found[ArrayMaxLengthValidator] = _limit("MAX_LENGTH")
    return found


VALIDATORS = _validator_table()
VALIDATOR_METHODS = {
    cls: {m: getattr(cls, m, None) for m in ("__call__", "compare", "clean")} for cls in VALIDATORS
}
FUNCTIONS = {
    v.validate_ipv4_address: "IPV4",
    v.validate_ipv6_address: "IPV6",
    v.validate_ipv46_address: "IPV46",
    v.validate_integer: None,
}


def _watch(state: dict[str, Any], key: str) -> tuple[Any, ...]:
    """What is there now, before anything is made of it: another thread may change it meanwhile."""
    value = state[key]
    return (state, key, value, tuple(value)) if type(value) is list else (state, key, value)


def compile_validator(validator: Any) -> tuple[Op, ValidatorDescriptor, list[Any]]:
    """The op of a validator, its description, and what to watch in it."""
    name = getattr(validator, "__name__", None) or type(validator).__name__
    rule = VALIDATORS.get(type(validator))
    state = getattr(validator, "__dict__", {})
    watches = [_watch(state, key) for key in tuple(state) if key not in ("message", "code")]
    result: Op | str = "a validator of its own"
    if type(validator) is FunctionType:
        code = FUNCTIONS.get(validator)
        if code is not None:
            result = _op(code, validator)
        elif validator is v.validate_integer:
            result = _regex(v.integer_validator)
            result = (*result[:5], validator) if isinstance(result, tuple) else result
    elif rule is not None:
        methods = VALIDATOR_METHODS[type(validator)]
        same = all(getattr(type(validator), m, None) is f for m, f in methods.items())
        result = rule(validator) if same else "a patched validator class"
    if isinstance(result, str):
        return _op("CALL", validator), ValidatorDescriptor(name, "CALL", result), []
    op_name = OP_NAMES[result[0]]
    watches.append((state, "", None))  # nothing new stands before the class's attributes
    return result, ValidatorDescriptor(name, op_name), watches


# -- Steps -------------------------------------------------------------------------


def raise_collected(field: Field[Any, Any], raised: list[Any]) -> None:
    """The end of Field.run_validators: what the live validators raised, as one error."""
    errors: list[Any] = []
    for e in raised:
        if hasattr(e, "code") and e.code in field.error_messages:
            e.message = field.error_messages[e.code]
        errors.extend(e.error_list)
    raise ValidationError(errors)


def clean_unrelated(field: Field[Any, Any], value: Any, instance: Any) -> Any:
    """A relation's clean without the query."""
    value = field.to_python(value)
    Field.validate(field, value, instance)
    field.run_validators(value)
    return value


def _static(cls: type, name: str) -> Any:
    """The attribute as a class of the mro holds it; no descriptor runs."""
    for c in cls.__mro__:
        if name in c.__dict__:
            return c.__dict__[name]
    return None


def dict_test(model: type | None) -> Callable[[str], bool]:
    """Tells of an attribute whether it is stored in the instance's __dict__ and nowhere else."""
    if model is None:
        return lambda attname: True
    if (
        _static(model, "__setattr__") is not object.__setattr__
        or _static(model, "__getattribute__") is not object.__getattribute__
        or _static(model, "__getattr__") is not None
    ):
        return lambda attname: False
    return lambda attname: type(_static(model, attname)) is DeferredAttribute


def _watches(field: Field[Any, Any]) -> list[Any]:
    state = field.__dict__
    watches = [_watch(state, key) for key in WATCHED if key in state]
    return watches + [(state, method, ABSENT) for method in METHODS]


def _read_validators(field: Field[Any, Any]) -> tuple[tuple[Any, ...], list[Any]]:
    """What is in the field's list now, and the watches that hold it to that."""
    validators = field.validators
    seen = tuple(validators)
    own = field.__dict__.get("validators") is validators  # else the class makes a new one each time
    return seen, [(field.__dict__, "validators", validators, seen)] if own else []


class Step:
    """A compiled field: the tuple for C, and the descriptor for people."""

    __slots__ = ("_descriptor", "_item", "field", "kind", "reason", "spec", "validators")

    def __init__(self, field: Field[Any, Any], spec: tuple[Any, ...], reason: str | None,
                 validators: list[ValidatorDescriptor], item: Step | None):  # fmt: skip
        self.field, self.spec, self.kind, self.reason = field, spec, spec[2], reason
        self.validators, self._item = validators, item
        self._descriptor: FieldDescriptor | None = None

    @property
    def descriptor(self) -> FieldDescriptor:
        if self._descriptor is None:
            self._descriptor = describe(
                self.field, self.kind, self.reason, self.validators, self._item
            )
        return self._descriptor


def _json_is_plain(field: Any) -> bool:
    return getattr(field, "encoder", None) in (None, json.JSONEncoder, DjangoJSONEncoder)


def _item_step(field: Any, kind: int) -> tuple[Step | None, str | None]:
    """The step of an array's items; they must be decided by C alone."""
    if KINDS["ARRAY"] != kind:
        return None, None
    step = compile_field(field.base_field)
    if step.reason is not None:
        return None, f"items: {step.reason}"
    if any(d.op in ("CALL", "SEARCH") for d in step.validators):
        return None, "items with validators of their own"
    return step, None


def compile_field(field: Field[Any, Any], in_dict: Callable[[str], bool] | None = None,
                  related: str = "python") -> Step:  # fmt: skip
    """Field → step. Anything not understood becomes DYNAMIC: Field.clean is called.

    `in_dict`: the dict_test of the model whose instances are cleaned."""
    watches = _watches(field)  # first: the field may change while its rules are made
    kind, reason = kind_of(field)
    skip = KINDS["SKIP"] == kind or getattr(field, "generated", False)
    validators, of_validators = ((), []) if skip else _read_validators(field)
    choices, choices_reason = compile_choices(field)
    item, item_reason = _item_step(field, kind) if reason is None else (None, None)
    reason = reason or (None if skip else choices_reason) or item_reason
    # Django's own even while pyforge.patch() has ours in its place: no way back to us
    clean: Any = original(type(field).clean).__get__(field)
    if "clean" in field.__dict__:
        clean = field.clean
    if isinstance(field, models.ForeignKey) and related != "python":
        clean = partial(clean_unrelated, field)
    compiled = [compile_validator(x) for x in validators]
    if skip:
        kind = KINDS["SKIP"]
    elif reason is not None:
        kind, item = KINDS["DYNAMIC"], None
    watches += of_validators + [w for _, _, ws in compiled for w in ws]
    spec = (
        field.name or "item",
        field.attname if getattr(field, "attname", None) else "item",
        kind,
        field.null,
        field.blank,
        field.editable,
        in_dict is not None and not in_dict(field.attname),
        _json_is_plain(field),
        clean,
        partial(raise_collected, field),
        field.get_default,
        list(field.empty_values),
        choices if reason is None else None,
        field.attr_class if isinstance(field, FileField) else None,
        item.spec if item is not None else None,
        tuple(op for op, _, _ in compiled),
        tuple(watches),
    )
    return Step(field, spec, reason, [d for _, d, _ in compiled], item)


def describe(field: Any, kind: int, reason: str | None, validators: list[ValidatorDescriptor],
             item: Step | None) -> FieldDescriptor:  # fmt: skip
    """The descriptor of a field that compiled to `kind`."""
    base = item.descriptor if item is not None else None
    if base is None and isinstance(getattr(field, "base_field", None), Field):
        base = compile_field(field.base_field).descriptor
    model = getattr(field, "model", None)
    limits = (getattr(field, n, None) for n in ("max_length", "max_digits", "decimal_places"))
    max_length, max_digits, decimal_places = limits
    return FieldDescriptor(
        name=field.name or "item",
        attname=getattr(field, "attname", None) or "item",
        column=getattr(field, "column", None),
        kind=KIND_NAMES[kind],
        django_type=type(field).__name__,
        null=field.null,
        blank=field.blank,
        editable=field.editable,
        max_length=max_length,
        max_digits=max_digits,
        decimal_places=decimal_places,
        choices=None if type(field.choices) is not list else tuple(map(tuple, field.choices)),
        validators=tuple(validators),
        base=base,
        compiled=reason is None,
        fallback_reason=reason,
        model=model._meta.label if model is not None and hasattr(model, "_meta") else None,
    )


# -- Fields from descriptors -------------------------------------------------------


def field_from_descriptor(d: FieldDescriptor) -> Field[Any, Any]:
    """The live field a descriptor came from, or one made to its measure."""
    from django.apps import apps

    from pyforge.errors import UnsupportedFieldError

    if d.model is not None:
        try:
            found = apps.get_model(d.model)._meta.get_field(d.name)
        except Exception as error:
            raise UnsupportedFieldError(f"{d.model}.{d.name}: {error}") from error
        if isinstance(found, Field):
            return found
    classes = {cls.__name__: cls for cls in KNOWN}
    if d.django_type not in classes:
        raise UnsupportedFieldError(f"{d.name}: unknown field type {d.django_type!r}")
    options: dict[str, Any] = {"null": d.null, "blank": d.blank, "editable": d.editable}
    for name in ("max_length", "max_digits", "decimal_places", "choices"):
        if getattr(d, name) is not None:
            options[name] = getattr(d, name)
    if d.base is not None:
        options["base_field"] = field_from_descriptor(d.base)
    field = classes[d.django_type](**options)
    field.set_attributes_from_name(d.name)
    return field


# -- Values of instances -----------------------------------------------------------


def file_name(value: Any) -> str | None:
    """What FileField stores: the path, as get_prep_value gives it."""
    return None if value is None else str(value)


def instance_converter(field: Field[Any, Any]) -> Callable[[Any], Any] | None:
    """How an instance's attribute becomes a JSON-ready value, where it isn't one."""
    if isinstance(field, FileField):
        return file_name
    if isinstance(field, models.BinaryField):
        return _base64
    return None


def _base64(value: Any) -> str | None:
    import base64

    return None if value is None else base64.b64encode(value).decode("ascii")
