"""`sra serve`: run the server until it is told to stop. From the shell; to sra_server.app."""
from __future__ import annotations

from typing import Annotated, Any

import typer

from sra_sdk.errors import BadInput


def settings(**given: Any) -> Any:
    """The server's configuration: what was named, else the environment, .env and sra.toml."""
    from pydantic import ValidationError

    from sra_server.config import ServerConfig
    try:
        return ServerConfig(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        raise BadInput("the server's settings cannot be used", errors=[
            {"field": ".".join(map(str, problem["loc"])), "message": problem["msg"]}
            for problem in error.errors()
        ], hint="correct them in the environment, in .env or in sra.toml") from error


def command(
    host: Annotated[str | None, typer.Option(metavar="ADDRESS", help="Default 127.0.0.1.")] = None,
    port: Annotated[int | None, typer.Option(
        metavar="PORT", min=0, max=65535, help="Default 8000; 0 takes a free one.")] = None,
    database_url: Annotated[str | None, typer.Option(
        metavar="URL", help="sqlite+aiosqlite:///file or postgresql+asyncpg://…; else DATABASE_URL.")] = None,
    data_dir: Annotated[str | None, typer.Option(
        metavar="DIR", help="Data folder; else SRA_DATA_DIR, else the platform's.")] = None,
) -> None:
    """Run the server. Reads .env of the working directory and [server] of sra.toml.

    \b
    Examples:
      sra serve
      sra serve --host 0.0.0.0 --port 8080 --data-dir /var/lib/sra
      sra serve --database-url postgresql+asyncpg://sra@localhost/sra
    """
    from sra_server.app import run
    raise typer.Exit(run(settings(host=host, port=port, database_url=database_url, data_dir=data_dir)))
