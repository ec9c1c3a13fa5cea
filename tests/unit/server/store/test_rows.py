"""What detection reads of a batch: its loud lines, each found through the key however large the day is."""
from __future__ import annotations

import pytest
from sqlalchemy import Engine, event, text

from sra_server.store import Store, batches, rows
from sra_server.store.batches import NewPoint, NewRecord
from sra_server.store.rows import Loud

NOW = 1_790_000_000_000_000
DAY = NOW // 86_400_000_000
BATCHES, LINES = 60, 500


def lines(*loud: int, n: int = LINES) -> list[NewRecord]:
    return [NewRecord(at=NOW + i, level=40 if i in loud else 20, message=f"line {i}") for i in range(n)]


async def filled(store: Store, account: str, *loud: int) -> list[Loud]:
    """Fill a day, none of which was ever analysed, and return what is loud of its last batches."""
    for _ in range(BATCHES):
        await batches.append(store, account, records=lines(*loud), received_at=NOW)
    async with store.reading() as conn:
        found = await conn.execute(
            text("SELECT day, ticket, records FROM batches ORDER BY head DESC LIMIT 20"))
        return [Loud(row.day, row.ticket, list(loud), row.records) for row in found]


@pytest.mark.parametrize("loud", [(7, 99, 499), tuple(range(0, LINES, 3))], ids=["few", "many"])
async def test_the_loud_lines_of_each_batch_are_read_in_order(
        store: Store, account: str, loud: tuple[int, ...]) -> None:
    asked = await filled(store, account, *loud)
    await batches.append(store, "account-2", records=lines(*loud), received_at=NOW)
    async with store.reading() as conn:
        found = await rows.load_records(conn, account, asked)
    assert found.keys() == {(each.day, each.ticket) for each in asked}
    for each in asked:
        assert [one.message for one in found[each.day, each.ticket]] == [f"line {i}" for i in loud]


async def test_lines_that_retention_took_are_left_out(store: Store, account: str) -> None:
    await batches.append(store, account, records=lines(1), received_at=NOW)
    async with store.reading() as conn:
        assert await rows.load_records(conn, account, [Loud(DAY, 10**9, [1, 2], LINES)]) == {}


@pytest.mark.parametrize("loud", [(7, 99, 499), tuple(range(0, LINES, 3))], ids=["few", "many"])
async def test_no_other_row_of_the_day_is_looked_at(
        store: Store, account: str, loud: tuple[int, ...]) -> None:
    asked = await filled(store, account, *loud)
    plans = await planned(store, lambda conn: rows.load_records(conn, account, asked))
    assert_each_is_looked_up(store, plans, "records", len(asked) * LINES)


async def test_points_are_looked_up_by_their_batch(store: Store, account: str) -> None:
    given = [NewPoint(NOW + i, "cpu", float(i)) for i in range(LINES)]
    for _ in range(BATCHES):
        await batches.append(store, account, points=given, received_at=NOW)
    async with store.reading() as conn:
        tickets = [(row.day, row.ticket) for row in await conn.execute(
            text("SELECT day, ticket FROM batches ORDER BY head DESC LIMIT 20"))]
    plans = await planned(store, lambda conn: rows.load_points(conn, account, tickets))
    assert_each_is_looked_up(store, plans, "points", len(tickets) * LINES)


async def planned(store: Store, read) -> list:
    """Run `read` and return the database's own account of how each of its statements went."""
    seen: list[tuple[str, object]] = []

    def note(_conn, _cursor, statement, parameters, *_):
        if statement.startswith("SELECT"):
            seen.append((statement, parameters))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        async with store.reading() as conn:
            await read(conn)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    async with store.reading() as conn:
        how = "EXPLAIN (ANALYZE, FORMAT JSON) " if store.dialect == "postgresql" else "EXPLAIN QUERY PLAN "
        return [(await conn.exec_driver_sql(how + statement, parameters)).all()
                for statement, parameters in seen]


def assert_each_is_looked_up(store: Store, plans: list, table: str, most: int) -> None:
    assert plans
    for plan in plans:
        if store.dialect == "sqlite":
            steps = [row[3] for row in plan if f"SEARCH {table}" in row[3] or f"SCAN {table}" in row[3]]
            assert steps
            assert all("ticket=?" in step for step in steps), steps
        else:
            looked = sum(node["Actual Loops"] * (node["Actual Rows"] + node.get("Rows Removed by Filter", 0))
                         for node in nodes(plan[0][0][0]["Plan"]) if "Relation Name" in node)
            assert 0 < looked <= most, plan


def nodes(plan: dict) -> list[dict]:
    return [plan, *(inner for below in plan.get("Plans", ()) for inner in nodes(below))]
