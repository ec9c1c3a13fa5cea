"""CPU, load, memory, swap, disks and network of this host. From psutil; to the spool.

Network values are totals since the machine started; the others are what is so now.
"""

from __future__ import annotations

import os
from contextlib import suppress

import psutil

from . import Point, point

#: File systems that are always full, or are no disks.
_SKIPPED = frozenset(("squashfs", "iso9660", "udf", "erofs", "cramfs", "autofs"))
MOUNTS = 50


class Host:
    """The machine as a whole."""

    def __init__(self) -> None:
        psutil.cpu_percent(interval=None)  # the first value of psutil spans no time

    def collect(self, now: float) -> list[Point]:
        """Return one point for each measure, two or three for each disk."""
        load = psutil.getloadavg()[0]
        memory, swap = psutil.virtual_memory(), psutil.swap_memory()
        points = [
            point("system.cpu_percent", psutil.cpu_percent(interval=None), now, unit="percent"),
            point("system.load1", load, now),
            point("system.load1_per_core", load / (psutil.cpu_count() or 1), now),
            point("system.memory_percent", memory.percent, now, unit="percent"),
            point("system.swap_percent", swap.percent, now, unit="percent"),
        ]
        points += self._disks(now)
        sent = received = 0
        for name, counted in psutil.net_io_counters(pernic=True).items():
            if name != "lo":
                sent, received = sent + counted.bytes_sent, received + counted.bytes_recv
        return [
            *points,
            point("system.network_bytes_sent", sent, now, unit="bytes"),
            point("system.network_bytes_recv", received, now, unit="bytes"),
        ]

    def _disks(self, now: float) -> list[Point]:
        mounts = {"/": "/"}  # device → its shortest mount point; the root counts even where it is no disk
        for part in psutil.disk_partitions(all=False):
            if part.fstype not in _SKIPPED and len(mounts) < MOUNTS:
                if part.mountpoint == "/":
                    mounts.pop("/", None)
                known = mounts.get(part.device)
                if known is None or len(part.mountpoint) < len(known):
                    mounts[part.device] = part.mountpoint
        points: list[Point] = []
        for mount in sorted(set(mounts.values())):
            with suppress(OSError):
                usage = psutil.disk_usage(mount)
                points += [
                    point("system.disk_percent", usage.percent, now, unit="percent", mount=mount),
                    point("system.disk_free_bytes", usage.free, now, unit="bytes", mount=mount),
                ]
                inodes = os.statvfs(mount)
                if inodes.f_files:  # some file systems make them as they are needed
                    used = (inodes.f_files - inodes.f_ffree) / inodes.f_files * 100
                    points.append(point("system.inode_percent", used, now, unit="percent", mount=mount))
        return points
