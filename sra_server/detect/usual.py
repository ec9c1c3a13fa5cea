"""Usual: are the matches of a signature more than what is usual here, and a real part of what is done?

From signatures, for those with `habit`; to its signals. That something far away does not answer happens
every day: one request of a thousand fails, a crawler meets dead sites, a client tries again and succeeds.
So a match fills a vessel, and what else the service writes empties it: from nothing but failures it is
full at `count` of them, from failures that are fewer than the share only if so many come at once. And once a
service was watched for a while, its matches must be unlikely and clearly more, compared with its own past,
unless most of its requests fail for half a minute. A new service that was well for its first minutes has
that much of a past: what is unlikely beside it need be no large share. What is a trouble is not learned for
its first half hour, and goes on until its rate is what it was before.
"""
from __future__ import annotations

from bisect import bisect_left
from itertools import groupby
from typing import NamedTuple

from ..domain.record import MINUTE, SECOND
from .counting import rate, tail
from .memory import Memory
from .past import (
    CLEARLY,
    LEARN,
    MOSTLY,
    OCCASIONS,
    SHARE,
    SHARE_LEARNED,
    UNLIKELY,
    Past,
    closed,
    outage,
    over,
    recent,
    unusual,
    weak,
)
from .scatter import AT_ONCE, LASTS, Match, weighed
from .traffic import Heard, Traffic

#: A new service was well at first if it was for so long; where the signs are weak a large part must fail.
_WELL_AT_FIRST, _PART = 2 * MINUTE, 1 / 3
#: Where a small part fails, it must have written so many times as much as in its latest minute.
_BEFORE = 2.25
#: Of much traffic more matches are wanted, for they come quickly: so many for each record of a minute ...
_OF_TRAFFIC = 0.005
#: ... but never more than would be a burst of errors.
_MOST = 15
#: Of such weak signs so many times as many are wanted until there is a past.
_WEAK_NEW = 3
#: Where a while passed between two matches and so many other records were written, all was well meanwhile.
#: What a restart brought elsewhere is no beginning of what fails then.
_WELL = 20
#: What a match usually weighs is known of so many.
_WEIGHED = 50
#: From this share on a large part fails. It is that of the latest seconds (a record counts half after so
#: many), with so many records that did not fail beside them: few failures say little of a share.
LARGE, _HALF, _BESIDE = 0.2, 5 * SECOND, 4
#: Backends that are restarted one after the other leave such breaks between their failures.
_BREAK = LASTS // 2
#: The vessel holds no more.
_FULL = 1000.0
#: A few other lines between the matches take nothing away that matters.
_NEARLY = 0.25


class Verdict(NamedTuple):
    """Whether a trouble goes on, whether a large part fails, and whether most of the signs are weak.

    `everyday`: it happened in several minutes before, so that by itself it is a sign of nothing. `need`: so
    many matches of one object within a minute are more than is usual of all.
    """

    firing: bool
    large: bool
    weak: bool
    everyday: bool
    need: float


class Rule(NamedTuple):
    """What a signature asks for: so many matches, none later than the window after the one before."""

    asked: int
    window: int


def judge(memory: Memory, fingerprint: str, rule: Rule, matches: list[Match], known: Heard, *,
          enough: bool, earlier: list[int] | None, fired: bool,
          beside: list[tuple[int, int]]) -> Verdict:
    """Return what the matches of one batch, in order of time, mean beside the past of their fingerprint.

    `enough`: there are `count` within the window. `earlier`: when those before them were; None if there were
    none, or all was forgotten. `fired`: they were enough before. `beside`: when the other
    records of the batch were written of which that is known, and their places in it, in order.
    """
    key = f"habit|{fingerprint}"
    stored = memory.get(key)
    traffic = known.traffic
    habit = Past(*stored) if stored else Past(
        last=0, minute=traffic.first, read=traffic.total - sum(known.brought.values()))
    if not stored and earlier:
        # as an earlier release remembers it
        habit = habit._replace(last=earlier[-1], minute=earlier[-1] - earlier[-1] % MINUTE, n=len(earlier),
                               level=len(earlier), since=earlier[0] if fired else 0)
    if earlier is None:
        # what was excused is no habit either
        habit = over(habit)._replace(n=0.0, before=0.0)
    left = dict(sorted(known.brought.items()))
    unseen = max(0, traffic.total - sum(left.values()) - habit.read)
    for minute, group in groupby(matches, key=lambda each: each.at - each.at % MINUTE):
        these = list(group)
        others = unseen + sum(left.pop(each) for each in list(left) if each < minute)
        unseen = 0
        if others >= _WELL and these[0].at - habit.last >= LASTS:
            passed = not habit.lasting and not habit.since and not any(
                each.place == name for name, *_ in habit.places for each in these)
            habit = over(habit) if passed else habit._replace(began=0)
        habit = _leaked(habit, others, traffic)
        if abs(these[0].at - habit.last) > rule.window * SECOND:
            habit = over(habit._replace(n=0.0, before=0.0) if outage(habit) else habit)
        habit = closed(habit, minute, traffic)
        known_others = beside[bisect_left(beside, (minute, 0)):bisect_left(beside, (minute + MINUTE, 0))]
        runs = _runs(these, known_others)
        # of the others of the minute nobody knows when: as many before and after the runs as between them
        rest = max(0, left.pop(minute, 0) - len(these) - len(known_others))
        gap = rest / (len(runs) + 1)
        for before, run in runs:
            habit = _filled(_leaked(habit, before + gap, traffic), run, traffic)
            if enough and not habit.since and _full(habit, rule, traffic) and unusual(habit, traffic):
                habit = habit._replace(since=minute, calm=0, usual=rate(habit.total, habit.minutes))
        after = len(known_others) - bisect_left(known_others, (these[-1].at, these[-1].nth))
        habit = _leaked(habit, after + gap, traffic)
    if matches:
        memory.put(key, list(habit._replace(read=traffic.total - sum(left.values()))))
    large = habit.hits >= LARGE * (habit.hits + habit.rest + _BESIDE)
    return Verdict(firing=bool(habit.since) and not habit.calm, large=large, weak=weak(habit),
                   everyday=habit.occasions >= OCCASIONS,
                   need=_needed(habit, rule, traffic) + CLEARLY * habit.usual)


