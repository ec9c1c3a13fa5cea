"""Databases for the server's tests: a fresh SQLite folder or PostgreSQL database for each test."""
from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from sra_server.store import Store, accounts
from sra_server.store.schema import metadata
from tests.cluster import cluster
from tests.services import needs


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """Start a PostgreSQL of our own; give its URL without a name."""
    with cluster() as server:
        asyncio.run(_prepare(server))
        yield server


@pytest.fixture
def empty_postgresql(postgresql: str) -> str:
    """Give the URL of an empty database of this version, on PostgreSQL alone."""
    asyncio.run(_empty(f"{postgresql}/sra"))
    return f"{postgresql}/sra"


@pytest.fixture(params=[
    "sqlite",
    pytest.param("postgresql", marks=[needs("postgresql"), pytest.mark.xdist_group("postgresql")]),
])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give the URL of an empty database of this version."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/data/sra.db"
    return str(request.getfixturevalue("empty_postgresql"))


async def _prepare(server: str) -> None:
    """Make the one database: the migrations run once, not for each test."""
    conn = await asyncpg.connect(f"{server}/postgres")
    await conn.execute("CREATE DATABASE sra")
    await conn.close()
    store = await Store.open(f"{server}/sra")
    await store.close()


async def _empty(url: str) -> None:
    """Delete every row, and whatever connection the test before has left."""
    conn = await asyncpg.connect(url)
    await conn.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                       "WHERE datname = 'sra' AND pid <> pg_backend_pid()")
    for table in reversed(metadata.sorted_tables):
        await conn.execute(f"DELETE FROM {table.name}")
    await conn.execute("ALTER SEQUENCE tickets RESTART")
    await conn.close()


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Store]:
    """Give an open store, on SQLite and again on PostgreSQL."""
    opened = await Store.open(database_url)
    yield opened
    await opened.close()


@pytest.fixture
async def account(store: Store) -> str:
    """Give the id of an account without members."""
    async with store.writing() as conn:
        await accounts.ensure_account(conn, "account-1", name="one", at=1)
        await accounts.ensure_account(conn, "account-2", name="two", at=1)
    return "account-1"
