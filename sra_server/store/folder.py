"""The data folder: private to its owner, and of one server process at a time. To the Store.

The lock is a `flock` on a file beside the database. The kernel drops it with the process, however
that ends, so no stale lock can keep a server from starting.
"""
from __future__ import annotations

import fcntl
import os
from pathlib import Path

from sra_sdk.errors import BadInput, Refused
from sra_server.crash import crashpoint

LOCK_NAME = "sra.lock"


class FolderLock:
    """Holds the folder of a database file until `release`."""

    def __init__(self, file: Path) -> None:
        self.folder = file.resolve().parent
        self._descriptor: int | None = None
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._descriptor = os.open(self.folder / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise BadInput(f"data folder {self.folder} cannot be used: {error.strerror}",
                           hint="name another with --data-dir or SRA_DATA_DIR", code="data_folder") from None
        self._lock()

    def _lock(self) -> None:
        assert self._descriptor is not None
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(self._descriptor, 32, 0).decode("ascii", "replace").strip() or "unknown"
            self.release()
            raise Refused(f"another SRA server (process {owner}) uses {self.folder}",
                          code="data_folder_in_use",
                          hint="stop it, or give this one another --data-dir") from None
        crashpoint("folder.locked")
        os.ftruncate(self._descriptor, 0)
        crashpoint("folder.cleared")
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)
        crashpoint("folder.owned")

    def release(self) -> None:
        """Let another process use the folder."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def make_private(file: Path) -> None:
    """Create `file` if need be, readable by its owner alone; SQLite gives its WAL the same mode."""
    os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    crashpoint("folder.made")
    file.chmod(0o600)
