"""Containers told by a scripted dockerd on a real unix socket, where the real one cannot be made to err."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from sra_agent.backoff import Backoff
from sra_agent.sources import Position
from sra_agent.sources.containers import Containers
from sra_agent.sources.docker_frames import stamped

from .test_docker_frames import frame, stamp


class Dockerd:
    """Answers as the engine does. `logs` holds what each container wrote, as (stream, stamp, text)."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.logs: dict[str, list[tuple[int, bytes, bytes]]] = {}
        self.state: dict[str, str] = {}  # as listed
        self.inspected: dict[str, str] = {}
        self.unfinished: dict[str, bytes] = {}  # of terminals: what follows their whole lines
        self.labels: dict[str, dict[str, str]] = {}
        self.refusals: dict[str, tuple[int, str]] = {}
        self.asked: list[str] = []
        self.cut_after: int | None = None  # bytes of logs, after which the connection breaks
        self.ended = threading.Event()
        self._open: list[socket.socket] = []
        self.start()

    def start(self) -> None:
        self.path.unlink(missing_ok=True)
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.path))
        self._listener.listen(50)
        threading.Thread(target=self._serve, args=(self._listener,), daemon=True).start()

    def stop(self) -> None:
        # closing alone does not wake the thread that accepts
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def cut(self) -> None:
        """Break the connections that are open, and go on listening."""
        for one in self._open:
            one.close()
        self._open.clear()

    def add(self, id_: str, *lines: tuple[int, bytes, bytes], state: str = "running") -> None:
        self.logs[id_] = list(lines)
        self.state[id_] = state

    def _serve(self, listener: socket.socket) -> None:
        while True:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            request = peer.recv(4096).decode()
            target = request.split(" ")[1]
            self.asked.append(target)
            try:
                self._answer(peer, urlsplit(target).path, parse_qs(urlsplit(target).query))
            except OSError:
                peer.close()

    def _answer(self, peer: socket.socket, path: str, query: dict[str, list[str]]) -> None:
        head = b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n"
        id_ = path.split("/")[2] if path.count("/") > 2 else ""
        if path == "/events":
            peer.sendall(head)
            self._open.append(peer)
            return
        body: Any = None
        if path == "/containers/json":
            body = [{"Id": one, "State": self.state[one]} for one in self.logs]
        elif path.endswith("/json"):
            config = {"Tty": id_ in self.unfinished, "Labels": self.labels.get(id_, {})}
            body = {"Name": f"/{id_[:5]}", "Config": config, "State": {"Status": self.inspected.get(id_)}}
        elif path in self.refusals:
            status, said = self.refusals[path]
            peer.sendall(b"HTTP/1.0 %d no\r\n\r\n" % status + json.dumps({"message": said}).encode())
        else:
            seconds, _, nanos = query["since"][0].partition(".")
            since = int(seconds) * 10**9 + int(nanos)
            data = b"".join(
                when + text + b"\r\n" if id_ in self.unfinished else frame(kind, when + text + b"\n")
                for kind, when, text in self.logs[id_]
                if (stamped(when)[0] or 0) >= since
            )
            peer.sendall(head + data[: self.cut_after] + self.unfinished.get(id_, b""))
            state = self.inspected.get(id_, self.state[id_])
            if self.cut_after is None and query["follow"] == ["1"] and state == "running":
                self._open.append(peer)
                return
        if body is not None:
            peer.sendall(head + json.dumps(body).encode())
        peer.close()


class Rig:
    def __init__(self, dockerd: Dockerd, position: Position | None = None) -> None:
        self.source = Containers(
            str(dockerd.path), position, from_start=True, backoff=Backoff(first=0.05, longest=0.1)
        )
        self.source.start()
        self.lines: list[str] = []
        self.services: list[str] = []
        self.position: Position | None = position

    def until(self, holds: Callable[[], Any], *, keep: bool = True) -> None:
        end = time.monotonic() + 10
        while not holds():
            assert time.monotonic() < end, (self.lines, self.source.problems())
            self.source.look()
            for piece in self.source.pieces():
                self.lines += piece.lines
                self.services += [str(piece.origin.service)] * len(piece.lines)
                if keep:
                    _, self.position = self.source.passed(piece.stream, piece.end)
            time.sleep(0.01)


@pytest.fixture
def dockerd(tmp_path: Path) -> Iterator[Dockerd]:
    made = Dockerd(tmp_path / "docker.sock")
    yield made
    made.stop()


A, B = "a" * 64, "b" * 64
TEN = [(1 + n % 2, stamp(n * 10_000_000), b"line %d" % n) for n in range(10)]


def test_a_connection_that_breaks_in_a_frame_is_taken_up_there(dockerd: Dockerd) -> None:
    dockerd.add(A, *TEN)
    dockerd.cut_after = 200  # in the middle of the fifth frame
    rig = Rig(dockerd)
    rig.until(lambda: len(rig.lines) >= 4)
    dockerd.cut_after = None
    rig.until(lambda: len(rig.lines) >= 10)
    assert rig.lines == [f"line {n}" for n in range(10)]
    rig.source.close()


