"""One round of detection: read, fold, write. From worker; between store, pipeline, heal and notify."""
from __future__ import annotations

import logging
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlalchemy.ext.asyncio import AsyncConnection

from .config import ServerConfig
from .correlate.doubt import despite, newly_held
from .crash import crashpoint
from .domain.analysis import Offer
from .domain.incident import Change, Incident
from .domain.known import Known
from .domain.lesson import Lesson
from .domain.record import SECOND, Batch
from .domain.silence import Silence
from .heal import approve, expire, propose, resolve, switch
from .hush import Scene, hushed, remembered
from .notify import route
from .notify.route import Channels
from .pipeline import Settings, State, fold, known_of
from .store import batches, casefile, heads, hosts, incidents, lessons, remedies, silences, timeline
from .store.heads import Head
from .store.incidents import Stale

log = logging.getLogger(__name__)

#: Batches folded in one transaction.
GROUP = 20
#: Verdicts may be owed for this long after an act ended.
OWED = 600 * SECOND


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What a round starts from. Without batches it is a tick of time."""

    head: Head
    batches: tuple[Batch, ...]
    incidents: tuple[Incident, ...]
    offers: tuple[Offer, ...]
    silences: tuple[Silence, ...] = ()
    lessons: tuple[Lesson, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Folded:
    """What the fold made of a view; `skipped` batches were folded without what made the fold fail.

    `held` are the fingerprints that a lesson kept from opening an incident.
    """

    state: State
    text: str
    cursor: int
    changes: tuple[Change, ...]
    skipped: int
    held: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """Who is to be woken after the commit; `owed` verdicts had to wait."""

    owed: bool = False
    hosts: frozenset[str] = frozenset()
    remedies: tuple[str, ...] = ()
    messages: bool = False


def new_id() -> str:
    """Return a new incident's id."""
    return f"inc_{secrets.token_hex(6)}"


def parsed(account_id: str, text: str | None) -> State:
    """Return the stored state; one that cannot be read is begun anew, for detection must go on."""
    if not text:
        return State.empty()
    try:
        return State.from_json(text)
    except Exception:  # whatever is wrong with it: open incidents are in their own rows
        log.exception("account %s: the detection state cannot be read and is begun anew", account_id,
                      extra={"action": "state_lost"})
        return State.empty()


def last_fired(state: State) -> dict[str, int]:
    """Return when detection last saw each incident firing; fresher than the incidents' rows."""
    return {incident_id: case.last_at for incident_id, case in state.cases.items()}


async def read(conn: AsyncConnection, account_id: str, now: int, settings: Settings) -> View | None:
    """Return what there is to fold, or None for an account that never sent anything."""
    head = await heads.load(conn, account_id)
    if head is None:
        return None
    waiting = await batches.after(conn, account_id, head.cursor, GROUP) if head.lag else []
    return View(head=head, batches=tuple(waiting), offers=await hosts.offers(conn, account_id),
                silences=await silences.standing(conn, account_id, now),
                lessons=tuple(await lessons.listed(conn, account_id, now)),
                incidents=await incidents.active(conn, account_id, resolved_since=now - settings.reopen))


def fold_all(state: State, view: View, now: int, settings: Settings, listening: int = 0) -> Folded:
    """Fold the view's batches one after the other, or a tick; each sees the incidents as left by the last.

    `listening`: since when this worker has waited for the account's batches.
    """
    settings = replace(settings, lessons={lesson.fingerprint: lesson for lesson in view.lessons})
    present, doubts = {incident.id: incident for incident in view.incidents}, state.doubts
    changes: list[Change] = []
    cursor, skipped = view.head.cursor, 0
    tick = Batch(account_id="", head=cursor, received_at=now)
    for given in view.batches or (tick,):
        batch = replace(given, listening=listening)
        state, found, whole = _tried(state, batch, tuple(present.values()), view.offers, now, settings)
        skipped += not whole
        scene = Scene(silences=view.silences, cases=state.cases, quiet=settings.quiet,
                      known=known_of(state, settings) if view.silences else Known())
        at = state.clock if view.batches else now
        if view.lessons:
            found = tuple(replace(each, despite=despite(each, view.lessons, at)) for each in found)
        silent = {incident.id for incident in present.values() if incident.silenced_by is not None}
        found = tuple(hushed(found, present, scene, at))
        present.update({change.incident.id: change.incident for change in found})
        told = frozenset(each.incident.id for each in found if each.kind == "unsilenced") & silent
        state = replace(state, cases=remembered(state.cases, present.values(), scene, at, told))
        changes += found
        cursor = batch.head
    held = newly_held(doubts, state.doubts, settings.lessons, now) if view.lessons else ()
    state, text = state.saved() if view.batches or changes else (state, "")
    return Folded(state=state, text=text, cursor=cursor,
                  changes=tuple(changes), skipped=skipped, held=held)


