"""What PostgreSQL promises of a commit: SRA's sessions wait for the disk whatever a role's default says."""
from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator

import asyncpg
import pytest
from sqlalchemy import text

from sra_server.store import Store, batches
from tests.cluster import cluster
from tests.services import needs

pytestmark = [needs("postgresql"), pytest.mark.xdist_group("durability")]

#: Notes, beside each row that is stored, how durable the session that stores it is.
_WATCH = """CREATE TABLE seen (setting text);
    CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN INSERT INTO seen VALUES (current_setting('synchronous_commit')); RETURN NULL; END $$;
    CREATE TRIGGER see AFTER INSERT ON batches FOR EACH STATEMENT EXECUTE FUNCTION see();"""


async def told(url: str, *statements: str) -> list[str]:
    """Run statements past SRA, and return the first column of the last."""
    conn = await asyncpg.connect(url)
    try:
        for statement in statements[:-1]:
            await conn.execute(statement)
        return [row[0] for row in await conn.fetch(statements[-1])]
    finally:
        await conn.close()


@pytest.fixture(scope="module")
def durable() -> Iterator[str]:
    with cluster("shared_buffers=32MB") as url:
        yield url


def as_role(url: str, name: str, setting: str) -> str:
    """Make a database that belongs to a role with this default, and return its URL."""
    asyncio.run(told(f"{url}/postgres", f"CREATE ROLE {name} LOGIN",
                     f"ALTER ROLE {name} SET synchronous_commit = {setting}",
                     f"CREATE DATABASE {name} OWNER {name}", "SELECT 1"))
    return f"{url.replace('postgres@', f'{name}@')}/{name}"


async def stored(url: str) -> tuple[list[str], list[str]]:
    """Store a batch and write otherwise; return how durable the sessions were that did it."""
    store = await Store.open(url)
    try:
        await told(url, _WATCH, "SELECT 1")
        for number in range(3):
            await batches.append(store, "a", ends={"app.log": {"offset": number}}, received_at=1_000_000)
        ingest = await told(url, "SELECT setting FROM seen")
        found = []
        for urgent in (False, True):
            async with store.writing(urgent=urgent) as conn:
                found.append(str(await conn.scalar(text("SHOW synchronous_commit"))))
        return ingest, found
    finally:
        await store.close()


@pytest.mark.parametrize("at", ["role", "database"])
async def test_a_default_of_off_is_raised_for_every_session_that_writes(durable: str, at: str) -> None:
    url = await asyncio.to_thread(as_role, durable, f"weak_{at}", "off" if at == "role" else "on")
    if at == "database":
        await told(f"{durable}/postgres", f"ALTER ROLE weak_{at} RESET synchronous_commit",
                   f"ALTER DATABASE weak_{at} SET synchronous_commit = off", "SELECT 1")
    assert await told(url, "SHOW synchronous_commit") == ["off"]
    assert await stored(url) == (["on"] * 3, ["on"] * 2)


async def test_a_stronger_default_is_left_alone(durable: str) -> None:
    url = await asyncio.to_thread(as_role, durable, "strong", "remote_apply")
    assert await stored(url) == (["remote_apply"] * 3, ["remote_apply"] * 2)


async def test_the_schema_is_made_by_a_session_that_waits_for_the_disk(durable: str) -> None:
    url = await asyncio.to_thread(as_role, durable, "weak_schema", "off")
    await told(f"{durable}/weak_schema", "CREATE TABLE seen (setting text)",
               "GRANT ALL ON seen TO weak_schema",
               """CREATE FUNCTION see() RETURNS event_trigger LANGUAGE plpgsql AS
               $$ BEGIN INSERT INTO seen VALUES (current_setting('synchronous_commit')); END $$""",
               "CREATE EVENT TRIGGER see ON ddl_command_end EXECUTE FUNCTION see()", "SELECT 1")
    await (await Store.open(url)).close()
    assert set(await told(url, "SELECT setting FROM seen")) == {"on"}


async def test_a_database_that_does_not_sync_is_told_of(
        durable: str, caplog: pytest.LogCaptureFixture) -> None:
    def warnings() -> list[str]:
        return [one.getMessage() for one in caplog.records if one.levelno >= logging.WARNING]

    await told(f"{durable}/postgres", "CREATE DATABASE well", "SELECT 1")
    await (await Store.open(f"{durable}/well")).close()
    assert warnings() == []
    with cluster("fsync=off", "full_page_writes=off") as url:
        await told(f"{url}/postgres", "CREATE DATABASE sra", "SELECT 1")
        await (await Store.open(f"{url}/sra")).close()
    said = "\n".join(warnings())
    assert "fsync = off" in said and "full_page_writes = off" in said, said
