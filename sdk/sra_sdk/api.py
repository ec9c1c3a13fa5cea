"""The typed REST client, sync and async, on httpx (extra: api). From programs and the CLI; to the server.

    with Client("http://127.0.0.1:8000", token=...) as sra:
        for incident in sra.incidents(status="open"): ...

    async with AsyncClient("http://127.0.0.1:8000", api_key=...) as sra:
        await sra.approve(remedy_id)

Both send the requests of sra_sdk.api_requests, whose functions document the arguments. An answer that is
an error raises ServerAnswered; a server that cannot be reached raises Unavailable.
"""
from __future__ import annotations

import functools
import json
from collections.abc import Coroutine
from importlib.metadata import PackageNotFoundError, version
from types import TracebackType
from typing import Any, Callable, Optional, TypeVar
from urllib.parse import urlsplit

import httpx
from typing_extensions import Concatenate, ParamSpec, Self

from . import api_quiet as quiet
from . import api_requests as ask
from .api_requests import Ask
from .errors import BadInput, ServerAnswered, SraError, Unavailable

P = ParamSpec("P")
T = TypeVar("T")

#: Longest part of an answer that is not JSON which an error message repeats.
QUOTE = 200

_HINTS = {
    401: "sign in with `sra login`, or set SRA_TOKEN or SRA_API_KEY",
    404: "check that the URL is that of an SRA server, and the id",
    429: "wait, then try again",
}


def _agent() -> str:
    try:
        return f"sra-sdk/{version('sra-sdk')}"
    except PackageNotFoundError:  # run from a source folder that was never installed
        return "sra-sdk"


def answered(status: int, content: bytes, retry_after: Optional[str] = None) -> ServerAnswered:
    """The error that an HTTP answer is, whatever its body: problem+json, other JSON, HTML or nothing."""
    try:
        problem = json.loads(content)
    except ValueError:
        problem = None
    if not isinstance(problem, dict):
        text = content.decode("utf-8", "replace").strip()[:QUOTE]
        problem = {"detail": f"the server answered {status}" + (f": {text}" if text else "")}
    problem.setdefault("code", f"http_{status}")
    if not isinstance(problem.get("errors"), list):
        problem["errors"] = []
    problem["errors"] = [entry for entry in problem["errors"] if isinstance(entry, dict)]
    if not problem.get("hint"):
        problem["hint"] = _HINTS.get(status)
    message = problem.get("detail") or problem.get("title") or f"the server answered {status}"
    try:
        wait = float(retry_after) if retry_after is not None else None
    except ValueError:  # the header may also hold a date
        wait = None
    return ServerAnswered(str(message), status=status, problem=problem, retry_after=wait)


class _Base:
    """What both clients share: address, headers, time limit, and the reading of answers."""

    def __init__(self, url: str, *, token: Optional[str] = None, api_key: Optional[str] = None,
                 timeout: float = 15.0) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise BadInput(f"server: {url!r} is not a URL", hint="write it like http://127.0.0.1:8000")
        self.url = url.rstrip("/")
        #: a proxy of the environment leads away from this machine, never to it
        self._proxied = parts.hostname not in ("localhost", "127.0.0.1", "::1")
        self._timeout = timeout
        self._headers = {"User-Agent": _agent(), "Accept": "application/json"}
        for name, value in (("Authorization", token and f"Bearer {token}"), ("X-API-Key", api_key)):
            if value and not (value.isascii() and value.isprintable()):
                raise BadInput("the token or key holds characters that none has", hint="copy it again, whole")
            if value:
                self._headers[name] = value

    def _arguments(self, asked: Ask[T]) -> dict[str, Any]:
        return {
            "method": asked.method, "url": self.url + asked.path, "params": asked.query or None,
            "json": asked.body, "headers": self._headers,
            "timeout": httpx.Timeout(self._timeout + asked.patience, connect=min(self._timeout, 5.0)),
        }

    def _read(self, asked: Ask[T], answer: httpx.Response) -> T:
        if not answer.is_success and answer.status_code not in asked.accepts:
            raise answered(answer.status_code, answer.content, answer.headers.get("retry-after"))
        try:
            content = answer.json()
        except ValueError as error:
            raise SraError(
                f"{self.url} answered {asked.method} {asked.path} with something that is not JSON",
                code="unexpected_answer", hint="check that the URL is that of an SRA server") from error
        return asked.read(content)

    def _unreachable(self, error: httpx.HTTPError) -> Unavailable:
        if isinstance(error, httpx.TimeoutException):
            return Unavailable(f"{self.url} did not answer in time", code="timeout",
                               hint="the server is busy or the network is slow; try again")
        return Unavailable(
            f"cannot reach {self.url}: {str(error) or type(error).__name__}", code="unreachable",
            hint="start it with `sra serve` or `sra up`, or name another with --server or SRA_SERVER")