def _tried(state: State, batch: Batch, present: tuple[Incident, ...], offers: tuple[Offer, ...], now: int,
           settings: Settings) -> tuple[State, tuple[Change, ...], bool]:
    """Fold one batch; if that fails, without its text, then without its numbers: the queue never sticks.

    The fold is pure, so trying the same again would fail the same; less is tried instead.
    """
    less = (batch, replace(batch, records=()), replace(batch, records=(), points=()),
            replace(batch, records=(), points=(), counts=()))
    for number, part in enumerate(less):
        try:
            after, changes = fold(state, part, present, offers, now, settings, new_id)
        except Exception:  # a detector's fault: loud, counted, and detection goes on
            log.exception("batch %d of account %s could not be folded (part %d of %d)", batch.head,
                          batch.account_id, number + 1, len(less), extra={"action": "fold_failed"})
        else:
            return after, changes, number == 0
    return state, (), False


async def write(conn: AsyncConnection, account_id: str, view: View, folded: Folded, *, channels: Channels,
                config: ServerConfig) -> Written:
    """Commit one round: cursor, state, changes, remedies, messages. Raise Stale if anything was outrun."""
    crashpoint("worker.begun")
    await incidents.apply(conn, account_id, folded.changes, view.incidents)
    crashpoint("worker.applied")
    asked: set[str] = set()
    messages = False
    dry_run, _ = await switch.of(conn, account_id, config) if folded.changes else (True, "default")
    for change in folded.changes:
        if change.kind == "resolved":
            await approve.cancel_waiting(conn, account_id, change.incident.id, now=change.at,
                                         reason="the incident is resolved")
        asked |= await _propose(conn, account_id, change, dry_run)
        if folded.skipped:
            await timeline.add(conn, account_id, change.incident.id, at=change.at, kind="skipped",
                               actor="sra", text="a batch could not be read whole; see the server's log")
    rows = {change.incident.id: change.incident for change in folded.changes}
    for change in folded.changes:  # after all remedies: a message tells of those too
        told = route.headed(change, rows[change.incident.id])
        messages |= await route.of_change(conn, account_id, told, channels)
    crashpoint("worker.told")
    await lessons.held(conn, account_id, folded.held, folded.state.clock)
    # last, for ingest waits for this row until the commit
    text = folded.text or folded.state.to_json()
    if not await heads.save(conn, account_id, was=view.head.cursor, cursor=folded.cursor, state=text):
        raise Stale("another worker folded this account")
    crashpoint("worker.commit")
    return Written(hosts=frozenset(asked), messages=messages)


async def _propose(conn: AsyncConnection, account_id: str, change: Change, dry_run: bool) -> set[str]:
    if change.incident.silenced_by is not None:
        return set()
    if change.kind == "unsilenced":  # what would help was found during the silence, and nobody was asked
        written = await casefile.latest_analysis(conn, account_id, change.incident.id)
        change = replace(change, analysis=written.analysis if written else None)
    if change.analysis is None:
        return set()
    if change.silenced:  # nobody is asked for what is silenced itself
        change = replace(change, analysis=replace(change.analysis, recommendations=tuple(
            wish for wish in change.analysis.recommendations if wish.service not in change.silenced)))
    present = await remedies.of_incident(conn, account_id, change.incident.id)
    made = propose.of_change(change, present, dry_run=dry_run)
    for remedy in made:
        await remedies.create(conn, account_id, remedy)
        await timeline.add(conn, account_id, change.incident.id, at=change.at, kind="proposed", actor="sra",
                           text=f"{remedy.action} of {remedy.service} would help: "
                                f"asking {remedy.host} for its plan", data={"remedy_id": remedy.id})
    return {remedy.host for remedy in made}


async def to_follow(conn: AsyncConnection, account_id: str, now: int) -> bool:
    """Say whether a remedy waits too long or is owed a verdict."""
    under_way = await remedies.in_status(conn, account_id, expire.UNDER_WAY)
    if any(expire.ended(remedy, now) is not remedy for remedy in under_way):
        return True
    ended = await remedies.in_status(conn, account_id, resolve.JUDGED, since=now - OWED)
    return any(resolve.undecided(remedy) for remedy in ended)


async def follow(conn: AsyncConnection, account_id: str, now: int, fired: Mapping[str, int], *,
                 channels: Channels) -> Written:
    """End what waits too long, pass the verdicts that are due, and tell of both."""
    told: list[str] = []
    messages = owed = False
    for remedy in await expire.sweep(conn, account_id, now):
        told.append(remedy.id)
        if remedy.status != "unknown" and not (remedy.approved_by or remedy.preapproved_by):
            continue  # nobody wanted it, so nobody waits for word of it
        incident = await incidents.get(conn, account_id, remedy.incident_id) if remedy.incident_id else None
        messages |= await route.of_remedy(conn, account_id, remedy, incident, at=now, channels=channels)
    for remedy in await remedies.in_status(conn, account_id, resolve.JUDGED, since=now - OWED):
        if not resolve.undecided(remedy):
            continue
        settled = await resolve.settle(conn, account_id, remedy, now, fired)
        if settled is None:
            owed = True
            continue
        told.append(remedy.id)
        messages |= await route.of_remedy(conn, account_id, settled.remedy, settled.incident, at=now,
                                          channels=channels, resolved=settled.resolved)
        if settled.resolved and settled.incident is not None:
            messages |= await route.of_incident(conn, account_id, settled.incident, "incident.resolved",
                                                at=now, channels=channels)
    return Written(remedies=tuple(told), messages=messages, owed=owed)
