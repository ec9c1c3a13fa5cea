"""Day partitions of records and points on PostgreSQL: made ahead, found, dropped. From upkeep and the commit.

A partition is made as a table of its own and then attached, which lets readers and writers go on. An
advisory lock lets one server at a time do it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from asyncpg import Connection

from sra_server.crash import crashpoint

TABLES = ("records", "points")
#: How many days are made ahead.
AHEAD = 3
_DAY_SECONDS = 86_400
_LOCK = 0x5352_4132
_FIND = """SELECT c.relname, p.relname AS parent, pg_get_expr(c.relpartbound, c.oid) AS bound,
        pg_total_relation_size(c.oid) AS bytes, greatest(c.reltuples, 0)::bigint AS rows
    FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_class p ON p.oid = i.inhparent
    WHERE p.relname = ANY($1::text[]) AND p.relnamespace = current_schema()::regnamespace"""
_BOUND = re.compile(r"FROM \('?(MINVALUE|-?[0-9]+)'?\) TO \('?(-?[0-9]+)'?\)")
_NAME = re.compile(r"(?:records|points)_(?:[0-9]{8}|before)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Partition:
    """The rows of the days before `end`, that no earlier partition holds."""

    name: str
    table: str
    end: int
    bytes: int
    rows: int

    def holds(self, day: int) -> bool:
        """Say whether the rows of a day are here."""
        return day == self.end - 1 or (day < self.end and self.name.endswith("_before"))


def name_of(table: str, day: int) -> str:
    """Return the name of a day's partition, for people: records_20260921."""
    return f"{table}_{datetime.fromtimestamp(day * _DAY_SECONDS, UTC):%Y%m%d}"


def is_partition(name: str) -> bool:
    """Say whether a table's name is a partition's."""
    return _NAME.fullmatch(name) is not None


async def ensure(driver: Connection[Any], days: Iterable[int]) -> None:
    """Make what is missing for these days, in the caller's transaction, before its other locks."""
    await driver.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
    held = await found(driver)
    for table in TABLES:
        covered = max(
            (one.end for one in held if one.table == table and one.name == f"{table}_before"), default=None
        )
        names = {one.name for one in held}
        for day in sorted(set(days)):
            name = name_of(table, day)
            if name not in names and (covered is None or day >= covered):
                await driver.execute(f"CREATE TABLE {name} (LIKE {table} INCLUDING ALL)")
                crashpoint("partition.made")
                await driver.execute(
                    f"ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ({day:d}) TO ({day + 1:d})"
                )
                crashpoint("partition.attached")


async def found(driver: Connection[Any]) -> list[Partition]:
    """Return every partition, the oldest first."""
    partitions = []
    for row in await driver.fetch(_FIND, list(TABLES)):
        bound = _BOUND.search(row["bound"] or "")
        if bound is not None:
            partitions.append(
                Partition(
                    name=row["relname"],
                    table=row["parent"],
                    end=int(bound[2]),
                    bytes=row["bytes"],
                    rows=row["rows"],
                )
            )
    return sorted(partitions, key=lambda one: (one.end, one.name))


async def drop(driver: Connection[Any], partition: Partition) -> None:
    """Drop a partition with its rows; give up after two seconds of waiting for whoever uses the table."""
    async with driver.transaction():
        await driver.execute("SET LOCAL lock_timeout = '2s'")
        await driver.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        await driver.execute(f"DROP TABLE IF EXISTS {partition.name}")
        crashpoint("partition.drop.commit")
    crashpoint("partition.dropped")
