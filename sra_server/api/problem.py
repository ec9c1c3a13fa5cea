"""An error as a problem document (RFC 9457). From errors raised anywhere; to the client."""
from __future__ import annotations

import math
from collections.abc import Mapping
from http import HTTPStatus

from aiohttp import web

from sra_sdk.errors import SraError, Unavailable
from sra_sdk.models import FieldProblem, Problem

MEDIA_TYPE = "application/problem+json"


def response(error: SraError, headers: Mapping[str, str] | None = None) -> web.Response:
    """Return the answer for an error that SRA can explain."""
    document = Problem(
        title=phrase(error.http_status), status=error.http_status, code=error.code,
        detail=_whole(error.message), hint=_whole(error.hint) if error.hint else None,
        errors=[FieldProblem(**{name: _whole(text) for name, text in problem.items()})
                for problem in error.errors])
    more = dict(headers or {})
    retry_after = getattr(error, "retry_after", None)
    if retry_after is not None or isinstance(error, Unavailable):
        more["Retry-After"] = str(max(1, math.ceil(retry_after or 1)))
    if error.http_status == 401:
        more["WWW-Authenticate"] = 'Bearer realm="SRA"'
    return web.Response(body=document.model_dump_json(exclude_none=True).encode(), headers=more,
                        status=error.http_status, content_type=MEDIA_TYPE)


def escaped(text: str, bound: int = 300) -> str:
    """Return text from outside as a log may show it: one line, no control characters, not too long."""
    kept = text if len(text) <= bound else f"{text[:bound]} … ({len(text)} characters)"
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in kept)


def _whole(text: str) -> str:
    """Return text that UTF-8 can carry: requests bring halves of characters."""
    return text.encode("utf-8", "replace").decode()


def phrase(status: int) -> str:
    """Return the customary name of a status."""
    return HTTPStatus(status).phrase


def of_http(error: web.HTTPException, method: str, path: str) -> SraError:
    """Return the error for one that aiohttp raised itself."""
    if error.status == 404:
        return SraError(f"there is no route {path}", code="not_found", http_status=404,
                        hint="GET /openapi.json lists all routes")
    if isinstance(error, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(error.allowed_methods))
        return SraError(f"{path} does not take {method}", code="method_not_allowed", http_status=405,
                        hint=f"it takes {allowed}")
    if error.status == 413:
        return SraError("the body is too large", code="body_too_large", http_status=413)
    code = phrase(error.status).lower().replace(" ", "_").replace("-", "_")
    return SraError(error.reason, code=code, http_status=error.status)
