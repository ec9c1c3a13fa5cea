"""One kept-open HTTP connection to the server. From ship and relay; to the server's API.

http.client, because the shipper lives beside other people's programs and must stay small. Blocking:
each user has its own thread and its own connection; `abort` ends a wait from another thread.
"""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

import orjson

from sra_sdk.errors import Unavailable

CONNECT_SECONDS = 5.0
ANSWER_BYTES = 16 * 1024 * 1024

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the server said."""

    status: int
    body: bytes
    retry_after: float | None

    def json(self) -> dict[str, Any]:
        """Return the body as an object; {} when it is none."""
        try:
            value = orjson.loads(self.body)
        except orjson.JSONDecodeError:
            return {}
        return value if isinstance(value, dict) else {}

    @property
    def code(self) -> str:
        """Return the stable code of a problem document, or ""."""
        code = self.json().get("code")
        return code if isinstance(code, str) else ""

    def field(self, name: str, kind: type[T]) -> T:
        """Return a field that a good answer has; raise Unavailable when this is none."""
        value = self.json().get(name)
        if not isinstance(value, kind):
            what = f"{name} of its answer is {type(value).__name__}, not {kind.__name__}"
            raise Unavailable(f"server unusable: {what}", code="server_unusable")
        return value

    def detail(self) -> str:
        """Return what a problem document says, in a line."""
        said = self.json()
        texts = [text for text in (said.get("detail"), said.get("title")) if text and isinstance(text, str)]
        return (texts or [f"HTTP {self.status}"])[0][:500]


class Connection:
    """Requests with the agent's key, one after the other."""

    def __init__(self, server: str, key: str, *, timeout: float = 30.0) -> None:
        parts = urlsplit(server)
        self._tls = parts.scheme == "https"
        self._address = parts.hostname or "localhost", parts.port or (443 if self._tls else 80)
        self._base = parts.path.rstrip("/")
        self._headers = {"X-API-Key": key, "User-Agent": "sra-agent", "Accept": "application/json"}
        self._timeout = timeout
        self._turn = threading.Lock()  # one request at a time
        self._lock = threading.Lock()
        self._http: http.client.HTTPConnection | None = None
        self._aborted = False

    def _open(self, timeout: float) -> http.client.HTTPConnection:
        host, port = self._address
        if self._tls:
            import ssl  # costs memory that plain loopback need not pay

            return http.client.HTTPSConnection(
                host, port, timeout=timeout, context=ssl.create_default_context()
            )
        return http.client.HTTPConnection(host, port, timeout=timeout)

    def request(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> Answer:
        """Return the answer; raise Unavailable when there is none."""
        with self._turn:
            try:
                return self._twice(method, path, body, headers or {}, timeout or self._timeout)
            except (OSError, http.client.HTTPException, ValueError) as error:
                self._drop()
                reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
                raise Unavailable(
                    f"{self._address[0]}:{self._address[1]} does not answer: {reason}"
                ) from error

    def _twice(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str], wait: float
    ) -> Answer:
        kept = self._http
        try:
            return self._exchange(method, path, body, headers, wait)
        except (http.client.RemoteDisconnected, ConnectionError):
            if kept is None or self._aborted:
                raise
            # A server may close a connection that was idle; that says nothing about this request.
            self._drop()
            return self._exchange(method, path, body, headers, wait)

    def _exchange(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str], wait: float
    ) -> Answer:
        with self._lock:
            if self._aborted:
                raise ConnectionAbortedError("the agent is stopping")
            if self._http is None:
                self._http = self._open(wait)
            http_ = self._http
        try:
            return self._ask(http_, method, path, body, {**self._headers, **headers}, wait)
        finally:
            with self._lock:
                dropped = self._http is not http_
            if dropped:
                http_.close()  # whatever another thread closed before, it is closed now

    def _ask(
        self,
        http_: http.client.HTTPConnection,
        method: str,
        path: str,
        body: bytes | None,
        headers: Mapping[str, str],
        wait: float,
    ) -> Answer:
        if http_.sock is None:
            http_.timeout = min(wait, CONNECT_SECONDS)
            http_.connect()
        opened: socket.socket | None = http_.sock
        if opened is None or self._aborted:
            raise ConnectionAbortedError("the agent is stopping")
        opened.settimeout(wait)
        http_.request(method, self._base + path, body, dict(headers))
        response = http_.getresponse()
        data = response.read(ANSWER_BYTES)
        if response.will_close or not response.isclosed():
            self._drop()
        return Answer(
            status=response.status, body=data, retry_after=_seconds(response.getheader("Retry-After"))
        )

    def post(self, path: str, body: Mapping[str, Any], *, timeout: float | None = None) -> Answer:
        """Send an object as JSON."""
        return self.request(
            "POST", path, orjson.dumps(body), headers={"Content-Type": "application/json"}, timeout=timeout
        )

    def _drop(self) -> None:
        with self._lock:
            http_, self._http = self._http, None
        if http_ is not None:
            http_.close()

    def abort(self) -> None:
        """End a wait that another thread is in, and refuse further requests."""
        with self._lock:
            self._aborted = True
            held = self._http.sock if self._http is not None else None
        if held is not None:
            with suppress(OSError):
                held.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection for good."""
        self._aborted = True
        self._drop()


def _seconds(text: str | None) -> float | None:
    try:
        return min(max(float(text), 0.0), 3600.0) if text is not None else None
    except ValueError:
        return None
