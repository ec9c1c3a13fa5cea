"""The processes that use most CPU and most memory. From psutil; to the spool.

Processes of one name count together, so that a pool of workers is one series and the series stay few.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress

import psutil

from . import Point, point

TOP = 5


class Processes:
    """The greatest users of CPU and memory."""

    def __init__(self, *, top: int = TOP, clock: Callable[[], float] = time.monotonic) -> None:
        self._top, self._clock = top, clock
        self._before: dict[tuple[int, float], float] = {}  # (pid, its start) → CPU seconds
        self._at = clock()

    def collect(self, now: float) -> list[Point]:
        """Return CPU since the last call (percent of one core) and memory of the top names."""
        at = self._clock()
        span, self._at = at - self._at, at
        before, self._before = self._before, {}
        cpu: dict[str, float] = defaultdict(float)
        memory: dict[str, float] = defaultdict(float)
        for process in psutil.process_iter():
            with suppress(psutil.Error, OSError), process.oneshot():
                name, used = process.name() or "unknown", process.cpu_times()
                key = (process.pid, process.create_time())
                self._before[key] = used.user + used.system
                memory[name] += process.memory_info().rss
                # A process that began since the last call has used all of its time since then.
                if before and span > 0:
                    cpu[name] += max(0.0, self._before[key] - before.get(key, 0.0)) / span * 100
        points = [
            point("process.cpu_percent", value, now, unit="percent", process=name)
            for name, value in self._greatest(cpu)
            if value > 0
        ]
        return points + [
            point("process.memory_bytes", value, now, unit="bytes", process=name)
            for name, value in self._greatest(memory)
            if value > 0
        ]

    def _greatest(self, values: dict[str, float]) -> list[tuple[str, float]]:
        return sorted(values.items(), key=lambda item: (-item[1], item[0]))[: self._top]
