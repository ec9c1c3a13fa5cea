"""How full the file systems of this host are, each once, with its mount point as a tag. To the spool.

Measured are all that are written to: those of disks, those of the network, and those in memory, but what the
system has for itself. A server that does not answer must not stop the measuring: its file systems are asked
apart, and one that owes an answer is left out until it gave it.
"""

from __future__ import annotations

import logging
import os
import re
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from . import Point, point

log = logging.getLogger("sra.agent.measure")
#: So many file systems are measured, the root and those that were mounted first.
MOUNTS = 50
#: So many seconds may those of the network take, all together.
PATIENCE = 1.0
#: Made once and read only: always full, and nobody's trouble.
_SKIPPED = frozenset(("squashfs", "iso9660", "udf", "erofs", "cramfs", "romfs", "rootfs", "autofs"))
#: These have no device of their own in /dev.
_REAL = frozenset(("zfs", "btrfs", "ubifs", "bcachefs", "virtiofs"))
_NETWORK = frozenset((
    "nfs", "nfs4", "cifs", "smb3", "ceph", "9p", "glusterfs", "lustre", "beegfs", "gpfs", "afs",
    "fuse.glusterfs", "fuse.ceph-fuse", "fuse.mergerfs", "fuse.sshfs", "fuse.s3fs",
))
#: What is in memory and below these is of the system or of containers; it is small, many or thrown away.
_SYSTEMS_OWN = (
    "/run", "/dev", "/sys", "/proc", "/var/run", "/var/lock", "/snap", "/var/snap", "/var/lib/kubelet",
    "/var/lib/docker", "/var/lib/containerd", "/var/lib/containers",
)
_ESCAPED = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mount:
    """A file system that is measured, and whether it is asked over the network."""

    path: str
    network: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What a file system has: used percent of what users may use, free bytes, and used percent of inodes."""

    percent: float
    free: int
    inodes: float | None


def mounts(mountinfo: str, folder: Callable[[str], bool] = os.path.isdir) -> tuple[Mount, ...]:
    """Return what is measured of the mounts that the kernel lists, in the form of /proc/self/mountinfo.

    A file system that is mounted several times is known by its number, and measured where all of it is
    mounted, and its path is shortest. Whether it can be written to its own options say, and not those of the
    mount: an agent that may write nowhere sees each of these as read only.
    """
    found: dict[str, tuple[tuple[bool, int], Mount]] = {}
    for line in mountinfo.splitlines():
        mine, _, system = line.partition(" - ")
        before, after = mine.split(" "), system.split(" ")
        if len(before) < 6 or len(after) < 3:
            continue
        number, part, path, (kind, source, options) = before[2], before[3] != "/", _path(before[4]), after[:3]
        if "ro" in options.split(",") or kind in _SKIPPED or not (path == "/" or _real(kind, source, path)):
            continue
        if part and kind not in _NETWORK and not folder(path):
            continue  # one file of another, as containers have them in /etc
        rank = (part, len(path))
        if number not in found or rank < found[number][0]:
            found[number] = rank, Mount(path=path, network=kind in _NETWORK)
    every = {mount.path: mount for _, mount in found.values()}
    return tuple(sorted(every.values(), key=lambda mount: mount.path != "/")[:MOUNTS])


def _real(kind: str, source: str, path: str) -> bool:
    """Say whether something is kept there that somebody may miss room for; the root always counts."""
    if kind == "tmpfs":
        return not any(path == own or path.startswith(f"{own}/") for own in _SYSTEMS_OWN)
    return source.startswith("/dev/") or kind in _REAL or kind in _NETWORK


def _path(written: str) -> str:
    return _ESCAPED.sub(lambda found: chr(int(found[1], 8)), written)


def ask(path: str) -> Room | None:
    """Return how much room a file system has; None for one that says nothing of it."""
    with suppress(OSError):
        said = os.statvfs(path)
        used = said.f_blocks - said.f_bfree
        if used + said.f_bavail > 0:  # what is kept for root alone users do not have
            inodes = (said.f_files - said.f_ffree) / said.f_files * 100 if said.f_files else None
            return Room(percent=used / (used + said.f_bavail) * 100, free=said.f_bavail * said.f_frsize,
                        inodes=inodes)  # some file systems make inodes as they are needed
    return None


class _Answer:
    """One question to a file system that may never answer, asked in a thread of its own."""

    def __init__(self, path: str, ask: Callable[[str], Room | None]) -> None:
        self.room: Room | None = None
        self.given = threading.Event()
        threading.Thread(target=self._wait, args=(path, ask), name="disk", daemon=True).start()

    def _wait(self, path: str, ask: Callable[[str], Room | None]) -> None:
        try:
            self.room = ask(path)
        finally:
            self.given.set()


class Disks:
    """The file systems that are written to."""

    def __init__(self, *, mountinfo: Path = Path("/proc/self/mountinfo"),
                 ask: Callable[[str], Room | None] = ask) -> None:
        self._mountinfo, self._ask = mountinfo, ask
        self._owed: dict[str, _Answer] = {}

    def collect(self, now: float) -> list[Point]:
        """Return two or three points for each file system."""
        every = self._mounts()
        asked = self._asked([mount.path for mount in every if mount.network])
        rooms = {mount.path: self._ask(mount.path) for mount in every if not mount.network}
        points: list[Point] = []
        for path, room in sorted({**rooms, **self._answers(asked)}.items()):
            if room is None:
                continue
            points += [
                point("system.disk_percent", room.percent, now, unit="percent", mount=path),
                point("system.disk_free_bytes", room.free, now, unit="bytes", mount=path),
            ]
            if room.inodes is not None:
                points.append(point("system.inode_percent", room.inodes, now, unit="percent", mount=path))
        return points

    def _mounts(self) -> tuple[Mount, ...]:
        try:
            return mounts(self._mountinfo.read_text("utf-8", "replace"))
        except OSError:  # no Linux
            paths = (each.mountpoint for each in psutil.disk_partitions() if "ro" not in each.opts.split(","))
            return tuple(Mount(path=path) for path in dict.fromkeys(("/", *paths)))[:MOUNTS]

    def _asked(self, paths: list[str]) -> dict[str, _Answer]:
        """Ask those that owe no answer; what comes late is of another time, and only says that it is back."""
        for path in [path for path, answer in self._owed.items() if answer.given.is_set()]:
            del self._owed[path]
            log.info("the file system at %s answers again", path, extra={"action": "measure"})
        return {path: _Answer(path, self._ask) for path in paths if path not in self._owed}

    def _answers(self, asked: dict[str, _Answer]) -> dict[str, Room | None]:
        until = time.monotonic() + PATIENCE
        for path, answer in asked.items():
            if not answer.given.wait(max(0.0, until - time.monotonic())):
                self._owed[path] = answer
                log.warning("the file system at %s does not answer; it is not measured until it does", path,
                            extra={"action": "measure"})
        return {path: answer.room for path, answer in asked.items() if answer.given.is_set()}
