"""Threshold: a metric beyond its bound for long enough. From points; to correlate.

One high value is no trouble: it must stay beyond its bound for a time, and back below a lower bound
before it is over. Latency is held against the series' own past, for there is no bound that fits all.

What was never used up for so long, in all that is known of the series, is told early: within a minute.
What the host got over by itself before is told once it lasts longer than that (habit.py), and is evidence
until then.
"""
from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

from ..domain.evidence import of_point
from ..domain.record import SECOND, Batch, Point
from ..domain.signal import Severity, Signal
from .consumers import with_consumers
from .felt import feel, unfelt
from .habit import HOLE, WEEK, Past, allowed, broken, learn
from .memory import Memory


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """At or above `high` for `seconds` fires; below `low` for as long clears. `times`: of its own mean.

    At or above `full` for `early` seconds, never below `dip` meanwhile, fires as well, where that has not
    happened before. `habit`: a host
    may be so for a while and lose nothing. It is no habit to run out of what breaks things at its end
    (memory, swap, room on a disk, descriptors), nor what people feel at once (errors, latency, checks).
    `busy`: it says how much is done; in the first week of a host nobody knows how much that usually is.
    """

    name: str
    cls: str
    severity: Severity
    high: float
    low: float
    seconds: int
    title: str
    means: str
    remedies: tuple[str, ...]
    times: float = 0.0
    full: float = 0.0
    dip: float = 0.0
    early: int = 0
    habit: bool = False
    busy: bool = False


BOUNDS = {each.name: each for each in (
    Bound(name="system.cpu_percent", cls="cpu_overload", severity="high", high=95, low=85, seconds=120,
          full=99, dip=97.5, early=45, habit=True, busy=True,
          title="the processor is fully used", means="there is more work than the processor can do",
          remedies=("scale_replicas", "restart_service")),
    Bound(name="system.memory_percent", cls="memory_exhaustion", severity="high", high=95, low=90, seconds=60,
          full=95, early=45,
          title="memory is nearly used up", means="processes on this host use almost all of its memory",
          remedies=("restart_service", "scale_replicas")),
    Bound(name="system.swap_percent", cls="memory_exhaustion", severity="medium",
          high=90, low=75, seconds=300, title="swap is nearly used up",
          means="memory does not suffice and the swap space runs out as well",
          remedies=("restart_service", "scale_replicas")),
    Bound(name="system.disk_percent", cls="disk_full", severity="high", high=95, low=92, seconds=30,
          title="the disk is nearly full", means="little space is left on the file system",
          remedies=("clear_disk",)),
    Bound(name="system.inode_percent", cls="disk_full", severity="high", high=95, low=90, seconds=30,
          title="the file system has hardly any inodes left",
          means="so many files were made that no more can be", remedies=("clear_disk",)),
    Bound(name="system.load1_per_core", cls="cpu_overload", severity="medium", high=4, low=2, seconds=600,
          habit=True, busy=True,
          title="far more work is ready than the processors can do",
          means="processes wait for a processor or for the disk", remedies=("scale_replicas",)),
    Bound(name="system.iowait_percent", cls="cpu_overload", severity="medium", high=50, low=30, seconds=600,
          habit=True, busy=True,
          title="the processors wait for the disk most of the time",
          means="the disk is slower than what is asked of it", remedies=()),
    Bound(name="process.fd_percent", cls="service_crash", severity="high", high=90, low=75, seconds=120,
          title="a process has hardly any file descriptors left",
          means="it opens files or connections and does not close them", remedies=("restart_service",)),
    Bound(name="probe.seconds", cls="cpu_overload", severity="medium",
          high=1, low=0.5, seconds=120, times=5.0, title="the health check takes far longer than usual",
          means="it answers, but much later than usual", remedies=("scale_replicas", "restart_service")),
    Bound(name="queue_depth", cls="queue_backlog", severity="medium",
          high=1000, low=500, seconds=300, times=10.0, habit=True,
          title="a queue is far longer than usual", means="work comes faster than it is done",
          remedies=("scale_replicas", "restart_service")),
    Bound(name="error_rate", cls="error_burst", severity="high", high=0.2, low=0.1, seconds=60,
          title="the error rate is high", means="a large part of its requests fails",
          remedies=("restart_service", "rollback_deployment")),
    Bound(name="latency_ms", cls="cpu_overload", severity="medium", high=500, low=300, seconds=120, times=4.0,
          title="answers take far longer than usual", means="requests are answered much later than usual",
          remedies=("scale_replicas", "restart_service")),
)}
_POINTS = 3
_LEARN = 30
#: What a series never did says something once it was watched for so long; what it did is remembered as long
#: as a weekly job needs it.
_WATCHED, _REMEMBERED = 900 * SECOND, 8 * 86_400 * SECOND
#: In its first hour a host is looked at by those who set it up: nobody is woken by it, and what it does from
#: the start is waited for a few minutes only (in seconds).
_SET_UP, _LOOKED_AT = 3600 * SECOND, 300
#: One job for each processor keeps all of them busy, and is work; with more, work waits for a processor.
_LOAD, _WAITING = "system.load1_per_core", 1.0
HARMLESS_MOUNTS = ("/snap", "/proc", "/sys", "/run/snapd", "/var/lib/snapd")


