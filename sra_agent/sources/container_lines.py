"""The lines that containers have told, and the position behind them. From containers' thread; to intake.

Both streams of a container come in one order, but an event of several lines holds its own stream back.
So each stream has a place of its own, and one that is silent goes with the other.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import groupby
from typing import Any, NamedTuple

from . import Known, Origin, Piece, Position
from .docker_frames import Line, Place
from .inbox import Inbox
from .tail import LINE_BYTES

NAME = "docker"
#: dockerd stamps both streams apart; so much they may be out of order.
DISORDER_NS = 5_000_000_000
SERVICES = 1_000
ID_CHARACTERS = 12


class Told(NamedTuple):
    """A line of a container, or the end of what was connected (None)."""

    id: str
    service: str
    name: str
    line: Line | None


class Track:
    """What of one stream of a container was taken and what of it is finished."""

    def __init__(self, place: Place | None) -> None:
        self.place = place
        self.next = 0
        self._waiting: deque[tuple[int, Place]] = deque()

    def add(self, line: Line) -> int:
        """Note a line; return its number."""
        if self.place is None:
            self.place = line.before
        number, self.next = self.next, self.next + 1
        self._waiting.append((number, line.place))
        return number

    def passed(self, mark: int) -> None:
        """Note that the lines before the mark are finished."""
        while self._waiting and self._waiting[0][0] < mark:
            self.place = self._waiting.popleft()[1]

    def resting(self) -> bool:
        """Return whether all that was taken is finished."""
        return not self._waiting


class ContainerLines:
    """The half of the source that the reading thread uses."""

    def __init__(self, since: int, position: Position | None) -> None:
        self._since = since  # lines before it are not news
        kept: dict[str, Any] = position["containers"] if position else {}
        self._tracks: dict[str, dict[str, Track]] = {
            id_: {stream: Track(Place(*place)) for stream, place in streams.items()}
            for id_, streams in kept.items()
        }
        self._begun = {  # for the other thread, which asks when it meets a container
            id_: {stream: Place(*place) for stream, place in streams.items()} for id_, streams in kept.items()
        }
        self._inbox: Inbox[Told] = Inbox()
        self.wake = self._inbox.wake
        self._there: frozenset[str] | None = None  # the containers that exist, once known
        self._services: set[str] = set()
        self._trouble: str | None = None
        self._refusals: list[str] = []

    def places_of(self, id_: str) -> dict[str, Place]:
        """Return the places of a container when it is met."""
        return dict(self._begun.get(id_[:ID_CHARACTERS], {}))

    def since(self, places: dict[str, Place]) -> int:
        """Return the time from which a container's output is asked for."""
        if not places:
            return self._since
        missing = len(places) < 2
        return max(min(place.at for place in places.values()) - (DISORDER_NS if missing else 0), 0)

    def forget(self, there: set[str]) -> None:
        """Note which containers exist; the position drops the others."""
        self._there = frozenset(id_[:ID_CHARACTERS] for id_ in there)

    def look(self) -> None:
        """Drop the places of containers that are gone and whose last lines are finished."""
        there = self._there
        if there is not None and len(self._inbox) == 0:
            for id_ in self._tracks.keys() - there:
                if all(track.resting() for track in self._tracks[id_].values()):
                    del self._tracks[id_]

    def behind(self) -> bool:
        """Return whether lines wait."""
        return len(self._inbox) > 0

    def pieces(self) -> Iterator[Piece]:
        """Yield the lines that wait, those of one stream together while no other interrupts."""
        for (id_, service, name, stream), run in groupby(self._inbox.take(), _key):
            lines = [told.line for told in run if told.line is not None]
            tracks = self._tracks.setdefault(id_[:ID_CHARACTERS], {})
            if not lines:
                for each in tracks:
                    yield self._piece(id_, service, name, each, tracks[each], [], final=True)
                continue
            if len(self._services) < SERVICES:
                self._services.add(service)
            track = tracks.setdefault(stream, Track(None))
            yield self._piece(id_, service, name, stream, track, lines)

    def _piece(
        self,
        id_: str,
        service: str,
        name: str,
        stream: str,
        track: Track,
        lines: list[Line],
        *,
        final: bool = False,
    ) -> Piece:
        numbers = [track.add(line) for line in lines]
        metadata = {"container": name or id_[:ID_CHARACTERS], "stream": stream}
        return Piece(
            stream=(NAME, id_[:ID_CHARACTERS], stream),
            origin=Origin(source=f"{NAME}:{name}", service=service, guess=service),
            lines=[line.text.replace(b"\0", b"\xef\xbf\xbd").decode("utf-8", "replace") for line in lines],
            end=track.next,
            marks=lambda n: numbers[len(numbers) - n :],
            cut={n: line.size for n, line in enumerate(lines) if line.size > LINE_BYTES},
            final=final,
            known=[Known(line.at // 1000, None, metadata) for line in lines],
        )

    def passed(self, stream: Any, mark: int) -> tuple[str, Position | None]:
        """Note what is finished; return the places of all containers."""
        _, id_, name = stream
        track = self._tracks.get(id_, {}).get(name)
        if track is not None:
            track.passed(mark)
        return NAME, self._position()

    def _position(self) -> Position:
        containers = {id_: settled(tracks) for id_, tracks in self._tracks.items()}
        return {"kind": NAME, "since": self._since, "containers": containers}

    def positions(self) -> dict[str, Position]:
        """Return where the containers are taken up."""
        return {NAME: self._position()}

    def services(self) -> list[str]:
        """Return the services that were seen."""
        return sorted(self._services)

    def problems(self) -> list[str]:
        """Return what cannot be read, and why."""
        return [*([f"docker: {self._trouble}"] if self._trouble else []), *self._refusals]

    def close(self) -> None:
        """Let go of what was told and not taken."""
        self._inbox.close()


def settled(tracks: dict[str, Track]) -> dict[str, list[int]]:
    """Return the places of a container; a stream at rest goes with the other, to read little again."""
    latest = max((track.place.at for track in tracks.values() if track.place is not None), default=0)
    places = {}
    for stream, track in tracks.items():
        if track.place is not None:
            floor = Place(latest - DISORDER_NS, 0)
            places[stream] = list(max(track.place, floor) if track.resting() else track.place)
    return places


def _key(told: Told) -> tuple[str, str, str, str]:
    return told.id, told.service, told.name, told.line.stream if told.line is not None else ""
