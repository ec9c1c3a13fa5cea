"""Syslog over real sockets: framing, back-pressure, and every loss counted by its reason."""

from __future__ import annotations

import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from sra_agent.sources import syslog
from sra_agent.sources.syslog import Syslog
from sra_agent.sources.syslog_frames import FRAME_BYTES, Frames


class Rig:
    def __init__(self, *, room: int = 0) -> None:
        self.dropped: Counter[str] = Counter()
        self.source = Syslog(
            "127.0.0.1:0", "127.0.0.1:0", room=room, drop=lambda why, n: self.dropped.update({why: n})
        )
        self.source.start()
        self.lines: list[str] = []
        self.cut: list[int] = []

    def take(self) -> None:
        for piece in self.source.pieces():
            self.lines += piece.lines
            self.cut += piece.cut.values()

    def until(self, holds: Callable[[], bool], seconds: float = 10.0) -> None:
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, (len(self.lines), self.dropped)
            self.take()
            time.sleep(0.005)

    def tcp(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.source.bound["tcp"]), timeout=10)

    def udp(self) -> socket.socket:
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        sock.connect(("127.0.0.1", self.source.bound["udp"]))
        return sock


@pytest.fixture
def rig() -> Iterator[Rig]:
    made = Rig()
    yield made
    made.source.close()


FRAMES = b"<13>one\n6 <13>ab<14>two\r\n12 <15>counted\nx<13>three\n"


@pytest.mark.parametrize("step", [1, 2, 3, 7, 1000])
def test_both_framings_in_pieces_of_any_size(step: int) -> None:
    frames = Frames()
    came = [text for n in range(0, len(FRAMES), step) for text, _ in frames.feed(FRAMES[n : n + step])]
    assert came == [b"<13>one", b"<13>ab", b"<14>two\r", b"<15>counted\n", b"x<13>three"]
    assert frames.rest() is None


def test_a_length_that_is_none_belongs_to_the_text() -> None:
    frames = Frames()
    assert [text for text, _ in frames.feed(b"12:30:00 started\n007 <\n99999999999 x\n")] == [
        b"12:30:00 started",
        b"007 <",
        b"99999999999 x",
    ]


@pytest.mark.parametrize("counted", [True, False])
def test_a_frame_that_is_too_long_is_cut_and_the_next_is_whole(counted: bool) -> None:
    frames, long = Frames(), b"<13>" + b"x" * (20 * FRAME_BYTES)
    sent = (b"%d %s" % (len(long), long) if counted else long + b"\n") + b"<13>next\n"
    came, most = [], 0
    for n in range(0, len(sent), 10_000):
        came += list(frames.feed(sent[n : n + 10_000]))
        most = max(most, len(frames._data) + len(frames._kept))
    assert [(len(text), size) for text, size in came] == [(FRAME_BYTES, len(long)), (8, 8)]
    assert most <= FRAME_BYTES + 10_000


def test_what_a_connection_leaves_without_end_is_told(rig: Rig) -> None:
    with closing(rig.tcp()) as sock:
        sock.sendall(b"<13>whole\n<13>half")
    rig.until(lambda: len(rig.lines) == 2)
    assert rig.lines == ["<13>whole", "<13>half"]


def test_datagrams_and_streams_arrive(rig: Rig) -> None:
    with closing(rig.udp()) as udp, closing(rig.tcp()) as tcp:
        for n in range(100):
            udp.send(b"<13>udp %d\n" % n)
            tcp.sendall(b"<13>tcp %d\n" % n)
        rig.until(lambda: len(rig.lines) == 200)
    assert sorted(rig.lines) == sorted(f"<13>{kind} {n}" for kind in ("udp", "tcp") for n in range(100))
    assert not rig.dropped
    assert len(rig.source.watches()) == 2 and rig.source.problems() == []


def test_tcp_waits_while_there_is_no_room_and_loses_nothing() -> None:
    rig = Rig(room=400_000)
    line, n = b"<13>" + b"x" * 1000 + b"\n", 20_000
    sent: list[int] = []

    def send() -> None:
        with closing(rig.tcp()) as sock:
            for _ in range(n):
                sock.sendall(line)
                sent.append(1)

    sender = threading.Thread(target=send)
    sender.start()
    time.sleep(1.0)
    stuck = len(sent)
    time.sleep(0.5)
    assert len(sent) == stuck < n  # the sender waits, as nobody takes
    assert rig.source._inbox._bytes < 500_000
    rig.until(lambda: len(rig.lines) == n, 60)
    sender.join()
    rig.source.close()
    assert rig.dropped == {}


def test_datagrams_are_stored_or_counted() -> None:
    rig, sent = Rig(room=50_000), 20_000
    with closing(rig.udp()) as sock:
        for n in range(sent):
            sock.send(b"<13>%d" % n)
    time.sleep(0.5)
    rig.until(lambda: len(rig.source._inbox) == 0)
    rig.source.close()
    assert len(rig.lines) + sum(rig.dropped.values()) == sent, rig.dropped
    assert rig.dropped["syslog_udp_full"] > 0


def test_what_the_kernel_drops_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syslog, "KERNEL_BYTES", 4096)
    dropped: Counter[str] = Counter()
    source = Syslog("127.0.0.1:0", "", drop=lambda why, n: dropped.update({why: n}))
    source._bind()  # the thread that reads does not run yet
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as sock:
        for n in range(500):
            sock.sendto(b"<13>%d" % n, ("127.0.0.1", source.bound["udp"]))
    source._thread.start()
    end = time.monotonic() + 10
    lines: list[str] = []
    while len(lines) + sum(dropped.values()) < 500 and time.monotonic() < end:
        lines += [line for piece in source.pieces() for line in piece.lines]
        time.sleep(0.01)
    source.close()
    assert len(lines) + dropped["syslog_udp_kernel"] == 500 and dropped["syslog_udp_kernel"] > 0


def test_what_nobody_took_is_counted_at_the_end() -> None:
    rig = Rig()
    with closing(rig.udp()) as sock:
        for n in range(10):
            sock.send(b"<13>%d" % n)
    end = time.monotonic() + 5
    while len(rig.source._inbox) < 10 and time.monotonic() < end:
        time.sleep(0.01)
    rig.source.close()
    assert rig.dropped == {"syslog_at_stop": 10}


def test_connections_are_bounded_and_idle_ones_give_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syslog, "CONNECTIONS", 3)
    rig = Rig()
    socks = [rig.tcp() for _ in range(4)]
    socks[3].sendall(b"<13>waits\n")
    time.sleep(0.5)
    assert len(rig.source._connections) == 3 and rig.lines == []
    monkeypatch.setattr(syslog, "IDLE_SECONDS", 0.0)
    rig.until(lambda: rig.lines == ["<13>waits"])
    for sock in socks:
        sock.close()
    rig.source.close()


def test_an_address_that_is_taken_is_said_and_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(syslog, "BIND_SECONDS", 0.1)
    taken = socket.create_server(("127.0.0.1", 0))
    source = Syslog("", f"127.0.0.1:{taken.getsockname()[1]}", drop=lambda why, n: None)
    source.start()
    assert "Address already in use" in source.problems()[0] and source.watches() == []
    taken.close()
    end = time.monotonic() + 10
    while source.problems() and time.monotonic() < end:
        time.sleep(0.05)
    assert source.watches() and source.problems() == []
    source.close()
