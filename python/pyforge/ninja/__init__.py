"""A renderer for django-ninja: NinjaAPI(renderer=pyforge.ninja.Renderer())."""

from __future__ import annotations

from typing import Any

from ninja.renderers import JSONRenderer
from ninja.responses import NinjaJSONEncoder

from pyforge import encode

__all__ = ["Renderer"]


class Renderer(JSONRenderer):
    """ninja's JSONRenderer with its text written in C."""

    def render(self, request: Any, data: Any, *, response_status: int) -> Any:
        if self.encoder_class is not NinjaJSONEncoder or self.json_dumps_params:
            return super().render(request, data, response_status=response_status)
        return encode.dumps(data, dialect="ninja").decode()
