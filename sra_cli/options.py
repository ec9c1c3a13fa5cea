"""The options and typer settings that many commands share. From the command modules; to typer."""
from __future__ import annotations

from typing import Annotated

import typer

Server = Annotated[str | None, typer.Option(
    "--server", metavar="URL",
    help="The server; else SRA_SERVER, else the one signed in to, else http://127.0.0.1:8000.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="At most so many.")]


def group(text: str) -> typer.Typer:
    """A typer app for a command that has sub-commands."""
    return typer.Typer(no_args_is_help=True, rich_markup_mode=None, add_completion=False, help=text,
                       context_settings={"help_option_names": ["-h", "--help"]})
