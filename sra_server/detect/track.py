"""Track: the errors of one service, minute by minute, and whether they are a burst. From burst; pure.

A new service is learned quietly for its first minutes, unless it does little else than fail in each of them.
While a burst lasts its minutes are not learned, unless it lasts long; when nothing in it is news any more for
hours, it is habit; where a fifth fails of a service that was well, that takes three days. Bursts that were
over by themselves are noted, the brief ones apart, by which `patience` knows the like. What an outage is
(`outage`) is a burst, however few its errors are, and so is a failure that spreads slowly (`creep`) or goes
on where errors are rare (`sudden`).
"""
from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log10
from typing import NamedTuple

from ..domain.record import MINUTE
from .client import counted, others
from .counting import A_SECOND, many, rate, tail
from .creep import Creep, crept
from .habit import Past, learn
from .outage import Outage
from .sudden import Sudden, Usual

#: Fewer errors in a minute than one in four seconds wake nobody, however unusual.
FLOOR = 15
UNLIKELY = 1e-6
#: Who errs very unevenly is never surprised by one minute. Minutes in a row, each with so many times what is
#: usual (no tide of traffic rises so fast), count together: as the sum of -log10 of their probabilities.
_TIMES, _ROW, _TOGETHER = 5, 2, 8.0
QUIET_MINUTES = 3
#: New and broken: in each of three of its first minutes an error a second, and half of what it writes.
#: Dependencies that come up late cost a new service less than that. Where so many new ones are in a bad way
#: together, and write so much in a minute, each needs no more errors than a burst.
_FIRST, _BROKEN, MOSTLY = 5, 3, 0.5
_MANY, _MUCH = 6, 600
#: What happened so long before it was received is no first minute of now, but an old file.
_PAST = 10 * MINUTE
#: A minute weighs half after about two hours.
_FADE = 0.995
#: So many minutes before a run are a past of their own.
_SEEN = 10
#: A burst is learned after so many minutes, and habit once so many in a row are no news to what was learned.
_NORMAL_AFTER, USED = 30, 180
#: Where so great a part fails of who was well, as many as three days have: a weekend is no habit.
_ILL, _DAYS = 0.2, 3 * 24 * 60
#: A burst over so soon is brief; so many that were are noted.
BRIEF, _KEPT = 2, 4
#: What goes on where errors are rare has so many in a minute.
_HOLDS = 2
#: What is written in all is remembered for about 20 minutes: a tide is slower, and work on top comes at once.
_LINES = 0.05


class Heard(NamedTuple):
    """What one batch has of a service in one minute: errors, records in all, and the errors by client.

    `again` of the errors say that it is tried again; the others were written in these `seconds`.
    """

    n: int = 0
    all: int = 0
    clients: Mapping[str, int] = {}
    again: int = 0
    seconds: Sequence[int] = ()


