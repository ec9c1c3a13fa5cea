"""`sra lessons …`: what false alarms have taught. From the shell; to /lessons."""
from __future__ import annotations

from typing import Annotated

import typer

from . import options, output, session

app = options.group("What false alarms have taught: list, forget.")


@app.callback(invoke_without_command=True, no_args_is_help=False)
def group(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        list_()


@app.command("list")
def list_(server: options.Server = None, json: options.Json = False) -> None:
    """List the lessons; `sra incidents close ID --false-alarm` teaches one.

    \b
    Examples:
      sra lessons list
      sra lessons list --json | jq '.[].needs'
    """
    with session.connect(server) as client:
        found = client.lessons()
    if json:
        return output.emit(found)
    output.table(("ID", "HELD", "FADES", "TITLE", "NEEDS"),
                 [(one.id, str(one.held), output.local(one.fades_at), one.title, one.needs) for one in found],
                 empty="no lessons")


@app.command()
def forget(
    lesson: Annotated[str, typer.Argument(metavar="LESSON", help="Its id, as `sra lessons list` shows it.")],
    server: options.Server = None, json: options.Json = False,
) -> None:
    """Forget a lesson: the trouble opens an incident as it did before.

    \b
    Example:
      sra lessons forget les_4f2a
    """
    with session.connect(server) as client:
        done = client.forget_lesson(lesson)
    if json:
        return output.emit(done)
    output.show(f"{done.id} is forgotten.")
