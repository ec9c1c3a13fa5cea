"""What a cluster needs of the schema and of the statements, and `sra server distribute` itself."""
from __future__ import annotations

import ast
import asyncio
import json
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import UniqueConstraint

import sra_server.store
from sra_server.store import Store, accounts, batches
from sra_server.store.batches import NewRecord
from sra_server.store.distribute import DIRECTORY, CannotDistribute, distribute, plan
from sra_server.store.schema import metadata
from tests.cluster import QUICK, cluster
from tests.services import needs

SHARDED = [table for table in metadata.sorted_tables if table.name not in DIRECTORY]
#: Statements that may lock rows of more than one account, each with why it may.
MANY_ACCOUNTS = {
    ("outbox.py", "orphan"): "hourly housekeeping; no other statement follows in its transaction",
    ("outbox.py", "forget"): "hourly housekeeping; it deletes what nobody changes any more",
}


@pytest.mark.parametrize("table", SHARDED, ids=lambda table: table.name)
def test_every_key_of_an_accounts_data_begins_with_the_account(table) -> None:
    keys = [list(table.primary_key.columns)]
    keys += [list(one.columns) for one in table.constraints if isinstance(one, UniqueConstraint)]
    keys += [list(one.columns) for one in table.indexes if one.unique]
    for key in keys:
        assert key[0].name == "account_id", [column.name for column in key]


@pytest.mark.parametrize("table", metadata.sorted_tables, ids=lambda table: table.name)
def test_foreign_keys_stay_inside_an_account(table) -> None:
    for key in table.foreign_key_constraints:
        pairs = [(element.parent.name, element.column.name) for element in key.elements]
        if key.referred_table.name in DIRECTORY:
            continue  # a copy is on every node
        assert table.name not in DIRECTORY, "a reference table cannot refer to a distributed one"
        assert pairs[0] == ("account_id", "account_id"), pairs


def test_no_column_of_the_shards_counts_by_itself() -> None:
    """A serial column would be counted on every node by itself; tickets come from one sequence."""
    assert [f"{table.name}.{column.name}" for table in SHARDED for column in table.columns
            if column.autoincrement is True or column.server_default is not None] == []


def _functions() -> Iterator[tuple[str, ast.AsyncFunctionDef | ast.FunctionDef]]:
    for path in sorted(Path(sra_server.store.__file__).parent.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.AsyncFunctionDef | ast.FunctionDef):
                yield path.name, node


def _calls(node: ast.AST) -> set[str]:
    """Return what is called within, and the first words of SQL text."""
    found: set[str] = set()
    for each in ast.walk(node):
        if isinstance(each, ast.Call):
            name = each.func
            found.add(name.id if isinstance(name, ast.Name) else name.attr
                      if isinstance(name, ast.Attribute) else "")
    return found


def test_statements_that_lock_name_one_account() -> None:
    """Each function that updates, deletes or locks rows of a distributed table asks for one account's."""
    directory_modules = {"accounts.py", "keys.py"}  # rows of reference tables
    looked_at, wrong = [], []
    for module, function in _functions():
        names = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
        locks = _calls(function) & {"with_for_update"} or names & {"update", "delete"}
        if not locks or module in directory_modules:
            continue
        looked_at.append((module, function.name))
        columns = {f"{node.value.value.id}" for node in ast.walk(function)
                   if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq)
                   and isinstance(node.left, ast.Attribute) and node.left.attr == "account_id"
                   for node in [node.left] if isinstance(node.value, ast.Attribute)
                   and isinstance(node.value.value, ast.Name)}
        if not columns and (module, function.name) not in MANY_ACCOUNTS:
            wrong.append((module, function.name))
    assert {("leases.py", "take"), ("leases.py", "owned"), ("heads.py", "save"), ("remedies.py", "swap"),
            ("incidents.py", "hold"), ("outbox.py", "claim")} <= set(looked_at)
    assert wrong == []
    assert set(MANY_ACCOUNTS) <= set(looked_at)