class _Track(NamedTuple):
    """One series: beyond its bound since and how often, back since, firing, its mean over so many points.

    Then its latest point, and for what is told early: watched since, used up since, and last so for long.
    `held`: it fires, and nobody is told yet, for it got over the like before; `past` are those spells.
    """

    since: int = 0
    beyond: int = 0
    back: int = 0
    firing: bool = False
    mean: float = 0.0
    learned: int = 0
    last: int = 0
    value: float = 0.0
    first: int = 0
    full: int = 0
    had: int = 0
    held: bool = False
    past: Past = ()


class Threshold:
    """Memory: series → _Track as a list.

    Most series have nothing to remember but their time, by which late points are known. When half of the
    room is taken they are not kept, and what is new and calm leaves the last quarter to what is not.
    """

    name = "threshold"
    always = False

    def detect(self, memory: Memory, batch: Batch) -> list[Signal]:
        """Return the state of each series that is beyond its bound, and of each that came back."""
        found: dict[str, Signal] = {}
        used_up: dict[str, str] = {}
        for point in batch.points:
            bound = BOUNDS.get(point.name)
            if bound is None or dict(point.tags).get("mount", "").startswith(HARMLESS_MOUNTS):
                continue
            key = f"threshold|{point.series()}"
            track = _Track(*(memory.get(key) or ()))
            if point.at < track.last:
                continue
            if point.name == "error_rate" and point.value > 1:
                # a share of one; what is larger can only be meant as percent
                point = replace(point, value=point.value / 100)
            high, low = _limits(bound, track)
            if bound.times:
                feel(memory, point, track.mean if track.learned >= _LEARN else 0.0)
            after = _step(track, point, bound, high, low)
            if bound.early:
                after = _early(track, after, point, bound, memory)
            if bound.busy and not after.first:
                after = after._replace(first=point.at)
            new = bound.busy and after.firing and point.at - after.first < WEEK
            patience = unfelt(memory, point, after.since) if new else 0
            fresh = new and point.at - after.first < _SET_UP
            after = _hold(track, after, point, _at_first(after, patience) if fresh else patience)
            _keep(memory, key, after, bound)
            if after.firing and point.value >= high:
                signal = _signal(key, point, bound, high, after, found.get(key))
                if patience and signal.severity == "high" and after.since - after.first < _SET_UP:
                    signal = replace(signal, severity="medium")
                found[key] = _as_before(signal, point, bound) if after.held else signal
                used_up[key] = point.name
            elif track.firing and not track.held and not after.firing:
                found[key] = Signal(
                    detector="threshold", fingerprint=key, cls=bound.cls, severity=bound.severity,
                    title=bound.title, at=point.at, last_at=point.at, state="cleared",
                    service=point.service, host=point.host)
        return [with_consumers(each, used_up.get(key, ""), batch) for key, each in found.items()]


