"""`sra lessons …`: what false alarms have taught. From the shell; to /lessons."""
from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from sra_sdk.errors import BadInput

from . import options, output, session

if TYPE_CHECKING:
    from sra_sdk.models import LessonOut

app = options.group("What false alarms have taught: list, forget.")


@app.callback(invoke_without_command=True, no_args_is_help=False)
def group(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        list_()


@app.command("list")
def list_(server: options.Server = None, json: options.Json = False) -> None:
    """List the lessons; `sra incidents close ID --false-alarm` teaches one for the incident's main sign.

    A service or host is "any" where the lesson holds for every one.

    \b
    Examples:
      sra lessons list
      sra lessons list --json | jq '.[].needs'
    """
    with session.connect(server) as client:
        found = client.lessons()
    if json:
        return output.emit(found)
    output.table(("ID", "HELD", "FADES", "SERVICE", "HOST", "SIGN", "NEEDS"),
                 [(one.id, str(one.held), output.local(one.fades_at), one.service or _any(one),
                   one.host or _any(one), one.sign or one.title, one.needs) for one in found],
                 empty="no lessons; a false alarm teaches one: sra incidents close INCIDENT --false-alarm")


def _any(one: LessonOut) -> str:
    return "any" if "*" in one.fingerprint.split("|") else "-"


@app.command("remove", hidden=True)
@app.command()
def forget(
    lesson: Annotated[str | None, typer.Argument(
        metavar="[LESSON]", help="Its id, as `sra lessons list` shows it.")] = None,
    incident: Annotated[str | None, typer.Option(
        metavar="ID", help="Instead: all that closing this incident taught.")] = None,
    server: options.Server = None, json: options.Json = False,
) -> None:
    """Forget a lesson: the trouble opens an incident as it did before, within seconds if it still goes on.

    \b
    Examples:
      sra lessons forget les_4f2a
      sra lessons forget --incident inc_4f2a
    """
    if (lesson is None) == (incident is None):
        raise BadInput("lesson: name one, or the incident that taught several",
                       hint="sra lessons forget LESSON, or sra lessons forget --incident ID")
    with session.connect(server) as client:
        done = [client.forget_lesson(lesson)] if lesson else client.forget_lessons_of(incident or "")
    if json:
        return output.emit(done[0] if lesson else done)
    for one in done:
        output.show(f"{one.id} is forgotten; what it holds back and still goes on is told within seconds.")
