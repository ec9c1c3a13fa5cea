"""Which message goes to which channel, and putting it in the outbox. From worker and api; to store.outbox."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncConnection

from ..config import ServerConfig
from ..domain.incident import Change, Incident
from ..domain.remedy import Remedy
from ..domain.signal import LOUD
from ..hush import never_told
from ..store import casefile, outbox, remedies
from .message import Event, body

_EVENTS: dict[str, Event] = {"opened": "incident.opened", "reopened": "incident.reopened",
                             "resolved": "incident.resolved"}
#: How a host's word alone ends a remedy; acts are told of once their verdict is passed.
TOLD_AT_ONCE = frozenset({"refused", "simulated"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Channels:
    """What is configured. With none, nothing is ever written to the outbox."""

    names: tuple[str, ...] = ()
    public_url: str | None = None

    @classmethod
    def of(cls, config: ServerConfig) -> Channels:
        """Return the configured channels."""
        names = [name for name, url in (("slack", config.slack_webhook_url), ("webhook", config.webhook_url))
                 if url is not None and url.get_secret_value()]
        return cls(names=tuple(names), public_url=config.public_url)


def wanted(event: Event, channels: Sequence[str], *, resolved: bool = False) -> tuple[str, ...]:
    """Return the channels for an event; people are not told twice of a repair that ended its incident."""
    if event == "remedy.outcome" and resolved:
        return tuple(name for name in channels if name != "slack")
    return tuple(channels)


async def of_change(conn: AsyncConnection, account_id: str, change: Change, channels: Channels) -> bool:
    """Store what people are to know of a change; call it after the change and its remedies are written."""
    event = _EVENTS.get(change.kind)
    note = "; ".join(filter(None, (change.partly, change.despite))) or None
    if change.kind == "unsilenced":
        event = "incident.opened" if never_told(change.incident) else "incident.reopened"
        note = change.reason
    if graver(change):
        event, note = "incident.worsened", "; ".join(filter(None, (note, change.news))) or None
    if event is None or not channels.names:
        return False
    return await of_incident(conn, account_id, change.incident, event, at=change.at, channels=channels,
                             note=note)


def headed(change: Change, row: Incident) -> Change:
    """Return the change under the heading that its incident has at the end of the round.

    A message carries the latest analysis, and whoever reads it looks at the list and at the incident: all are
    to call it the same. What the change itself did, and how grave it was then, stays.
    """
    return replace(change, incident=replace(
        change.incident, title=row.title, cls=row.cls, service=row.service, host=row.host,
        services=row.services, hosts=row.hosts, root_cause=row.root_cause, confidence=row.confidence))


def graver(change: Change) -> bool:
    """Say whether a trouble has become high or critical, or a further one of that kind is found in it.

    What made it so must not be what is silenced in it; and so it is told what explains the trouble, where
    that is another than people heard.
    """
    if change.news and not change.worse:
        return change.incident.service not in change.silenced
    return any(each.fingerprint in change.worse and each.severity in LOUD
               and each.service not in change.silenced for each in change.signals)


async def of_incident(conn: AsyncConnection, account_id: str, incident: Incident, event: Event, *, at: int,
                      channels: Channels, note: str | None = None) -> bool:
    """Store a message about an incident as it is now, unless it is silenced; say whether one was stored."""
    if not channels.names or incident.silenced_by is not None:
        return False
    content = body(event, at=at, incident=incident, public_url=channels.public_url, note=note,
                   written=await casefile.latest_analysis(conn, account_id, incident.id),
                   evidence=await casefile.evidence_of(conn, account_id, incident.id),
                   remedies=await remedies.of_incident(conn, account_id, incident.id))
    stored = False
    for name in wanted(event, channels.names):
        stored |= await outbox.enqueue(conn, account_id, channel=name, kind=event, at=at, body=content,
                                       dedup_key=f"{event}:{incident.id}:{at}:{name}")
    return stored


async def of_remedy(conn: AsyncConnection, account_id: str, remedy: Remedy, incident: Incident | None, *,
                    at: int, channels: Channels, resolved: bool = False) -> bool:
    """Store a message about how a remedy ended."""
    names = wanted("remedy.outcome", channels.names, resolved=resolved)
    if not names:
        return False
    written = await casefile.latest_analysis(conn, account_id, incident.id) if incident else None
    content = body("remedy.outcome", at=at, incident=incident, remedies=[remedy], written=written,
                   public_url=channels.public_url)
    verdict = (remedy.outcome or {}).get("verdict")
    stored = False
    for name in names:
        stored |= await outbox.enqueue(conn, account_id, channel=name, kind="remedy.outcome", at=at,
                                       body=content,
                                       dedup_key=f"remedy:{remedy.id}:{remedy.status}:{verdict}:{name}")
    return stored