class Track(NamedTuple):
    """One service: the running minute and its errors, the faded sums, and since when a burst lasts.

    `all` are its records of the minute, `before` those of the minute before; `clients` the errors of those
    who have most; `broken` how many of its latest minutes were, `ailing` how many nearly so; `born` that
    the burst began with the service, `usual` what a minute had before it; `used` for how many minutes it
    was no news any more; `peak` its greatest minute, `peaks` those of the latest brief ones; `row` minutes
    before this one were high, as unlikely as `sum` says; `mostly` that most failed in a minute of the burst.
    `lines` a minute were written before the burst, which was `begun` with the batch received then, and is
    `spoken` of; `percent` the greatest share of its minutes; `past` the bursts that it got over, each with
    its minute, seconds, greatest minute and share; `well` that it was before this one.
    """

    first: int
    minute: int
    n: int = 0
    minutes: float = 0.0
    total: float = 0.0
    squares: float = 0.0
    since: int = 0
    calm: int = 0
    all: int = 0
    before: int = 0
    clients: Mapping[str, int] = {}
    broken: int = 0
    born: int = 0
    usual: float = 0.0
    used: int = 0
    peak: int = 0
    row: int = 0
    sum: float = 0.0
    ailing: int = 0
    peaks: Sequence[int] = ()
    mostly: int = 0
    outage: Outage = Outage()
    lines: float = 0.0
    begun: int = 0
    spoken: int = 0
    percent: int = 0
    past: Past = ()
    well: int = 0
    creep: Creep = Creep()
    sudden: Sudden = Sudden()

    @property
    def ordinary(self) -> Usual:
        """Return what is known of the minutes before this one."""
        return Usual(self.minutes, self.total, self.squares, self.lines)

    @property
    def own(self) -> int:
        """Return the errors without those of the one client who has most, as long as others are served."""
        served = self.n < max(self.all, self.before) * MOSTLY
        return others(self.n, self.clients) if served and self.clients else self.n

    @property
    def share(self) -> float:
        """Return what part of its records errors are; that of a minute which only begins says little."""
        return self.own / max(self.all, self.before, 1)

    @property
    def floor(self) -> float:
        """Return how many errors a burst must have: more, the more is written."""
        return many(FLOOR, max(self.all, self.before))

    @property
    def holds(self) -> float:
        """Return how many errors a minute must have for a burst to go on: less than it took to begin."""
        if self.outage.told:
            return 1
        return max(_HOLDS, 2 * self.usual) if self.sudden.told else max(self.floor / 2, 2 * self.usual)

    @property
    def told(self) -> bool:
        """Say whether the minute is one of a burst that was not only waited for."""
        return bool(self.since and self.spoken) and self.own >= self.holds


