"""The options and typer settings that many commands share. From the command modules; to typer."""
from __future__ import annotations

import sys
from typing import Annotated

import typer

from sra_sdk.errors import BadInput

Server = Annotated[str | None, typer.Option(
    "--server", metavar="URL",
    help="The server; else SRA_SERVER, else the one signed in to, else http://127.0.0.1:8000.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Limit = Annotated[int, typer.Option("--limit", "-n", min=1, max=500, help="At most so many.")]


def group(text: str) -> typer.Typer:
    """A typer app for a command that has sub-commands."""
    return typer.Typer(no_args_is_help=True, rich_markup_mode=None, add_completion=False, help=text,
                       context_settings={"help_option_names": ["-h", "--help"]})


def confirm(question: str, yes: bool) -> None:
    """Ask on a terminal; elsewhere only --yes is an answer."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise BadInput("there is no terminal to ask on", hint="add --yes to go on without being asked")
    typer.confirm(question, abort=True, err=True)