def _now(build: Callable[P, Ask[T]]) -> Callable[Concatenate[Client, P], T]:
    def call(self: Client, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self.send(build(*args, **kwargs))
    functools.update_wrapper(call, build)
    return call


def _later(build: Callable[P, Ask[T]]) -> Callable[Concatenate[AsyncClient, P], Coroutine[Any, Any, T]]:
    async def call(self: AsyncClient, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self.send(build(*args, **kwargs))
    functools.update_wrapper(call, build)
    return call


class Client(_Base):
    """The API, synchronously. `transport` is httpx's, for programs that route their traffic."""

    def __init__(self, url: str, *, token: Optional[str] = None, api_key: Optional[str] = None,
                 timeout: float = 15.0, transport: Optional[httpx.BaseTransport] = None) -> None:
        super().__init__(url, token=token, api_key=api_key, timeout=timeout)
        self._http = httpx.Client(transport=transport, trust_env=self._proxied)

    def send(self, asked: Ask[T]) -> T:
        """Send one request and read its answer."""
        try:
            answer = self._http.request(**self._arguments(asked))
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error
        return self._read(asked, answer)

    def disconnect(self) -> None:
        """Give the connections back."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: Optional[type[BaseException]], error: Optional[BaseException],
                 trace: Optional[TracebackType]) -> None:
        self.disconnect()

    register = _now(ask.register)
    login = _now(ask.login)
    logout = _now(ask.logout)
    me = _now(ask.me)
    create_key = _now(ask.create_key)
    keys = _now(ask.keys)
    revoke_key = _now(ask.revoke_key)
    delete_key = _now(ask.delete_key)
    ingest_logs = _now(ask.ingest_logs)
    ingest_raw = _now(ask.ingest_raw)
    ingest_metrics = _now(ask.ingest_metrics)
    ingest_snapshot = _now(ask.ingest_snapshot)
    logs = _now(ask.logs)
    incidents = _now(ask.incidents)
    incident = _now(ask.incident)
    incident_summary = _now(ask.incident_summary)
    acknowledge = _now(ask.acknowledge)
    assign = _now(ask.assign)
    note = _now(ask.note)
    resolve = _now(ask.resolve)
    close = _now(quiet.close)
    silence = _now(quiet.silence)
    silences = _now(quiet.silences)
    end_silence = _now(quiet.end_silence)
    lessons = _now(quiet.lessons)
    forget_lesson = _now(quiet.forget_lesson)
    forget_lessons_of = _now(quiet.forget_lessons_of)
    remedies = _now(ask.remedies)
    remedy = _now(ask.remedy)
    approve = _now(ask.approve)
    reject = _now(ask.reject)
    cancel = _now(ask.cancel)
    heal = _now(ask.heal)
    actions = _now(ask.actions)
    dry_run = _now(ask.dry_run)
    set_dry_run = _now(ask.set_dry_run)
    hosts = _now(ask.hosts)
    host = _now(ask.host)
    status = _now(ask.status)
    anomaly = _now(ask.anomaly)
    stability = _now(ask.stability)
    health = _now(ask.health)
    version = _now(ask.version)

class AsyncClient(_Base):
    """The API, for asyncio programs."""

    def __init__(self, url: str, *, token: Optional[str] = None, api_key: Optional[str] = None,
                 timeout: float = 15.0, transport: Optional[httpx.AsyncBaseTransport] = None) -> None:
        super().__init__(url, token=token, api_key=api_key, timeout=timeout)
        self._http = httpx.AsyncClient(transport=transport, trust_env=self._proxied)

    async def send(self, asked: Ask[T]) -> T:
        """Send one request and read its answer."""
        try:
            answer = await self._http.request(**self._arguments(asked))
        except httpx.HTTPError as error:
            raise self._unreachable(error) from error
        return self._read(asked, answer)

    async def disconnect(self) -> None:
        """Give the connections back."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: Optional[type[BaseException]], error: Optional[BaseException],
                        trace: Optional[TracebackType]) -> None:
        await self.disconnect()

    register = _later(ask.register)
    login = _later(ask.login)
    logout = _later(ask.logout)
    me = _later(ask.me)
    create_key = _later(ask.create_key)
    keys = _later(ask.keys)
    revoke_key = _later(ask.revoke_key)
    delete_key = _later(ask.delete_key)
    ingest_logs = _later(ask.ingest_logs)
    ingest_raw = _later(ask.ingest_raw)
    ingest_metrics = _later(ask.ingest_metrics)
    ingest_snapshot = _later(ask.ingest_snapshot)
    logs = _later(ask.logs)
    incidents = _later(ask.incidents)
    incident = _later(ask.incident)
    incident_summary = _later(ask.incident_summary)
    acknowledge = _later(ask.acknowledge)
    assign = _later(ask.assign)
    note = _later(ask.note)
    resolve = _later(ask.resolve)
    close = _later(quiet.close)
    silence = _later(quiet.silence)
    silences = _later(quiet.silences)
    end_silence = _later(quiet.end_silence)
    lessons = _later(quiet.lessons)
    forget_lesson = _later(quiet.forget_lesson)
    forget_lessons_of = _later(quiet.forget_lessons_of)
    remedies = _later(ask.remedies)
    remedy = _later(ask.remedy)
    approve = _later(ask.approve)
    reject = _later(ask.reject)
    cancel = _later(ask.cancel)
    heal = _later(ask.heal)
    actions = _later(ask.actions)
    dry_run = _later(ask.dry_run)
    set_dry_run = _later(ask.set_dry_run)
    hosts = _later(ask.hosts)
    host = _later(ask.host)
    status = _later(ask.status)
    anomaly = _later(ask.anomaly)
    stability = _later(ask.stability)
    health = _later(ask.health)
    version = _later(ask.version)
