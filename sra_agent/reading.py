"""The loop that reads: the lines of every source into the spool, again and again. From app; to intake.

A new spool first learns from the server how far the host's sources are stored. Until then the files are
held open where they stand, and the journal and dockerd keep what they have; what nobody can send again
(syslog) is read from the first moment on (decision 053).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from contextlib import suppress
from dataclasses import dataclass

import orjson

from .config import AgentConfig
from .ends import combined
from .intake import HOLD_SECONDS, Intake
from .sources import Active, Position
from .sources.files import Files
from .sources.several import Several, listeners, several
from .spool import Spool
from .spool_file import NoRoom, SpoolLost

VIEW_SECONDS = 1.0
FULL_SECONDS = 0.5
SLOWEST_SECONDS = 1.0
LAST_ROUNDS = 20
ASKING_SECONDS = 0.1  # between two rounds while the server is asked
HELD_SECONDS = 1.0  # between two looks at files that are not read yet

Ends = dict[str, Position] | None  # None when told to stop before there was an answer
AskEnds = Callable[[], Future[Ends]]


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
        self.sources: Several | None = None  # while `run` runs
        self.looking = threading.Event()  # set once everything that was there before has been seen

    def run(self, stop: threading.Event) -> None:
        """Follow the sources."""
        heard = listeners(self._config, drop=self._spool.drop)
        listening = sources = self.sources = Several(Files((), {}), heard)
        intake = Intake(listening, self._spool, host=self._config.host, now=self._now)
        try:
            listening.start()
            found: Several | None = self._hold(stop, heard)
            if found is not None and self._spool.fact("ends_known") != "1":
                found = self._located(stop, intake, found, heard)
            if found is not None:
                sources = self.sources = found
                sources.start()
                intake.follow(sources)
            while not stop.is_set():
                self._pause(stop, sources, self._round(sources, intake))
            self._last(sources, intake)
        finally:
            self._show(sources, intake.lines)
            if unkept := intake.unkept():
                self._spool.drop("unkept_at_stop", unkept)
            for each in {sources, listening}:
                each.close()

    def _sources(self, positions: dict[str, Position], heard: dict[str, Active]) -> Several:
        known = orjson.loads(self._spool.fact("patterns") or "[]")
        return several(
            self._config, positions, known_patterns=frozenset(known), drop=self._spool.drop, heard=heard
        )

    def _hold(self, stop: threading.Event, heard: dict[str, Active]) -> Several:
        """Open what is there, each where it was read up to, or where a new one begins."""
        sources = self._sources(self._spool.positions(), heard)
        sources.look()
        positions = sources.positions()
        patterns = orjson.dumps([pattern.glob for pattern in sources.files.patterns]).decode()
        self._patiently(stop, lambda: self._spool.keep_positions(positions))
        self._patiently(stop, lambda: self._spool.keep_fact("patterns", patterns))
        self._show(sources, 0)
        self.looking.set()
        return sources

    def _located(
        self, stop: threading.Event, intake: Intake, held: Several, heard: dict[str, Active]
    ) -> Several | None:
        """Wait for the server to say how far it has stored; meanwhile read only what is heard."""
        asking, due = self._ask_ends(), 0.0
        try:
            while not asking.done() and not stop.is_set():
                pause = self._round(held, intake)
                if time.monotonic() >= due:
                    held.look()  # a file that is rotated away now stays open
                    due = time.monotonic() + HELD_SECONDS
                wait((asking,), ASKING_SECONDS if pause != 0.0 else 0.0)
            ends = asking.result() if asking.done() else None
            if ends:
                if self._spool.fact("located") is None:  # else the server may have them from ourselves
                    self._patiently(stop, self._spool.note_former)
                placed = self._sources(combined(held.positions(), ends, held.files.pattern), heard)
                held.close()
                held = placed
                held.look()
                found, known = held.positions(), ends
                self._patiently(stop, lambda: self._spool.keep_positions(found, stored=known))
            self._patiently(stop, lambda: self._spool.keep_fact("located", "1"))
            while ends is not None and not stop.is_set():
                if self._spool.append((), (), held.positions()):
                    self._patiently(stop, lambda: self._spool.keep_fact("ends_known", "1"))
                    return held
                stop.wait(FULL_SECONDS)
        except BaseException:
            held.close()
            raise
        held.close()
        return None

    def _patiently(self, stop: threading.Event, keep: Callable[[], None]) -> None:
        """Keep something durably, however long the disk takes to be well; the sources are held meanwhile."""
        while not stop.is_set():
            try:
                return keep()
            except NoRoom as error:
                self._spool.trouble = error.message
                stop.wait(FULL_SECONDS)

    def _round(self, sources: Several, intake: Intake) -> float | None:
        """Read once; return the seconds to wait before the next time, None when there is no room."""
        began, lines = time.monotonic(), intake.lines
        room = intake.round()
        ended = time.monotonic()
        if ended - self.view.at >= VIEW_SECONDS:
            self._show(sources, intake.lines)
            with suppress(NoRoom, SpoolLost):  # whoever writes next says so
                self._spool.keep_counts()
        if not room:
            return None
        if sources.behind():
            return 0.0
        # Looking at very many files costs something: then look less often.
        cost = 100 * (ended - began) if intake.lines == lines else 0.0
        return max(self._config.poll_seconds, min(cost, SLOWEST_SECONDS))

    def _pause(self, stop: threading.Event, sources: Several, seconds: float | None) -> None:
        if seconds is None:
            stop.wait(FULL_SECONDS)  # whatever comes, there is no place for it
        elif seconds:
            sources.wait(stop, seconds)

    def _last(self, sources: Several, intake: Intake) -> None:
        """Read what was written up to now, so that a program that ends leaves nothing behind."""
        sources.files.look_for_new()
        for _ in range(LAST_ROUNDS):
            if not intake.round() or not sources.behind():
                break
        if intake.round() and intake.holds():
            time.sleep(HOLD_SECONDS)
            intake.round()

    def _show(self, sources: Several, lines: int) -> None:
        self.view = View(
            tuple(sources.watches()),
            tuple(sources.problems()),
            tuple(sources.services()),
            lines,
            time.monotonic(),
        )