def _runs(matches: list[Match], others: list[tuple[int, int]]) -> list[tuple[int, list[Match]]]:
    """Part the matches by seconds and by the others known between them, with how many of these come before.

    So it matters little whether a minute comes as one batch or as many.
    """
    runs: list[tuple[int, list[Match]]] = []
    passed = 0
    for match in matches:
        before = bisect_left(others, (match.at, match.nth)) - passed
        passed += before
        if not runs or before or match.at // SECOND != runs[-1][1][-1].at // SECOND:
            runs.append((before, []))
        runs[-1][1].append(match)
    return runs


def _learned(habit: Past, traffic: Traffic) -> bool:
    return habit.minute - traffic.first >= LEARN


def _well_at_first(habit: Past, traffic: Traffic) -> bool:
    """Say whether a new service had no match in its first minutes but the latest."""
    return (_WELL_AT_FIRST <= habit.minute - traffic.first < LEARN
            and habit.occasions - (habit.before > 0) < 0.5)


def _levels(habit: Past, weight: float, others: float, traffic: Traffic) -> tuple[float, float]:
    """Return what the vessels hold when a weight came in, and others took their part of it."""
    taken = others * (SHARE_LEARNED if _learned(habit, traffic) else SHARE)
    level = min(_FULL, max(0.0, habit.level + weight - taken))
    if not _well_at_first(habit, traffic):
        return level, 0.0
    return level, min(_FULL, max(0.0, habit.fine + weight - others * SHARE_LEARNED))


def _leaked(habit: Past, others: float, traffic: Traffic) -> Past:
    """Take away what other records of earlier moments take."""
    if not others and not habit.fine and (habit.level or habit.since):
        return habit
    lines = habit.lines if habit.since else habit.lines + others
    level, fine = _levels(habit, 0.0, others, traffic)
    if level == fine == 0.0 and not habit.since:
        return over(habit)._replace(lines=lines)
    return habit._replace(level=level, fine=fine, lines=lines, rest=habit.rest + others)


def _filled(habit: Past, matches: list[Match], traffic: Traffic) -> Past:
    """Add the matches of one run."""
    found = weighed(habit.places, matches, habit.began)
    weight = found.weight
    level, fine = _levels(habit, weight, 0.0, traffic)
    last = matches[-1].at
    part = 0.5 ** (max(0, last - habit.last) / _HALF)
    grain = habit.grain
    if not habit.since:
        grain += (min(1.0, weight / len(matches)) - grain) * min(1.0, len(matches) / _WEIGHED)
    hits, rest = habit.hits * part + len(matches), habit.rest * part
    # a pool of which every member refuses names each of them seldom
    unbroken = habit.unbroken if habit.unbroken and last - habit.last <= _BREAK else matches[0].at
    all_over = last - unbroken >= LASTS and hits >= MOSTLY * (hits + rest)
    at_once = hits >= AT_ONCE and not matches[-1].brief
    mostly = (habit.mostly or matches[0].at) if hits >= MOSTLY * (hits + rest + _BESIDE) else 0
    return habit._replace(
        last=last, mostly=mostly, n=habit.n + weight, grain=grain, places=found.places, level=level,
        fine=fine, began=found.began, lasting=habit.lasting or found.lasting or all_over or at_once,
        unbroken=unbroken, hits=hits,
        weight=habit.weight * part + weight, rest=rest)


def _full(habit: Past, rule: Rule, traffic: Traffic) -> bool:
    if not habit.lasting:
        return False
    need = _needed(habit, rule, traffic)
    # a few are enough wherever the minute's border lies between them, many must be of one minute
    now = recent(habit.n, habit.before, habit.last)
    if _sudden(habit, need, now, traffic):
        return True
    if not weak(habit):
        return min(habit.level, habit.n + habit.before) >= need - _NEARLY
    return min(habit.level, now) >= need * (1 if _learned(habit, traffic) else _WEAK_NEW) - _NEARLY


def _needed(habit: Past, rule: Rule, traffic: Traffic) -> float:
    return max(rule.asked, min(_MOST, _OF_TRAFFIC * recent(traffic.n, traffic.before, habit.last)))


def _sudden(habit: Past, need: float, now: float, traffic: Traffic) -> bool:
    """Say whether the matches of the last minute are unlikely for a new service that was well until then."""
    if min(habit.fine, now) < need - _NEARLY:
        return False
    # the first two minutes of work show only now what always fails of it
    written = recent(traffic.n, traffic.before, habit.last)
    small = habit.hits < _PART * (habit.hits + habit.rest + _BESIDE)
    if small and (weak(habit) or traffic.total < _BEFORE * written):
        return False
    watched = (habit.minute - traffic.first) / MINUTE - 1
    return tail(int(now * habit.hits / habit.weight), 0.0, 0.0, watched) < UNLIKELY
