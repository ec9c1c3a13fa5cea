"""`sra serve` runs the server, `sra server` looks after its database. From the shell; to sra_server."""
from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .distribute import command as distribute
from .signatures import app as signatures

if TYPE_CHECKING:
    from sra_server.config import ServerConfig

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Look after the server's database.")


@app.callback()
def group() -> None:
    """Look after the server's database.

    \b
    Examples:
      sra server retention --dry-run
      sra server signatures list
    """


def command(
    config: Annotated[Path | None, typer.Option(
        metavar="FILE", help="An sra.toml; else the one of the working directory.")] = None,
    host: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Default 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option(
        metavar="PORT", min=0, max=65535, help="Default 8000; 0 takes a free one.")] = None,
    database_url: Annotated[str | None, typer.Option(
        metavar="URL", help="sqlite+aiosqlite:///file or postgresql+asyncpg://…; else DATABASE_URL.")] = None,
    data_dir: Annotated[str | None, typer.Option(
        metavar="DIR", help="Data folder; else SRA_DATA_DIR, else the platform's.")] = None,
    role: Annotated[str | None, typer.Option(
        metavar="ROLE", help="all (default), api or worker; several servers need PostgreSQL.")] = None,
) -> None:
    """Run the server. Reads .env of the working directory and [server] of sra.toml.

    \b
    Examples:
      sra serve
      sra serve --host 0.0.0.0 --port 8080 --data-dir /var/lib/sra
      sra serve --database-url postgresql+asyncpg://sra@localhost/sra
      sra serve --role worker --database-url postgresql+asyncpg://sra@localhost/sra
    """
    from sra_server.app import run
    from sra_server.config import ServerConfig
    raise typer.Exit(run(ServerConfig.load(
        config, host=host, port=port, database_url=database_url, data_dir=data_dir, role=role)))


app.command("distribute")(distribute)
app.add_typer(signatures, name="signatures")


@app.command()
def retention(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    config: Annotated[Path | None, typer.Option(
        metavar="FILE", help="An sra.toml; else the one of the working directory.")] = None,
    database_url: Annotated[str | None, typer.Option(metavar="URL", help="Else DATABASE_URL.")] = None,
    data_dir: Annotated[str | None, typer.Option(
        metavar="DIR", help="Data folder; else SRA_DATA_DIR.")] = None,
) -> None:
    """Delete logs, metrics and ended incidents that are older than [server] retention_… says.

    A running server does this itself every five minutes.

    \b
    Examples:
      sra server retention --dry-run
      sra server retention --data-dir /var/lib/sra
    """
    from sra_server.config import ServerConfig
    given = ServerConfig.load(config, database_url=database_url, data_dir=data_dir)
    found = asyncio.run(_look(given) if dry_run else _sweep(given))
    if as_json:
        import json
        typer.echo(json.dumps(found))
        return
    for name, value in found.items():
        text = ", ".join(value) if isinstance(value, list) else f"{value:,}"
        typer.echo(f"{name.replace('_', ' '):22} {text}")
    if found.get("bytes_over_limit"):
        typer.echo("The database is above its limit: its oldest days go, too, until it is within it.")


async def _look(config: ServerConfig) -> dict[str, int | list[str]]:
    import time

    from sra_server.store import Store, retention
    from sra_server.upkeep import keeping
    store = await Store.open(config.database, look_only=True, read_seconds=120.0)
    try:
        found = await retention.look(store, keeping(config), time.time_ns() // 1000)
    finally:
        await store.close()
    over = max(0, found.bytes - found.limit)
    return {"database_bytes": found.bytes, "limit_bytes": found.limit, "bytes_over_limit": over,
            "records_to_go": found.records,
            "points_to_go": found.points, "batches_to_go": found.batches, "incidents_to_go": found.incidents,
            "partitions_to_go": list(found.partitions)}


async def _sweep(config: ServerConfig) -> dict[str, int | list[str]]:
    import time

    from sra_server.store import Store, retention
    from sra_server.upkeep import keeping
    store = await Store.open(config.database)
    try:
        swept = await retention.sweep(store, keeping(config), time.time_ns() // 1000)
    finally:
        await store.close()
    names = ("records", "points", "batches", "producers", "incidents")
    return {**{f"{name}_deleted": swept.rows.get(name, 0) for name in names},
            "unread_deleted": swept.unread, "partitions_dropped": swept.partitions}
