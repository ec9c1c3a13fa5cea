"""Scatter: what is each failure worth, at one place or at many, for a moment or for longer? To usual.

A crawler meets dead sites all day long: the only failure of a place says little where others failed beside
it. A proxy that finds nobody behind a port may do so because that backend is being replaced: then it is a
matter of a few seconds.
"""
from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ..domain.record import MINUTE, SECOND

#: What is tried again weighs a tenth of a failure.
WEAK = 0.1
#: The only failure of a place weighs no more, where others failed beside it: far places have troubles of
#: their own. So weigh the first few of a place where very many failed.
_ALONE = 0.1
#: So many others within an hour are very many; a minute after its last failure a place begins anew.
_OTHERS, _FEW, _REMEMBERED, _FADE = 5, 5, 15, 60 * MINUTE
#: Of those in the world, whose troubles are their own, fewer others are enough.
_FAR = 3
#: Of a place so many ports of containers are known at once, each with its first failure.
_PORTS = 8
#: What a restart also brings must go on for so long; a container is replaced within it, and most programs
#: listen again. Anything else must be more than a blink, in which several wait in vain for one moment, ...
LASTS, BLINK = 8 * SECOND, 3 * SECOND
#: ... or be so many at once.
AT_ONCE = 10
#: Of a robot's tries so many weigh a tenth each, and one more for each so long: those of the internet come
#: by all day, each with a few names and some seconds between.
_TRIES, _TRIED = 3, 8 * SECOND


class Match(NamedTuple):
    """One match: when, the place that it names or ""; does it say that it will be tried again, and ...

    ... `brief`: may it be no more than a restart? `nth` is its place among the records of its batch, for of
    two of the same moment the one that was read first was written first. `port`: the place with a port that
    is only its own, as a container's is; the next one has another. `robot`: the place is somebody in the
    internet who tries what everybody tries. `far`: the place is somebody's in the world.
    """

    at: int
    place: str = ""
    port: str = ""
    weak: bool = False
    brief: bool = False
    nth: int = 0
    robot: bool = False
    far: bool = False


class Scatter(NamedTuple):
    """What some matches weigh, whether they are more than a restart brings, since when those without a place.

    And the places that failed of late: name, failures, the latest, what is owed to it, the first, and the
    first of each port.
    """

    weight: float
    lasting: bool
    began: int
    places: list[list[object]]


def weighed(stored: Iterable[list[object]], matches: list[Match], began: int) -> Scatter:
    """Weigh the matches of one minute, in order of time."""
    # an earlier release stored no ports
    places: dict[str, tuple[float, int, float, int, list[list[object]]]] = {
        name: (n, at, owed, first, *(ports or [[]]))  # type: ignore[misc]
        for name, n, at, owed, first, *ports in stored}
    weight, lasting = 0.0, False
    for match in matches:
        if match.weak or not match.place:
            weight += WEAK if match.weak else 1.0
            first = began = began or match.at
        else:
            times, last, owed, first, ports = places.pop(match.place, (0, 0, 0.0, match.at, []))
            if match.at - last > MINUTE:
                times, owed, first, ports = 0, 0.0, match.at, []
            if match.robot and times:
                times = max(0.0, times - max(0, match.at - last) / _TRIED)
            many = _FAR if match.far else _OTHERS
            if len(places) >= many:
                places = {name: each for name, each in places.items() if match.at - each[1] <= _FADE}
            if len(places) > _REMEMBERED:
                del places[next(iter(places))]
            # what is not the only failure of a place counts in full, and so do those before it
            few = times < (_TRIES if match.robot else _FEW if len(places) >= many else 1 if places else 0)
            weight += _ALONE if few else 1.0 + owed
            stayed = first
            if match.port:
                first, ports = _of_port(ports, match)
            # what a robot tried is never made up for
            owed = owed + 1.0 - _ALONE if few and not match.robot else 0.0
            places[match.place] = times + 1, match.at, owed, stayed, ports
        lasting = lasting or match.at - first >= (LASTS if match.brief else BLINK)
    return Scatter(weight, lasting, began, [[name, *each] for name, each in places.items()])


def _of_port(ports: list[list[object]], match: Match) -> tuple[int, list[list[object]]]:
    """Return when the port of a match failed first, and the ports with it."""
    known = next((first for port, first in ports if port == match.port), match.at)
    others = [each for each in ports if each[0] != match.port]
    return known, [*others[1 - _PORTS:], [match.port, known]]  # type: ignore[return-value]
