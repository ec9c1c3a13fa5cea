"""The description of the API is valid and whole; its page loads nothing from elsewhere."""
from __future__ import annotations

import re

import pytest
from openapi_spec_validator import validate

from sra_server.api import ROUTES

from .conftest import Api


@pytest.fixture
async def document(api: Api) -> dict:
    answer = await api.client.get("/openapi.json")
    assert answer.headers["Content-Type"].startswith("application/json")
    return answer.json()


async def test_it_is_valid_openapi_3_1(document: dict) -> None:
    assert document["openapi"].startswith("3.1.")
    validate(document)


async def test_every_route_is_described_with_its_errors(document: dict) -> None:
    for route in ROUTES:
        if route.hidden:
            continue
        operation = document["paths"][route.path][route.method.lower()]
        assert operation["summary"] and operation["description"]
        assert str(route.status) in operation["responses"]
        problems = {status for status, answer in operation["responses"].items() if "$ref" in answer}
        if route.auth != "none":
            assert "401" in problems
            assert operation["security"] != [{}]
        if route.body is not None:
            assert {"400", "413", "422"} <= problems
            assert operation["requestBody"]["content"]
        if route.raw_body:
            assert "X-SRA-Digest" in {parameter["name"] for parameter in operation["parameters"]}
    ids = [operation["operationId"] for path in document["paths"].values() for operation in path.values()]
    assert len(ids) == len(set(ids))
    assert {tag for path in document["paths"].values() for operation in path.values()
            for tag in operation["tags"]} == {tag["name"] for tag in document["tags"]}


async def test_the_original_s_endpoints_are_there(document: dict) -> None:
    expected = """POST /auth/register, POST /auth/login, POST /auth/logout, GET /auth/me, POST /api-keys,
        GET /api-keys, DELETE /api-keys/{prefix}, DELETE /api-keys/{prefix}/delete, POST /ingest/logs,
        POST /ingest/logs/raw, POST /ingest/metrics, POST /ingest/snapshot, GET /incidents, GET /health,
        GET /version, GET /status, GET /anomaly/status, GET /stability/check, POST /autoheal/{action},
        GET /autoheal/actions, POST /autoheal/dry-run"""
    for line in expected.split(","):
        method, path = line.split()
        assert method.lower() in document["paths"][path]


async def test_the_page_loads_only_what_the_server_has(api: Api) -> None:
    page = await api.client.get("/docs")
    links = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(links) == 4
    for link in links:
        assert link.startswith("/") and not link.startswith("//")
        answer = await api.client.get(link)
        assert answer.status_code == 200 and len(answer.content) > 50
    policy = page.headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy and "http" not in policy and "*" not in policy
    assert "<script>" not in page.text
    for name in ("LICENSE", "NOTICE", "swagger-ui-bundle.js.LICENSE.txt"):
        assert (await api.client.get(f"/docs/{name}")).status_code == 200


@pytest.mark.parametrize("name", ["other.js", "..%2Fdocs.py", "%2e%2e/__init__.py"])
async def test_no_other_file_is_served(api: Api, name: str) -> None:
    answer = await api.client.get(f"/docs/{name}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
