"""What a route is, and how one becomes an aiohttp handler. From every api module; to api and openapi.

A handler is `async def f(call: Call)` and returns a model, a list of models, an `Answer` or an aiohttp
response. What it may rely on: the caller is known and has the scope, body and query are valid models.
"""
from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from aiohttp import web
from pydantic import BaseModel, TypeAdapter

from sra_sdk.errors import NotSignedIn
from sra_server.config import ServerConfig
from sra_server.domain.principal import Principal
from sra_server.store import Store

from . import body as bodies
from . import identity
from .asked import Asked
from .signin import Gate

#: Body of a route that is not for ingest; decompressed.
SMALL_BODY = 1024 * 1024

Auth = Literal["none", "bearer", "key"]
Body = type[BaseModel]
Result = BaseModel | Sequence[BaseModel] | web.StreamResponse


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A body with another status than the route's, or with headers."""

    body: BaseModel | Sequence[BaseModel]
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)

    def __init__(self, body: BaseModel | Sequence[BaseModel], status: int | None = None,
                 headers: Mapping[str, str] | None = None) -> None:
        object.__setattr__(self, "body", body)
        object.__setattr__(self, "status", status)
        object.__setattr__(self, "headers", headers or {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What every handler may use. `clock` gives epoch microseconds."""

    config: ServerConfig
    store: Store
    clock: Callable[[], int]
    gate: Gate = field(default_factory=Gate)
    asked: Asked = field(default_factory=Asked)


@dataclass(slots=True, kw_only=True)
class Call:
    """One request, checked. `path` holds the variable parts of its path."""

    request: web.Request
    context: Context
    body: Any = None
    query: Any = None
    caller: Principal | None = None

    @property
    def principal(self) -> Principal:
        """On whose behalf this is."""
        if self.caller is None:
            raise NotSignedIn("this needs an API key or a session")
        return self.caller

    @property
    def path(self) -> Mapping[str, str]:
        return self.request.match_info

    @property
    def store(self) -> Store:
        return self.context.store

    def now(self) -> int:
        """Return the present time in epoch microseconds."""
        return self.context.clock()


Handler = Callable[[Call], Awaitable[Result | Answer]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One line of the API. auth "key": an API key or a session; "bearer": a session only.

    `body` and `query` are models of `Incoming`; `body_optional` accepts none (the model's defaults
    serve). `raw_body` leaves the reading to the handler; `body` then only documents. `answer` is a
    model, `list[model]`, or None for a response that the handler makes itself. `errors` lists the
    statuses that this route adds to those that follow from its shape.
    """

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str
    handler: Handler
    summary: str
    tag: str
    auth: Auth = "key"
    scope: str | None = None
    body: Body | None = None
    body_optional: bool = False
    raw_body: bool = False
    query: Body | None = None
    answer: Any = None
    status: int = 200
    max_body: int = SMALL_BODY
    errors: tuple[int, ...] = ()
    media_type: str = "application/json"
    hidden: bool = False


def bind(route: Route, context: Context) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    """Return the aiohttp handler of a route."""
    dump = TypeAdapter(route.answer) if route.answer is not None else None

    async def handle(request: web.Request) -> web.StreamResponse:
        call = Call(request=request, context=context)
        if route.auth != "none":
            call.caller = await identity.principal_of(
                request, store=context.store, now=context.clock(), auth=route.auth,
                admin_key=context.config.admin_api_key)
            if route.scope is not None:
                call.caller.require(route.scope)
        for name, part in request.match_info.items():
            bodies.refuse_unstorable(name, part)
        if route.query is not None:
            call.query = bodies.query(request, route.query)
        if route.body is not None and not route.raw_body:
            bodies.expect_json(request)
            raw = await bodies.read(request, limit=route.max_body)
            call.body = bodies.model(raw, route.body, optional=route.body_optional)
        result = await route.handler(call)
        if isinstance(result, web.StreamResponse):
            return result
        answer = result if isinstance(result, Answer) else Answer(result)
        if dump is None:
            raise TypeError(f"{route.method} {route.path} declares no answer, yet gave one")
        return web.Response(
            body=dump.dump_json(answer.body, by_alias=True), status=answer.status or route.status,
            headers=answer.headers, content_type="application/json")

    return handle
