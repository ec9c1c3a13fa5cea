"""The options that many commands share. From the command modules; to typer."""
from __future__ import annotations

from typing import Annotated, Optional

import typer

Server = Annotated[Optional[str], typer.Option("--server", metavar="URL", help="The server; else SRA_SERVER, else "
                                               "the one signed in to, else http://127.0.0.1:8000.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
