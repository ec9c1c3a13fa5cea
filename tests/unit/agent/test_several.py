"""All sources in one agent: what a source knows of a line, the balance of every count, and lost state."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from sra_agent import Agent
from sra_agent.ends import ahead, usable
from sra_agent.intake import HOLD_SECONDS, Intake
from sra_agent.sources import Known, Origin, Piece, Position
from sra_agent.spool import Spool
from sra_sdk.errors import BadInput

from .recorder import Recorder
from .test_app import balanced, config, until, write


class Given:
    """A source that gives the pieces it was given."""

    def __init__(self, *pieces: Piece) -> None:
        self._pieces = list(pieces)

    def look(self) -> None: ...

    def pieces(self) -> Any:
        given, self._pieces = self._pieces, []
        return iter(given)

    def passed(self, stream: Any, mark: int) -> tuple[str, Position | None]:
        return "given", {"mark": mark}


def piece(lines: list[str], known: list[Known], **more: Any) -> Piece:
    origin = Origin(source="given", service="shop", guess="shop", **more)
    marks = list(range(len(lines)))
    return Piece(
        stream=("given",), origin=origin, lines=lines, end=len(lines), marks=lambda n: marks[-n:], known=known
    )


def records(folder: Path, *pieces: Piece) -> list[dict[str, Any]]:
    spool, time = Spool.open(folder, host="web-1", cap=10**8), [0.0]
    intake = Intake(Given(*pieces), spool, host="web-1", now=lambda: 5, clock=lambda: time[0])  # type: ignore[arg-type]
    intake.round()
    time[0] += HOLD_SECONDS
    intake.round()
    sealed = spool.batch()
    spool.close()
    return json.loads(sealed.body)["logs"] if sealed is not None else []


AT = 1_794_996_000_000_000


def test_each_event_has_what_is_known_of_its_first_line(tmp_path: Path) -> None:
    lines = [
        "ERROR failed",
        "Traceback (most recent call last):",
        '  File "x"',
        "ValueError: no",
        "",
        "INFO next",
    ]
    known = [Known(AT + n * 1_000_000, None, {"n": n}) for n in range(6)]
    found = records(tmp_path, piece(lines, known))
    assert [(one["timestamp"][17:19], one["metadata"]["n"]) for one in found] == [("00", 0), ("05", 5)]
    assert found[0]["message"].endswith("ValueError: no")


@pytest.mark.parametrize(
    ("text", "level", "expected"),
    [
        ("ERROR in the text", "info", "error"),  # what units print has the default priority
        ("ERROR in the text", "warning", "warning"),
        ("nothing said", "error", "error"),
        ("nothing said", None, "info"),
        ("DEBUG in the text", None, "debug"),
    ],
)
def test_the_level_of_the_source_wins_unless_it_is_the_default(
    tmp_path: Path, text: str, level: str | None, expected: str
) -> None:
    (found,) = records(tmp_path, piece([text], [Known(AT, level)]))
    assert found["level"] == expected and found["service"] == "shop"


async def test_files_and_syslog_together_keep_the_balance(tmp_path: Path) -> None:
    with Recorder() as recorder:
        given = config(recorder, tmp_path, syslog_udp="127.0.0.1:0", syslog_tcp="127.0.0.1:0")
        async with Agent(given) as agent:
            await until(lambda: len(recorder.hellos) > 0)
            reading = agent._parts._reading  # type: ignore[union-attr]
            await until(lambda: len(reading.view.watches) >= 2)
            source = reading.sources._active["syslog"]  # type: ignore[union-attr]
            expected = write(tmp_path, 0, 500)
            with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as udp:
                for n in range(200):
                    udp.sendto(
                        b"<11>Nov 18 10:00:00 db-1 postgres[1]: datagram %d" % n,
                        ("127.0.0.1", source.bound["udp"]),
                    )
            with closing(socket.create_connection(("127.0.0.1", source.bound["tcp"]))) as tcp:
                tcp.sendall(
                    b"".join(b"<14>1 2026-11-18T10:00:00Z db-1 app - - - stream %d\n" % n for n in range(300))
                )
            await until(lambda: len(recorder.records) + sum(recorder.dropped.values()) >= 1000)
            assert balanced(agent.counters())
        said = agent.counters()
        assert balanced(said) and said["spooled"] == 0
    by_service: dict[str, list[str]] = {}
    for one in recorder.records:
        by_service.setdefault(one["service"], []).append(one["message"])
    assert sorted(by_service["postgres"]) == sorted(f"datagram {n}" for n in range(200))
    assert by_service["app"][-300:] == [f"stream {n}" for n in range(300)]
    assert [one["message"] for one in recorder.records if one["source"].endswith("app.log")] == expected
    first = next(one for one in recorder.records if one["service"] == "postgres")
    assert first["level"] == "error" and first["metadata"]["peer"] == "127.0.0.1"
    assert first["metadata"]["logged_host"] == "db-1" and first["source"] == "syslog:udp"


async def test_what_syslog_brought_and_found_no_room_is_counted(tmp_path: Path) -> None:
    """The server is away and the spool as small as it may be: what comes is spooled, waiting or counted."""
    with Recorder() as recorder:
        given = config(
            recorder, tmp_path, syslog_udp="127.0.0.1:0", spool_bytes=3 * 1024 * 1024, drain_seconds=0.2
        )
        async with Agent(given) as agent:
            await until(lambda: len(recorder.hellos) > 0)
            recorder.fault = lambda method, path, n: 503 if path == "/ingest/batch" else None
            reading = agent._parts._reading  # type: ignore[union-attr]
            await until(lambda: len(reading.view.watches) >= 1)
            source = reading.sources._active["syslog"]  # type: ignore[union-attr]
            with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as udp:
                for n in range(8000):
                    udp.sendto(b"<13>%d %s" % (n, b"x" * 900), ("127.0.0.1", source.bound["udp"]))
                    if n % 50 == 0:
                        await asyncio.sleep(0.001)
            await until(lambda: agent.counters()["dropped"].get("syslog_udp_full"))
        said = agent.counters()
        assert balanced(said) and said["written"] == 8000, said
        assert said["spooled"] > 500 and said["dropped"]["syslog_udp_full"] > 500, said


@pytest.mark.parametrize(
    ("position", "good"),
    [
        ({"kind": "journald", "cursor": "s=1", "at": 5}, True),
        ({"kind": "journald", "cursor": "s=1", "at": 5, "ahead": {"a:1": "s=2"}}, True),
        ({"kind": "journald", "cursor": 3, "at": 5}, False),
        ({"kind": "journald", "cursor": "s=1", "at": 5, "ahead": {"a": 1}}, False),
        ({"kind": "docker", "since": 1, "containers": {"a": {"stdout": [1, 2]}}}, True),
        ({"kind": "docker", "since": 1, "containers": {"a": {"stdout": [1]}}}, False),
        ({"kind": "docker", "since": -1, "containers": {}}, False),
        ({"kind": "docker", "since": 1, "containers": {"a": []}}, False),
        ({"kind": "other"}, False),
    ],
)
def test_positions_from_outside_are_checked(position: dict[str, Any], good: bool) -> None:
    assert usable(position) is good


def test_an_older_position_is_noticed_for_every_kind() -> None:
    journal = {"kind": "journald", "cursor": "c", "at": 5}
    assert ahead({"journald": {**journal, "at": 6}}, {"journald": journal})
    assert not ahead({"journald": journal}, {"journald": journal})
    docker = {"kind": "docker", "since": 1, "containers": {"a": {"stdout": [5, 1]}}}
    more = {"kind": "docker", "since": 1, "containers": {"a": {"stdout": [5, 2]}, "b": {"stdout": [9, 9]}}}
    assert ahead({"docker": more}, {"docker": docker}) and not ahead({"docker": docker}, {"docker": more})


def place(inode: int, offset: int, mtime: int, *older: dict[str, Any]) -> dict[str, Any]:
    return {"device": 1, "inode": inode, "offset": offset, "mtime": mtime, "older": list(older)}


def test_a_file_begun_after_all_that_a_spool_knows_shows_that_it_is_old() -> None:
    ours = {"app.log": place(7, 500, 30, place(6, 900, 20)), "db.log": place(3, 10, 40)}
    assert ahead({"app.log": place(8, 100, 50, place(7, 500, 30))}, ours)
    assert ahead({"web.log": place(9, 100, 10)}, ours), "it began with what the server had, and not with this"
    assert ahead({"web.log": place(9, 100, 10)}, {})
    assert not ahead({"web.log": place(9, 0, 50)}, ours), "nothing of it is stored"
    assert not ahead({"app.log": place(8, 0, 50, place(7, 500, 30))}, ours), "nothing of it is stored"
    assert not ahead({"app.log": place(5, 100, 10)}, ours), "forgotten, for it was finished long ago"


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("journald", ()),
        ("journald", ("--all",)),
        ("journald", ("a b",)),
        ("journald", "shop.service"),
        ("docker", "relative.sock"),
        ("docker", 1),
        ("syslog_udp", "5514"),
        ("syslog_udp", "localhost:5514"),
        ("syslog_tcp", "127.0.0.1:x"),
    ],
)
def test_settings_that_cannot_work_are_refused(tmp_path: Path, setting: str, value: Any) -> None:
    with Recorder() as recorder, pytest.raises(BadInput, match=setting):
        config(recorder, tmp_path, **{setting: value})


def test_settings_that_work(tmp_path: Path) -> None:
    with Recorder() as recorder:
        made = config(
            recorder,
            tmp_path,
            journald=("shop.service", "getty@tty1.service"),
            docker="/run/podman/podman.sock",
            syslog_udp="[::1]:5514",
        )
    assert made.journald and made.docker and made.syslog_udp


async def test_the_agent_runs_where_nothing_of_it_is_there(tmp_path: Path) -> None:
    shutil.rmtree(tmp_path / "none", ignore_errors=True)
    with Recorder() as recorder:
        async with Agent(config(recorder, tmp_path, docker=str(tmp_path / "none.sock"))) as agent:
            expected = write(tmp_path, 0, 50)
            await until(lambda: len(recorder.records) == 50)
            await until(
                lambda: any("docker:" in text for text in agent._parts.announcement()["cannot_watch"])
            )  # type: ignore[union-attr]
        assert recorder.messages() == expected
