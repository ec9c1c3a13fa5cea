"""Disks: which signs are of one disk, whoever tells it, and which disks are news. From relation, worse; pure.

The kernel, mdadm and smartd each tell of the same dying disk in words of their own. What they name decides,
never that they speak at one time: of two disks each may be dying for itself.
"""
from __future__ import annotations

from ..domain.case import Case
from ..domain.disk import broken, devices, disk_of, felt
from ..domain.record import SECOND
from ..domain.signal import Signal

#: Who cannot read or write notices it so soon.
_NOTICED = 30 * SECOND


def same_disk(case: Case, signal: Signal) -> str:
    """Return which disk, or which array, a sign and a case have in common, in words, or ""."""
    if not broken(signal):
        return ""
    mine = devices(signal) | {disk_of(name) for name, _ in signal.objects}
    shared: dict[str, set[str]] = {}
    for each in case.telling:
        if each.host == signal.host and broken(each):
            for name in mine & (devices(each) | _objects(case, each.fingerprint)):
                shared.setdefault(name, set()).update(one.service or "a program" for one in (each, signal))
    if not shared:
        return ""
    # a disk tells more than the array that it is a part of
    name = min(shared, key=lambda each: (_array(each), each))
    *most, last = sorted(shared[name])
    return f"same {'array' if _array(name) else 'disk'} {name}" + (
        f", of which {', '.join(most)} and {last} tell" if most else "")


def felt_beside(case: Case, signal: Signal) -> str:
    """Return that a program fails to read or write while a disk of its host fails, in words, or ""."""
    if not (broken(signal) or felt(signal)):
        return ""
    for each in case.telling:
        for program, disk in ((signal, each), (each, signal)):
            if felt(program) and broken(disk) and (names := devices(disk)) and disk.host == program.host \
                    and min(abs(signal.at - each.at), abs(signal.at - each.last_at)) <= _NOTICED:
                who = program.service or "a program"
                return f"{who} cannot read or write, while {min(names)} of the same host fails"
    return ""


def known_disks(case: Case, signal: Signal) -> frozenset[str]:
    """Return the disks of which other signs of a case tell, as far as people know of them."""
    if not broken(signal):
        return frozenset()
    return frozenset(name for each in case.signals if each.fingerprint != signal.fingerprint and broken(each)
                     and each.host == signal.host for name in _objects(case, each.fingerprint))


def _objects(case: Case, fingerprint: str) -> frozenset[str]:
    return frozenset(map(disk_of, case.objects.get(fingerprint, ())))


def _array(name: str) -> bool:
    return name.startswith("md")
