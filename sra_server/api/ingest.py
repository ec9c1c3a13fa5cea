"""/ingest: take records and points in, answer after the commit. From applications, curl and agents.

A body with the headers X-SRA-Producer, X-SRA-Sequence and X-SRA-Digest is a sealed batch and is stored
exactly once, however often it is sent (decision 1). Without them every body is stored as it comes.
"""
from __future__ import annotations

import asyncio
import hashlib
import re

from aiohttp import web
from pydantic import Field

from sra_sdk.errors import BadInput
from sra_sdk.models import BatchIn, EndsOut, Incoming, IngestOut, LogsIn, MetricsIn, RawLogsIn, SnapshotIn
from sra_sdk.models.ingest import Name
from sra_server.crash import crashpoint
from sra_server.store import batches
from sra_server.store.batches import Seal

from . import arrival, fast
from . import body as bodies
from .arrival import Defaults, Rows
from .auth import moment
from .route import Call, Route

SOURCE_CHARACTERS = 1024
#: Raw bodies above this are parsed in a thread, so that other requests go on.
_IN_THREAD = 64 * 1024
_PRODUCER = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


class RawQuery(Incoming):
    """What serves raw lines that say nothing of themselves; for text/plain bodies."""

    service: Name | None = None
    host: Name | None = None
    source: Name | None = None


class EndsQuery(Incoming):
    """Whose end positions."""

    host: Name = Field(min_length=1)


async def logs(call: Call) -> IngestOut:
    """Store structured records."""
    raw, seal = await _read(call)
    now = call.now()
    quick = fast.logs(raw, now)
    if quick is not None:
        records, host = quick
        return await _store(call, Rows(given=len(records), records=records),
                            Defaults(host=host, received_at=now), seal)
    given = bodies.model(raw, LogsIn)
    defaults = Defaults(service=given.service or "", host=given.host or "", received_at=now)
    rows = Rows(given=len(given.logs), records=arrival.records(given.logs, defaults))
    return await _store(call, rows, defaults, seal)


async def raw_logs(call: Call) -> IngestOut:
    """Store raw lines; each is parsed, and kept as it is where that fails."""
    raw, seal = await _read(call, text=True)
    query: RawQuery = call.query
    given = _raw_body(call.request, raw)
    defaults = Defaults(service=given.service or query.service or "", host=given.host or query.host or "",
                        source=given.source or query.source, received_at=call.now())
    if len(raw) > _IN_THREAD:
        records = await asyncio.to_thread(arrival.raw, given, defaults)
    else:
        records = arrival.raw(given, defaults)
    # what was stored counts: lines that belong together are one record, blank ones none
    return await _store(call, Rows(given=len(records), records=records), defaults, seal)


async def metrics(call: Call) -> IngestOut:
    """Store metric values."""
    raw, seal = await _read(call)
    given = bodies.model(raw, MetricsIn)
    defaults = Defaults(service=given.service or "", host=given.host or "", received_at=call.now())
    rows = Rows(given=len(given.metrics), points=arrival.points(given.metrics, defaults))
    return await _store(call, rows, defaults, seal)


async def snapshot(call: Call) -> IngestOut:
    """Store the values of one instant."""
    raw, seal = await _read(call)
    given = bodies.model(raw, SnapshotIn)
    defaults = Defaults(service=given.service or "", host=given.host or "", received_at=call.now())
    points = arrival.snapshot(given.snapshot, defaults)
    return await _store(call, Rows(given=len(points), points=points), defaults, seal)


async def batch(call: Call) -> IngestOut:
    """Store what an agent sealed: records, points, end positions and the count of what it lost."""
    raw, seal = await _read(call)
    now = call.now()
    given: BatchIn | fast.Batch
    quick = fast.batch(raw, now)
    if quick is not None:
        given, records, points = quick
    else:
        given = model = bodies.model(raw, BatchIn)
        defaults = Defaults(host=model.host, received_at=now)
        records = arrival.records(model.logs, defaults)
        points = arrival.points(model.metrics, defaults)
    _check_names(given)
    return await _store(call, Rows(given=len(records) + len(points), records=records, points=points),
                        Defaults(host=given.host, received_at=now), seal, of=given)


def _check_names(given: BatchIn | fast.Batch) -> None:
    for source in given.ends:
        if not source or len(source) > SOURCE_CHARACTERS or "\x00" in source:
            raise arrival.wrong(f"ends.{source[:50]!r}",
                                f"a source must have 1 to {SOURCE_CHARACTERS} characters and no NUL")
    for reason, n in given.dropped.items():
        if not reason or len(reason) > 100 or n < 0:
            raise arrival.wrong(f"dropped.{reason[:50]!r}", "needs 1 to 100 characters and a count from 0 on")


