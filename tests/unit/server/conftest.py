"""Databases for the server's tests: a fresh SQLite folder or PostgreSQL database for each test."""
from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from sra_server.store import Store, accounts
from sra_server.store.schema import metadata
from tests.services import needs, postgresql_bin


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """Start a PostgreSQL of our own, as user postgres where we are root; give its URL without a name."""
    folder = Path(tempfile.mkdtemp(prefix="sra-pg-"))
    user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    as_user = {"user": user, "extra_groups": [], "cwd": folder} if os.geteuid() == 0 else {"cwd": folder}
    if os.geteuid() == 0:
        shutil.chown(folder, user)
    folder.chmod(0o700)
    programs = postgresql_bin()
    assert programs is not None
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    subprocess.run([programs / "initdb", "-D", folder / "data", "-U", "postgres", "-A", "trust", "-E", "UTF8",
                    "--no-sync"], check=True, capture_output=True, timeout=60, **as_user)
    options = f"-p {port} -h 127.0.0.1 -k {folder} -c fsync=off -c autovacuum=off -c shared_buffers=32MB"
    # no pipes: the server would inherit and hold them
    subprocess.run([programs / "pg_ctl", "-D", folder / "data", "-o", options, "-l", folder / "log", "-w",
                    "start"], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60,
                   **as_user)
    server = f"postgresql://postgres@127.0.0.1:{port}"
    try:
        asyncio.run(_prepare(server))
        yield server
    finally:
        subprocess.run([programs / "pg_ctl", "-D", folder / "data", "-m", "immediate", "stop"], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60, **as_user)
        shutil.rmtree(folder)


@pytest.fixture(params=[
    "sqlite",
    pytest.param("postgresql", marks=[needs("postgresql"), pytest.mark.xdist_group("postgresql")]),
])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Give the URL of an empty database of this version."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/data/sra.db"
    url = f"{request.getfixturevalue('postgresql')}/sra"
    asyncio.run(_empty(url))
    return url


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
