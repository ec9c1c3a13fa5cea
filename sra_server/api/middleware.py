"""Around every request: errors become problem documents, answers get security headers. From app."""
from __future__ import annotations

import logging
import uuid
from collections.abc import Awaitable, Callable

from aiohttp import web

from sra_sdk.errors import SraError

from . import problem

log = logging.getLogger(__name__)

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@web.middleware
async def errors(request: web.Request,
                 handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> web.StreamResponse:
    """Answer every error as a problem document; what nobody foresaw gets an id that the log explains."""
    try:
        return await handler(request)
    except SraError as error:
        if error.http_status >= 500:
            log.warning("%s %s: %s", request.method, request.path, error.message,
                        extra={"action": "request_failed", "code": error.code})
        return problem.response(error)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        kept = {name: value for name, value in error.headers.items() if name in ("Allow", "Retry-After")}
        return problem.response(problem.of_http(error, request.method, request.path), kept)
    except ConnectionError:
        raise  # the client went away: nobody is left to answer
    except Exception:
        number = uuid.uuid4().hex[:12]
        log.exception("%s %s failed; id %s", request.method, request.path, number,
                      extra={"action": "request_crashed", "id": number})
        return problem.response(SraError(f"something went wrong inside SRA; id {number}", code="internal",
                                         hint="the server's log tells more under this id"))


async def secure(_request: web.Request, response: web.StreamResponse) -> None:
    """Set the security headers that the handler has not set itself."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["Server"] = "SRA"
