"""Bring a database to this version's schema, with alembic. From Store.open; to env and versions.

Alembic keeps its context in module state, so a lock lets one upgrade run at a time in this process;
across processes the data folder's lock (SQLite) or an advisory lock (PostgreSQL) does.
"""
from __future__ import annotations

import asyncio
import threading

from alembic import command
from alembic.config import Config
from sqlalchemy import URL, Connection, text

from .. import engine

_ONE_AT_A_TIME = threading.Lock()
_ADVISORY_KEY = 0x5352_4131  # any number, the same in every SRA


def migrate(url: URL) -> None:
    """Upgrade the database to the newest version. Blocks: call it in a thread of its own."""
    with _ONE_AT_A_TIME:
        asyncio.run(_upgrade(url))


async def _upgrade(url: URL) -> None:
    single = engine.open_single(url)
    try:
        async with single.begin() as conn:
            if conn.dialect.name == "postgresql":
                await conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_KEY})
            await conn.run_sync(_run)
    finally:
        await single.dispose()


def _run(connection: Connection) -> None:
    config = Config()
    config.set_main_option("script_location", "sra_server.store:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
