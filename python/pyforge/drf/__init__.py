"""Drop-in renderer and parser for Django REST framework."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from rest_framework import parsers, renderers
from rest_framework.exceptions import ParseError

from pyforge import encode
from pyforge._plan import Limits
from pyforge.errors import LimitError

__all__ = ["JSONParser", "JSONRenderer"]


class JSONRenderer(renderers.JSONRenderer):
    """DRF's JSONRenderer with its text written in C; anything unusual is DRF's own."""

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        if data is None:
            return b""
        context = dict(renderer_context or {})
        own_style = (
            self.encoder_class is not renderers.JSONRenderer.encoder_class
            or self.ensure_ascii is not renderers.JSONRenderer.ensure_ascii
            or self.compact is not renderers.JSONRenderer.compact
            or self.strict is not renderers.JSONRenderer.strict
        )
        if own_style or self.get_indent(accepted_media_type or "", context) is not None:
            return bytes(super().render(data, accepted_media_type, context))
        return encode.dumps(data, dialect="drf")


class JSONParser(parsers.JSONParser):
    """DRF's JSONParser over pyforge.loads, with Limits."""

    limits: Limits | None = None

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        context = parser_context or {}
        encoding = context.get("encoding", settings.DEFAULT_CHARSET)
        try:
            text = stream.read().decode(encoding)
            dialect: Any = "rfc8259" if self.strict else "python"
            return encode.loads(text, limits=self.limits, dialect=dialect)
        except (LimitError, ValueError) as error:
            raise ParseError(f"JSON parse error - {error}") from error
