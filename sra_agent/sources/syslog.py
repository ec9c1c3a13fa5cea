"""A listener for syslog over UDP and TCP. From other programs and hosts; to intake.

Nobody can be asked again for what came here. When there is no room, TCP is not read, so that its senders
wait; datagrams that find no room, here or in the kernel, are counted by reason.
"""

from __future__ import annotations

import logging
import os
import selectors
import socket
import threading
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import suppress
from itertools import groupby
from typing import NamedTuple

from . import Known, Origin, Piece, Position
from .inbox import Inbox
from .syslog_frames import Frames

log = logging.getLogger("sra.agent.syslog")
NAME = "syslog"
CONNECTIONS = 128
IDLE_SECONDS = 60.0  # so long idle, a connection gives way to a new one when there are too many
READ_BYTES = 16 * 1024
DATAGRAMS = 500  # before other sockets have their turn
KERNEL_BYTES = 4 * 1024 * 1024
LOOK_SECONDS = 2.0
BIND_SECONDS = 5.0
TCP_SHARE = 0.5  # of the room; the rest is for datagrams, which cannot wait
_FORCE = 33  # SO_RCVBUFFORCE, which the module socket does not name


class Message(NamedTuple):
    """A message, or the end of a connection (no text)."""

    stream: tuple[str, str]
    peer: str
    text: bytes | None
    size: int


class Connection:
    """One sender over TCP."""

    def __init__(self, number: int, sock: socket.socket, peer: str) -> None:
        self.sock, self.peer, self.stream = sock, peer, (NAME, f"tcp-{number}")
        self.frames = Frames()
        self.heard_at = time.monotonic()


