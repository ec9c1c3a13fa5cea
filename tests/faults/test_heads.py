"""Heads: four servers write at once, some slow, some killed; detection reads each row once, as committed.

The control reads the same rows as `id > cursor` over the tickets, which are numbers given when a row is
written, and must lose some: else this test would prove nothing.
"""
from __future__ import annotations

import asyncio
import random
from collections.abc import Iterator
from dataclasses import dataclass, field

import asyncpg
import pytest
from sqlalchemy import select

from sra_sdk.errors import Unavailable
from sra_server.store import Store, accounts, batches
from sra_server.store.batches import NewRecord, Seal
from sra_server.store.schema import batches as batches_table
from sra_server.store.schema import records as records_table
from tests.cluster import cluster
from tests.faults.extent import by_form, figure
from tests.services import needs

pytestmark = [needs("postgresql"), pytest.mark.xdist_group("replicas")]

ROWS = by_form(40_000, 80_000, 1_000_000)
WRITERS, SIZE, NOW = 4, 100, 1_790_000_000_000_000
DAY = NOW // 86_400_000_000
#: The database itself is slow now and then, between the rows and the head of their batch.
SLOW = """
CREATE FUNCTION hang() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM pg_sleep(CASE WHEN random() < 0.02 THEN 0.1 WHEN random() < 0.2 THEN 0.005 ELSE 0 END);
  RETURN NULL;
END $$;
CREATE TRIGGER hang AFTER INSERT ON records FOR EACH STATEMENT EXECUTE FUNCTION hang();
"""


@pytest.fixture
def database_url() -> Iterator[str]:
    with cluster() as server:
        yield f"{server}/postgres"


@dataclass
class Readers:
    """The one that follows the heads, as detection does, and the naive one."""

    heads: list[int] = field(default_factory=list)
    tickets: list[int] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    naive: set[int] = field(default_factory=set)
    highest: int = 0

    async def look(self, store: Store) -> int:
        """Read what is new to each of the two, from the same state of the database."""
        cursor = self.heads[-1] if self.heads else 0
        at, row = batches_table.c, records_table.c
        async with store.reading() as conn:
            found = await batches.after(conn, "a", cursor, 50)
            tickets = list((await conn.execute(select(at.ticket).where(
                at.account_id == "a", at.head > cursor).order_by(at.head).limit(50))).scalars())
            later = list((await conn.execute(select(row.ticket).where(
                row.account_id == "a", row.day == DAY, row.ticket > self.highest).distinct())).scalars())
        self.heads += [batch.head for batch in found]
        self.lines += [record.message for batch in found for record in batch.records]
        self.tickets += tickets
        self.naive |= set(later)
        self.highest = max(later, default=self.highest)
        return len(found)


async def write(store: Store, writer: int, rows: int) -> int:
    """Store numbered lines in sealed batches; one whose transaction was killed is sent again."""
    again = 0
    for number in range(rows // SIZE):
        records = [NewRecord(at=NOW, level=40, message=f"{writer}-{number * SIZE + line}")
                   for line in range(SIZE)]
        seal = Seal(producer=f"w{writer}", sequence=number + 1, digest=f"{number:064x}")
        while True:
            try:
                await batches.append(store, "a", received_at=NOW, records=records, seal=seal)
                break
            except Unavailable:
                again += 1
    return again


async def kill(url: str, stop: asyncio.Event) -> int:
    """End the connection of a transaction that has written, again and again."""
    conn, chance, killed = await asyncpg.connect(url), random.Random(7), 0
    while not stop.is_set():
        await asyncio.sleep(0.1)
        writing = await conn.fetch("SELECT pid FROM pg_stat_activity WHERE application_name = 'sra' "
                                   "AND backend_xid IS NOT NULL")
        if writing:
            killed += await conn.fetchval("SELECT pg_terminate_backend($1)", chance.choice(writing)["pid"])
    await conn.close()
    return killed


@pytest.mark.timeout(120 + ROWS // 1000)
async def test_every_row_is_read_once_in_commit_order_and_a_naive_cursor_loses_some(
        database_url: str) -> None:
    store = await Store.open(database_url)
    servers = [await Store.open(database_url) for _ in range(WRITERS)]  # one alone would group its commits
    try:
        conn = await asyncpg.connect(database_url)
        await conn.execute(SLOW)
        await conn.close()
        async with store.writing() as writing:
            await accounts.ensure_account(writing, "a", name="a", at=1)
        readers, stop = Readers(), asyncio.Event()
        killing = asyncio.create_task(kill(database_url, stop))
        writers = asyncio.gather(*(write(one, number, ROWS // WRITERS) for number, one in enumerate(servers)))
        while not writers.done():
            if not await readers.look(store):
                await asyncio.sleep(0.01)
        again = sum(await writers)
        stop.set()
        killed = await killing
        while await readers.look(store):
            pass
    finally:
        for one in (store, *servers):
            await one.close()
    lost = set(readers.tickets) - readers.naive
    twice = len(readers.lines) - len(set(readers.lines))
    figure("heads: four servers write at once, slow and killed transactions",
           "each row once, in commit order; a naive cursor fails",
           f"{len(readers.lines):,} of {ROWS:,} rows read, {twice} twice; {killed} transactions killed, "
           f"{again} batches sent again; a naive cursor lost {len(lost) * SIZE:,}")
    assert readers.heads == list(range(1, ROWS // SIZE + 1))
    assert len(readers.lines) == ROWS
    assert set(readers.lines) == {f"{writer}-{line}" for writer in range(WRITERS)
                                  for line in range(ROWS // WRITERS)}
    assert readers.tickets != sorted(readers.tickets)  # commits did overtake one another
    assert lost, "the naive cursor lost nothing, so this run shows nothing"
    assert killed
