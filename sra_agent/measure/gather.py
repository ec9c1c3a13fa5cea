"""Collect on schedule and spool what was collected. From the collectors and probes; to spool.

Points wait for nobody: those that find no room are counted and gone, unlike lines, which wait in their
files.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from ..spool import Spool
from . import Collector, Point, point

log = logging.getLogger("sra.agent.measure")
LINGER_SECONDS = 0.25
WAITING = 10_000


class Gather:
    """Gathers points from any thread; `run` is the loop of its own thread."""

    def __init__(
        self,
        spool: Spool,
        collectors: tuple[Collector, ...],
        *,
        seconds: float,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._spool, self._collectors, self._seconds = spool, collectors, seconds
        self._now, self._clock = now, clock
        self._lock = threading.Lock()
        self._points: list[Point] = []
        self._failed: set[str] = set()

    def keep(self, points: list[Point]) -> None:
        """Take points in; they are spooled a moment later, with others."""
        with self._lock:
            if len(self._points) + len(points) > WAITING:
                self._spool.drop("points_waiting", len(points))
                return
            self._points += points

    def run(self, stop: threading.Event) -> None:
        """Collect each `seconds` and spool what came, until told to stop; the last word is a goodbye.

        Whoever measured until now and falls silent without it is missed.
        """
        due = self._clock()
        while not stop.wait(LINGER_SECONDS):
            if self._seconds and self._clock() >= due:
                due = max(due + self._seconds, self._clock())
                self.collect()
            self.flush()
        if self._seconds:
            self.keep([point("agent.up", 0.0, self._now())])
        self.flush()

    def collect(self) -> None:
        """Ask every collector once; one that fails is named once and does not hinder the others."""
        for collector in self._collectors:
            name = type(collector).__name__
            try:
                self.keep(collector.collect(self._now()))
                self._failed.discard(name)
            except Exception as error:  # noqa: BLE001 - what a strange /proc holds must not end the agent
                if name not in self._failed:
                    log.warning("%s cannot be measured: %s", name, error, extra={"action": "measure"})
                    self._failed.add(name)

    def flush(self) -> None:
        """Spool what came."""
        with self._lock:
            points, self._points = self._points, []
        if points and not self._spool.append((), points, {}):
            self._spool.drop("spool_full", len(points))

    def problems(self) -> list[str]:
        """Return what cannot be measured."""
        return [f"{name}: cannot be measured" for name in sorted(self._failed)]