class Syslog:
    """The listeners of one agent; an empty address listens not at all."""

    def __init__(self, udp: str, tcp: str, *, drop: Callable[[str, int], None], room: int = 0) -> None:
        self._addresses = {"udp": udp, "tcp": tcp}
        self._drop = drop
        self._inbox: Inbox[Message] = Inbox(room) if room else Inbox()
        self.wake = self._inbox.wake
        self._selector = selectors.DefaultSelector()
        self._udp: socket.socket | None = None
        self._listener: socket.socket | None = None
        self._connections: dict[int, Connection] = {}
        self._reading = True  # whether TCP is read
        self._numbers = 0
        self._kernel_drops = 0
        self._problems: dict[str, str] = {}
        self.bound: dict[str, int] = {}  # the port of each protocol
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sra-syslog", daemon=True)

    # ── the thread that listens ──────────────────────────────────────────────────────────────

    def start(self) -> None:
        """Bind, and begin to listen; an address that is taken is tried again."""
        self._bind()
        self._thread.start()

    def _bind(self) -> None:
        for protocol, address in self._addresses.items():
            if not address or protocol in self.bound:
                continue
            host, _, port = address.rpartition(":")
            family = socket.AF_INET6 if ":" in host else socket.AF_INET
            kind = socket.SOCK_DGRAM if protocol == "udp" else socket.SOCK_STREAM
            sock = socket.socket(family, kind)
            try:
                sock.setblocking(False)
                if protocol == "tcp":
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                sock.bind((host.strip("[]"), int(port)))
            except OSError as error:
                sock.close()
                said = f"syslog {protocol} {address}: {error.strerror}"
                if self._problems.get(protocol) != said:
                    log.warning("%s; it is tried again", said, extra={"action": "syslog"})
                self._problems[protocol] = said
                continue
            self._problems.pop(protocol, None)
            self.bound[protocol] = int(sock.getsockname()[1])
            self._selector.register(sock, selectors.EVENT_READ)
            if protocol == "udp":
                for option in (_FORCE, socket.SO_RCVBUF):
                    with suppress(OSError):
                        sock.setsockopt(socket.SOL_SOCKET, option, KERNEL_BYTES)
                        break
                self._udp = sock
            else:
                sock.listen(CONNECTIONS)
                self._listener = sock

    def _run(self) -> None:
        due = bind_due = 0.0
        while not self._stop.is_set():
            now = time.monotonic()
            if now >= bind_due:
                self._bind()
                bind_due = now + BIND_SECONDS
            if now >= due:
                self._count_kernel_drops()
                due = now + LOOK_SECONDS
            self._pause_or_go_on()
            # Without room, look again soon: the room is made by another thread.
            for key, _ in self._selector.select(0.2 if self._reading else 0.02):
                if key.fileobj is self._udp:
                    self._datagrams(self._udp)
                elif key.fileobj is self._listener:
                    self._accept(self._listener)
                elif self._inbox.room(TCP_SHARE):
                    self._receive(self._connections.get(key.fd))
        self._end()

    def _pause_or_go_on(self) -> None:
        room = self._inbox.room(TCP_SHARE)
        if room != self._reading:
            self._reading = room
            for fd in self._connections:
                if room:
                    self._selector.register(fd, selectors.EVENT_READ)
                else:
                    self._selector.unregister(fd)

    def _datagrams(self, sock: socket.socket) -> None:
        for _ in range(DATAGRAMS):
            try:
                data, sender = sock.recvfrom(65_535)
            except BlockingIOError:
                return
            except OSError:
                continue  # an error of another's datagram, told on this socket
            if self._inbox.room():
                self._inbox.put(Message((NAME, "udp"), sender[0], data, len(data)), len(data))
            else:
                self._drop("syslog_udp_full", 1)

    def _accept(self, listener: socket.socket) -> None:
        if len(self._connections) >= CONNECTIONS:
            oldest = min(self._connections.values(), key=lambda one: one.heard_at)
            if time.monotonic() - oldest.heard_at < IDLE_SECONDS:
                time.sleep(0.01)  # it waits in the kernel's queue
                return
            self._finish(oldest)
        try:
            sock, peer = listener.accept()
        except OSError:
            return
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        self._numbers += 1
        self._connections[sock.fileno()] = Connection(self._numbers, sock, str(peer[0]))
        if self._reading:
            self._selector.register(sock, selectors.EVENT_READ)

    def _receive(self, connection: Connection | None) -> None:
        if connection is None:
            return  # it has just made room for another
        try:
            data = connection.sock.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        connection.heard_at = time.monotonic()
        for text, size in connection.frames.feed(data):
            self._put(connection, text, size)
        if not data:
            self._finish(connection)

    def _put(self, connection: Connection, text: bytes, size: int) -> None:
        self._inbox.put(Message(connection.stream, connection.peer, text, size), len(text))

    def _finish(self, connection: Connection) -> None:
        rest = connection.frames.rest()
        if rest is not None:
            self._put(connection, *rest)
        self._inbox.put(Message(connection.stream, connection.peer, None, 0), 0)
        fd = connection.sock.fileno()
        with suppress(KeyError):
            self._selector.unregister(fd)
        del self._connections[fd]
        connection.sock.close()

    def _end(self) -> None:
        self._count_kernel_drops()
        for connection in list(self._connections.values()):
            self._finish(connection)
        for sock in (self._udp, self._listener):
            if sock is not None:
                sock.close()
        self._selector.close()

    def _count_kernel_drops(self) -> None:
        if self._udp is None:
            return
        drops = kernel_drops(os.fstat(self._udp.fileno()).st_ino)
        if drops is not None and drops > self._kernel_drops:
            self._drop("syslog_udp_kernel", drops - self._kernel_drops)
            self._kernel_drops = drops

    # ── the thread that takes ────────────────────────────────────────────────────────────────

    def look(self) -> None:
        """Nothing to do: senders tell."""

    def behind(self) -> bool:
        """Return whether messages wait."""
        return len(self._inbox) > 0

    def pieces(self) -> Iterator[Piece]:
        """Yield the messages that wait, those of one connection together."""
        for (stream, peer), run in groupby(self._inbox.take(), lambda one: (one.stream, one.peer)):
            came = list(run)
            told = [(message.text, message.size) for message in came if message.text is not None]
            known = Known(metadata={"peer": peer})
            yield Piece(
                stream=stream,
                origin=Origin(source=f"{NAME}:{stream[1][:3]}", service=None, guess=NAME, again=False),
                lines=[_readable(text) for text, _ in told],
                end=0,
                marks=lambda n: [0] * n,
                cut={n: size for n, (text, size) in enumerate(told) if size > len(text)},
                final=any(message.text is None for message in came),
                known=[known] * len(told),
            )

    def passed(self, stream: Hashable, mark: int) -> tuple[str, Position | None]:
        """Return no position: what came cannot be had again."""
        return NAME, None

    def positions(self) -> dict[str, Position]:
        """Return nothing."""
        return {}

    def services(self) -> list[str]:
        """Return nothing: the messages say whose they are."""
        return []

    def watches(self) -> list[str]:
        """Return the addresses that are listened on."""
        return [f"{NAME} {protocol} {self._addresses[protocol]}" for protocol in sorted(self.bound)]

    def problems(self) -> list[str]:
        """Return the addresses that cannot be listened on, and why."""
        return list(self._problems.values())

    def close(self) -> None:
        """Stop listening, and count what nobody took."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(10)
        while left := self._inbox.take():
            if untaken := sum(message.text is not None for message in left):
                self._drop("syslog_at_stop", untaken)
        self._inbox.close()


def _readable(text: bytes) -> str:
    return text.rstrip(b"\r\n\0").replace(b"\0", b"\xef\xbf\xbd").decode("utf-8", "replace")


def kernel_drops(inode: int) -> int | None:
    """Return how many datagrams the kernel had no room for, of the socket with this inode."""
    for path in ("/proc/net/udp", "/proc/net/udp6"):
        with suppress(OSError), open(path, encoding="ascii") as table:
            for line in table:
                columns = line.split()
                if len(columns) >= 13 and columns[9] == str(inode):
                    return int(columns[12])
    return None
