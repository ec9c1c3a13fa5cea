"""Where lines come from. A source looks, yields pieces of raw lines, and names the position behind them.

From the host; to intake. A new kind of source is one module with a class that fits `Source`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

Position = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What is known of the lines before they are read."""

    source: str  # shown with each record
    service: str | None  # pinned by the configuration
    guess: str  # the service if the lines do not say


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

    def close(self) -> None:
        """Let go of everything."""
