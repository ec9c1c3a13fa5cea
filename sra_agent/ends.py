"""Ask the server how far this host's sources are stored. From app, for a spool that is new; to reading.

Asked once in the life of a spool, so that one which was lost is no reason to send anything twice.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Hashable, Mapping
from typing import Any
from urllib.parse import quote

from sra_sdk.errors import Unavailable

from .backoff import Backoff
from .connection import Answer, Connection

log = logging.getLogger("sra.agent.ends")
FORBIDDEN_SECONDS = 15.0
MARK_BYTES = 4096  # of a file, at most, are compared with a position's marks

Position = dict[str, Any]


def ask_ends(
    connection: Connection, host: str, stop: threading.Event, backoff: Backoff | None = None
) -> dict[str, Position] | None:
    """Return the positions that the server keeps, asking until it answers; None when told to stop."""
    backoff = backoff or Backoff()
    said = False
    while not stop.is_set():
        try:
            answer = connection.request("GET", f"/ingest/ends?host={quote(host, safe='')}")
        except Unavailable as error:
            trouble, pause = error.message, backoff.absent()
        else:
            try:
                return _told(answer)
            except Unavailable as error:
                trouble, pause = error.message, backoff.failed(error.retry_after)
        if not said:
            log.warning(
                "files wait until the server has said how far they are stored: %s",
                trouble,
                extra={"action": "ends"},
            )
            said = True
        stop.wait(pause)
    return None


def fetch_ends(connection: Connection, host: str) -> dict[str, Position]:
    """Return the positions that the server keeps for the host; raise Unavailable if it does not say."""
    return _told(connection.request("GET", f"/ingest/ends?host={quote(host, safe='')}"))


def _told(answer: Answer) -> dict[str, Position]:
    if answer.status == 200:
        ends = answer.field("ends", dict)
        return {source: end for source, end in ends.items() if usable(end)}
    if answer.status == 404:
        return {}
    raise Unavailable(
        f"the server answered {answer.status}: {answer.detail()}",
        retry_after=FORBIDDEN_SECONDS if answer.status in (401, 403) else answer.retry_after,
    )


def ahead(theirs: Mapping[str, Position], ours: Mapping[str, Position]) -> bool:
    """Return whether the server has stored more of some source than we remember that it has.

    A spool begins with what the server has. So the server has more, too, where it knows a source that we do
    not, or of one that we know a file that was written after all those that we know: these were begun since.
    """
    for source, end in theirs.items():
        places = _places(end)
        if source not in ours:
            if any(reached != 0 for _, reached in places):
                return True
            continue
        mine = dict(_places(ours[source]))
        if any(reached > mine.get(place, reached) for place, reached in places):
            return True
        newest = max((each["mtime"] for each in _files(ours[source])), default=0)
        begun = [each for each in _files(end) if each["offset"] and _inode(each) not in mine]
        if any(each["mtime"] > newest for each in begun):
            return True
    return False


def combined(
    held: Mapping[str, Position],
    ends: Mapping[str, Position],
    group: Callable[[str], Hashable],
) -> dict[str, Position]:
    """Return where each source goes on for a spool that has only seen what is there: as the server has it.

    A file that the server has under another path was renamed since, and goes on there. One that it has not,
    written after all it has of the same group, is new: it gets no place, so it is read from its beginning.
    """
    known = {_inode(each) for end in ends.values() for each in _files(end)}
    newest: dict[Hashable, int] = {}
    for source, end in ends.items():
        for each in _files(end):
            newest[group(source)] = max(newest.get(group(source), 0), each["mtime"])
    return {
        source: place
        for source, place in held.items()
        if "kind" in place
        or (_inode(place) not in known and place["mtime"] <= newest.get(group(source), place["mtime"]))
    } | dict(ends)


def _files(position: Position) -> list[Position]:
    """Return the files of a position, each with when it was last written; of other kinds none."""
    if "kind" in position:
        return []
    return [each for each in (position, *position.get("older", ())) if "mtime" in each]


def _inode(place: Position) -> Hashable:
    return place["device"], place["inode"]


def _places(position: Position) -> list[tuple[Hashable, Any]]:
    """Return what can be compared in a position: how far each part of the source was read."""
    kind = position.get("kind")
    if kind == "journald":
        return [("at", position["at"])]
    if kind == "docker":
        streams = [(id_, each) for id_, each in position["containers"].items()]
        return [((id_, name), place) for id_, each in streams for name, place in each.items()]
    files = [position, *position.get("older", [])]
    return [(_inode(place), place["offset"]) for place in files]


def usable(end: Any) -> bool:
    """Return whether a position that came from outside has what a position of its kind needs."""
    if not isinstance(end, dict):
        return False
    if "kind" in end:
        return _usable_kind(end)
    if not isinstance(end.get("older", []), list):
        return False
    return all(_whole(place) for place in [end, *end.get("older", [])])


def _usable_kind(end: Position) -> bool:
    if end["kind"] == "journald":
        ahead = end.get("ahead", {})
        return (
            isinstance(end.get("cursor"), str)
            and _count(end.get("at"))
            and isinstance(ahead, dict)
            and all(isinstance(cursor, str) for cursor in ahead.values())
        )
    containers = end.get("containers")
    return (
        end["kind"] == "docker"
        and _count(end.get("since"))
        and isinstance(containers, dict)
        and all(isinstance(streams, dict) for streams in containers.values())
        and all(_place(place) for streams in containers.values() for place in streams.values())
    )


def _place(place: Any) -> bool:
    return isinstance(place, list) and len(place) == 2 and all(_count(n) for n in place)


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _whole(place: Any) -> bool:
    if not isinstance(place, dict) or not isinstance(place.get("fingerprint"), dict):
        return False
    numbers = [place.get(name) for name in ("device", "inode", "offset")]
    prints = [place["fingerprint"].get(name) for name in ("head_bytes", "tail_bytes")]
    numbers += [*prints, place.get("mtime", 0)]
    return (
        all(type(n) is int and 0 <= n < 1 << 63 for n in numbers)
        and max(prints) <= MARK_BYTES
        and place["fingerprint"]["tail_bytes"] <= place["offset"]
        and all(isinstance(place["fingerprint"].get(name), str) for name in ("head", "tail"))
    )
