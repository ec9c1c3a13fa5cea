"""A `Files` whose lines are gathered and whose clock is turned by hand. To the tests of files."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from sra_agent.sources import Position
from sra_agent.sources.files import Files


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Follower:
    """A Files whose lines are gathered and whose positions outlive it, as the spool keeps them."""

    def __init__(self, *patterns: str, from_start: bool = True) -> None:
        self.patterns, self.from_start = patterns, from_start
        self.clock = Clock()
        self.positions: dict[str, Position] = {}
        self.known: frozenset[str] = frozenset()
        self.lines: list[str] = []
        self.cut: list[int] = []
        self.dropped: Counter[str] = Counter()
        self.files: Files | None = None

    def drop(self, reason: str, n: int) -> None:
        self.dropped[reason] += n

    def stop(self) -> None:
        if self.files is not None:
            self.files.close()
            self.files = None

    def restart(self) -> None:
        self.stop()
        self.files = Files(
            self.patterns,
            self.positions,
            from_start=self.from_start,
            known_patterns=self.known,
            drop=self.drop,
            clock=self.clock,
        )
        self.files.look()
        self.known = frozenset(p.glob for p in self.files.patterns)
        self.positions.update(self.files.positions())

    def sweep(self, *, seconds: float = 2.0) -> list[str]:
        """Look and read until nothing is left; return what is new."""
        if self.files is None:
            self.restart()
        assert self.files is not None
        self.clock.now += seconds
        before = len(self.lines)
        self.files.look()
        for _ in range(5000):
            for piece in self.files.pieces():
                self.lines += piece.lines
                self.cut += piece.cut.values()
                name, position = self.files.passed(piece.stream, piece.end)
                if position is not None:
                    self.positions[name] = position
            if not self.files.behind():
                return self.lines[before:]
        raise AssertionError("never finished")


def append(path: Path, text: str | bytes) -> None:
    with path.open("ab") as file:
        file.write(text if isinstance(text, bytes) else text.encode())


def numbered(start: int, end: int) -> list[str]:
    return [f"line {n}" for n in range(start, end)]


def text(lines: list[str]) -> str:
    return "".join(line + "\n" for line in lines)