def test_dockerd_goes_away_and_comes_back(dockerd: Dockerd) -> None:
    dockerd.add(A, *TEN[:5])
    rig = Rig(dockerd)
    rig.until(lambda: len(rig.lines) == 5)
    dockerd.stop()
    rig.until(rig.source.problems)
    dockerd.add(A, *TEN)
    dockerd.start()
    rig.until(lambda: len(rig.lines) >= 10)
    assert rig.lines == [f"line {n}" for n in range(10)] and rig.source.problems() == []
    rig.source.close()


@pytest.mark.parametrize("kept", range(0, 11, 2))
def test_a_position_that_was_kept_after_any_line_goes_on_there(dockerd: Dockerd, kept: int) -> None:
    dockerd.add(A, *TEN[:kept], state="exited")
    first = Rig(dockerd)
    first.until(lambda: len(first.lines) == kept)
    first.source.close()
    dockerd.add(A, *TEN, state="exited")
    second = Rig(dockerd, first.position)
    second.until(lambda: len(second.lines) >= 10 - kept)
    assert first.lines + second.lines == [f"line {n}" for n in range(10)]
    second.source.close()


def test_an_unfinished_event_of_one_stream_is_read_again_though_the_other_went_on(dockerd: Dockerd) -> None:
    dockerd.add(A, *TEN)
    rig = Rig(dockerd)
    held = []
    end = time.monotonic() + 10
    while len(rig.lines) < 10 and time.monotonic() < end:
        for piece in rig.source.pieces():
            rig.lines += piece.lines
            # what came over stderr is held by the joiner from the second line on
            mark = piece.end if piece.stream[2] == "stdout" else min(piece.end, 1)  # type: ignore[index]
            held += piece.lines if mark != piece.end or piece.marks(1) != [0] else []
            _, rig.position = rig.source.passed(piece.stream, mark)
    rig.source.close()
    again = Rig(dockerd, rig.position)
    again.until(lambda: len(again.lines) >= 4)
    again.source.close()
    assert again.lines == ["line 3", "line 5", "line 7", "line 9"]


def test_a_terminal_that_starts_after_it_was_listed_has_no_line_told_in_two(dockerd: Dockerd) -> None:
    dockerd.add(A, (1, stamp(0), b"whole"), state="created")
    dockerd.inspected[A], dockerd.unfinished[A] = "running", stamp(10_000_000) + b"half a li"
    rig = Rig(dockerd)
    rig.until(lambda: rig.lines)
    for _ in range(20):
        rig.source.look()
        assert list(rig.source.pieces()) == []
        time.sleep(0.01)
    dockerd.add(A, (1, stamp(0), b"whole"), (1, stamp(10_000_000), b"half a line"))
    dockerd.unfinished[A] = b""
    dockerd.cut()
    rig.until(lambda: len(rig.lines) > 1)
    assert rig.lines == ["whole", "half a line"]
    rig.source.close()


def test_a_driver_that_cannot_be_read_is_said_and_others_are_read(dockerd: Dockerd) -> None:
    dockerd.add(A)
    dockerd.add(B, *TEN)
    dockerd.labels[B] = {"sra.service": "shop"}
    dockerd.refusals[f"/containers/{A}/logs"] = (501, "configured logging driver does not support reading")
    rig = Rig(dockerd)
    rig.until(lambda: len(rig.lines) == 10 and rig.source.problems())
    assert "does not support reading" in rig.source.problems()[0] and set(rig.services) == {"shop"}
    asked = sum(f"/containers/{A}/logs" in one for one in dockerd.asked)
    time.sleep(1.0)
    assert sum(f"/containers/{A}/logs" in one for one in dockerd.asked) == asked == 1
    rig.source.close()


def test_a_removed_container_leaves_the_position(dockerd: Dockerd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sra_agent.sources.containers.LIST_SECONDS", 0.1)
    dockerd.add(A, *TEN, state="exited")
    rig = Rig(dockerd)
    rig.until(lambda: len(rig.lines) == 10)
    assert rig.position is not None and len(rig.position["containers"]) == 1
    del dockerd.logs[A]
    rig.until(lambda: not rig.source.positions()["docker"]["containers"])
    dockerd.add(B, *TEN)
    rig.until(lambda: rig.position is not None and set(rig.position["containers"]) == {B[:12]})
    rig.source.close()


def test_no_dockerd_is_a_problem_and_no_failure(tmp_path: Path) -> None:
    source = Containers(str(tmp_path / "none.sock"), None)
    source.start()
    end = time.monotonic() + 5
    while not source.problems() and time.monotonic() < end:
        time.sleep(0.01)
    assert "No such file" in source.problems()[0]
    source.close()
