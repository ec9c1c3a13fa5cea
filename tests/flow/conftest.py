"""A server in this process with one account, and a client that speaks for it."""
from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from sra_server.app import serving
from sra_server.config import ServerConfig


@asynccontextmanager
async def signed_in(url: str, email: str = "ann@example.com") -> AsyncIterator[httpx.AsyncClient]:
    """Register, make a key, and give a client that carries it."""
    async with httpx.AsyncClient(base_url=url, timeout=30) as http:
        answer = await http.post("/auth/register", json={"email": email, "password": "a long password"})
        assert answer.is_success, answer.text
        bearer = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        made = await http.post("/api-keys", json={"name": "test"}, headers=bearer)
        assert made.is_success, made.text
        http.headers["X-API-Key"] = made.json()["key"]
        http.headers["X-Test-Bearer"] = bearer["Authorization"]
        yield http


def settings(tmp_path: Path, **given: Any) -> ServerConfig:
    """Return settings of a server on a free port with its data under tmp_path."""
    return ServerConfig(**{"port": 0, "data_dir": tmp_path / "data", "quiet_seconds": 2.0, **given})


@pytest.fixture
async def http(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[httpx.AsyncClient]:
    """Give a client of a fresh server; as its parameter the seconds of quiet that resolve an incident."""
    quiet = getattr(request, "param", 2.0)
    async with serving(settings(tmp_path, quiet_seconds=quiet)) as url, signed_in(url) as client:
        yield client
