"""The output of Docker's containers, as dockerd tells it. From dockerd; to intake.

A container's label `com.docker.compose.service` or `sra.service`, else its name, is the service; the label
`sra.watch=false` leaves it out. The position holds for each container and stream the time up to which
its lines are kept, so that neither a restart of the container, of dockerd nor of the agent loses or
repeats a line. A container that is removed before it was read takes its lines with it.
"""

from __future__ import annotations

import logging
import selectors
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from ..backoff import Backoff
from . import Position
from .container_lines import DISORDER_NS, ID_CHARACTERS, ContainerLines, Told
from .docker_api import Refused, Stream, get
from .docker_frames import Output, Place

log = logging.getLogger("sra.agent.containers")
EVENTS = '{"type":["container"],"event":["create","start","die","destroy","rename","unpause"]}'
LIST_SECONDS = 10.0
AGAIN_SECONDS = 0.3
FOLLOWED = 500
LABELS = ("com.docker.compose.service", "sra.service")
RUNS = ("running", "paused")
ENDED = ("exited", "dead", "restarting")


@dataclass(slots=True)
class Container:
    """A container and how it is read."""

    id: str
    service: str = ""
    name: str = ""
    output: Output | None = None
    stream: Stream | None = None
    follows: bool = False
    ended: bool = False  # for certain, so what has no end will get none
    places: dict[str, Place] = field(default_factory=dict)  # up to which it was read
    read_up: bool = False  # it has ended, and all that it wrote was read
    unreadable: str = ""  # why dockerd does not give its output, until it is started again
    again_at: float = 0.0


