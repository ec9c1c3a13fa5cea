"""What the kernel tells of an open file: whether anybody can still write to it, and which life its inode has.

From the host; to files and tail.
"""

from __future__ import annotations

import fcntl
import signal
import struct
import sys

_GET_VERSION = (2 << 30) | (struct.calcsize("l") << 16) | (ord("v") << 8) | 1


def has_writer(fd: int) -> bool | None:
    """Return whether any process has the file open for writing; None where that cannot be told.

    A read lease is granted only on a file that nobody can write to. It needs the owner of the file or
    CAP_LEASE, but no look at other processes; it is given back at once.
    """
    if sys.platform != "linux":
        return None
    try:
        # Should somebody open the file in that very moment: a signal whose default is to do nothing.
        fcntl.fcntl(fd, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    except BlockingIOError:
        return True
    except OSError:
        return None
    fcntl.fcntl(fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    return False


def generation(fd: int) -> int | None:
    """Return what differs each time an inode is given out again; None where the file system does not tell."""
    try:
        found = fcntl.ioctl(fd, _GET_VERSION, bytes(8))
    except OSError:
        return None
    return int(struct.unpack("I", found[:4])[0])
