"""The store itself: one process, one writer, limited readers, private files, the schema of schema.py."""
from __future__ import annotations

import asyncio
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, event, text
from sqlalchemy.exc import DBAPIError

from sra_sdk.errors import BadInput, Refused, Unavailable
from sra_server.store import Store, accounts
from sra_server.store.engine import open_single, parse
from sra_server.store.migrations import NEWEST, versions
from sra_server.store.partitions import is_partition
from sra_server.store.schema import metadata
from tests.services import needs


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/data/sra.db"


async def test_the_migrations_make_what_the_schema_says(store: Store, database_url: str) -> None:
    engine = open_single(parse(database_url))
    async with engine.connect() as conn:
        difference = await conn.run_sync(
            lambda sync: compare_metadata(MigrationContext.configure(sync, opts={
                "include_name": lambda name, kind, _: kind != "table" or not is_partition(name)}), metadata))
    await engine.dispose()
    assert difference == []


async def test_a_start_but_the_first_does_without_alembic(sqlite_url: str) -> None:
    """It takes long to load, and a server that was killed is to be back soon."""
    assert ScriptDirectory(str(Path(versions.__file__).parents[1])).get_current_head() == NEWEST
    code = ("import asyncio, sys; from sra_server.store import Store; "
            f"asyncio.run(Store.open({sqlite_url!r})); print('alembic' in sys.modules)")
    said = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True,
                           timeout=60).stdout.strip() for _ in range(2)]
    assert said == ["True", "False"]


async def test_opening_again_keeps_what_is_there(database_url: str) -> None:
    for expected in (0, 1):
        store = await Store.open(database_url)
        async with store.writing() as conn:
            assert await conn.scalar(text("SELECT count(*) FROM accounts")) == expected
            await accounts.ensure_account(conn, "a", name="a", at=1)
        await store.close()


async def test_an_error_rolls_everything_back(store: Store) -> None:
    with pytest.raises(KeyError):
        async with store.writing() as conn:
            await accounts.ensure_account(conn, "a", name="a", at=1)
            raise KeyError("on the way")
    async with store.reading() as conn:
        assert await conn.scalar(text("SELECT count(*) FROM accounts")) == 0


async def test_a_second_process_on_the_folder_is_refused(sqlite_url: str) -> None:
    store = await Store.open(sqlite_url)
    code = ("import asyncio, sys\nfrom sra_server.store import Store\nfrom sra_sdk.errors import Refused\n"
            f"try:\n    asyncio.run(Store.open({sqlite_url!r}))\n"
            "except Refused as error:\n    print(error.code, error.message)\n")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.startswith("data_folder_in_use another SRA server (process "), done.stderr
    with pytest.raises(Refused):
        await Store.open(sqlite_url)
    await store.close()
    again = await Store.open(sqlite_url)
    await again.close()


async def test_the_lock_goes_with_a_killed_process(sqlite_url: str) -> None:
    code = ("import asyncio, os, signal\nfrom sra_server.store import Store\n"
            f"asyncio.run(Store.open({sqlite_url!r}))\nos.kill(os.getpid(), signal.SIGKILL)\n")
    subprocess.run([sys.executable, "-c", code], timeout=60, check=False)
    store = await Store.open(sqlite_url)
    await store.close()


async def test_database_and_folder_are_private(sqlite_url: str, tmp_path: Path) -> None:
    store = await Store.open(sqlite_url)
    async with store.writing() as conn:
        await accounts.ensure_account(conn, "a", name="a", at=1)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "data").iterdir()}
    await store.close()
    assert set(modes) >= {"sra.db", "sra.db-wal", "sra.lock"}
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700


async def test_commits_are_durable(sqlite_url: str) -> None:
    store = await Store.open(sqlite_url)
    async with store.writing() as conn:
        assert await conn.scalar(text("PRAGMA synchronous")) == 2
        assert await conn.scalar(text("PRAGMA journal_mode")) == "wal"
        assert await conn.scalar(text("PRAGMA foreign_keys")) == 1
    await store.close()


async def test_readers_cannot_write(store: Store) -> None:
    with pytest.raises((Unavailable, DBAPIError), match=r"read-?only"):
        async with store.reading() as conn:
            await accounts.ensure_account(conn, "a", name="a", at=1)


async def test_a_reader_sees_one_state(store: Store) -> None:
    async with store.reading() as conn:
        assert await conn.scalar(text("SELECT count(*) FROM accounts")) == 0
        async with store.writing() as other:
            await accounts.ensure_account(other, "a", name="a", at=1)
        assert await conn.scalar(text("SELECT count(*) FROM accounts")) == 0


async def test_a_long_search_is_stopped_and_says_so(database_url: str) -> None:
    store = await Store.open(database_url, read_seconds=0.2)
    started = time.monotonic()
    with pytest.raises(BadInput) as stopped:
        async with store.reading() as conn:
            await conn.scalar(text("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
                                   "SELECT count(*) FROM n"))
    assert stopped.value.code == "search_too_long"
    assert time.monotonic() - started < 5
    async with store.reading() as conn:
        assert await conn.scalar(text("SELECT 1")) == 1
    await store.close()


