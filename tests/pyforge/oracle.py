"""Django's answer to the same question, and how two answers are compared."""

import math

from django.core.exceptions import ValidationError


def outcome(call):
    """("ok", value) or ("error", type, details) of a call."""
    try:
        return ("ok", call())
    except ValidationError as e:
        return ("invalid", error_facts(e))
    except Exception as e:  # the type and text must be Django's too
        return ("raised", type(e), str(e))


def error_facts(e):
    """Everything a ValidationError says, params with the types of their values."""
    if hasattr(e, "error_dict"):
        return {k: [one for x in v for one in error_facts(x)] for k, v in e.error_dict.items()}
    return [
        (x.code, str(x.message), None if x.params is None else typed(dict(x.params)))
        for x in e.error_list
    ]


def typed(value):
    """A value with the types of all its parts, so that 1, True and 1.0 differ."""
    if isinstance(value, dict):
        return ("dict", [(typed(k), typed(v)) for k, v in value.items()])
    if isinstance(value, (list, tuple)):
        return (type(value).__name__, [typed(v) for v in value])
    if isinstance(value, float) and math.isnan(value):
        return ("float", "nan")
    if isinstance(value, memoryview):
        return ("memoryview", bytes(value))
    return (type(value).__name__, repr(value))


def same(ours, theirs):
    if ours[0] != theirs[0]:
        return False
    if ours[0] == "ok":
        return typed(ours[1]) == typed(theirs[1])
    return ours == theirs


def clean_like_django(fields, row):
    """What Model(**row).clean_fields() does to a row: cleaned tuple or ValidationError."""
    errors, out = {}, []
    for f in fields:
        raw = row[f.name] if f.name in row else f.get_default()
        if f.blank and raw in f.empty_values:
            out.append(raw)
            continue
        try:
            out.append(f.clean(raw, None))
        except ValidationError as e:
            errors[f.name] = e.error_list
    if errors:
        raise ValidationError(errors)
    return tuple(out)