def test_sql_text_that_locks_names_one_account() -> None:
    """The statements that are written as text: updates by account, inserts by a key that begins with it."""
    found = 0
    for path in sorted(Path(sra_server.store.__file__).parent.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not (isinstance(node, ast.Constant) and isinstance(node.value, str)):
                continue
            words = node.value.split()
            if words[:1] == ["UPDATE"]:
                found += 1
                assert re.search(r" WHERE .*\baccount_id = (:account|\$1|\?)", " ".join(words)), words
            if words[:2] == ["INSERT", "INTO"] and "CONFLICT" in words:
                found += 1
                assert words[words.index("CONFLICT") + 1].startswith("(account_id"), words
    assert found >= 3


def test_the_plan_holds_every_table_once_and_what_is_referred_to_first() -> None:
    steps = [step.table for step in plan()]
    assert sorted(steps) == sorted(metadata.tables)
    for table in metadata.sorted_tables:
        for key in table.foreign_key_constraints:
            assert steps.index(key.referred_table.name) < steps.index(table.name)


async def test_sqlite_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CannotDistribute, match="SQLite"):
        await distribute(f"sqlite:///{tmp_path}/sra.db")


@needs("postgresql")
@pytest.mark.xdist_group("postgresql")
async def test_without_the_extension_it_says_what_to_install(empty_postgresql: str) -> None:
    conn = await asyncpg.connect(empty_postgresql)
    if await conn.fetchval("SELECT count(*) FROM pg_available_extensions WHERE name = 'citus'"):
        expected = "CREATE EXTENSION citus"
    else:
        expected = "install Citus 12"
    await conn.close()
    with pytest.raises(CannotDistribute) as refused:
        await distribute(empty_postgresql)
    assert expected in (refused.value.hint or "")


# ── on a real Citus, where there is one ──────────────────────────────────────────────────────
@contextmanager
def _citus() -> Iterator[str]:
    """Run a coordinator and two workers; give the URL of the database at the coordinator."""
    settings = ("shared_preload_libraries=citus", *QUICK)
    with cluster(*settings) as first, cluster(*settings) as second, cluster(*settings) as third:
        async def join() -> None:
            for server in (first, second, third):
                conn = await asyncpg.connect(f"{server}/postgres")
                await conn.execute("CREATE DATABASE sra")
                await conn.close()
                conn = await asyncpg.connect(f"{server}/sra")
                await conn.execute("CREATE EXTENSION citus")
                await conn.close()
            conn = await asyncpg.connect(f"{first}/sra")
            await conn.execute("SELECT citus_set_coordinator_host('127.0.0.1', $1)",
                               int(first.rpartition(":")[2]))
            for server in (second, third):
                await conn.execute("SELECT citus_add_node('127.0.0.1', $1)", int(server.rpartition(":")[2]))
            await conn.close()
        asyncio.run(join())
        yield f"{first}/sra"


@pytest.fixture(scope="module")
def citus() -> Iterator[str]:
    with _citus() as url:
        yield url


@pytest.fixture
async def spread(citus: str) -> AsyncIterator[Store]:
    opened = await Store.open(citus)
    yield opened
    await opened.close()


@needs("citus")
@pytest.mark.xdist_group("citus")
async def test_on_a_cluster(citus: str, spread: Store) -> None:
    """Distributed once, again without change, with rows of accounts on both nodes, and later partitions."""
    first = await distribute(citus)
    assert {step.table for step in first.done} == set(metadata.tables)
    again = await distribute(citus)
    assert (again.done, len(again.before)) == ((), len(metadata.tables))
    for number in range(8):
        async with spread.writing() as conn:
            await accounts.ensure_account(conn, f"account-{number}", name="x", at=1)
        done = await batches.append(spread, f"account-{number}", received_at=1_790_000_000_000_000,
                                    records=[NewRecord(at=1, level=40, message="x")] * 10)
        assert done.head == 1
    conn = await asyncpg.connect(citus)
    try:
        assert await conn.fetchval("SELECT count(*) FROM records") == 80
        used = await conn.fetchval("SELECT count(DISTINCT nodeport) FROM citus_shards WHERE table_name = "
                                   "'records'::regclass AND shard_size > 0")
        assert used >= 2
        plan_text = await conn.fetchval(
            "EXPLAIN (FORMAT JSON) SELECT * FROM records WHERE account_id = 'account-1'")
        assert json.loads(plan_text)[0]["Plan"]["Distributed Query"]["Job"]["Task Count"] == 1
        if await conn.fetchval("SELECT relkind = 'p' FROM pg_class WHERE relname = 'records'"):
            await conn.execute("CREATE TABLE records_later PARTITION OF records "
                               "FOR VALUES FROM (40000) TO (40001)")
            assert await conn.fetchval("SELECT count(*) FROM pg_dist_partition "
                                       "WHERE logicalrelid = 'records_later'::regclass") == 1
        assert (await distribute(citus)).done == ()
    finally:
        await conn.close()
