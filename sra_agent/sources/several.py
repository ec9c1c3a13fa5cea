"""Files and every other source as one. From app's settings; to intake, through the reading loop."""

from __future__ import annotations

import select
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ..config import AgentConfig
from . import Active, Piece, Position, Source
from .files import Files

LINGER_SECONDS = 0.05
STOP_SECONDS = 0.25
DOCKER_SOCKET = "/var/run/docker.sock"


class Several:
    """The sources of one agent. Each stream's first element is the name of its source, but for files.

    Those in `others` are started and closed by somebody else.
    """

    def __init__(
        self, files: Files, active: Mapping[str, Active], others: Mapping[str, Active] | None = None
    ) -> None:
        self.files, self._own = files, tuple(active.values())
        self._active = {**active, **(others or {})}
        self._all: tuple[Source, ...] = (files, *self._active.values())
        self._poll = select.poll()
        for source in self._active.values():
            self._poll.register(source.wake, select.POLLIN)

    def start(self) -> None:
        """Have the active sources listen."""
        for source in self._own:
            source.start()

    def wait(self, stop: threading.Event, seconds: float) -> None:
        """Wait so long, or until something comes or `stop` is set."""
        if not self._active:
            stop.wait(seconds)
            return
        # What comes in drops is taken in sips: each costs a commit of the spool.
        lingered = min(LINGER_SECONDS, seconds)
        stop.wait(lingered)
        left = seconds - lingered
        while left > 0 and not stop.is_set():
            if self._poll.poll(1000 * min(left, STOP_SECONDS)):
                return
            left -= STOP_SECONDS

    def look(self) -> None:
        """Notice what appeared, moved or vanished."""
        for source in self._all:
            source.look()

    def pieces(self) -> Iterator[Piece]:
        """Yield what can be read now, of each source in turn."""
        for source in self._all:
            yield from source.pieces()

    def passed(self, stream: Any, mark: int) -> tuple[str, Position | None]:
        """Note that the lines before the mark are finished."""
        name = stream[0]
        source = self._active[name] if isinstance(name, str) else self.files
        return source.passed(stream, mark)

    def behind(self) -> bool:
        """Return whether there is something to read at once."""
        return any(source.behind() for source in self._all)

    def positions(self) -> dict[str, Position]:
        """Return the position of every source."""
        found: dict[str, Position] = {}
        for source in self._all:
            found |= source.positions()
        return found

    def watches(self) -> list[str]:
        """Return what is watched."""
        return [text for source in self._all for text in source.watches()]

    def problems(self) -> list[str]:
        """Return what cannot be watched and why."""
        return [text for source in self._all for text in source.problems()]

    def services(self) -> list[str]:
        """Return the services that were seen."""
        return sorted({name for source in self._all for name in source.services()})

    def close(self) -> None:
        """Let go of everything."""
        for source in (self.files, *self._own):
            source.close()


def listeners(config: AgentConfig, *, drop: Callable[[str, int], None]) -> dict[str, Active]:
    """Return the sources whose senders cannot be asked again; they have no position to wait for."""
    if not (config.syslog_udp or config.syslog_tcp):
        return {}
    from .syslog import NAME, Syslog

    return {NAME: Syslog(config.syslog_udp, config.syslog_tcp, drop=drop)}


def several(
    config: AgentConfig,
    positions: Mapping[str, Position],
    *,
    known_patterns: frozenset[str],
    drop: Callable[[str, int], None],
    heard: Mapping[str, Active],
) -> Several:
    """Return the sources that the settings name, each at its position, and those that are heard already."""
    files = Files(
        config.files,
        {name: place for name, place in positions.items() if "kind" not in place},
        from_start=config.from_start,
        known_patterns=known_patterns,
        drop=drop,
    )
    active: dict[str, Active] = {}
    if config.journald:
        from .journald import NAME, Journald

        units = config.journald if isinstance(config.journald, tuple) else ()
        active[NAME] = Journald(units, positions.get(NAME), drop=drop, from_start=config.from_start)
    if config.docker:
        from . import container_lines, containers

        active[container_lines.NAME] = containers.Containers(
            config.docker if isinstance(config.docker, str) else DOCKER_SOCKET,
            positions.get(container_lines.NAME),
            from_start=config.from_start,
            # dockerd has already told the journal what these say
            leave_out=frozenset(("journald",) if config.journald is True else ()),
        )
    return Several(files, active, heard)