def count(track: Track, minute: int, heard: Heard) -> Track:
    """Add errors of a minute; a later minute closes the running one, what comes too late is not of now."""
    if minute <= track.minute:
        return _added(track, heard) if minute >= track.minute - MINUTE else track
    gap = min(600, (minute - track.minute) // MINUTE)
    n = track.own
    lasting = track.since and (track.minute - track.since) // MINUTE < _NORMAL_AFTER
    track = _ended(track, n, gap, learned=not lasting)
    row = gap == 1 and _high(track, n)
    track = track._replace(row=track.row + 1 if row else 0, sum=track.sum + _rarity(track, n) if row else 0.0)
    track = track._replace(creep=crept(track.creep, track.minute, n, track.all))
    if not track.since:
        weight = 1.0 if not track.minutes else _LINES
        lines = track.lines + (track.all - track.lines) * weight
        track = track._replace(lines=lines * (1 - _LINES) ** (gap - 1))
    # the running minute, then the empty ones up to the new one
    if not lasting:
        track = track._replace(minutes=track.minutes * _FADE + 1, total=track.total * _FADE + n,
                               squares=track.squares * _FADE + n * n)
    if gap > 1:
        fade = _FADE ** (gap - 1)
        track = track._replace(minutes=track.minutes * fade + (1 - fade) / (1 - _FADE),
                               total=track.total * fade, squares=track.squares * fade)
    ill = gap == 1 and n >= max(FLOOR, track.all * MOSTLY)
    broken, ailing = track.broken + 1 if ill and n >= A_SECOND else 0, track.ailing + 1 if ill else 0
    track = track._replace(minute=minute, n=0, all=0, before=track.all if gap == 1 else 0, clients={},
                           broken=min(broken, _FIRST), ailing=min(ailing, _FIRST))
    return _added(track, heard)


def _ended(track: Track, n: int, gap: int, *, learned: bool) -> Track:
    """Return what became of a burst with its minute: it goes on, is over, or has become habit."""
    if not track.since:
        return track._replace(used=0) if track.used else track
    low = n < track.holds
    used = track.used + 1 if learned and not _news(track, n) and not track.outage.told else 0
    mostly = track.mostly or int(track.outage.missed(n, track.all))
    percent = track.percent if low else max(track.percent, round(100 * n / max(track.all, 1)))
    ill = track.well and n >= track.all * _ILL
    if gap > 2 or (low and track.calm) or used >= (_DAYS if ill else USED):
        over = gap > 2 or (low and track.calm > 0)
        # without the calm minutes at its end, by which it is known to be over
        lasted = (track.minute - track.since) // MINUTE + 1 - (track.calm + 1 if low else 0)
        brief, peak = lasted <= BRIEF, max(track.peak, n)
        noted = over and not mostly and not track.born
        peaks = [*track.peaks, peak][-_KEPT:] if noted and brief else track.peaks
        past = track.past
        if noted and not brief and percent < 100 * MOSTLY:
            past = learn(past, track.since, track.since + lasted * MINUTE, peak, percent)
        return track._replace(since=0, calm=0, born=0, usual=0.0, peak=0, peaks=peaks, mostly=0, begun=0,
                              spoken=0, percent=0, past=past, well=0, used=0 if over else USED,
                              creep=track.creep if over else Creep(),
                              sudden=track.sudden if over else Sudden())
    return track._replace(calm=track.calm + 1 if low else 0, used=used, peak=max(track.peak, n),
                          mostly=mostly, percent=percent)


def _news(track: Track, n: int) -> bool:
    """Say whether so many errors are what nothing that was learned explains."""
    return n >= track.floor and tail(n, track.total, track.squares, track.minutes) < UNLIKELY


def _high(track: Track, n: int) -> bool:
    return n >= max(track.floor, _TIMES * rate(track.total, track.minutes))


def _rarity(track: Track, n: int) -> float:
    return -log10(max(tail(n, track.total, track.squares, track.minutes), UNLIKELY))


def _added(track: Track, heard: Heard) -> Track:
    clients = track.clients
    for who, n in heard.clients.items():
        clients = counted(clients, who, n)
    return track._replace(n=track.n + heard.n, all=track.all + heard.all, clients=clients)


def judge(track: Track, *, now: int) -> Track:
    """Say whether the running minute begins a burst, or goes on with one; `now` is when it was received."""
    n = track.own
    if track.since:
        return track._replace(calm=0) if n >= track.holds else track
    if track.broken >= _BROKEN and _young(track, now):
        return _born(track)
    usual = rate(track.total, track.minutes)
    if track.creep.told and n >= track.floor / 2:
        usual = min(usual, track.creep.least * max(track.all, track.before))
        return _begun(track, usual, now)
    if (track.outage.told and n) or (track.sudden.told and n >= max(_HOLDS, track.n / 2)):
        return _begun(track, usual, now)
    age = (track.minute - track.first) // MINUTE
    lasts = track.row >= _ROW and _high(track, n) and track.sum + _rarity(track, n) >= _TOGETHER
    if age >= QUIET_MINUTES and (lasts or _news(track, n) or _just_begun(track, n)):
        return _begun(track, usual, now)
    return track


def _just_begun(track: Track, n: int) -> bool:
    """Say whether the errors are news beside what was before their run.

    A run that begins late in a minute, with too few errors to be told, would else be the past of the next.
    """
    run = track.sudden
    fresh = bool(run.since) and track.minute - run.since <= MINUTE and run.minutes >= _SEEN
    return fresh and n >= track.floor and tail(n, run.total, run.squares, run.minutes) < UNLIKELY


def _begun(track: Track, usual: float, now: int) -> Track:
    return track._replace(since=track.minute, usual=usual, begun=now, spoken=0, well=int(track.outage.well))


def together(tracks: Mapping[str, Track], *, now: int) -> dict[str, Track]:
    """Return those of some services that are new and in a bad way, if they are many, as in a burst."""
    ailing = {key: track for key, track in tracks.items()
              if not track.since and track.ailing >= _BROKEN and _young(track, now)}
    if len(ailing) < _MANY or sum(track.before for track in ailing.values()) < _MUCH:
        return {}
    return {key: _born(track) for key, track in ailing.items()}


def present(minute: int, now: int) -> bool:
    """Say whether a minute is one of now, and not of an old file."""
    return now - minute <= _PAST


def _young(track: Track, now: int) -> bool:
    return track.minute - track.first <= _FIRST * MINUTE and present(track.minute, now)


def _born(track: Track) -> Track:
    """Return a burst that began with the service; what was learned of it so far is none of its habits."""
    return track._replace(since=track.minute, born=1, usual=0.0, total=0.0, squares=0.0, spoken=1)
