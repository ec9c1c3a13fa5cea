"""The loop that reads: the files' lines into the spool, again and again. From app; to intake.

A new spool first learns from the server how far the host's files are stored. Until then the files are
held open where they stand, so that nothing written meanwhile is lost.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import orjson

from .config import AgentConfig
from .intake import HOLD_SECONDS, Intake
from .sources import Position
from .sources.files import Files
from .spool import Spool

VIEW_SECONDS = 1.0
FULL_SECONDS = 0.5
SLOWEST_SECONDS = 1.0

AskEnds = Callable[[threading.Event], dict[str, Position] | None]


@dataclass(frozen=True, slots=True)
class View:
    """What the reading loop last saw, for other threads."""

    watches: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    services: tuple[str, ...] = ()
    lines: int = 0
    at: float = 0.0


class Reading:
    """Reads until told to stop. `run` is the loop of its own thread."""

    def __init__(
        self,
        config: AgentConfig,
        spool: Spool,
        ask_ends: AskEnds,
        *,
        now: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:
        self._config, self._spool, self._ask_ends, self._now = config, spool, ask_ends, now
        self.view = View(at=time.monotonic())
        self.looking = threading.Event()  # set once everything that was there before has been seen

    def run(self, stop: threading.Event) -> None:
        """Follow the files."""
        files = self._begin(stop)
        if files is None:
            return
        intake = Intake(files, self._spool, host=self._config.host, now=self._now)
        try:
            while not stop.is_set():
                stop.wait(self._round(files, intake))
            self._last(files, intake)
        finally:
            self._show(files, intake.lines)
            files.close()

    def _files(self, positions: dict[str, Position]) -> Files:
        known = orjson.loads(self._spool.fact("patterns") or "[]")
        return Files(
            self._config.files, positions, from_start=self._config.from_start, known_patterns=frozenset(known)
        )

    def _begin(self, stop: threading.Event) -> Files | None:
        files = self._files(self._spool.positions())
        files.look()
        positions = files.positions()
        self._spool.keep_positions(positions)
        self._spool.keep_fact("patterns", orjson.dumps([p.glob for p in files.patterns]).decode())
        self._show(files, 0)
        self.looking.set()
        if self._spool.fact("ends_known") == "1":
            return files
        ends = self._ask_ends(stop)
        if ends is not None:
            files.close()
            files = self._files({**positions, **ends})
            files.look()
            while not self._spool.append((), (), files.positions()):
                if stop.wait(FULL_SECONDS):
                    break
            else:
                self._spool.keep_fact("ends_known", "1")
                return files
        files.close()
        return None

    def _round(self, files: Files, intake: Intake) -> float:
        """Read once; return the seconds to wait before the next time."""
        began, lines = time.monotonic(), intake.lines
        room = intake.round()
        ended = time.monotonic()
        if ended - self.view.at >= VIEW_SECONDS:
            self._show(files, intake.lines)
        if not room:
            return FULL_SECONDS
        if files.behind():
            return 0.0
        # Looking at very many files costs something: then look less often.
        cost = 100 * (ended - began) if intake.lines == lines else 0.0
        return max(self._config.poll_seconds, min(cost, SLOWEST_SECONDS))

    def _last(self, files: Files, intake: Intake) -> None:
        """Read what was written up to now, so that a program that ends leaves nothing behind."""
        files.look_for_new()
        if intake.round() and intake.holds():
            time.sleep(HOLD_SECONDS)
            intake.round()

    def _show(self, files: Files, lines: int) -> None:
        self.view = View(
            tuple(files.watches()), tuple(files.problems()), tuple(files.services()), lines, time.monotonic()
        )
