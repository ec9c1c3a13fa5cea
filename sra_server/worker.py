"""Detection at work: folds each account's new batches and writes what changes, in one transaction.

From app; between the store and `pipeline.fold`. Cursor, state, incidents, proposed remedies and messages
are committed together, so a worker that dies anywhere leaves either all of a step or nothing, and the
next one does it again with the same result. People and hosts act at the same time: whoever changed an
incident first wins, and the worker reads again and folds again.
"""
from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TypeVar

from sra_sdk.errors import SraError

from . import rounds
from .context import Context
from .crash import crashpoint
from .detect import with_catalogue
from .detect.catalogue import load_with
from .domain.record import SECOND
from .notify.route import Channels
from .pipeline import Settings, State
from .store import heads, incidents, lessons, remedies
from .store.incidents import Stale
from .tenancy import Tenancy

T = TypeVar("T")

log = logging.getLogger(__name__)

#: Time passes for troubles and remedies this often; batches are looked for this often without a wake-up.
TICK = 2 * SECOND
#: And for remedies this often while a verdict is owed.
OWED = SECOND // 4
LOOK = 1.0
#: A stopping worker takes so long to give its leases back.
LEAVE = 2.0
#: A step that caught up is followed by a rest as long as itself, within these, so that batches gather.
REST = (0.25, 1.0)
#: How often a step is begun anew because somebody else changed its incident.
TRIES = 5
#: Remedies that ended this long ago may still be owed a verdict.
VERDICTS = 600 * SECOND
_STATES = 200
#: Whoever was not heard when the worker began is looked at after this; nobody is looked at more often than
#: each PATIENCE, unless something comes from him.
FIRST_LOOK = 300 * SECOND
PATIENCE = 30 * SECOND
#: A worker that was away for so long did not listen meanwhile.
AWAY = 60 * SECOND
_DUE = 20_000
#: That some series are not watched is told once and then this often, for it lasts; sooner, if they have
#: become so many times as many, but not while an account's hosts are still coming.
TELL, TELL_MORE, MANY_MORE = 24 * 3600 * SECOND, 3600 * SECOND, 1.5


@dataclass(slots=True)
class Counters:
    """What the worker did, for /metrics and the tests."""

    batches: int = 0
    ticks: int = 0
    conflicts: int = 0
    skipped: int = 0
    failed: int = 0
    lag: OrderedDict[str, int] = field(default_factory=OrderedDict)  # of the accounts last folded


