"""Django's own methods replaced by compiled ones, or run beside them and compared.

Names: "clean_fields" (Model.clean_fields), "field_clean" (Field.clean), "encoder"
(DjangoJSONEncoder.encode and iterencode), "serializers" (the json and jsonl modules of
django.core.serializers). In mode "shadow" Django's answer is given and ours is compared;
what can't be compared, because code of the project would run twice, is counted in
`skipped` with its reason.
"""

from __future__ import annotations

import logging
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache, partial, wraps
from types import TracebackType
from typing import Any

from django.core import serializers
from django.core.exceptions import ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models.fields import Field

from pyforge import _django_internals as internals
from pyforge import conf, signals
from pyforge._pyforge import Plan, Writer
from pyforge.encode import style
from pyforge.errors import CompileError, ShadowMismatch
from pyforge.rules import RuleSet

logger = logging.getLogger("pyforge")

calls: Counter[str] = Counter()  # by patch: calls that took part
skipped: Counter[str] = Counter()  # "patch: reason": answers of Django that weren't compared
mismatches: list[dict[str, Any]] = []  # the first thousand
_active: dict[str, str] = {}  # patch → mode
_lock = threading.RLock()

# -- Comparing ---------------------------------------------------------------------


def facts(error: ValidationError) -> Any:
    """What a ValidationError says, in a form that compares."""
    if hasattr(error, "error_dict"):
        return {k: [f for e in v for f in facts(e)] for k, v in error.error_dict.items()}
    return [(e.code, str(e.message), repr(e.params)) for e in error.error_list]


def outcome(call: Callable[[], Any]) -> tuple[str, Any]:
    try:
        return "ok", call()
    except ValidationError as e:
        return "invalid", e
    except Exception as e:
        return "raised", e


def described(result: tuple[str, Any]) -> tuple[str, Any]:
    """An outcome as plain data: equal data means equal answers."""
    kind, value = result
    if kind == "invalid":
        return kind, facts(value)
    if kind == "raised":
        return kind, (type(value).__name__, str(value))
    return kind, _typed(value)