async def test_an_urgent_writer_overtakes_the_others(sqlite_url: str) -> None:
    store = await Store.open(sqlite_url)
    order: list[str] = []
    first_in = asyncio.Event()
    let_go = asyncio.Event()

    async def write(name: str, *, urgent: bool = False) -> None:
        async with store.writing(urgent=urgent):
            order.append(name)
            if name == "first":
                first_in.set()
                await let_go.wait()

    async with asyncio.TaskGroup() as group:
        group.create_task(write("first"))
        await first_in.wait()
        for name in ("ingest 1", "ingest 2"):
            group.create_task(write(name))
        await asyncio.sleep(0)
        group.create_task(write("approval", urgent=True))
        given_up = group.create_task(write("given up"))
        await asyncio.sleep(0)
        given_up.cancel()
        let_go.set()
    assert order == ["first", "approval", "ingest 1", "ingest 2"]
    await store.close()


async def test_a_cancelled_writer_leaves_the_turn_to_the_next(sqlite_url: str) -> None:
    store = await Store.open(sqlite_url)
    inside = asyncio.Event()

    async def hold() -> None:
        async with store.writing() as conn:
            await accounts.ensure_account(conn, "a", name="a", at=1)
            inside.set()
            await asyncio.sleep(60)

    holding = asyncio.create_task(hold())
    await inside.wait()
    holding.cancel()
    async with asyncio.timeout(5), store.writing() as conn:
        assert await conn.scalar(text("SELECT count(*) FROM accounts")) == 0
    await asyncio.gather(holding, return_exceptions=True)
    await store.close()


async def test_a_writer_cancelled_within_a_statement_leaves_no_lock(sqlite_url: str) -> None:
    """Neither to the next writer, nor while its exception is still looked at."""
    store = await Store.open(sqlite_url)

    async def write(name: str) -> None:
        async with store.writing() as conn:
            await accounts.ensure_account(conn, name, name=name, at=1)
            await conn.execute(text("SELECT id FROM accounts"))

    def cancel(_conn: object, _cursor: object, statement: str, *_: object) -> None:
        if statement.startswith("SELECT id FROM accounts") and asyncio.current_task() is dying:
            dying.cancel()

    event.listen(Engine, "before_cursor_execute", cancel)
    try:
        dying = asyncio.create_task(write("dead"))
        with pytest.raises(asyncio.CancelledError):
            await dying
        await write("next")
    finally:
        event.remove(Engine, "before_cursor_execute", cancel)
    async with store.reading() as conn:
        assert [*await conn.scalars(text("SELECT id FROM accounts"))] == ["next"]
    await store.close()


async def test_too_many_waiting_writers_are_told_to_come_later() -> None:
    from sra_server.store.turn import Turn
    turn = Turn(waiting=2)
    async with turn.taken():
        waiting = [asyncio.ensure_future(turn._take(turn._others)) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(Unavailable) as full:
            async with turn.taken():
                pass
        assert full.value.retry_after
        for one in waiting:
            one.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


@pytest.mark.parametrize(("url", "word"), [
    ("mysql://h/d", "not supported"), ("nonsense", "cannot be read"), ("sqlite://", "needs a file"),
])
async def test_a_database_that_cannot_serve_is_refused_with_a_hint(url: str, word: str) -> None:
    with pytest.raises(BadInput, match=word) as refused:
        await Store.open(url)
    assert refused.value.hint


async def test_a_full_disk_is_unavailable_and_passes(sqlite_url: str) -> None:
    store = await Store.open(sqlite_url)
    async with store.writing() as conn:
        pages = await conn.scalar(text("PRAGMA page_count"))
        await conn.execute(text(f"PRAGMA max_page_count={pages}"))  # what SQLite answers on a full disk
    with pytest.raises(Unavailable) as full:
        async with store.writing() as conn:
            await conn.execute(text("INSERT INTO accounts VALUES ('a', :name, NULL, 1)"),
                               {"name": "x" * 100_000})
    assert full.value.retry_after
    async with store.writing() as conn:
        await conn.execute(text("PRAGMA max_page_count=1000000"))
    async with store.writing() as conn:
        await accounts.ensure_account(conn, "a", name="a", at=1)
    await store.close()


@needs("postgresql")
async def test_a_database_that_is_not_there_is_said_clearly(postgresql: str) -> None:
    with pytest.raises(BadInput) as raised:
        await Store.open(f"{postgresql}/nowhere")
    assert raised.value.code == "no_database" and "'nowhere'" in raised.value.message
    with pytest.raises(BadInput) as raised:
        await Store.open(f"{postgresql.replace('postgres@', 'nobody:hunter2@')}/sra")
    assert raised.value.code == "database_login"
    assert "hunter2" not in raised.value.message + str(raised.value.hint)
