"""A real server on a free port with an HTTP client, for the tests of the API."""
from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from sra_server import app
from sra_server.config import ServerConfig

ADMIN_KEY = "sra_admin_your_secure_key_here"


class Api:
    """What a test holds of the server: an HTTP client, and the database file to look into."""

    def __init__(self, client: httpx.AsyncClient, file: Path) -> None:
        self.client = client
        self.file = file

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run a statement on the database, past the server."""
        with closing(sqlite3.connect(self.file)) as conn, conn:
            return conn.execute(statement, values).fetchall()

    async def register(self, email: str = "you@example.com") -> dict[str, str]:
        """Make an account; return the headers of its session."""
        answer = await self.client.post("/auth/register", json={"email": email, "password": "long enough"})
        assert answer.status_code == 200, answer.text
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}

    async def key(self, session: dict[str, str], **more: Any) -> dict[str, str]:
        """Make a key; return its headers."""
        answer = await self.client.post("/api-keys", headers=session, json={"name": "app", **more})
        assert answer.status_code == 200, answer.text
        return {"X-API-Key": answer.json()["key"]}


@pytest.fixture
async def api(tmp_path: Path) -> AsyncIterator[Api]:
    config = ServerConfig(port=0, data_dir=tmp_path / "data", admin_api_key=SecretStr(ADMIN_KEY))
    async with app.serving(config) as url, httpx.AsyncClient(
            base_url=url, timeout=30, headers={"Content-Type": "application/json"}) as client:
        yield Api(client, tmp_path / "data" / "sra.db")


@pytest.fixture
async def session(api: Api) -> dict[str, str]:
    return await api.register()


@pytest.fixture
async def key(api: Api, session: dict[str, str]) -> dict[str, str]:
    return await api.key(session)
