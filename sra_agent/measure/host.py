"""CPU, load, memory, swap and network of this host. From psutil; to the spool.

Network values are totals since the machine started; the others are what is so now.
"""

from __future__ import annotations

import psutil

from . import Point, point


class Host:
    """The machine as a whole."""

    def __init__(self) -> None:
        psutil.cpu_percent(interval=None)  # the first value of psutil spans no time

    def collect(self, now: float) -> list[Point]:
        """Return one point for each measure."""
        load = psutil.getloadavg()[0]
        memory, swap = psutil.virtual_memory(), psutil.swap_memory()
        points = [
            point("system.cpu_percent", psutil.cpu_percent(interval=None), now, unit="percent"),
            point("system.load1", load, now),
            point("system.load1_per_core", load / (psutil.cpu_count() or 1), now),
            point("system.memory_percent", memory.percent, now, unit="percent"),
            point("system.swap_percent", swap.percent, now, unit="percent"),
        ]
        sent = received = 0
        for name, counted in psutil.net_io_counters(pernic=True).items():
            if name != "lo":
                sent, received = sent + counted.bytes_sent, received + counted.bytes_recv
        return [
            *points,
            point("system.network_bytes_sent", sent, now, unit="bytes"),
            point("system.network_bytes_recv", received, now, unit="bytes"),
        ]
