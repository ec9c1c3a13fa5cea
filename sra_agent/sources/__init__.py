"""Where lines come from. A source looks, yields pieces of raw lines, and names the position behind them.

From the host; to intake. A new kind of source is one module with a class that fits `Source`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, Protocol

Position = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What is known of the lines before they are read."""

    source: str  # shown with each record
    service: str | None  # pinned by the configuration
    guess: str  # the service if the lines do not say
    again: bool = True  # the lines can be had again, so that none is lost with the process


class Known(NamedTuple):
    """What the source itself says of a line; its words win over those of the line."""

    at: int | None = None  # µs
    level: str | None = None  # one of the five; "info" may be a mere default, and then the line's own counts
    metadata: Mapping[str, Any] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """Some whole lines of one stream. A mark is a place in the stream, opaque to everybody else."""

    stream: Hashable  # lines of one stream may continue each other
    origin: Origin
    lines: list[str]
    end: int  # the mark after the last line
    marks: Callable[[int], list[int]]  # the marks before each of the last n lines
    cut: Mapping[int, int] = field(default_factory=dict)  # line number → its true size in bytes
    final: bool = False  # nothing will continue these lines
    known: Sequence[Known] = ()  # of each line, or nothing of any


class Source(Protocol):
    """A place that lines come from. Only one thread uses it."""

    def look(self) -> None:
        """Notice what appeared, moved or vanished, without reading lines."""

    def pieces(self) -> Iterator[Piece]:
        """Yield what can be read now, a bounded amount of each stream."""

    def passed(self, stream: Hashable, mark: int) -> tuple[str, Position | None]:
        """Note that the lines before the mark are finished; return the source's name and its position."""

    def watches(self) -> list[str]:
        """Return what is watched, for people."""

    def problems(self) -> list[str]:
        """Return what cannot be watched and why, for people."""

    def behind(self) -> bool:
        """Return whether there is something to read at once."""

    def positions(self) -> dict[str, Position]:
        """Return where each part of this source stands."""

    def services(self) -> list[str]:
        """Return the services that were seen."""

    def close(self) -> None:
        """Let go of everything."""


class Active(Source, Protocol):
    """A source that is told of its lines (by a program, a daemon, a network), in a thread of its own."""

    @property
    def wake(self) -> int:
        """Return a descriptor that is readable while there is something to take."""

    def start(self) -> None:
        """Begin to listen."""
