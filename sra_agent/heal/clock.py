"""Time that nobody can set: seconds since boot and the boot's id; and the calendar for people.

From the kernel; to plan (expiry), journal and decide (limits).
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class Clock:
    """Reads the three; a test puts its own in place."""

    boot_id: str

    @classmethod
    def of_this_boot(cls) -> Clock:
        """Read the kernel's id of this boot."""
        with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as file:
            return cls(file.read().strip())

    def now(self) -> float:
        """Return the seconds since boot, sleep included."""
        return time.clock_gettime(time.CLOCK_BOOTTIME)

    def wall(self) -> float:
        """Return the epoch seconds; only shown."""
        return time.time()


def rfc3339(epoch: float) -> str:
    """Return an instant as it goes over the wire."""
    text = datetime.fromtimestamp(epoch, UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
