"""`sra incidents …`: troubles and what people do with them. From the shell; to /incidents."""
from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from sra_sdk.errors import BadInput

from . import casefile, options, output, session

if TYPE_CHECKING:
    from sra_sdk.models import IncidentChanged, IncidentOut

app = options.group("Troubles: list, show, watch, ack, assign, note, resolve, close.")
Id = Annotated[str, typer.Argument(metavar="INCIDENT", help="Its id, as `sra incidents list` shows it.")]
Status = Annotated[str | None, typer.Option(
    "--status", "--state",
    help="active (all that are not over), open, acknowledged, investigating, mitigating, resolved, closed; "
         "several are parted by commas.")]
#: What one page may hold.
_ALL = 500


def _changed(done: IncidentChanged, json: bool) -> None:
    if json:
        return output.emit(done)
    output.show(f"{done.incident_id} is {output.colour(done.status)}.")


@app.callback(invoke_without_command=True, no_args_is_help=False)
def group(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        list_()


@app.command("list")
def list_(
    status: Status = None,
    severity: Annotated[str | None, typer.Option(help="low, medium, high or critical.")] = None,
    service: Annotated[str | None, typer.Option(help="Of this service only.")] = None,
    every: Annotated[bool, typer.Option(
        "--all", help="As many as one answer holds, of every status.")] = False,
    limit: options.Limit = 50, server: options.Server = None, json: options.Json = False,
) -> None:
    """List incidents, newest first: the latest 50, those that are over as well.

    \b
    Examples:
      sra incidents list
      sra incidents list --all
      sra incidents list --status active
      sra incidents list --status open --severity critical
      sra incidents list --json | jq '.[].id'
    """
    if every and status:
        raise BadInput("all: is every status already", hint="leave --status or --all out")
    with session.connect(server) as client:
        found = client.incidents(status=status, severity=severity, service=service,
                                 limit=_ALL if every else limit)
    if json:
        return output.emit(found)
    output.table(
        ("ID", "SEVERITY", "STATUS", "SERVICE", "HOST", "STARTED", "TITLE"),
        [(one.id, one.severity, one.status, one.service or "-", one.host or "-", output.age(one.started_at),
          f"{one.title} (silenced)" if one.silenced else one.title) for one in found],
        empty="no incident fits; sra incidents list --all shows all" if status or severity or service
        else "no incidents: nothing was found to be broken; `sra status` says what is watched")


@app.command()
def show(incident: Id, server: options.Server = None, json: options.Json = False) -> None:
    """Show root cause, evidence, remedies with their plans, and the timeline.

    \b
    Examples:
      sra incidents show inc_4f2a
      sra incidents show inc_4f2a --json | jq .analysis
    """
    with session.connect(server) as client:
        found = client.incident(incident)
    if json:
        return output.emit(found)
    for line in casefile.incident(found):
        output.show(line)


def news(before: dict[str, str], found: list[IncidentOut]) -> list[IncidentOut]:
    """The incidents that are not what was last shown, or are called otherwise; remembers what is shown now.

    A title alone may count on ("18 errors", "19 errors"); it is news once the cause is another.
    """
    shown = {one.id: f"{one.status} {one.severity} {one.class_} {one.service} {one.host}" for one in found}
    fresh = [one for one in reversed(found) if before.get(one.id) != shown[one.id]]
    before.update({one.id: shown[one.id] for one in fresh})
    while len(before) > 10_000:
        before.pop(next(iter(before)))
    return fresh


@app.command()
def watch(
    interval: Annotated[float, typer.Option(min=0.2, max=3600, help="Seconds between two looks.")] = 2.0,
    seconds: Annotated[float | None, typer.Option("--for", min=0, help="Stop after so many seconds.")] = None,
    server: options.Server = None, json: options.Json = False,
) -> None:
    """Print incidents as they open, change and resolve, until Ctrl-C.

    \b
    Examples:
      sra incidents watch
      sra incidents watch --json --for 60
    """
    from sra_sdk.errors import Unavailable
    seen: dict[str, str] = {}
    end = None if seconds is None else time.monotonic() + seconds
    lost = False
    with session.connect(server) as client:
        while True:
            try:
                for one in news(seen, client.incidents(limit=100)):
                    if json:
                        output.emit(one, compact=True)
                    else:
                        output.show(casefile.headline(one))
                lost = False
            except Unavailable as error:
                if not seen:
                    raise
                if not lost:
                    output.tell(f"{error.message}; still trying")
                lost = True
            if end is not None and time.monotonic() + interval > end:
                return
            time.sleep(interval)


@app.command()
def ack(incident: Id, server: options.Server = None, json: options.Json = False) -> None:
    """Say that somebody looks at it.

    \b
    Example:
      sra incidents ack inc_4f2a
    """
    with session.connect(server) as client:
        _changed(client.acknowledge(incident), json)


@app.command()
def assign(
    incident: Id,
    assignee: Annotated[str | None, typer.Argument(help="Who takes it; none gives it back.")] = None,
    server: options.Server = None, json: options.Json = False,
) -> None:
    """Give it to somebody, or give it back.

    \b
    Examples:
      sra incidents assign inc_4f2a ada@example.com
      sra incidents assign inc_4f2a
    """
    with session.connect(server) as client:
        _changed(client.assign(incident, assignee), json)


@app.command()
def note(incident: Id, text: Annotated[str, typer.Argument(help="What to remember.")],
         server: options.Server = None, json: options.Json = False) -> None:
    """Add a note to its timeline.

    \b
    Example:
      sra incidents note inc_4f2a 'the switch in rack 4 was replaced'
    """
    with session.connect(server) as client:
        _changed(client.note(incident, text), json)


@app.command()
def resolve(incident: Id, summary: Annotated[str | None, typer.Option(help="What ended it.")] = None,
            server: options.Server = None, json: options.Json = False) -> None:
    """Mark it resolved.

    \b
    Example:
      sra incidents resolve inc_4f2a --summary 'disk replaced'
    """
    with session.connect(server) as client:
        _changed(client.resolve(incident, summary), json)


@app.command()
def close(
    incident: Id,
    false_alarm: Annotated[bool, typer.Option(
        "--false-alarm", help="There was no trouble: ask for stronger evidence next time.")] = False,
    everywhere: Annotated[bool, typer.Option(
        "--everywhere", help="With --false-alarm: at every service and host, not only here.")] = False,
    why: Annotated[str | None, typer.Option(help="Why, for those who read it later.")] = None,
    yes: options.Yes = False, server: options.Server = None, json: options.Json = False,
) -> None:
    """Close it for good.

    A false alarm teaches: what opened this incident is told again only when there is clearly more of it, or
    it lasts 15 minutes longer; each further one asks for twice that. That can be said of a closed incident as
    well; said twice of one, it counts once. `sra lessons` shows what was learned and forgets it again.
    With --everywhere it says first what will be held back, and asks; --yes does not ask.

    \b
    Examples:
      sra incidents close inc_4f2a
      sra incidents close inc_4f2a --false-alarm --why 'the nightly import is that loud'
      sra incidents close inc_4f2a --false-alarm --everywhere --why 'all our build hosts do that'
    """
    if everywhere and not false_alarm:
        raise BadInput("everywhere: only a false alarm teaches", hint="add --false-alarm")
    with session.connect(server) as client:
        if everywhere and not yes:
            for line in casefile.everywhere(client.incident(incident)):
                output.tell(line)
            options.confirm("Hold all of that back?", yes)
        done = client.close(incident, false_alarm=false_alarm, why=why, everywhere=everywhere)
        taught = [] if json or not false_alarm else [
            one for one in client.lessons() if one.incident_id == done.incident_id]
    _changed(done, json)
    for one in taught:
        output.show(f"  learned: {output.plain(casefile.taught(one))}")
    if taught:
        output.show(f"  to forget it: sra lessons forget --incident {done.incident_id}")
