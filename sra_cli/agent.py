"""`sra agent …`: run this host's agent, write and explain its policy. From the shell; to sra_agent."""
from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from . import options

app = options.group("Run this host's agent; write and explain its policy.")


@app.command()
def run(
    config: Annotated[Path | None, typer.Option(metavar="FILE", help="An sra.toml with [agent].")] = None,
    server: Annotated[str | None, typer.Option(metavar="URL", help="Ship to; else SRA_SERVER.")] = None,
    key: Annotated[str | None, typer.Option(
        metavar="KEY", help="An API key with scope ingest; better in SRA_API_KEY.")] = None,
    file: Annotated[list[str] | None, typer.Option(
        metavar="PATH", help="A log file or glob, or service=PATH; may be repeated.")] = None,
    state_dir: Annotated[Path | None, typer.Option(metavar="DIR", help="Spool and positions.")] = None,
    host: Annotated[str | None, typer.Option(metavar="NAME", help="The name of this host.")] = None,
    from_start: Annotated[bool, typer.Option(
        "--from-start", help="Read files from their beginning when they are first seen.")] = False,
) -> None:
    """Follow logs, measure, ship, and carry approved remedies to the executor.

    \b
    Examples:
      SRA_API_KEY=sra_… sra agent run --server http://127.0.0.1:8000 --file /var/log/syslog
      sra agent run --config /etc/sra/sra.toml
      sra agent run --file shop=/srv/shop/shop.log --file '/var/log/nginx/*.log' --from-start
    """
    from sra_agent import Agent
    from sra_agent.config import AgentConfig
    given = {"server": server, "key": key, "files": tuple(file) if file else None, "host": host,
             "state_dir": str(state_dir) if state_dir else None, "from_start": from_start or None}
    settings = AgentConfig.load(config, **{name: value for name, value in given.items() if value is not None})
    asyncio.run(Agent(settings).run())
