"""What pyforge raises. Invalid values are always Django's own ValidationError."""

from __future__ import annotations

import json


class PyForgeError(Exception):
    """Base of pyforge's own errors."""


class CompileError(PyForgeError):
    """A rule set or encoder can't be built from what was given."""


class UnsupportedFieldError(CompileError):
    """A field that pyforge can't take part in, or an unknown field name."""


class DjangoError(PyForgeError):
    """Base of the errors that serializing raises by itself."""


class DescriptorOrderError(DjangoError, ValueError):
    """The order of the values isn't the order of the descriptors."""


class RowShapeError(DjangoError, ValueError):
    """A row has too few or too many values, or isn't a row at all."""


class LimitError(PyForgeError, ValueError):
    """Input goes beyond one of the Limits; the message names it."""


class JSONDecodeError(PyForgeError, json.JSONDecodeError):
    """Text that isn't JSON; position and message are those of the json module."""


class ShadowMismatch(PyForgeError, AssertionError):
    """In shadow mode: pyforge and Django gave different answers."""
