"""Django validation and serialization by compiled plans, with exactly Django's results.

Names that need Django are loaded when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from pyforge._plan import (
    BatchResult,
    CompileReport,
    FieldDescriptor,
    FieldValidationError,
    Limits,
    SerializedRecord,
    ValidatorDescriptor,
)
from pyforge.errors import (
    CompileError,
    DescriptorOrderError,
    DjangoError,
    JSONDecodeError,
    LimitError,
    PyForgeError,
    RowShapeError,
    ShadowMismatch,
    UnsupportedFieldError,
)

if TYPE_CHECKING:
    from pyforge._patch import patch, shadow, unpatch
    from pyforge.encode import (
        Encoder,
        dumps,
        estimate_json_size,
        loads,
        serialize_batch,
        serialize_fields,
        serialize_instance,
        serialize_instance_bytes,
        serialize_to_bytes,
        serialize_value_tuples,
    )
    from pyforge.queryset import (
        aiter_json,
        ajson_response,
        explain,
        iter_json,
        json_response,
        queryset_to_json,
    )
    from pyforge.rules import (
        CompiledValidator,
        RuleSet,
        extract_model_fields,
        validate_field_batch,
        validate_fields,
    )

__version__ = "0.3.0"

_HOME = {
    "Encoder": "encode",
    "dumps": "encode",
    "estimate_json_size": "encode",
    "loads": "encode",
    "serialize_batch": "encode",
    "serialize_fields": "encode",
    "serialize_instance": "encode",
    "serialize_instance_bytes": "encode",
    "serialize_to_bytes": "encode",
    "serialize_value_tuples": "encode",
    "patch": "_patch",
    "shadow": "_patch",
    "unpatch": "_patch",
    "aiter_json": "queryset",
    "ajson_response": "queryset",
    "explain": "queryset",
    "iter_json": "queryset",
    "json_response": "queryset",
    "queryset_to_json": "queryset",
    "CompiledValidator": "rules",
    "RuleSet": "rules",
    "extract_model_fields": "rules",
    "validate_field_batch": "rules",
    "validate_fields": "rules",
}

__all__ = [
    "BatchResult",
    "CompileError",
    "CompileReport",
    "CompiledValidator",
    "DescriptorOrderError",
    "DjangoError",
    "Encoder",
    "FieldDescriptor",
    "FieldValidationError",
    "JSONDecodeError",
    "LimitError",
    "Limits",
    "PyForgeError",
    "RowShapeError",
    "RuleSet",
    "SerializedRecord",
    "ShadowMismatch",
    "UnsupportedFieldError",
    "ValidatorDescriptor",
    "aiter_json",
    "ajson_response",
    "dumps",
    "estimate_json_size",
    "explain",
    "extract_model_fields",
    "features",
    "iter_json",
    "json_response",
    "loads",
    "patch",
    "queryset_to_json",
    "serialize_batch",
    "serialize_fields",
    "serialize_instance",
    "serialize_instance_bytes",
    "serialize_to_bytes",
    "serialize_value_tuples",
    "shadow",
    "unpatch",
    "validate_field_batch",
    "validate_fields",
    "version",
]


def version() -> str:
    """pyforge's version."""
    return __version__


def features() -> dict[str, Any]:
    """What this build and machine run with."""
    import sys

    from pyforge import _pyforge

    gil = getattr(sys, "_is_gil_enabled", lambda: True)()
    return {"simd": _pyforge.SIMD, "gil": gil, "version": __version__}


def __getattr__(name: str) -> Any:
    home = _HOME.get(name)
    if home is None:
        raise AttributeError(f"module 'pyforge' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"pyforge.{home}"), name)
    globals()[name] = value
    return value
