"""Units: what systemd says of a service's end, judged by what it said of it before. From signatures; pure.

A process that was asked to stop may end with an error, and systemd calls that failed: it is no crash. A job
that fails once, as those of the night do, is worth a look; a service that systemd starts again, or that
ends again within minutes, has crashed.
"""
from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from ..domain.record import MINUTE, SECOND, Record
from .memory import Memory
from .signature import STOPPED, Signature

#: systemd kills what has not ended within 90 s of being asked to stop; so long, and a little, a stop lasts.
_STOP = 100 * SECOND
#: What systemd says of one end it says at once; and one line may be read from the journal and from a file.
_ONCE = 2 * SECOND
#: Who ends again within this time does not merely fail each night.
_AGAIN = 10 * MINUTE
#: Where no unit is named, only what a process that was asked to stop returns is taken for that.
_ASKED = re.compile(r"status=1(?:43|30)/")
_SAYS = re.compile(
    r"(?P<job>stopping|stopped|failed to start) (?P<unit>[^\s/]{1,200}?)\.service(?: - |\.|…|\Z)"
    r"|(?P<of>[^\s/]{1,200}?)\.service: (?P<said>main process exited, code=exited"
    r"|failed with result 'exit-code'|scheduled restart job)", re.I)
#: How signatures name one failure and a crash.
_FAILED, _CRASHED = "unit_failed", "process_crash"


class _Unit(NamedTuple):
    """When it was asked to stop and when it failed last (event times, 0: not), and if that was a crash.

    `harmless`: it is one of those whose failures mean nothing.
    """

    stopping: int = 0
    failed: int = 0
    crashed: bool = False
    harmless: bool = False


def concerns(record: Record, signature: Signature | None) -> bool:
    """Say whether a record may be of a unit at all; nearly none is."""
    return ".service" in record.message or (signature is not None and (
        signature.cls == STOPPED or signature.name == "crash_loop"))


def of_unit(memory: Memory, record: Record, signature: Signature | None,
            known: Mapping[str, Signature]) -> Signature | None:
    """Return what a record means by what was said of its unit before; memory: unit|host|name → a _Unit."""
    found = _SAYS.match(record.message)
    name = (found["unit"] or found["of"]) if found is not None else ""
    said = (found["job"] or found["said"]).lower() if found is not None else record.message[:16].lower()
    key, host = f"unit|{record.host}|{name}", f"unit|{record.host}|"
    unit = _Unit(*(memory.get(key) or ()))
    if said.startswith("stopping"):
        memory.put(key, list(unit._replace(stopping=record.at)))
        return signature
    if said == "stopped":
        memory.put(key, list(unit._replace(stopping=0)))
        return signature
    failing = known.get(_FAILED, signature)
    if said.startswith("failed to start"):
        # older ones of systemd name no unit here
        if not name and unit.harmless and _within(unit.failed, record.at, _ONCE):
            return None
        first = not unit.crashed and _within(unit.failed, record.at, _ONCE)
        return failing if first else signature
    if found is None:
        return signature
    if said.startswith("scheduled"):
        if not _within(unit.failed, record.at, _AGAIN):
            return signature
        memory.put(key, list(unit._replace(crashed=True)))
        return known.get(_CRASHED, signature)
    ended = said.startswith("main")
    if ended and not unit.stopping and _ASKED.search(record.message):
        unit = unit._replace(stopping=_Unit(*(memory.get(host) or ())).stopping)
    if _within(unit.stopping, record.at, _STOP):
        memory.put(key, list(unit if ended else unit._replace(stopping=0)))
        return None
    if signature is None:
        if ended:
            memory.put(host, list(_Unit(*(memory.get(host) or ()))._replace(
                failed=record.at, crashed=False, harmless=True)))
        return None
    once = _within(unit.failed, record.at, _ONCE)
    if ended and not once:
        unit = unit._replace(failed=record.at, crashed=_within(unit.failed, record.at, _AGAIN))
        memory.put(key, list(unit))
        memory.put(host, list(_Unit(*(memory.get(host) or ()))._replace(
            failed=unit.failed, crashed=unit.crashed, harmless=False)))
    if unit.crashed:
        return known.get(_CRASHED, signature)
    return failing if ended or once else signature


def _within(begun: int, at: int, longest: int) -> bool:
    return begun > 0 and 0 <= at - begun <= longest
