"""Errors nobody asked for: unforeseen ones, a busy database, slow clients; and the security headers."""
from __future__ import annotations

import asyncio
import json
import logging
import re
import sqlite3
import time
import traceback
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from aiohttp import web
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from sra_sdk.errors import Unavailable
from sra_server import app
from sra_server.api import ROUTES, body, middleware
from sra_server.api.route import Call, Context, Route, bind
from sra_server.config import ServerConfig
from sra_server.store import Store, engine

from .conftest import Api


async def test_an_unforeseen_error_has_an_id_that_the_log_explains(
        tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def broken(call: Call) -> web.Response:
        raise ZeroDivisionError("secret detail")

    store = await Store.open(f"sqlite:///{tmp_path}/sra.db")
    context = Context(config=ServerConfig(data_dir=tmp_path), store=store, clock=app.now)
    route = Route(method="GET", path="/broken", handler=broken, summary="", tag="", auth="none")
    application = web.Application(middlewares=[middleware.errors])
    application.router.add_get("/broken", bind(route, context))
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    with caplog.at_level(logging.ERROR):
        async with httpx.AsyncClient() as client:
            answer = await client.get(f"http://127.0.0.1:{runner.addresses[0][1]}/broken")
    await runner.cleanup()
    await store.close()
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "secret detail" not in answer.text and "Traceback" not in answer.text
    number = re.search(r"id (\w{12})", answer.json()["detail"])
    assert number and number[1] in caplog.text and "secret detail" in caplog.text


async def test_a_locked_database_is_unavailable_with_a_time(
        api: Api, key: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    async with httpx.AsyncClient(base_url=api.client.base_url, timeout=30) as client:
        with closing(sqlite3.connect(api.file, isolation_level=None)) as conn:
            conn.execute("BEGIN IMMEDIATE")
            answer = await client.post("/ingest/logs", headers=key, json={"logs": [{"message": "a"}]})
            conn.execute("ROLLBACK")
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert int(answer.headers["Retry-After"]) >= 1
        answer = await client.post("/ingest/logs", headers=key, json={"logs": [{"message": "a"}]})
        assert answer.status_code == 200


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what waits for seconds in service wait for less here."""
    monkeypatch.setattr(engine, "BUSY_MS", 200)
    monkeypatch.setattr(body, "READ_SECONDS", 0.5)
    monkeypatch.setattr(app, "HEADER_SECONDS", 0.5)
    monkeypatch.setattr(app, "LINGER_SECONDS", 0.2)


async def _raw(api: Api, request: bytes) -> tuple[bytes, float]:
    """Send bytes and nothing more; return what came back and how long the server kept the connection."""
    url = api.client.base_url
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(request)
    started = time.monotonic()
    async with asyncio.timeout(20):
        answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer, time.monotonic() - started


async def test_slow_headers_lose_their_connection(api: Api) -> None:
    answer, seconds = await _raw(api, b"GET /health HTTP/1.1\r\nHost: a\r\nX-Slow: ")
    assert answer == b"" and seconds < 10


async def test_a_body_that_does_not_come_is_not_awaited_for_ever(api: Api, key: dict[str, str]) -> None:
    head = (f"POST /ingest/logs HTTP/1.1\r\nHost: a\r\nX-API-Key: {key['X-API-Key']}\r\n"
            "Content-Type: application/json\r\nContent-Length: 100\r\nConnection: close\r\n\r\n{")
    answer, seconds = await _raw(api, head.encode())
    assert seconds < 8
    assert answer.startswith(b"HTTP/1.1 408 ") and b'"request_timeout"' in answer


async def test_every_answer_has_the_security_headers(api: Api) -> None:
    for path in ("/auth/me", "/nope", "/docs", "/openapi.json", "/health"):
        headers = (await api.client.get(path)).headers
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["Server"] == "SRA"


async def test_a_wrong_method_is_told_which_are_right(api: Api) -> None:
    answer = await api.client.put("/logs")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET,HEAD")
    assert answer.json()["hint"] == "it takes GET, HEAD"


@pytest.mark.parametrize("route", [route for route in ROUTES if route.auth != "none"],
                         ids=lambda route: f"{route.method} {route.path}")
async def test_no_route_serves_a_stranger(api: Api, route: Route) -> None:
    path = re.sub(r"\{\w+\}", "x", route.path)
    answer = await api.client.request(route.method, path)
    assert (answer.status_code, answer.json()["code"]) == (401, "not_signed_in")


async def test_nothing_from_outside_can_forge_the_log(
        tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def broken(call: Call) -> web.Response:
        raise ValueError("bad\nERROR forged \x1b[31mred\x07")

    async def late(call: Call) -> web.Response:
        raise Unavailable("later\nERROR forged \x1b[31mred\x07")

    store = await Store.open(f"sqlite:///{tmp_path}/sra.db")
    context = Context(config=ServerConfig(data_dir=tmp_path), store=store, clock=app.now)
    application = web.Application(middlewares=[middleware.errors])
    for name, handler in (("broken", broken), ("late", late)):
        route = Route(method="GET", path=f"/{name}/{{x}}", handler=handler, summary="", tag="", auth="none")
        application.router.add_get(route.path, bind(route, context))
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    with caplog.at_level(logging.WARNING):
        async with httpx.AsyncClient() as client:
            for name, status in (("broken", 500), ("late", 503)):
                path = f"/{name}/a%0aERROR%20forged%1b[31m%07" + "x" * 2000 + "?password=secret"
                answer = await client.get(f"http://127.0.0.1:{runner.addresses[0][1]}{path}")
                assert answer.status_code == status
    await runner.cleanup()
    await store.close()
    assert len(caplog.records) == 2
    for line in (line for record in caplog.records for line in record.getMessage().split("\n")):
        assert line.isprintable() and len(line) < 1000
        assert line.startswith(("GET /", "  | ")), line
    assert all(record.exc_info is None for record in caplog.records)
    assert "secret" not in caplog.text and "forged" in caplog.text


async def test_a_failed_statement_does_not_tell_its_values(store: Store) -> None:
    with pytest.raises((DBAPIError, Unavailable)) as raised:
        async with store.writing() as conn:
            await conn.execute(text("INSERT INTO nowhere VALUES (:a)"), {"a": "hunter2-S3cr3t"})
    told = "".join(traceback.format_exception(raised.value))
    assert "INSERT INTO nowhere" in told and "[SQL parameters hidden" in told
    assert "parameters: " not in told


#: What is no HTTP, with the status and the code of its answer. SECRET stands for the sender's text.
NO_HTTP = {
    "chunk": (b"POST /auth/login HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
              b"Connection: close\r\n\r\nSECRET\r\n{}\r\n", 400, "malformed_request"),
    "lengths": (b"POST /auth/login HTTP/1.1\r\nHost: a\r\nX: SECRET\r\nContent-Length: 1\r\n"
                b"Content-Length: 2\r\n\r\n{}", 400, "malformed_request"),
    "length and chunks": (b"POST /SECRET HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n"
                          b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400, "malformed_request"),
    "header": (b"GET /health HTTP/1.1\r\nHost: a\r\nX-Long: SECRET" + b"x" * 20_000 + b"\r\n\r\n", 431,
               "headers_too_long"),
    "line": (b"GET /SECRET" + b"x" * 20_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 431, "headers_too_long"),
    "name": (b"GET /health HTTP/1.1\r\nHost: a\r\nSECRET name: x\r\n\r\n", 400, "malformed_request"),
    "path": (b"GET /SECRET\x1b[31m\xff HTTP/1.1\r\nHost: a\r\n\r\n", 400, "malformed_request"),
    "method": (b"SECRET\x00 / HTTP/1.1\r\nHost: a\r\n\r\n", 400, "malformed_request"),
    "version": (b"GET /SECRET HTTP/9.9.9\r\nHost: a\r\n\r\n", 400, "malformed_request"),
    "tls": (b"\x16\x03\x01\x02\x00SECRET\r\n\r\n", 400, "malformed_request"),
    "expectation": (b"POST /auth/login HTTP/1.1\r\nHost: a\r\nExpect: SECRET\r\nContent-Length: 2\r\n"
                    b"Connection: close\r\n\r\n{}", 417, "expectation_failed"),
    "expectation of no route": (b"GET /no HTTP/1.1\r\nHost: a\r\nExpect: SECRET\r\nConnection: close\r\n\r\n",
                                417, "expectation_failed"),
}


@pytest.mark.parametrize("kind", NO_HTTP)
async def test_what_is_no_http_is_a_problem_document_and_costs_one_line(
        api: Api, caplog: pytest.LogCaptureFixture, kind: str) -> None:
    request, status, code = NO_HTTP[kind]
    with caplog.at_level(logging.DEBUG):
        answer, _ = await _raw(api, request)
    head, _, body = answer.partition(b"\r\n\r\n")
    headers = {name.lower(): value for name, _, value in
               (line.partition(": ") for line in head.decode().split("\r\n")[1:])}
    assert int(head.split()[1]) == status, answer
    assert headers["content-type"] == "application/problem+json"
    assert headers["x-content-type-options"] == "nosniff" and headers["server"] == "SRA"
    told = json.loads(body)
    assert (told["status"], told["code"]) == (status, code) and told["detail"]
    assert b"SECRET" not in answer
    lines = [record for record in caplog.records
             if record.name.startswith(("aiohttp", "sra")) and record.levelno > logging.DEBUG]
    assert len(lines) <= 1 and "SECRET" not in caplog.text  # it may be a part of a key
    for record in lines:
        assert record.exc_info in (None, False) and record.levelno < logging.ERROR
        assert record.getMessage().isprintable() and len(record.getMessage()) < 600


async def test_an_expected_100_is_given(api: Api) -> None:
    answer, _ = await _raw(api, b"POST /auth/login HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                                b"Content-Type: application/json\r\nContent-Length: 2\r\n"
                                b"Connection: close\r\n\r\n{}")
    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 422 ")