async def ends(call: Call) -> EndsOut:
    """Tell an agent that lost its positions how far its sources are stored."""
    host: str = call.query.host
    async with call.store.reading() as conn:
        return EndsOut(host=host, ends=await batches.ends(conn, call.principal.account_id, host))


async def _read(call: Call, *, text: bool = False) -> tuple[bytes, Seal | None]:
    bodies.expect_json(call.request, or_text=text)
    # before its bytes are held
    call.store.group.admit(call.principal.account_id, bodies.announced(call.request))
    sent, raw = await bodies.read_both(call.request, limit=bodies.UNPACKED_LIMIT)
    return raw, _seal(call.request, sent, raw)


def _seal(request: web.Request, sent: bytes, raw: bytes) -> Seal | None:
    """Return the seal that the headers tell, or None without any; the digest must be the body's."""
    producer, number, digest = (request.headers.get(f"X-SRA-{name}") for name in
                                ("Producer", "Sequence", "Digest"))
    if producer is None and number is None and digest is None:
        return None
    if producer is None or not _PRODUCER.fullmatch(producer):
        raise _bad_seal("X-SRA-Producer must have 1 to 64 of A-Z a-z 0-9 _ . -")
    if number is None or not number.isascii() or not number.isdigit() or len(number) > 19 \
            or not 1 <= int(number) < 2**63:
        raise _bad_seal("X-SRA-Sequence must be a whole number from 1 on")
    digest = (digest or "").lower()
    if not _DIGEST.fullmatch(digest):
        raise _bad_seal("X-SRA-Digest must be the SHA-256 of the body in 64 hex digits")
    if digest != hashlib.sha256(raw).hexdigest() and digest != hashlib.sha256(sent).hexdigest():
        raise BadInput("X-SRA-Digest is not the SHA-256 of the body", code="digest_mismatch",
                       http_status=400, hint="the body was changed on its way: send it again")
    return Seal(producer=producer, sequence=int(number), digest=digest)


def _bad_seal(message: str) -> BadInput:
    return BadInput(message, code="bad_seal", http_status=400,
                    hint="a sealed batch has all three of X-SRA-Producer, -Sequence and -Digest")


def _raw_body(request: web.Request, raw: bytes) -> RawLogsIn:
    if request.content_type.startswith("text/"):
        lines = bodies.decode(raw).replace("\r\n", "\n").split("\n")
        if lines and not lines[-1]:
            lines.pop()
        return bodies.checked({"logs": lines}, RawLogsIn)
    if raw.lstrip()[:1] == b"[":
        return bodies.checked({"logs": bodies.parsed(raw)}, RawLogsIn)
    return bodies.model(raw, RawLogsIn)


async def _store(call: Call, rows: Rows, defaults: Defaults, seal: Seal | None,
                 of: BatchIn | fast.Batch | None = None) -> IngestOut:
    crashpoint("ingest.received")
    done = await batches.append(
        call.store, call.principal.account_id, records=rows.records, points=rows.points, seal=seal,
        received_at=defaults.received_at, host=defaults.host or None, ends=of.ends if of else None,
        dropped=of.dropped if of else None, size=call.request.content_length or 0)
    crashpoint("ingest.answer")
    return IngestOut(count=rows.given, duplicate=done.duplicate, gap=done.gap,
                     timestamp=moment(defaults.received_at))


def _ingest(path: str, handler: object, summary: str, body: object, **more: object) -> Route:
    return Route(method="POST", path=path, handler=handler, summary=summary, body=body,  # type: ignore[arg-type]
                 tag="Data Ingestion", scope="ingest", raw_body=True, answer=IngestOut,
                 errors=(400, 408, 409, 413, 415, 429, 503), **more)  # type: ignore[arg-type]


ROUTES = (
    _ingest("/ingest/logs", logs, "Send structured logs", LogsIn),
    _ingest("/ingest/logs/raw", raw_logs, "Send raw log lines", RawLogsIn, query=RawQuery),
    _ingest("/ingest/metrics", metrics, "Send metrics", MetricsIn),
    _ingest("/ingest/snapshot", snapshot, "Send a snapshot of metrics", SnapshotIn),
    _ingest("/ingest/batch", batch, "Send a sealed batch of an agent", BatchIn),
    Route(method="GET", path="/ingest/ends", handler=ends, summary="End positions of a host's sources",
          tag="Data Ingestion", scope="ingest", query=EndsQuery, answer=EndsOut),
)
