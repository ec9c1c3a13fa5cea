"""GET /logs: search what is stored, newest first. To store.records."""
from __future__ import annotations

import base64
import binascii
import re
from datetime import datetime
from typing import Annotated

from pydantic import Field, TypeAdapter, ValidationError

from sra_sdk.errors import BadInput
from sra_sdk.lines.level import NAME, NUMBER
from sra_sdk.models import Incoming, LogsOut, RecordOut, Timestamp
from sra_sdk.models.ingest import LevelName, Text
from sra_server.store import records
from sra_server.store.records import Filter, Found, Key

from .arrival import micros
from .auth import moment
from .route import Call, Route

_AGO = re.compile(r"(\d{1,6})\s*(s|m|h|d|w)")
_UNIT = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_TIME: TypeAdapter[datetime] = TypeAdapter(Timestamp)


class LogsQuery(Incoming):
    """What to look for. Times are RFC 3339 or how long ago: 45s, 15m, 2h, 7d."""

    service: str | None = Field(None, max_length=200)
    host: str | None = Field(None, max_length=200)
    level: LevelName | None = Field(None, description="This level and those above it.")
    q: Annotated[Text, Field(max_length=1000)] | None = Field(
        None, description="Part of the message, in any case.")
    since: str | None = Field(None, max_length=40, description=(
        f"Not older than this. Without it, what was received in the last {records.RECENT_DAYS} days."))
    until: str | None = Field(None, max_length=40)
    limit: int = Field(100, ge=1, le=1000)
    cursor: str | None = Field(None, max_length=200, description="next_cursor of the page before.")


async def search(call: Call) -> LogsOut:
    """Return the records that fit, the last received first."""
    query: LogsQuery = call.query
    now = call.now()
    wanted = Filter(
        service=query.service, host=query.host, text=query.q or None,
        level=NUMBER[query.level] if query.level is not None else None,
        since=_instant("since", query.since, now), until=_instant("until", query.until, now))
    before = _decode(query.cursor) if query.cursor else None
    async with call.store.reading() as conn:
        found = await records.search(conn, call.principal.account_id, wanted, limit=query.limit + 1, now=now,
                                     before=before)
    page = found[:query.limit]
    more = len(found) > query.limit
    return LogsOut(logs=[_shown(one) for one in page], next_cursor=_encode(page[-1].key) if more else None)


def _instant(name: str, text: str | None, now: int) -> int | None:
    """Return the time that `15m` or an RFC 3339 text means, or raise BadInput."""
    if not text:
        return None
    ago = _AGO.fullmatch(text.strip())
    if ago:
        return max(0, now - int(ago[1]) * _UNIT[ago[2]] * 1_000_000)
    try:
        # a "+" of an offset that was not percent-encoded arrives as a space
        return micros(_TIME.validate_python(text.strip().replace(" ", "+") if "T" in text else text))
    except ValidationError:
        message = "must be a time like 2026-01-31T12:00:00Z or how long ago, like 15m"
        raise BadInput(f"{name}: {message}", code="bad_timestamp",
                       errors=[{"field": name, "message": message}]) from None


def _encode(key: Key) -> str:
    return base64.urlsafe_b64encode(".".join(map(str, key)).encode()).decode().rstrip("=")


def _decode(cursor: str) -> Key:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        text = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
        day, ticket, line = (int(part) for part in text.split("."))
        if not all(0 <= part < bound for part, bound in ((day, 2**31), (ticket, 2**63), (line, 2**31))):
            raise ValueError(text)
    except (ValueError, binascii.Error):
        raise BadInput("cursor: not one that this server gave", code="bad_cursor",
                       errors=[{"field": "cursor", "message": "not one that this server gave"}],
                       hint="leave it out to begin with the newest") from None
    return day, ticket, line


def _shown(one: Found) -> RecordOut:
    return RecordOut(
        id=one.id, timestamp=moment(one.at), received_at=moment(one.received_at), level=NAME[one.level],
        message=one.message, service=one.service, host=one.host, source=one.source, trace_id=one.trace_id,
        metadata=one.metadata)


ROUTES = (
    Route(method="GET", path="/logs", handler=search, summary="Search stored logs, newest first", tag="Logs",
          scope="read", query=LogsQuery, answer=LogsOut),
)