class Containers(ContainerLines):
    """All containers of one dockerd, as they come and go."""

    def __init__(
        self,
        path: str,
        position: Position | None,
        *,
        from_start: bool = False,
        leave_out: frozenset[str] = frozenset(),
        now: Callable[[], int] = time.time_ns,
        backoff: Backoff | None = None,
    ) -> None:
        since = int(position["since"]) if position else (0 if from_start else now())
        super().__init__(since, position)
        self._path, self._leave_out = path, leave_out
        self._containers: dict[str, Container] = {}
        self._selector = selectors.DefaultSelector()
        self._backoff = backoff or Backoff(longest=10.0)
        self._list_at = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sra-containers", daemon=True)

    def start(self) -> None:
        """Begin to listen."""
        self._thread.start()

    def close(self) -> None:
        """Let go of dockerd; what was not taken is read again by the next."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(15)
        self._selector.close()
        super().close()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self._attend()
            except OSError as error:
                said = error.message if isinstance(error, Refused) else (error.strerror or str(error))
                if self._trouble != said:
                    log.warning("docker at %s: %s", self._path, said, extra={"action": "containers"})
                self._trouble = said
            for container in list(self._containers.values()):
                self._let_go(container)
            self._stop.wait(self._backoff.failed())

    def _attend(self) -> None:
        """Stay with one life of dockerd."""
        events = Stream(self._path, f"/events?filters={quote(EVENTS)}")
        try:
            events.follow()
            self._selector.register(events, selectors.EVENT_READ, None)
            self._list_at = 0.0
            while not self._stop.is_set():
                if time.monotonic() >= self._list_at:
                    self._list()
                    self._trouble = None
                    self._backoff.succeeded()
                if not self._inbox.wait_for_room(0.3):
                    continue
                wait = max(0.0, min(0.3, self._list_at - time.monotonic()))
                for key, _ in self._selector.select(wait):
                    if key.data is not None:
                        self._receive(key.data)
                    elif (came := events.read()) is None:
                        raise ConnectionResetError("dockerd went away")
                    elif came:
                        self._list_soon()
        finally:
            self._selector.unregister(events)
            events.close()

    def _list_soon(self) -> None:
        self._list_at = min(self._list_at, time.monotonic() + 0.05)

    def _list(self) -> None:
        """See which containers there are, and read those that are not read yet."""
        self._list_at = time.monotonic() + LIST_SECONDS
        listed = {str(one["Id"]): one for one in get(self._path, "/containers/json?all=1")}
        for gone in self._containers.keys() - listed.keys():
            if self._containers[gone].stream is None:  # else it ends by itself, with its last lines
                del self._containers[gone]
        self.forget(set(self._containers) | set(listed))
        beyond = 0
        for id_, told in sorted(listed.items(), key=lambda item: item[1].get("State") not in RUNS):
            runs = told.get("State") in RUNS
            container = self._containers.get(id_)
            if container is None:
                if len(self._containers) >= FOLLOWED and not (runs and self._make_room()):
                    beyond += runs
                    continue
                container = self._containers[id_] = Container(id_, places=self.places_of(id_))
            if runs and container.read_up:
                container.read_up = False
            elif not runs and container.unreadable:
                container.read_up, container.unreadable = True, ""  # tried again when it is started again
            if container.stream is None and not container.read_up and not container.unreadable:
                if time.monotonic() >= container.again_at:
                    self._attach(container, follows=runs)
                else:
                    self._list_at = min(self._list_at, container.again_at)
        self._refusals = [
            f"docker: {one.name or one.id[:12]}: {one.unreadable}"
            for one in self._containers.values()
            if one.unreadable
        ]
        if beyond:
            self._refusals.append(f"docker: {beyond} containers beyond the {FOLLOWED} that are followed")

    def _make_room(self) -> bool:
        """Leave a container that has ended and was read."""
        for id_, container in self._containers.items():
            if container.read_up:
                self._begun[id_[:ID_CHARACTERS]] = self._containers.pop(id_).places
                return True
        return False

    def _attach(self, container: Container, *, follows: bool) -> None:
        try:
            told: dict[str, Any] = get(self._path, f"/containers/{container.id}/json")
            config = told.get("Config") or {}
            labels = config.get("Labels") or {}
            container.name = str(told.get("Name", "")).lstrip("/")
            service = next((str(labels[name]) for name in LABELS if labels.get(name)), container.name)
            container.service = "".join(c for c in service if c.isprintable())[:200] or container.id[:12]
            # Since it was listed it may have started; then a line may be half there.
            state = (told.get("State") or {}).get("Status")
            follows = state in RUNS if state else follows
            container.ended = state in ENDED if state else not follows
            driver = ((told.get("HostConfig") or {}).get("LogConfig") or {}).get("Type")
            if labels.get("sra.watch") == "false" or driver in self._leave_out:
                container.unreadable = "is left out"
                return
            since = self.since(container.places)
            container.output = Output(container.places, terminal=bool(config.get("Tty")))
            container.stream = Stream(
                self._path,
                f"/containers/{container.id}/logs?stdout=1&stderr=1&timestamps=1"
                f"&follow={int(follows)}&since={since // 10**9}.{since % 10**9:09d}",
            )
        except Refused as error:
            if error.status == 404:
                return  # it was removed meanwhile
            container.unreadable = error.message
            return
        container.follows = follows
        container.stream.follow()
        self._selector.register(container.stream, selectors.EVENT_READ, container)

    def _receive(self, container: Container) -> None:
        if container.stream is None or container.output is None:
            return
        try:
            data = container.stream.read()
        except Refused as error:
            if error.status not in (404, 409):
                container.unreadable = error.message
            data = None
        except OSError:
            data = None
        for line in container.output.feed(data) if data else ():
            self._tell(container, Told(container.id, container.service, container.name, line))
        if data is None:
            if container.ended:
                for line in container.output.rest():
                    self._tell(container, Told(container.id, container.service, container.name, line))
            container.read_up = not container.follows and not container.unreadable
            self._let_go(container)
            container.again_at = time.monotonic() + AGAIN_SECONDS
            self._list_soon()

    def _tell(self, container: Container, told: Told) -> None:
        if told.line is not None:
            container.places[told.line.stream] = told.line.place
        self._inbox.put(told, len(told.line.text) if told.line else 0)

    def _let_go(self, container: Container) -> None:
        if container.stream is not None:
            with suppress(KeyError, ValueError):
                self._selector.unregister(container.stream)
            container.stream.close()
            container.stream = container.output = None
            # All that came was told, so a silent stream goes with the other.
            latest = max((place.at for place in container.places.values()), default=0)
            floor = Place(latest - DISORDER_NS, 0)
            container.places = {name: max(place, floor) for name, place in container.places.items()}
            self._tell(container, Told(container.id, container.service, container.name, None))

    def watches(self) -> list[str]:
        """Return the containers that are followed."""
        return sorted(f"docker: {one.name}" for one in list(self._containers.values()) if one.stream)
