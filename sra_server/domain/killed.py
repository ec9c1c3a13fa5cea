"""Killed: whose process the kernel ended for lack of memory. From lead; to analyse. Pure.

The kernel tells what it did to somebody. Who lost the process tells of a crash, and seldom why. Both are one
trouble of that service: it had no memory, and what it tells of itself came of that.
"""
from __future__ import annotations

import re
from collections.abc import Iterable

from .record import SECOND
from .signal import Signal
from .software import kind_of, speaks_for_others

#: What tells that a process was ended for lack of memory, whoever says it.
_TOLD = "signature|kernel_oom|"
_PROCESS = re.compile(r"\bkilled process (\d{1,10}) \(([^)\n]{1,40})\)|\btask=([^,\n]{1,40}),pid=(\d{1,10})")
_PID = re.compile(r"\b(?:pid[ :=]{0,2}|process[: ]['\"]?(?:\w{1,40}-\d{1,6} )?pid[:= ]{1,2})(\d{1,10})\b")
#: So ends whom the kernel kills: nothing else is told of it.
_BY_FORCE = re.compile(r"\bsignal:? 9\b|\bsigkill\b|\bstatus=9/kill\b|\bexit(?:ed)?\b.{0,20}\b137\b")
#: What a crash is called where it may be one of these.
_DIED = frozenset({"service_crash", "database_failure"})
#: Who loses a child is told at once.
_NOTICED = 10 * SECOND
_EVIDENCE, _TEXT = 5, 2000


def told_by(signal: Signal) -> bool:
    """Say whether a sign is what the kernel, or who speaks for others, tells of a process that was ended."""
    return signal.fingerprint.startswith(_TOLD) and speaks_for_others(signal.service)


def lost_by(teller: Signal, signals: Iterable[Signal]) -> str:
    """Return the service whose process was ended, as its name, its pid or its end tells, or ""."""
    if not told_by(teller):
        return ""
    near = [each for each in signals if each.opens and each.service and each.host == teller.host
            and not speaks_for_others(each.service)]
    ended = [match for text in _texts(teller) for match in _PROCESS.finditer(text)]
    names = {match[2] or match[3] for match in ended}
    pids = {match[1] or match[4] for match in ended}
    kinds = set(map(kind_of, names)) - {""}
    died = [each for each in near if each.cls in _DIED]
    by_force = (each for each in died if any(map(_BY_FORCE.search, _texts(each))))
    for found in (
            {each.service for each in died if each.service.lower() in names},
            {each.service for each in died if pids & {
                pid for text in _texts(each) for pid in _PID.findall(text)}},
            {each.service for each in died if kind_of(each.service) in kinds},
            {each.service for each in by_force if abs(each.at - teller.at) <= _NOTICED}):
        if len(found) == 1:
            return found.pop()
    return ""


def _texts(signal: Signal) -> tuple[str, ...]:
    return tuple(each.text[:_TEXT].lower() for each in signal.evidence[:_EVIDENCE])
