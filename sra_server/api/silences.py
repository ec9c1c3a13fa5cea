"""/silences: of which troubles nobody wants to be told for a while. From people; to store.silences."""
from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from pydantic import Field

from sra_sdk.errors import BadInput, Refused
from sra_sdk.models import Incoming, SilenceIn, SilenceOut, WindowIn

from ..domain.record import SECOND
from ..domain.signal import CLASSES
from ..domain.silence import Silence, Window
from ..present import silence_out
from ..store import silences
from ..store.parcel import DAY
from .route import Call, Route

#: Whoever plans further ahead has mistyped the year.
_AHEAD = 366 * DAY
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Listing(Incoming):
    """What a list of silences holds."""

    all: bool = Field(False, description="Also those that are over, for thirty days.")


def _wrong(field: str, message: str, hint: str) -> BadInput:
    return BadInput(f"{field}: {message}", code="bad_silence", hint=hint,
                    errors=[{"field": field, "message": message}])


def _window(given: WindowIn | None) -> Window | None:
    if given is None:
        return None
    try:
        ZoneInfo(given.timezone)
    except (KeyError, ValueError, OSError):
        raise _wrong("window.timezone", f"{given.timezone!r} is no time zone that this machine knows",
                     "give a name such as Europe/Berlin or UTC") from None
    hours, _, minutes = given.at.partition(":")
    return Window(every=given.every, minute=int(hours) * 60 + int(minutes), seconds=given.seconds,
                  timezone=given.timezone)


def wanted(given: SilenceIn, *, who: str, now: int) -> Silence:
    """Return the silence that a request asks for, or raise BadInput."""
    if not ((given.service or "").strip("*") or (given.host or "").strip("*") or given.class_):
        alone = "service" if given.service else "host" if given.host else ""
        raise _wrong(alone or "service", "a * alone would silence everything" if alone
                     else "one of service, host and class is needed",
                     "name a service, a host (such as web-*) or a class")
    if given.class_ is not None and given.class_ not in CLASSES:
        raise _wrong("class", f"{given.class_!r} is no class of trouble", f"use one of {', '.join(CLASSES)}")
    if given.seconds is None and given.window is None:
        raise _wrong("seconds", "how long is needed", "give seconds, or a window that recurs")
    starts = now if given.starts_at is None else (given.starts_at - _EPOCH) // timedelta(microseconds=1)
    ends = None if given.seconds is None else starts + given.seconds * SECOND
    if starts > now + _AHEAD:
        raise _wrong("starts_at", "it is more than 366 days ahead", "let it begin within a year")
    if ends is not None and ends <= now:
        raise _wrong("starts_at", "it would be over already", "let it end in the future")
    return Silence(id=f"sil_{secrets.token_hex(6)}", service=given.service or "", host=given.host or "",
                   cls=given.class_ or "", why=given.why, created_by=who, created_at=now, starts_at=starts,
                   ends_at=ends, window=_window(given.window))


async def create(call: Call) -> SilenceOut:
    """Begin a silence. Incidents that match are still opened and shown, but nobody is told of them.

    A trouble that is still there when the silence ends is told of then.
    """
    silence = wanted(call.body, who=call.principal.name, now=call.now())
    async with call.store.writing(urgent=True) as conn:
        if not await silences.add(conn, call.principal.account_id, silence):
            raise Refused(f"an account has at most {silences.LIMIT} silences that are not over",
                          code="silence_limit", http_status=409, hint="end one first: DELETE /silences/{id}")
    return silence_out(silence, call.now())


async def listing(call: Call) -> list[SilenceOut]:
    """List the silences that are not over, the newest first."""
    since = None if call.query.all else call.now()
    async with call.store.reading() as conn:
        found = await silences.listed(conn, call.principal.account_id, since=since)
    return [silence_out(silence, call.now()) for silence in found]


async def end(call: Call) -> SilenceOut:
    """End a silence now; what it kept quiet and is still there is told of within seconds."""
    account_id, silence_id = call.principal.account_id, call.path["silence_id"]
    async with call.store.writing(urgent=True) as conn:
        await silences.end(conn, account_id, silence_id, at=call.now(), who=call.principal.name)
        return silence_out(await silences.get(conn, account_id, silence_id), call.now())


ROUTES: tuple[Route, ...] = (
    Route(method="POST", path="/silences", handler=create, tag="Silences", scope="operate", body=SilenceIn,
          summary="Tell nobody of some troubles for a while", answer=SilenceOut, errors=(409,)),
    Route(method="GET", path="/silences", handler=listing, tag="Silences", scope="read", query=Listing,
          summary="List silences", answer=list[SilenceOut]),
    Route(method="DELETE", path="/silences/{silence_id}", handler=end, tag="Silences", scope="operate",
          summary="End a silence", answer=SilenceOut, errors=(404,)),
)
