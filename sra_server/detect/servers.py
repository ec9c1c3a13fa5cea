"""Servers: those that a balancer has lost and not got back, while others serve. From records; to correlate.

A deployment takes one server after the other, so that one goes down says nothing; that it stays down does.
Told are HAProxy's servers, one trouble for each balancer. Whoever deploys takes a server out (maintenance,
drain): that is no loss. A reload begins anew, and what is still lost is then said again. As long as nothing
is heard of the balancer's host nobody knows whether the server came back, and where returns are never
written (a log of errors alone) nothing is told.
"""
from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from sra_sdk.lines.haproxy import server_state

from ..domain.evidence import Evidence
from ..domain.record import MINUTE, SECOND, Batch, Record
from ..domain.signal import Signal
from .memory import Memory

#: Lost for so long is longer than a restart; but where servers take longer, so many times the second longest
#: of the latest absences that ended, and never more than this.
LASTS, _TIMES, _ENDED, _LONGEST = 90 * SECOND, 1.5, 8, 15 * MINUTE
#: So long after a reload, what is still lost was said again.
_AGAIN = MINUTE
#: The same loss may be written twice, in the log and on standard error.
_TWICE = 2 * SECOND
#: Who is lost for so long is taken for removed.
_GONE = 7 * 24 * 60 * MINUTE
#: So many lost servers are remembered in all, and so many shown.
_MOST, _SHOWN = 512, 5
_TEXT = 300


class _Lost(NamedTuple):
    """One server: event time and receipt of its loss, told, reloaded since (receipt), process, line."""

    at: int
    received: int
    told: bool
    doubted: int
    pid: str
    line: list[Any]


class Servers:
    """Memory: lost|service|host|backend/server → _Lost; ended|service|host → how long absences took.

    And blind|service|host → 1 where servers were lost twice without a return.
    """

    name = "servers"
    always = True

    def detect(self, memory: Memory, batch: Batch) -> list[Signal]:
        """Return a signal for each balancer that lost servers for good, or got the last of them back."""
        changed: dict[str, Record | None] = {}
        for record in sorted((each for each in batch.records if _about(each.message)),
                             key=lambda each: each.at):
            if _heard(memory, record, batch.received_at):
                changed[f"{record.service}|{record.host}"] = record
        if not len(memory) and not changed:
            return []
        hosts = {count.host for count in batch.counts} | {point.host for point in batch.points}
        return [*_judged(memory, hosts, batch.received_at), *_over(memory, changed, batch.received_at)]


def _about(message: str) -> bool:
    return "erver " in message[:40] or "(cumulated conns" in message


def _heard(memory: Memory, record: Record, now: int) -> bool:
    """Note what a record says; return whether something that was told is over by it."""
    where = f"{record.service}|{record.host}"
    said = server_state(record.message)
    if said is None:
        if record.message.find("roxy ") in range(30) and " stopped (cumulated conns" in record.message:
            for key, each in _lost(memory, where):
                memory.put(key, list(each._replace(doubted=each.doubted or now)))
        return False
    key = f"lost|{where}|{said.name}"
    stored = memory.get(key)
    lost = _Lost(*stored) if stored else None
    if said.state == "down":
        pid = said.pid or str(record.metadata.get("pid", ""))
        if lost is None:
            memory.put(key, list(_Lost(record.at, now, False, 0, pid, _pack(record))), most=_MOST)
        elif lost.doubted or (pid and lost.pid and pid != lost.pid):
            memory.put(key, list(lost._replace(doubted=0, pid=pid)))
        elif record.at - lost.at > _TWICE and not lost.told:
            memory.put(f"blind|{where}", 1)
            memory.drop(key)
        return False
    if said.state == "up":
        memory.drop(f"blind|{where}")
    if lost is None:
        return False
    if said.state == "up":
        ended = [*(memory.get(f"ended|{where}") or ()), max(0, record.at - lost.at)]
        memory.put(f"ended|{where}", ended[-_ENDED:])
    memory.drop(key)
    return lost.told


def _judged(memory: Memory, hosts: set[str], now: int) -> Iterable[Signal]:
    """Yield the balancers of which a server is now lost for too long."""
    fresh: dict[str, list[tuple[str, _Lost]]] = {}
    for key, lost in _lost(memory):
        where, _, name = key[5:].rpartition("|")
        if lost.told or lost.doubted or where.rpartition("|")[2] not in hosts or memory.get(f"blind|{where}"):
            continue
        ended = sorted(memory.get(f"ended|{where}") or ())
        usual = ended[-2] if len(ended) > 1 else 0
        if now - lost.received >= max(LASTS, min(_LONGEST, int(usual * _TIMES))):
            memory.put(key, list(lost._replace(told=True)))
            fresh.setdefault(where, []).append((name, lost))
    for where, lost_now in fresh.items():
        service, _, host = where.rpartition("|")
        names = ", ".join(name for name, _ in lost_now[:_SHOWN])
        yield Signal(
            detector="servers", fingerprint=f"servers|{where}", cls="external_api_down", severity="medium",
            title="a server is lost to its balancer and does not come back",
            at=min(lost.at for _, lost in lost_now), last_at=max(lost.at for _, lost in lost_now),
            service=service, host=host, count=len(lost_now), remedies=("restart_service",), unanswered=True,
            cause=f"{names} fails the balancer's checks; the others serve in its place",
            objects=tuple((name, now) for name, _ in lost_now[:_SHOWN]),
            evidence=tuple(_unpack(lost.line, service, host) for _, lost in lost_now[:_SHOWN]))


def _over(memory: Memory, changed: dict[str, Record | None], now: int) -> Iterable[Signal]:
    """Yield the balancers to which nothing is lost any more."""
    for key, lost in _lost(memory):
        if now - lost.received > _GONE or (lost.doubted and now - lost.doubted >= _AGAIN):
            memory.drop(key)
            if lost.told:
                changed.setdefault(key[5:].rpartition("|")[0], None)
    for where in changed:
        if not any(lost.told for _, lost in _lost(memory, where)):
            service, _, host = where.rpartition("|")
            yield Signal(detector="servers", fingerprint=f"servers|{where}", cls="external_api_down",
                         severity="medium", title="no server is lost any more", at=now, last_at=now,
                         state="cleared", service=service, host=host)


def _lost(memory: Memory, where: str = "") -> list[tuple[str, _Lost]]:
    begin = f"lost|{where}|" if where else "lost|"
    return [(key, _Lost(*stored)) for key, stored in memory.items() if key.startswith(begin)]


def _pack(record: Record) -> list[Any]:
    return [record.id, record.at, record.message[:_TEXT], record.source, record.line]


def _unpack(stored: list[Any], service: str, host: str) -> Evidence:
    key, at, text, source, line = stored
    return Evidence(id=key, kind="record", at=at, text=text, service=service, host=host, source=source,
                    line=line)
