"""What aiohttp answers by itself, before any handler, as problem documents too. From app; to the client.

aiohttp's own answers are plain text and may repeat the request. What is no HTTP is answered by its protocol,
an expectation that nobody can meet by its routes: both lie outside the middleware.
"""
from __future__ import annotations

from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import LineTooLong

from sra_sdk.errors import BadInput, SraError

from . import problem
from .middleware import harden

_MALFORMED = BadInput("this is not a request of HTTP/1.1", code="malformed_request", http_status=400,
                      hint="check the request line and the headers; the body has one length: either one "
                           "Content-Length or Transfer-Encoding: chunked")
_TOO_LONG = BadInput("the request line or a header is too long", code="headers_too_long", http_status=431,
                     hint="a line may have 8 KiB")
_EXPECTATION = BadInput("Expect can only be 100-continue", code="expectation_failed", http_status=417,
                        hint="leave the header Expect out")
_INTERNAL = SraError("something went wrong inside SRA", code="internal")


class Protocol(web.RequestHandler):
    """A connection whose own errors are problem documents; they are logged and it is closed as ever."""

    def handle_error(self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None,
                     message: str | None = None) -> web.StreamResponse:
        """Return the answer to what could not be read or handled."""
        super().handle_error(request, status, exc, message)
        answer = problem.response(
            _INTERNAL if status >= 500 else _TOO_LONG if isinstance(exc, LineTooLong) else _MALFORMED)
        harden(answer)
        answer.force_close()
        return answer


class _Server(web.Server):
    """Makes a Protocol of each connection."""

    def __init__(self, made: web.Server, settings: dict[str, Any]) -> None:
        async def handle(request: web.BaseRequest) -> web.StreamResponse:
            try:
                return await made.request_handler(request)
            except web.HTTPExpectationFailed:
                return problem.response(_EXPECTATION)

        super().__init__(handle, request_factory=made.request_factory, **settings)
        self._settings = settings

    def __call__(self) -> web.RequestHandler:
        return Protocol(self, loop=self._loop, **self._settings)


class Runner(web.AppRunner):
    """Serves an application so that all of its answers, even to what is no HTTP, have one form."""

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        return _Server(made, made._kwargs)
