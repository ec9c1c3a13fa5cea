"""`sra logs`: search and follow what is stored. From the shell; to /logs."""
from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated

import typer

from sra_sdk.errors import BadInput

from . import options, output, session

if TYPE_CHECKING:
    from sra_sdk.models import RecordOut

#: Ids remembered while following, so that a record that arrives late is shown once all the same.
REMEMBERED = 20_000


def line(one: RecordOut) -> str:
    """A record on one line; the following lines of its message stay below it."""
    first, *more = output.plain(one.message, lines=True).split("\n")
    place = "@".join(output.plain(part) for part in (one.service, one.host) if part) or "-"
    head = f"{output.local(one.timestamp)}  {output.colour(one.level.ljust(8), one.level)}  {place}  {first}"
    return "\n".join([head, *(f"    {text}" for text in more)])


def command(
    service: Annotated[str | None, typer.Option(help="Of this service.")] = None,
    host: Annotated[str | None, typer.Option(help="Of this host.")] = None,
    level: Annotated[str | None, typer.Option(help="It and those above.")] = None,
    q: Annotated[str | None, typer.Option("--q", "-q", metavar="TEXT", help="Whose text has this.")] = None,
    since: Annotated[str | None, typer.Option(metavar="TIME", help="15m, 2h, 3d or a time.")] = None,
    until: Annotated[str | None, typer.Option(metavar="TIME", help="As --since.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="At most so many.")] = 100,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on with new ones until Ctrl-C.")] = False,
    server: options.Server = None, json: options.Json = False,
) -> None:
    """Search the stored logs; oldest of the found ones first.

    \b
    Examples:
      sra logs --service checkout --level error --since 1h
      sra logs -q 'connection refused' --limit 20 --json
      sra logs --follow
    """
    start, end = output.moment(since, "since"), output.moment(until, "until")
    if follow and end is not None:
        raise BadInput("until: cannot be combined with --follow", hint="leave one of them out")
    with session.connect(server) as client:
        found = client.logs(service=service, host=host, level=level, q=q, since=start, until=end, limit=limit)
        if json and not follow:
            return output.emit(found)
        seen: dict[str, None] = {}
        while True:
            for one in reversed(found.logs):
                if one.id not in seen:
                    seen[one.id] = None
                    output.emit(one, compact=True) if json else output.show(line(one))
            while len(seen) > REMEMBERED:
                seen.pop(next(iter(seen)))
            if not follow:
                break
            time.sleep(1.0)
            found = client.logs(service=service, host=host, level=level, q=q, since=start, limit=1000)
    if not found.logs:
        output.tell("no logs found")
    elif found.next_cursor:
        output.tell(f"notice: there are more; narrow the search or raise --limit (now {limit})")
