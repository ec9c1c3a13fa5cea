"""`sra silence …`: troubles that nobody is told of for a while. From the shell; to /silences."""
from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from sra_sdk.errors import BadInput

from . import options, output, session, when

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from sra_sdk.models import SilenceOut

app = options.group("Silences and maintenance windows: add, list, end.")


_LONGEST = 366 * 86_400
#: The server sets the beginning by its own clock and after us: what begins within that is not to come.
_AT_ONCE = timedelta(seconds=30)
_DAYS = ("day", *when.DAYS)


def _day(text: str) -> str:
    if not _is_day(text):
        raise BadInput(f"every: {text!r} is no day", hint=f"write one of {', '.join(_DAYS)}")
    return _short(text)


def _is_day(text: str) -> bool:
    return _short(text) in _DAYS


def _short(text: str) -> str:
    return "day" if text.lower() == "daily" else text.lower()[:3]


def _time(text: str) -> str:
    hours, colon, minutes = text.partition(":")
    digits = all(part.isascii() and part.isdigit() for part in (hours, minutes))
    if not colon or not digits or len(minutes) != 2 or int(hours) > 23 or int(minutes) > 59:
        raise BadInput(f"every: {text!r} is no time of day", hint="write it as 02:00 or 23:30")
    return f"{int(hours):02}:{minutes}"


