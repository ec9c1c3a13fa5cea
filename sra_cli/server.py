"""`sra serve`: run the server until it is told to stop. From the shell; to sra_server.app."""
from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


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
