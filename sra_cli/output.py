"""How data reaches people and programs: tables, JSON, safe text, local times. From commands; to the terminal.

Text that comes from logs, hosts or models passes `plain`, so that no line of it can drive the terminal.
"""
from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import typer

from sra_sdk.errors import BadInput

if TYPE_CHECKING:
    from pydantic import BaseModel

COLOURS = {
    "critical": "red", "error": "red", "high": "red", "failed": "red", "worse": "red", "refused": "red",
    "medium": "yellow", "warning": "yellow", "open": "yellow", "unknown": "yellow", "degraded": "yellow",
    "planned": "cyan", "acknowledged": "cyan", "investigating": "cyan", "mitigating": "cyan",
    "resolved": "green", "succeeded": "green", "recovered": "green", "operational": "green", "ok": "green",
}
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}


def plain(text: str, *, lines: bool = False) -> str:
    """Make every character visible and harmless; line ends stay only where `lines` asks for them."""
    out = []
    for character in text.replace("\r\n", "\n").replace("\t", "    "):
        if character.isprintable():
            out.append(character)
        elif character == "\n":
            out.append("\n" if lines else " ⏎ ")
        elif character == "\xa0":
            out.append(" ")
        else:
            out.append(character.encode("unicode_escape").decode("ascii"))
    return "".join(out)


def colour(text: str, kind: str | None = None) -> str:
    """Colour a word by its meaning, if somebody looks."""
    shade = COLOURS.get(kind or text)
    if shade is None or os.environ.get("NO_COLOR") or not sys.stdout.isatty():
        return text
    return typer.style(text, fg=shade)


def show(text: str = "") -> None:
    """Print a line of ours."""
    typer.echo(text)


def tell(text: str) -> None:
    """Print a notice beside the data."""
    typer.echo(text, err=True)


def emit(data: BaseModel | Sequence[Any] | dict[str, Any], *, compact: bool = False) -> None:
    """Print JSON. On a terminal everything beyond ASCII is escaped, control characters with it."""
    def value(item: Any) -> Any:
        return item.model_dump(mode="json", by_alias=True) if hasattr(item, "model_dump") else item
    content = [value(item) for item in data] if isinstance(data, (list, tuple)) else value(data)
    typer.echo(json.dumps(content, indent=None if compact else 2, ensure_ascii=sys.stdout.isatty()))


def table(headers: Sequence[str], rows: Iterable[Sequence[str]], *, empty: str) -> None:
    """Print columns; on a terminal the last one is cut to the width, elsewhere nothing is."""
    cells = [[plain(cell) for cell in row] for row in rows]
    if not cells:
        tell(empty)
        return
    widths = [max(len(row[i]) for row in (headers, *cells)) for i in range(len(headers))]
    room = shutil.get_terminal_size().columns if sys.stdout.isatty() else 1_000_000
    last = max(room - sum(widths[:-1]) - 2 * (len(widths) - 1), 12)
    for row in (list(headers), *cells):
        tail = row[-1] if len(row[-1]) <= last else row[-1][:last - 1] + "…"
        padded = [colour(cell, cell) + " " * (width - len(cell))
                  for cell, width in zip(row[:-1], widths, strict=False)]
        show("  ".join([*padded, tail]).rstrip())


def local(at: datetime, *, date: bool = True) -> str:
    """An instant in the local time zone."""
    return at.astimezone().strftime("%Y-%m-%d %H:%M:%S" if date else "%H:%M:%S")


def span(seconds: float) -> str:
    """A length of time in its largest unit."""
    for limit, size, unit in ((90, 1, "s"), (5400, 60, "m"), (129600, 3600, "h")):
        if seconds < limit:
            return f"{int(seconds / size)}{unit}"
    return f"{int(seconds / 86400)}d"


def age(at: datetime, now: datetime | None = None) -> str:
    """How long ago an instant was."""
    seconds = ((now or datetime.now(UTC)) - at).total_seconds()
    return "just now" if seconds < 1 else f"{span(seconds)} ago"


def length(text: str | None, name: str) -> int | None:
    """Read a length of time in seconds as people write it: 90s, 15m, 2h, 3d."""
    if text is None:
        return None
    given = text.strip()
    if given[:-1].isdecimal() and given[-1:] in _UNITS and len(given) < 10 and int(given[:-1]):
        return int(given[:-1]) * _UNITS[given[-1]]
    raise BadInput(f"{name}: {text!r} is no length of time", hint="write 90s, 15m, 2h or 3d")


def moment(text: str | None, name: str, now: datetime | None = None) -> datetime | None:
    """Read a time as people write it: 90s, 15m, 2h, 3d ago, or a date with or without zone."""
    if text is None:
        return None
    given = text.strip()
    if given[:-1].isdigit() and given[-1:] in _UNITS:
        try:
            return (now or datetime.now(UTC)) - timedelta(seconds=int(given[:-1]) * _UNITS[given[-1]])
        except OverflowError:
            pass
    try:
        return datetime.fromisoformat(given).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise BadInput(f"{name}: {text!r} is not a time",
                       hint="write 15m, 2h or 3d for so long ago, or a time like 2026-01-31T12:00") from error
