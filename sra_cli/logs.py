"""`sra logs`: search and follow what is stored. From the shell; to /logs."""
from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sra_sdk.errors import BadInput, Unavailable

from . import options, output, session

if TYPE_CHECKING:
    from sra_sdk.api import Client
    from sra_sdk.models import RecordOut

#: Ids remembered while following, so that a record that arrives late is shown once all the same.
REMEMBERED = 20_000
#: At most so many pages of a thousand are fetched at one look.
PAGES = 10


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
    wanted: dict[str, Any] = {"service": service, "host": host, "level": level, "q": q, "since": start}
    with session.connect(server) as client:
        found = client.logs(**wanted, until=end, limit=limit)
        if json and not follow:
            return output.emit(found)
        seen: dict[str, None] = {}
        _print(found.logs, seen, json)
        while follow:
            time.sleep(1.0)
            try:
                _print(fresh(client, seen, wanted), seen, json)
            except Unavailable as error:
                output.tell(f"{error.message}; still trying")
    if not found.logs:
        output.tell("no logs found")
    elif found.next_cursor:
        output.tell(f"notice: there are more; narrow the search or raise --limit (now {limit})")


def _print(found: list[RecordOut], seen: dict[str, None], json: bool) -> None:
    """Print what was not shown before, oldest first, and remember it."""
    for one in reversed(found):
        if one.id not in seen:
            seen[one.id] = None
            if json:
                output.emit(one, compact=True)
            else:
                output.show(line(one))
    while len(seen) > REMEMBERED:
        seen.pop(next(iter(seen)))


def fresh(client: Client, seen: dict[str, None], wanted: dict[str, Any]) -> list[RecordOut]:
    """What came since the last look, newest first: pages back to one that was shown."""
    found: list[RecordOut] = []
    cursor = None
    for _ in range(PAGES):
        page = client.logs(**wanted, limit=1000, cursor=cursor)
        found += page.logs
        cursor = page.next_cursor
        if cursor is None or any(one.id in seen for one in page.logs):
            return found
    output.tell(f"notice: more than {len(found)} records came at once; the older ones of them are not shown")
    return found
