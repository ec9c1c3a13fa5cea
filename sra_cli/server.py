"""`sra serve`: run the server until it is told to stop. From the shell; to sra_server.app."""
from __future__ import annotations

from typing import Annotated, Any, Optional

import typer

from sra_sdk.errors import BadInput


def overrides(**given: Any) -> dict[str, Any]:
    """The settings that were named; the others keep what the environment and sra.toml say."""
    return {name: value for name, value in given.items() if value is not None}


def command(
    host: Annotated[Optional[str], typer.Option(help="Address to listen on; default 127.0.0.1.")] = None,
    port: Annotated[Optional[int], typer.Option(min=0, max=65535,
                                                help="Port; default 8000, 0 takes a free one.")] = None,
    database_url: Annotated[Optional[str], typer.Option(
        metavar="URL", help="sqlite+aiosqlite:///file or postgresql+asyncpg://…; default SQLite in the data folder.",
    )] = None,
    data_dir: Annotated[Optional[str], typer.Option(metavar="DIR", help="Data folder; else SRA_DATA_DIR.")] = None,
) -> None:
    """Run the server. Reads .env of the working directory and [server] of sra.toml.

    \b
    Examples:
      sra serve
      sra serve --host 0.0.0.0 --port 8080 --data-dir /var/lib/sra
      sra serve --database-url postgresql+asyncpg://sra@localhost/sra
    """
    from pydantic import ValidationError

    from sra_server.app import run
    from sra_server.config import ServerConfig
    try:
        config = ServerConfig(**overrides(host=host, port=port, database_url=database_url, data_dir=data_dir))
    except ValidationError as error:
        raise BadInput("the server's settings cannot be used", errors=[
            {"field": ".".join(map(str, problem["loc"])), "message": problem["msg"]} for problem in error.errors()
        ], hint="correct them in the environment, in .env or in sra.toml") from error
    raise typer.Exit(run(config))