def _keep(memory: Memory, key: str, after: _Track, bound: Bound) -> None:
    calm = not (after.since or after.firing or after.full)
    needed = bound.times or bound.early or bound.name == _LOAD or after.past
    if calm and not needed and len(memory) >= memory.limit // 2:
        memory.drop(key)
    else:
        # most series have no past, and theirs takes no room
        stored = [*after[:-1], list(after.past)] if after.held or after.past else list(after[:-2])
        memory.put(key, stored, memory.limit - memory.limit // 4 if calm else None)


def _limits(bound: Bound, track: _Track) -> tuple[float, float]:
    if bound.times:
        if track.learned < _LEARN:
            return float("inf"), float("inf")
        return max(bound.high, bound.times * track.mean), max(bound.low, bound.times / 2 * track.mean)
    return bound.high, bound.low


def _step(track: _Track, point: Point, bound: Bound, high: float, low: float) -> _Track:
    """Return the track after a point: O(1), and nothing that lies ahead is looked at."""
    lasting = bound.seconds * SECOND
    if track.last and point.at - track.last > max(5 * lasting, 300 * SECOND):
        # nobody watched in between, so nothing can be said to have lasted
        track = track._replace(since=0, beyond=0, back=0, full=0, held=False,
                               firing=track.firing and not track.held)
    mean, learned = track.mean, track.learned
    if bound.times and not track.firing and point.value < high:
        learned = min(learned + 1, 1000)
        mean += (point.value - mean) / learned
    since, beyond, back, firing, past = track.since, track.beyond, track.back, track.firing, track.past
    if point.value >= high:
        since, beyond, back = since or point.at, beyond + 1, 0
        firing = firing or (beyond >= _POINTS and point.at - since >= lasting)
    elif firing:
        if point.value < low and not back and point.at - track.last > HOLE:
            # nobody saw how it ended
            since = 0
        back = (back or point.at) if point.value < low else 0
        if back and point.at - back >= lasting:
            past = learn(past, since, back) if bound.habit and since else past
            firing, since, beyond, back = False, 0, 0, 0
    else:
        since, beyond = 0, 0
    return _Track(since, beyond, back, firing, mean, learned, point.at, point.value, track.first, track.full,
                  track.had, track.held, past)


def _early(before: _Track, after: _Track, point: Point, bound: Bound, memory: Memory) -> _Track:
    """Return the track as firing if it is used up for longer than it was known to be."""
    first, since, had, lasting = after.first or point.at, after.full, after.had, bound.early * SECOND
    if point.value < (bound.dip if since and bound.dip else bound.full):
        if since and before.last - since >= lasting:
            had = before.last
        return after._replace(first=first, full=0, had=had)
    since = since or point.at
    news = point.at - first >= _WATCHED and (not had or point.at - had > _REMEMBERED)
    fires = news and after.beyond >= _POINTS and point.at - since >= lasting and _crowded(point, memory)
    return after._replace(first=first, full=since, firing=after.firing or fires)


def _hold(before: _Track, after: _Track, point: Point, least: int) -> _Track:
    """Return the track as held while it fires for no longer than it may; what was told stays so.

    It may be so by habit, and for `least` seconds.
    """
    if not after.firing or (before.firing and not before.held):
        return after._replace(held=False) if after.held else after
    most = max(least, allowed(after.past, after.since)[0])
    return after._replace(held=point.at - after.since < most * SECOND)


def _at_first(track: _Track, patience: int) -> int:
    """Return for how many seconds a host is waited for in its first hour: not if it was calm before."""
    return min(patience, _LOOKED_AT) if track.since - track.first < _WATCHED else 0


def _crowded(point: Point, memory: Memory) -> bool:
    """Say whether more is ready than the processors can do, as far as the load is measured."""
    if point.name != "system.cpu_percent":
        return True
    stored = memory.get(f"threshold|{replace(point, name=_LOAD).series()}")
    load = _Track(*stored) if stored else _Track()
    return point.at - load.last > 300 * SECOND or load.value > _WAITING


def _as_before(signal: Signal, point: Point, bound: Bound) -> Signal:
    """Return what is held as evidence: it explains what else breaks at that moment, and opens nothing."""
    return replace(signal, fingerprint=f"habit|{point.series()}", severity="low", opens=False, at=point.at,
                   title=f"{bound.title}, as it was before", remedies=(), evidence=signal.evidence[-1:])


def _signal(key: str, point: Point, bound: Bound, high: float, track: _Track,
            before: Signal | None) -> Signal:
    mount = dict(point.tags).get("mount")
    what = f"{point.name} of {mount}" if mount else point.name
    where = point.service or point.host or "the host"
    lasting = (point.at - track.since) // SECOND
    severity: Severity = "critical" if bound.cls == "disk_full" and point.value >= 99 else bound.severity
    if track.full and lasting < bound.seconds:
        high, lasting = bound.full, (point.at - track.full) // SECOND
        severity = "medium" if bound.full > bound.high else severity
    text = f"{what} on {where} is {point.value:.1f}, at or above {high:.1f} for {lasting} s"
    most, length = allowed(track.past, track.since)
    if most:
        text += f"; before, it was over after {length} s"
        severity = "medium" if severity == "high" and lasting < broken(most) else severity
    evidence = of_point(point, text)
    return Signal(detector="threshold", fingerprint=key, cls=bound.cls, severity=severity, title=bound.title,
                  at=track.since, last_at=point.at, service=point.service, host=point.host,
                  count=before.count + 1 if before else 1, cause=bound.means, remedies=bound.remedies,
                  subject=mount or "", evidence=(before.evidence[0], evidence) if before else (evidence,))
