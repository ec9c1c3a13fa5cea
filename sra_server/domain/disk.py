"""Disk: which disks and arrays of its host a sign of broken storage names. From lead and correlate; pure.

One disk that dies is told by the kernel, by who watches over arrays and by who asks disks how they are. A
partition, and the file system on it, lie on their disk, and the errors of an NVMe disk are told of its
controller or of a part of it. What lies on a mapped device ("dm-3") is not known.
"""
from __future__ import annotations

import re
from functools import lru_cache

from .signal import Signal

#: Signs of a disk that is broken, or of a file system that is so by it.
_BROKEN = ("signature|disk_errors|", "signature|blocks_damaged|", "signature|file_system_damaged|",
           "signature|file_system_loses_data|")
#: And what a program finds of it that reads or writes.
_FELT = ("signature|disk_errors|", "signature|file_system_damaged|", "signature|writes_read_only|")
#: A disk or an array, where no folder or longer name is meant.
_DEVICE = re.compile(r"(?<![\w./-])(?:/dev/)?(?:((?:sd|vd|xvd)[a-z]{1,2}|hd[a-c])\d{0,3}"
                     r"|(nvme\d{1,2})(?:c\d{1,2})?(?:n\d{1,3}(?:p\d{1,3})?)?|(mmcblk\d{1,2})(?:p\d{1,2})?"
                     r"|(md\d{1,3})(?:p\d{1,2})?)(?!\w|\.\w)")
_EVIDENCE, _TEXT = 5, 2000


def broken(signal: Signal) -> bool:
    """Say whether a sign is of a broken disk or file system; what a user has taught is his own."""
    return signal.fingerprint.startswith(_BROKEN) and not signal.taught


def felt(signal: Signal) -> bool:
    """Say whether a sign is that a program cannot read or write, and not on which disk."""
    return signal.fingerprint.startswith(_FELT) and not signal.taught and not devices(signal)


def devices(signal: Signal) -> frozenset[str]:
    """Return the disks and arrays that a sign names."""
    return _in(tuple(each.text[:_TEXT] for each in signal.evidence[-_EVIDENCE:] if each.kind == "record"))


def disk_of(name: str) -> str:
    """Return the disk on which a partition or file system of this name lies, or the name itself."""
    found = _DEVICE.fullmatch(name)
    return next(filter(None, found.groups()), name) if found is not None else name


@lru_cache(maxsize=256)
def _in(texts: tuple[str, ...]) -> frozenset[str]:
    found = (name for text in texts for names in _DEVICE.findall(text.lower()) for name in names)
    return frozenset(filter(None, found))
