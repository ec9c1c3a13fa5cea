"""Which programs listen at which TCP ports of this host. From psutil; to the spool.

A client that cannot reach 127.0.0.1:5433 does not say who should be there; with this the server knows whom it
means. A socket whose process may not be looked at is left out: seeing those of others takes root or
CAP_SYS_PTRACE.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from ipaddress import ip_address
from pathlib import Path

import psutil

from . import Point, point

#: So many ports are told of, the lowest first; those of short-lived helpers are high.
MOST = 64
#: Looking through all processes costs some milliseconds for each hundred: once a minute is enough.
LOOK = 60.0
#: What did not change is told again after so many seconds, for a server may have been set up anew.
AGAIN = 600.0
_UNIT = re.compile(r"/([^/\s@]+)(?:@[^/\s]*)?\.service")


class Listeners:
    """One point for each listening port: its place, the program and, if systemd runs it, the unit."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic, proc: Path = Path("/proc")) -> None:
        self._clock, self._proc = clock, proc
        self._looked = self._told = float("-inf")
        self._known: dict[str, tuple[str, str]] = {}

    def collect(self, now: float) -> list[Point]:
        """Return the listeners that are new or changed; all of them once in ten minutes."""
        at = self._clock()
        if at - self._looked < LOOK:
            return []
        before, self._looked = self._known, at
        self._known = self._listening()
        if at - self._told >= AGAIN:
            before, self._told = {}, at
        return [
            point("host.listens", 1, now, place=place, program=program, systemd=unit)
            for place, (program, unit) in self._known.items()
            if before.get(place) != (program, unit)
        ]

    def _listening(self) -> dict[str, tuple[str, str]]:
        pids: dict[tuple[int, str], int] = {}
        for each in psutil.net_connections(kind="tcp"):
            if each.status == psutil.CONN_LISTEN and each.pid and each.laddr:
                where = each.laddr.port, _address(each.laddr.ip)
                pids[where] = min(each.pid, pids.get(where, each.pid))  # of a pool of workers the first
        found: dict[str, tuple[str, str]] = {}
        for (port, address), pid in sorted(pids.items()):
            with suppress(psutil.Error, OSError):
                if len(found) < MOST:
                    found[f"{address}:{port}"] = (psutil.Process(pid).name(), self._unit(pid))
        return found

    def _unit(self, pid: int) -> str:
        """Return the unit of systemd that a process belongs to, without instance and ending, or ""."""
        with suppress(OSError):
            return _last(_UNIT.findall((self._proc / str(pid) / "cgroup").read_text(errors="replace")))
        return ""


def _last(names: Iterable[str]) -> str:
    """Return the innermost: a user's services run within that of the user."""
    return next((name for name in reversed(list(names)) if name != "user"), "")


def _address(ip: str) -> str:
    """Return 127.0.0.1 for each that only this host reaches, * for all, else the address itself."""
    found = ip_address(ip.partition("%")[0])
    found = getattr(found, "ipv4_mapped", None) or found
    if found.is_unspecified:
        return "*"
    return "127.0.0.1" if found.is_loopback else f"[{found}]" if found.version == 6 else str(found)
