"""`sra server distribute`: spread the database over a Citus cluster. From the shell; to sra_server.store."""
from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from . import options, output


def command(
    config: Annotated[Path | None, typer.Option(
        metavar="FILE", help="An sra.toml; else the one of the working directory.")] = None,
    database_url: Annotated[str | None, typer.Option(
        metavar="URL", help="postgresql://… of the coordinator; else DATABASE_URL.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print the statements and do nothing.")] = False,
    json: options.Json = False,
) -> None:
    """Distribute the tables by account, on a PostgreSQL with the Citus extension. Safe to run again.

    Run it with the servers stopped, or before the first is started; it moves the rows that are there.

    \b
    Examples:
      sra server distribute --dry-run
      sra server distribute --database-url postgresql://sra@coordinator/sra
    """
    from sra_server.config import ServerConfig
    from sra_server.store import Store, distribute
    if dry_run:
        if json:
            return output.emit({"statements": [step.statement() for step in distribute.plan()]})
        for step in distribute.plan():
            output.show(f"{step.statement()};")
        return None
    url = ServerConfig.load(config, database_url=database_url).database

    async def run() -> distribute.Distributed:
        if url.startswith("postgres"):
            await (await Store.open(url)).close()  # an empty database gets its tables first
        return await distribute.distribute(url)
    found = asyncio.run(run())
    if json:
        return output.emit({"done": {step.table: step.kind for step in found.done},
                            "before": {step.table: step.kind for step in found.before},
                            "workers": found.workers})
    for step in found.done:
        output.show(f"{step.table}: {step.kind}")
    output.show(f"{len(found.done)} tables distributed, {len(found.before)} were so before; "
                f"{found.workers} nodes hold shards")
    return None