class Worker:
    """Runs until cancelled; one per process."""

    def __init__(self, context: Context) -> None:
        config = context.config
        self._context, self._store = context, context.store
        self.tenancy = Tenancy(context.store)
        self._channels = Channels.of(config)
        loaded = load_with(config.signatures)
        for problem in loaded.problems:
            log.warning("own signatures in %s: %s; detection runs without this file", config.signatures,
                        problem, extra={"action": "bad_signatures"})
        for file in loaded.files:
            log.info("own signatures are read from %s", file, extra={"action": "own_signatures"})
        self._settings = Settings(quiet=int(config.quiet_seconds * SECOND),
                                  reopen=int(config.reopen_seconds * SECOND), depends_on=config.services,
                                  detectors=with_catalogue(loaded.catalogue))
        self._states: OrderedDict[str, tuple[str, State]] = OrderedDict()
        self._due: OrderedDict[str, int] = OrderedDict()  # account → when its silence will tell something
        self._held: OrderedDict[str, bool] = OrderedDict()  # accounts in which a lesson keeps something back
        # account → when its unwatched series were told, and how many they were
        self._told: OrderedDict[str, tuple[int, int]] = OrderedDict()
        self._listening = self._ticked = 0
        self.counters = Counters()

    async def run(self) -> None:
        """Detect until cancelled. The database being away is waited out; nothing is lost meanwhile."""
        try:
            await self._run()
        finally:
            try:
                async with asyncio.timeout(LEAVE):
                    await self.tenancy.leave()
            except (SraError, TimeoutError) as error:
                log.info("leases were left to run out: %s", error)

    async def _run(self) -> None:
        next_tick = next_follow = since = 0
        wakeups = self._store.wakeups
        while True:
            outcome = await wakeups.wait("outcomes", 0, since=since)
            since = wakeups.mark()
            began = self._context.clock()
            try:
                behind = await self._behind()
                worked = [await self._safely(account_id) for account_id in behind]
                if began >= next_tick:
                    next_tick = began + TICK
                    await self.tick(skip=frozenset(behind))
                if outcome or began >= next_follow:
                    next_follow = began + (OWED if await self.follow() else TICK)
            except SraError as error:
                log.warning("detection waits: %s", error.message, extra={"action": "detection_waits"})
                behind, worked = [], []
            except Exception:  # a fault of ours: loud, counted, and the worker goes on
                self.counters.failed += 1
                log.exception("detection failed", extra={"action": "worker_failed"})
                behind, worked = [], []
            took = (self._context.clock() - began) / SECOND
            if any(self.counters.lag.get(account_id) for account_id in behind) and any(worked):
                await asyncio.sleep(0)  # a whole group waits already: nothing is gained by gathering
            elif any(worked):
                await asyncio.sleep(min(max(took, REST[0]), REST[1]))
            else:
                if behind:  # others work on those, and each of their commits' wake-ups comes here, too
                    await asyncio.sleep(REST[0])
                await wakeups.wait("batches", LOOK, since=since)

    async def _behind(self) -> list[str]:
        async with self._store.reading() as conn:
            return await heads.behind(conn)

    async def tick(self, skip: frozenset[str] = frozenset()) -> None:
        """Let time pass for the accounts in which it matters; `skip` have just been folded."""
        now = self._context.clock()
        async with self._store.reading() as conn:
            troubled = await incidents.accounts_with_active(conn)
            if not self._listening:
                for account_id in await heads.known(conn):
                    self._expect(account_id, now + FIRST_LOOK)
                for account_id in await lessons.accounts_with_some(conn):
                    _latest(self._held, account_id, True, _DUE)
        if now - self._ticked > AWAY:
            # nobody can be called silent to whom nobody listened
            self._listening = now
        self._ticked = now
        self.counters.ticks += 1
        silent = [account_id for account_id, due in self._due.items() if due <= now]
        held = list(self._held)
        for account_id in dict.fromkeys((*troubled, *held, *silent)):
            if account_id not in skip:
                self._due.pop(account_id, None)
                self._held.pop(account_id, None)
                if not await self._safely(account_id) and account_id in silent:
                    self._due.setdefault(account_id, now + PATIENCE)

    async def follow(self) -> bool:
        """Follow the remedies of every account that has some; say whether verdicts had to wait."""
        async with self._store.reading() as conn:
            at_work = await remedies.accounts_at_work(conn, since=self._context.clock() - VERDICTS)
        return any([await self._safely(account_id, remedies_only=True) for account_id in at_work])

    async def _safely(self, account_id: str, *, remedies_only: bool = False) -> bool:
        """Do a step of one account; no account's trouble stops another's detection."""
        try:
            if remedies_only:
                return await self._follow(account_id)
            return await self.step(account_id)
        except SraError as error:
            log.warning("detection of account %s waits: %s", account_id, error.message)
        except Exception:  # a fault of ours in one account: loud, counted, and the others go on
            self.counters.failed += 1
            log.exception("detection of account %s failed", account_id, extra={"action": "step_failed"})
            await asyncio.sleep(REST[1])
        return False

    async def step(self, account_id: str) -> bool:
        """Fold what waits, or a tick of time; say whether batches were folded."""
        for _ in range(TRIES):
            if not await self.tenancy.enter(account_id):
                return False
            try:
                async with self.tenancy.kept(account_id):
                    return await self._round(account_id)
            except Stale:
                self.counters.conflicts += 1
        log.warning("account %s: an incident is being changed all the time; trying again", account_id)
        return True

    async def _round(self, account_id: str) -> bool:
        now = self._context.clock()
        async with self._store.reading() as conn:
            view = await rounds.read(conn, account_id, now, self._settings)
        if view is None:
            return False
        before = self._remembered(account_id, view.head.state)
        crashpoint("worker.read")
        folded = await asyncio.to_thread(rounds.fold_all, before, view, now, self._settings, self._listening)
        self._expect(account_id, folded.state.due, now + PATIENCE)
        if folded.state.holds:  # a person may forget the lesson, and waits for word
            _latest(self._held, account_id, True, _DUE)
        else:
            self._held.pop(account_id, None)
        _latest(self.counters.lag, account_id, max(0, view.head.lag - len(view.batches)), _STATES)
        if not view.batches and not folded.changes:
            return False
        async with self._store.writing(urgent=True) as conn:
            await self.tenancy.fence(conn, account_id)
            written = await rounds.write(conn, account_id, view, folded, channels=self._channels,
                                         config=self._context.config)
        crashpoint("worker.committed")
        self.counters.batches += len(view.batches)
        self.counters.skipped += folded.skipped
        self._remember(account_id, folded.text, folded.state)
        self._tell_unwatched(account_id, folded.state.unwatched, now)
        self._wake(account_id, written)
        return bool(view.batches)

    async def _follow(self, account_id: str) -> bool:
        """End remedies that wait too long, pass the verdicts that are due; say whether some must wait."""
        now = self._context.clock()
        async with self._store.reading() as conn:
            if not await rounds.to_follow(conn, account_id, now):
                return False
            head = await heads.load(conn, account_id)
        if not await self.tenancy.enter(account_id):
            return False
        fired = rounds.last_fired(self._remembered(account_id, head.state if head else None))
        try:
            async with self._store.writing(urgent=True) as conn:
                await self.tenancy.fence(conn, account_id)
                written = await rounds.follow(conn, account_id, now, fired, channels=self._channels)
        except Stale:
            self.counters.conflicts += 1
            return False
        self._wake(account_id, written)
        return written.owed

    def _remembered(self, account_id: str, text: str | None) -> State:
        """Return the state of a text, parsed once while it stays the same."""
        known = self._states.get(account_id)
        if known is not None and known[0] == (text or ""):
            return known[1]
        return rounds.parsed(account_id, text)

    def _remember(self, account_id: str, text: str, state: State) -> None:
        _latest(self._states, account_id, (text, state), _STATES)

    def _expect(self, account_id: str, due: int | None, earliest: int = 0) -> None:
        """Note when the account's silence will tell something, or that it never will."""
        if due is None:
            self._due.pop(account_id, None)
        else:
            _latest(self._due, account_id, max(due, earliest), _DUE)

    def _tell_unwatched(self, account_id: str, unwatched: dict[str, int], now: int) -> None:
        """Warn of series for which detection has no room: once, then daily, or when they are many more."""
        n, (at, told) = sum(unwatched.values()), self._told.get(account_id, (-TELL, 0))
        if n and now - at >= (TELL_MORE if n >= MANY_MORE * told else TELL):
            _latest(self._told, account_id, (now, n), _DUE)
            named = ", ".join(f"{n} of {name}" for name, n in sorted(unwatched.items()))
            log.warning("account %s has more series than detection remembers; not or only partly watched: %s",
                        account_id, named, extra={"action": "series_unwatched"})

    def _wake(self, account_id: str, written: rounds.Written) -> None:
        for host in sorted(written.hosts):
            self._store.wakeups.notify(f"host:{account_id}:{host}")
        for remedy_id in written.remedies:
            self._store.wakeups.notify(f"remedy:{account_id}:{remedy_id}")
        if written.messages:
            self._store.wakeups.notify("outbox")


def _latest(kept: OrderedDict[str, T], account_id: str, value: T, most: int) -> None:
    """Keep the value, and no more than so many, the latest."""
    kept[account_id] = value
    kept.move_to_end(account_id)
    while len(kept) > most:
        kept.popitem(last=False)