class _Add(TyperCommand):
    """Takes the two words of --every quoted as one as well."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, args if ctx.resilient_parsing else _every(args))


def _every(args: list[str]) -> list[str]:
    """Return the arguments with day and time of --every as two; raise BadInput where one is missing."""
    found = next((n for n, each in enumerate(args) if each.partition("=")[0] == "--every"), None)
    if found is None:
        return args
    _, quoted, first = args[found].partition("=")
    after = found + 1
    if not quoted:
        first, after = next(iter(args[after:]), ""), after + 1
    day, _, time = " ".join(first.split()).partition(" ")
    if not time:
        time, after = next(iter(args[after:]), ""), after + 1
    if not day or day.startswith("-") or not time or time.startswith("-"):
        wrong = "a day and a time are needed"
        if day and not day.startswith("-"):
            what = ("a time without a day" if ":" in day else
                    "a day without a time" if _is_day(day) else "neither a day nor a time")
            wrong = f"{day!r} is {what}"
        raise BadInput(f"every: {wrong}", hint="write --every sun 02:00, or --every day 02:00 for each day")
    return [*args[:found], "--every", day, time, *args[after:]]


def _about(one: SilenceOut) -> str:
    parts = [f"{name} {value}" for name, value in (
        ("service", one.service), ("host", one.host), ("class", one.class_)) if value]
    return ", ".join(parts)


def _to_come(one: SilenceOut, now: datetime) -> bool:
    """Say whether it begins later: not one that holds, nor one that began with this command."""
    ended = one.ends_at is not None and one.ends_at <= now
    return one.until is None and not ended and one.starts_at > now + _AT_ONCE


def _when(one: SilenceOut, now: datetime, where: ZoneInfo | None = None) -> str:
    window = one.window
    start = f"from {when.stamp(one.starts_at, where)}" if _to_come(one, now) else ""
    recurs = (f"every {window.every} {window.at} {window.timezone} for {output.span(window.seconds)}"
              if window else "")
    end = f"until {when.stamp(one.ends_at, where)}" if one.ends_at else ""
    return ", ".join(part for part in (start, recurs, end) if part)


def _holds(one: SilenceOut, now: datetime) -> str:
    if one.until:
        return "now"
    return f"starts in {when.until(one.starts_at, now)}" if _to_come(one, now) else "-"


@app.callback(invoke_without_command=True, no_args_is_help=False)
def group(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        list_()


@app.command(cls=_Add)
def add(
    why: Annotated[str, typer.Option(help="What people shall read who wonder.")],
    service: Annotated[str | None, typer.Option(
        help="Troubles that this service causes; a * stands for any letters.")] = None,
    host: Annotated[str | None, typer.Option(
        help="Troubles of this host, or of hosts such as 'web-*'.")] = None,
    class_: Annotated[str | None, typer.Option("--class", help="Troubles of this class, disk_full …")] = None,
    length: Annotated[str | None, typer.Option(
        "--for", metavar="TIME", help="How long: 30m, 2h, 3d; of each window if --every is given.")] = None,
    start: Annotated[str, typer.Option(
        "--from", metavar="TIME", help="When it begins, if not now: 'in 2h', '02:00', 'tomorrow 02:00', "
                                       "'sun 02:00' or 2026-01-31T02:00.")] = "now",
    every: Annotated[tuple[str, str] | None, typer.Option(
        metavar="DAY HH:MM",
        help="Again and again: day, mon, … sun, and the time; 'sun 02:00' as well.")] = None,
    timezone: Annotated[str, typer.Option(
        help="Of the times in --every and --from, such as Europe/Berlin; else this machine's.")] = "",
    server: options.Server = None, json: options.Json = False,
) -> None:
    """Tell nobody of some troubles for a while, and propose no remedy.

    They are still opened and listed, marked as silenced. What is still broken when the silence ends is
    told of then.

    \b
    Examples:
      sra silence add --service checkout --for 2h --why 'moving to the new rack'
      sra silence add --host db-1 --from 'tomorrow 02:00' --for 90m --why 'new kernel'
      sra silence add --host 'build-*' --for 8h --why 'the big rebuild'
      sra silence add --host db-1 --class disk_full --for 3d --why 'the new disk comes on Friday'
      sra silence add --service backup --every sun 02:00 --for 1h --timezone Europe/Berlin --why 'full backup'
    """
    seconds = output.length(length, "for")
    if seconds is None:
        raise BadInput("for: how long is needed", hint="add --for 2h; a silence ends by itself")
    if seconds > _LONGEST:
        raise BadInput(f"for: {length} is longer than 366 days",
                       hint="a trouble that nobody shall ever hear of is a lesson: "
                            "sra incidents close INCIDENT --false-alarm")
    if timezone and every is None and start == "now":
        raise BadInput("timezone: it is of --every and --from", hint="add one of these, or leave it out")
    now = datetime.now(UTC)
    asked: dict[str, Any] = {"seconds": seconds}
    if every is not None:
        asked = {"window": {"every": _day(every[0]), "at": _time(every[1]), "seconds": seconds,
                            "timezone": timezone or when.machine()}}
    where = when.zone(timezone)
    if start != "now":
        asked["starts_at"] = when.later(start, "from", now, where)
    if not any((service, host, class_)):
        raise BadInput("silence: of what is missing", hint="add --service NAME, --host NAME or --class CLASS")
    if class_ is None and not ((service or "").strip("*") or (host or "").strip("*")):
        raise BadInput("service: a * alone would silence everything",
                       hint="name a service, a host (such as 'web-*') or a class as well")
    if not why.strip():
        raise BadInput("why: it is empty", hint="say it for those who hear nothing: --why 'new disk'")
    with session.connect(server) as client:
        made = client.silence(why, service=service, host=host, cls=class_, **asked)
    if json:
        return output.emit(made)
    soon = f" (it starts in {when.until(made.starts_at, now)})" if _to_come(made, now) else ""
    output.show(f"{made.id}: nobody is told of troubles of {output.plain(_about(made))}, "
                f"{_when(made, now, where)}{soon}.")


@app.command("list")
def list_(
    every: Annotated[bool, typer.Option("--all", help="Also those that are over, for thirty days.")] = False,
    server: options.Server = None, json: options.Json = False,
) -> None:
    """List silences, the newest first.

    \b
    Examples:
      sra silence list
      sra silence list --all --json
    """
    with session.connect(server) as client:
        found = client.silences(all=every)
    if json:
        return output.emit(found)
    now = datetime.now(UTC)
    output.table(("ID", "HOLDS", "ABOUT", "WHEN", "BY", "WHY"),
                 [(one.id, _holds(one, now), _about(one), _when(one, now), one.created_by, one.why)
                  for one in found],
                 empty="no silences; sra silence add --service NAME --for 2h --why WHY begins one" if every
                 else "no silence holds or is to come; --all shows those that are over")


@app.command("rm", hidden=True)
@app.command("delete", hidden=True)
@app.command("remove")
@app.command()
def end(
    silence: Annotated[str, typer.Argument(metavar="SILENCE", help="Its id, from `sra silence list`.")],
    server: options.Server = None, json: options.Json = False,
) -> None:
    """End a silence now; what it kept quiet and is still broken is told of at once. `remove` is the same.

    \b
    Examples:
      sra silence end sil_4f2a
      sra silence remove sil_4f2a --json
    """
    with session.connect(server) as client:
        done = client.end_silence(silence)
    if json:
        return output.emit(done)
    output.show(f"{done.id} is over.")
