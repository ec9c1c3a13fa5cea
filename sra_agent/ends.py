"""Ask the server how far this host's sources are stored. From app, for a spool that is new; to reading.

Asked once in the life of a spool, so that one which was lost is no reason to send anything twice.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Hashable, Mapping
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

    So it has, too, where it knows a file that we do not, written after all that we know: it was begun since.
    """
    newest = max((each["mtime"] for known in ours.values() for each in _files(known)), default=None)
    for source, end in theirs.items():
        mine = dict(_places(ours[source])) if source in ours else {}
        if any(reached > mine.get(place, reached) for place, reached in _places(end)):
            return True
        for each in _files(end):
            if newest is not None and _inode(each) not in mine and each["offset"] and each["mtime"] > newest:
                return True
    return False


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
