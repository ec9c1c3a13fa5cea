"""Around every request: errors become problem documents, answers get security headers. From app."""
from __future__ import annotations

import logging
import re
import traceback
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from sra_sdk.errors import BadInput, SraError

from . import problem

log = logging.getLogger(__name__)

_TRACE_LINES = 200
#: Where aiohttp's message about a request begins to quote it.
_QUOTED = re.compile(r":?\s+(?:bytearray\()?b?['\"]|\n")
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class Wire(logging.LoggerAdapter[logging.Logger]):
    """What aiohttp logs to: a request that is no HTTP is the sender's fault, one line and no traceback.

    The line quotes nothing of the request, for that may be a part of a key.
    """

    def exception(self, msg: object, *args: object, exc_info: Any = True, **more: Any) -> None:
        if isinstance(exc_info, HttpProcessingError):
            who, what = (args or ("?",))[0], problem.escaped(_QUOTED.split(exc_info.message, maxsplit=1)[0])
            self.warning("what %s sent is not HTTP: %s", who, what, extra={"action": "request_unreadable"})
            return
        super().exception(msg, *args, exc_info=exc_info, **more)

    def debug(self, msg: object, *args: object, exc_info: Any = None, **more: Any) -> None:
        if isinstance(exc_info, HttpProcessingError):
            exc_info = None  # noise from the internet, which aiohttp would print whole
        super().debug(msg, *args, exc_info=exc_info, **more)


@web.middleware
async def errors(request: web.Request,
                 handler: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> web.StreamResponse:
    """Answer every error as a problem document; what nobody foresaw gets an id that the log explains."""
    try:
        return await handler(request)
    except SraError as error:
        if error.http_status >= 500:
            log.warning("%s: %s", _asked(request), problem.escaped(error.message),
                        extra={"action": "request_failed", "code": error.code})
        return problem.response(error)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        kept = {name: value for name, value in error.headers.items() if name in ("Allow", "Retry-After")}
        return problem.response(problem.of_http(error, request.method, request.path), kept)
    except (HttpProcessingError, web.RequestPayloadError):  # its text may repeat the body
        return problem.response(BadInput("the body cannot be read", code="bad_body", http_status=400,
                                         hint="check its length, or the sizes of its chunks"))
    except ConnectionError:
        raise  # the client went away: nobody is left to answer
    except Exception as error:  # noqa: BLE001 - it is logged whole, but line by line escaped
        number = uuid.uuid4().hex[:12]
        log.error("%s failed; id %s\n%s", _asked(request), number, _trace(error),
                  extra={"action": "request_crashed", "id": number})
        return problem.response(SraError(f"something went wrong inside SRA; id {number}", code="internal",
                                         hint="the server's log tells more under this id"))


def _asked(request: web.Request) -> str:
    """Return what was asked for as it came, still percent-encoded and without its query: one safe line."""
    return problem.escaped(f"{request.method} {request.raw_path.partition('?')[0]}")


def _trace(error: Exception) -> str:
    """Return the traceback with every line marked: an error's own text can not pass for lines of the log."""
    lines = "".join(traceback.format_exception(error)).splitlines()
    return "\n".join(f"  | {problem.escaped(line)}" for line in lines[-_TRACE_LINES:])


async def secure(_request: web.Request, response: web.StreamResponse) -> None:
    """Harden each answer, as aiohttp's signal."""
    harden(response)


def harden(response: web.StreamResponse) -> None:
    """Set the security headers that the handler has not set itself."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["Server"] = "SRA"
