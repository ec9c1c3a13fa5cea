"""Room on the disk under the spool: a floor, and a file that is given up so that draining works. From spool.

A batch can only leave the spool by writing that it left. So on a full disk the ballast is removed, which
makes room for that; nothing more is taken in until it is back.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from .crash import crashpoint
from .spool_file import NoRoom

NAME = "ballast"
#: The ballast holds the whole write-ahead log once more, and what a seal and its end add to it.
LEAST_BYTES, MOST_BYTES = 64 * 1024, 8 * 1024 * 1024
FLOOR_BYTES = 64 * 1024 * 1024
PAGE_BYTES = 16 * 1024
#: What a transaction writes beside its rows.
SPARE_BYTES = 64 * 1024

P = ParamSpec("P")
T = TypeVar("T")


class Ballast:
    """The reserve of one state directory."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._path = folder, folder / NAME
        disk = os.statvfs(folder)
        total = disk.f_blocks * disk.f_frsize
        self.size = min(max(total // 8, LEAST_BYTES), MOST_BYTES)
        self.floor = min(total // 16, FLOOR_BYTES)  # left to others
        #: The log is moved to the file after this many pages; on a small disk it must stay small.
        self.log_pages = min(max(total // 256, LEAST_BYTES * 2), MOST_BYTES // 2) // PAGE_BYTES
        self.held = False
        with suppress(OSError):
            self.held = self._path.stat().st_blocks * 512 >= self.size

    def free(self) -> int:
        """Return the bytes that the disk has left for us."""
        disk = os.statvfs(self._folder)
        return disk.f_bavail * disk.f_frsize

    def release(self) -> bool:
        """Give up the ballast; False when there was none."""
        self.held = False
        crashpoint("ballast.release")
        try:
            self._path.unlink()
        except OSError:
            return False
        crashpoint("ballast.released")
        return True

    def restore(self) -> bool:
        """Have the ballast again if the disk has room for it; return whether it is there."""
        if not self.held and self.free() >= 2 * self.size:
            try:
                fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
                crashpoint("ballast.made")
                try:
                    os.posix_fallocate(fd, 0, self.size)
                finally:
                    os.close(fd)
                crashpoint("ballast.held")
                self.held = True
            except OSError:
                self.release()
        return self.held

    def takes(self, size: int, *, unused: int, alone: bool) -> bool:
        """Return whether rows of this size may be kept, in the log and then in the file's unused room.

        To an otherwise empty spool the floor does not matter: it passes on what comes as long as it can.
        """
        need = size + SPARE_BYTES + max(0, size + SPARE_BYTES - unused)
        return self.restore() and self.free() - need >= (0 if alone else self.floor)


def draining(method: Callable[P, T]) -> Callable[P, T]:
    """Have a method of the spool, which either does all or nothing, work on a full disk, too."""

    @wraps(method)
    def surely(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return method(*args, **kwargs)
        except NoRoom as error:
            spool: Any = args[0]
            if not spool.ballast.release():
                raise
            spool.trouble = error.message
            return method(*args, **kwargs)

    return surely
