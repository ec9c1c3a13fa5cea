"""Spread the tables over the nodes of a Citus cluster, by account. From `sra server`; to PostgreSQL.

Directory tables become reference tables, a copy on every node; all others are distributed by
`account_id` and colocated, so that an account's rows lie together and its transactions stay on one node.
Done twice it changes nothing. Partitions made later are distributed with their parent, by Citus itself.
"""
from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from sra_sdk.errors import SraError

from . import engine
from .schema import metadata

#: Looked up before the account is known, or small: the same on every node.
DIRECTORY = ("users", "accounts", "memberships", "sessions", "api_keys")
#: The table beside whose shards all other distributed tables lie.
FIRST = "heads"
INSTALL = ("install Citus 12 or newer on every node (https://docs.citusdata.com/en/stable/installation/), "
           "put shared_preload_libraries = 'citus' in postgresql.conf, restart, run CREATE EXTENSION citus "
           "in this database on every node, and name the workers to the first: "
           "SELECT citus_add_node('worker-1', 5432)")


class CannotDistribute(SraError):
    """The database is not one that can be distributed."""

    code = "cannot_distribute"
    http_status = 409


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One table and what becomes of it."""

    table: str
    kind: str  # "reference" or "distributed"

    def statement(self) -> str:
        """Return the SQL that does it; the names are the schema's own."""
        if self.kind == "reference":
            return f"SELECT create_reference_table('{self.table}')"
        beside = "'none'" if self.table == FIRST else f"'{FIRST}'"
        return f"SELECT create_distributed_table('{self.table}', 'account_id', colocate_with => {beside})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Distributed:
    """What was done, what was so before, and the nodes that hold shards."""

    done: tuple[Step, ...]
    before: tuple[Step, ...]
    workers: int


def plan() -> tuple[Step, ...]:
    """Return every table with its kind: what is referred to first, and the first of the shards first."""
    ordered = [table.name for table in metadata.sorted_tables]
    own = [name for name in ordered if name not in DIRECTORY and name != FIRST]
    return (*(Step(table=name, kind="reference") for name in ordered if name in DIRECTORY),
            Step(table=FIRST, kind="distributed"),
            *(Step(table=name, kind="distributed") for name in own))


async def distribute(url: str) -> Distributed:
    """Bring every table into its place, each in a transaction of its own; raise CannotDistribute."""
    parsed = engine.parse(url)
    if engine.file_of(parsed) is not None:
        raise CannotDistribute("an SQLite database cannot be distributed",
                               hint="set database_url to a PostgreSQL with the Citus extension")
    single = engine.open_single(parsed)
    try:
        async with single.connect() as conn:
            workers = await _nodes(conn)
            placed = await _placed(conn)
            await conn.rollback()
            done = []
            for step in plan():
                now = placed.get(step.table)
                if now == step.kind:
                    continue
                if now is not None:
                    raise CannotDistribute(f"table {step.table} is {now} and should be {step.kind}",
                                           hint=f"SELECT undistribute_table('{step.table}'), then try again")
                await conn.execute(text(step.statement()))
                await conn.commit()
                done.append(step)
    finally:
        await single.dispose()
    return Distributed(done=tuple(done), workers=workers,
                       before=tuple(step for step in plan() if step not in done))


async def _nodes(conn: AsyncConnection) -> int:
    here = await conn.scalar(text("SELECT count(*) FROM pg_extension WHERE extname = 'citus'"))
    if not here:
        known = await conn.scalar(text("SELECT count(*) FROM pg_available_extensions WHERE name = 'citus'"))
        if known:
            raise CannotDistribute("the extension citus is installed but not created in this database",
                                   hint="run CREATE EXTENSION citus in this database on every node")
        raise CannotDistribute("this PostgreSQL has no extension citus", hint=INSTALL)
    nodes = await conn.scalar(text("SELECT count(*) FROM pg_dist_node WHERE shouldhaveshards AND isactive"))
    if not nodes:
        raise CannotDistribute("no node holds shards: the cluster has no active worker",
                               hint="SELECT citus_add_node('worker-1', 5432) for each worker")
    return int(nodes)


async def _placed(conn: AsyncConnection) -> dict[str, str]:
    """Return the kind of each table that Citus knows: by its partition method, n is a reference table."""
    rows = await conn.execute(text("SELECT logicalrelid::regclass::text AS name, "
                                   "CAST(partmethod AS text) AS method FROM pg_dist_partition"))
    kinds = {"n": "reference", "h": "distributed"}
    return {row.name: kinds.get(row.method, row.method) for row in rows}