def _typed(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return type(value).__name__, [_typed(v) for v in value]
    if isinstance(value, memoryview):
        return "memoryview", bytes(value)
    return type(value).__name__, repr(value)


def compare(name: str, what: str, theirs: tuple[str, Any], ours: tuple[str, Any]) -> None:
    calls[f"{name}:compared"] += 1
    expected, got = described(theirs), described(ours)
    if expected == got:
        return
    found = {"patch": name, "what": what, "django": repr(expected), "pyforge": repr(got)}
    if len(mismatches) < 1000:
        mismatches.append(found)
    signals.shadow_mismatch.send(sender=name, mismatch=found)
    reaction = conf.read().on_mismatch
    if reaction == "log":
        logger.error("pyforge differs from Django: %s", found)
    elif reaction == "raise":
        raise ShadowMismatch(str(found))


def _sampled() -> bool:
    rate = conf.read().shadow_sample
    return rate >= 1 or random.random() < rate


def replay(result: tuple[str, Any]) -> Any:
    kind, value = result
    if kind == "ok":
        return value
    raise value


# -- Model.clean_fields ------------------------------------------------------------

SKIP = internals.KINDS["SKIP"]
original_clean_fields = internals.original(models.Model.clean_fields)


@wraps(original_clean_fields)
def clean_fields(self: Any, exclude: Any = None) -> None:
    calls["clean_fields"] += 1
    if _active.get("clean_fields") == "shadow":
        _shadow_clean_fields(self, exclude)
        return
    RuleSet.for_model(type(self))._clean_instances((self,), exclude, True, -1)


def _loud(step: internals.Step) -> str | None:
    """Why the field can't be cleaned a second time without anyone noticing; None: it can."""
    if step.reason is not None:
        return "not compiled, Django's either way"
    if step.kind == SKIP:
        return "never cleaned"
    if any(x.op == "CALL" for x in step.validators):
        return "a validator of its own would run twice"
    return None


@lru_cache(maxsize=1024)
def _shadow_rules(model: Any) -> tuple[RuleSet, tuple[str, ...]]:
    """The rules of the fields that are compared, and why each of the others isn't."""
    full = RuleSet.for_model(model)
    loud = [_loud(s) for s in full._steps]
    quiet = [s.field.name for s, why in zip(full._steps, loud, strict=True) if why is None]
    return RuleSet(model, fields=quiet), tuple(why for why in loud if why is not None)


def _skip(name: str, reason: str) -> None:
    skipped[f"{name}: {reason}"] += 1


def _shadow_clean_fields(self: Any, exclude: Any) -> None:
    model: Any = type(self)
    if not _sampled():
        _skip("clean_fields", "not sampled")
        original_clean_fields(self, exclude)
        return
    rules, reasons = _shadow_rules(model)
    for reason in reasons:
        _skip("clean_fields", reason)
    left_out = set(exclude or ())
    deferred = self.get_deferred_fields()
    chosen = [f for f in rules._fields if f.name not in left_out and f.attname not in deferred]
    before = {f.name: getattr(self, f.attname) for f in chosen}
    theirs = outcome(lambda: original_clean_fields(self, exclude))
    if theirs[0] == "raised":
        _skip("clean_fields", f"Django raised {type(theirs[1]).__name__} midway")
    else:
        errors = theirs[1].error_dict if theirs[0] == "invalid" else {}
        for f in chosen:
            answer = ("invalid", ValidationError(errors[f.name])) if f.name in errors else (
                "ok", getattr(self, f.attname))  # fmt: skip
            ours = outcome(partial(_clean_one, rules, f, before[f.name], self))
            compare("clean_fields", f"{f!r} {before[f.name]!r:.80}", answer, ours)
    replay(theirs)


def _clean_one(rules: RuleSet, field: Any, raw: Any, instance: Any) -> Any:
    if field.blank and raw in field.empty_values:
        return raw
    if internals.DatabaseDefault is not None and isinstance(raw, internals.DatabaseDefault):
        return raw
    return rules.clean_value(field.name, raw, instance)


# -- Field.clean -------------------------------------------------------------------

original_clean = internals.original(Field.clean)
_plans: dict[int, tuple[Any, Plan | None, str | None]] = {}  # by id(field), which they hold


def _plan_of(field: Any) -> tuple[Plan | None, str | None]:
    """The field's own plan, None when it isn't compiled; and why it isn't compared."""
    found = _plans.get(id(field))
    if found is not None and found[0] is field and (found[1] is None or not found[1].stale):
        return found[1], found[2]
    plan: Plan | None = None
    loud: str | None = "a name that is no text"
    if isinstance(getattr(field, "name", None), (str, type(None))):
        step = internals.compile_field(field)
        loud = _loud(step)
        if step.reason is None and step.kind != SKIP:
            plan = Plan((step.spec,), ValidationError, internals.DatabaseDefault)
    with _lock:
        if len(_plans) >= 8192:
            _plans.clear()
        _plans[id(field)] = (field, plan, loud)
    return plan, loud


@wraps(original_clean)
def field_clean(self: Any, value: Any, model_instance: Any) -> Any:
    plan, loud = _plan_of(self)
    shadowed = _active.get("field_clean") == "shadow"
    if shadowed and loud is None and not _sampled():
        loud = "not sampled"
    if shadowed and loud is not None:
        _skip("field_clean", loud)
    if plan is None or (shadowed and loud is not None):
        return original_clean(self, value, model_instance)
    calls["field_clean"] += 1
    if shadowed:
        theirs = outcome(lambda: original_clean(self, value, model_instance))
        ours = outcome(lambda: plan.clean_value(self.name or "item", value, model_instance))
        compare("field_clean", f"{self!r} {value!r:.80}", theirs, ours)
        return replay(theirs)
    return plan.clean_value(self.name or "item", value, model_instance)


# -- DjangoJSONEncoder -------------------------------------------------------------

original_encode = internals.original(DjangoJSONEncoder.encode)
original_iterencode = internals.original(DjangoJSONEncoder.iterencode)
stock_default = DjangoJSONEncoder.default


def writer_of(encoder: Any) -> Writer | None:
    """A writer with the encoder's options, or None when its methods are overridden."""
    cls = type(encoder)
    if cls.encode is not encode or cls.iterencode is not iterencode:
        return None
    own = cls.default is not stock_default or "default" in encoder.__dict__
    indent = encoder.indent
    if not isinstance(indent, (int, str, type(None))):
        return None
    separators = (encoder.item_separator, encoder.key_separator)
    if not all(type(s) is str for s in separators):
        return None
    text = " " * indent if isinstance(indent, int) else indent
    return Writer(
        style(
            ascii=bool(encoder.ensure_ascii), plain=own, allow_nan=bool(encoder.allow_nan),
            sort_keys=bool(encoder.sort_keys), skip_keys=bool(encoder.skipkeys),
            check_circular=bool(encoder.check_circular), custom=own, fallback=encoder.default,
            separators=separators, indent=text,
        ),
        (),
    )  # fmt: skip


def _text(writer: Writer, encoder: Any, o: Any) -> str:
    try:
        return writer.dumps(o).decode()
    except UnicodeEncodeError:  # a lone surrogate: a str can hold what bytes can't
        return str(original_encode(encoder, o))


@wraps(original_encode)
def encode(self: Any, o: Any) -> str:
    writer = writer_of(self)
    if writer is None:
        return str(original_encode(self, o))
    calls["encoder"] += 1
    if _active.get("encoder") != "shadow":
        return _text(writer, self, o)
    theirs = outcome(lambda: original_encode(self, o))
    _compare_text(writer, self, o, theirs)
    return str(replay(theirs))


def _compare_text(writer: Writer, encoder: Any, o: Any, theirs: tuple[str, Any]) -> None:
    if not cls_is_stock(encoder):
        _skip("encoder", "a subclass's code would run twice")
    elif not _sampled():
        _skip("encoder", "not sampled")
    else:
        compare("encoder", f"{o!r:.80}", theirs, outcome(lambda: _text(writer, encoder, o)))


def cls_is_stock(encoder: Any) -> bool:
    """No code of a subclass runs a second time."""
    return type(encoder) is DjangoJSONEncoder and "default" not in encoder.__dict__


@wraps(original_iterencode)
def iterencode(self: Any, o: Any, _one_shot: bool = False) -> Iterator[str]:
    writer = writer_of(self)
    shadowed = _active.get("encoder") == "shadow"
    if writer is None or (shadowed and _one_shot):  # for encode, which compares
        yield from original_iterencode(self, o, _one_shot)
        return
    calls["encoder"] += 1
    if not shadowed:
        yield _text(writer, self, o)
        return
    parts: list[str] = []
    try:
        for part in original_iterencode(self, o, _one_shot):
            parts.append(part)
            yield part
    except Exception as error:
        _compare_text(writer, self, o, ("raised", error))
        raise
    _compare_text(writer, self, o, ("ok", "".join(parts)))


# -- Serializers -------------------------------------------------------------------


class Tee:
    """A stream that keeps what is written to another."""

    def __init__(self, stream: Any) -> None:
        self.stream, self.parts = stream, list[str]()

    def write(self, text: str) -> Any:
        self.parts.append(text)
        return self.stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


def compare_records(what: str, call: Callable[[Any], Any], stream: Any, ours: Callable[[], str]
                    ) -> Any:  # fmt: skip
    """Django's records go to the stream; ours, made of the same objects, are compared."""
    tee = Tee(stream)
    theirs = outcome(lambda: call(tee))
    if theirs[0] == "raised":
        _skip("serializers", f"Django raised {type(theirs[1]).__name__} midway")
    else:
        compare("serializers", what, ("ok", "".join(tee.parts)), outcome(ours))
    return replay(theirs)


for _function, _original in (
    (clean_fields, original_clean_fields),
    (field_clean, original_clean),
    (encode, original_encode),
    (iterencode, original_iterencode),
):
    setattr(_function, "_pyforge_original", _original)  # noqa: B010

# -- Putting in place and taking out -----------------------------------------------

_modules = {"json": "pyforge.serializers.json", "jsonl": "pyforge.serializers.jsonl"}
_django_modules = {n: serializers.BUILTIN_SERIALIZERS[n] for n in _modules}


def _set_serializers(modules: dict[str, str]) -> None:
    serializers.BUILTIN_SERIALIZERS.update(modules)
    serializers._serializers.clear()


def _install(name: str, mode: str) -> None:
    if name == "clean_fields":
        models.Model.clean_fields = clean_fields
    elif name == "field_clean":
        Field.clean = field_clean
    elif name == "encoder":
        DjangoJSONEncoder.encode = encode
        DjangoJSONEncoder.iterencode = iterencode
    else:
        _set_serializers(_modules)
    _active[name] = mode


def _remove(name: str) -> None:
    if name == "clean_fields":
        models.Model.clean_fields = original_clean_fields
    elif name == "field_clean":
        Field.clean = original_clean
    elif name == "encoder":
        del DjangoJSONEncoder.encode, DjangoJSONEncoder.iterencode
    else:
        _set_serializers(_django_modules)
    del _active[name]


class Patched:
    """What patch() returns: as a context manager it undoes what that call did."""

    def __init__(self, before: dict[str, str], names: tuple[str, ...]) -> None:
        self._before, self.names = before, names

    def __enter__(self) -> Patched:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None,
                 trace: TracebackType | None) -> None:  # fmt: skip
        with _lock:
            for name in self.names:
                if name in _active:
                    _remove(name)
                if name in self._before:
                    _install(name, self._before[name])


def patch(*names: str, mode: str = "on") -> Patched:
    """Replace Django's methods by compiled ones: all, or those named."""
    chosen = names or conf.PATCHES
    unknown = [n for n in chosen if n not in conf.PATCHES]
    if unknown or mode not in ("on", "shadow"):
        raise CompileError(f"unknown patch {unknown[0]!r}" if unknown else f"unknown mode {mode!r}")
    with _lock:
        before = dict(_active)
        for name in chosen:
            if name in _active:
                _remove(name)
            _install(name, mode)
    return Patched(before, tuple(chosen))


def unpatch(*names: str) -> None:
    """Put Django's own methods back: all, or those named."""
    with _lock:
        for name in names or tuple(_active):
            if name in _active:
                _remove(name)


@contextmanager
def shadow(*names: str) -> Iterator[list[dict[str, Any]]]:
    """Compare with Django inside the block; gives the list of mismatches found there."""
    start = len(mismatches)
    found: list[dict[str, Any]] = []
    with patch(*names, mode="shadow"):
        try:
            yield found
        finally:
            found.extend(mismatches[start:])
