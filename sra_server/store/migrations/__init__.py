"""Bring a database to this version's schema, with alembic. From Store.open; to env and versions.

Alembic keeps its context in module state, so a lock lets one upgrade run at a time in this process;
across processes the data folder's lock (SQLite) or an advisory lock (PostgreSQL) does. A database that is
at this version already, as at every start but the first, is left alone without loading alembic.
"""
from __future__ import annotations

import asyncio
import threading

from sqlalchemy import URL, Connection, inspect, text

from sra_server.crash import crashpoint

from .. import engine

#: The newest of `versions`.
NEWEST = "0005"
_VERSIONS = "alembic_version"
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
            crashpoint("migrate.commit")
        crashpoint("migrate.committed")
    finally:
        await single.dispose()


def version_of(connection: Connection) -> str | None:
    """Return the version of the schema in a database, None where there is none."""
    if not inspect(connection).has_table(_VERSIONS):
        return None
    found: str | None = connection.scalar(text(f"SELECT version_num FROM {_VERSIONS}"))  # noqa: S608 - a constant
    return found


def _run(connection: Connection) -> None:
    if version_of(connection) == NEWEST:
        return
    from alembic import command
    from alembic.config import Config
    config = Config()
    config.set_main_option("script_location", "sra_server.store:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
