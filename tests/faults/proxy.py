"""A TCP proxy between agent and server that does what a bad network does. To test_network, test_crash_points.

It knows as much of HTTP as the agent speaks: requests and answers with Content-Length, one at a time.
A rule says for each request, by its number from 1 on and its bytes, what becomes of it.
"""
from __future__ import annotations

import gzip
import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress

PASS = "pass"
DROP_REPLY = "drop the reply"  # the server has it, and the client never hears so
RESET = "reset"  # neither request nor reply, and the connection is torn
BLACKHOLE = "blackhole"  # goes nowhere, for as long as the rule says so
SLOW = "slow"  # the reply comes byte by byte

Rule = Callable[[int, bytes], str | bytes]  # bytes are answered instead of the server's word


def problem(status: int, code: str, more: str = "") -> bytes:
    """Return an answer as the server would give it."""
    body = f'{{"code":"{code}","title":"{code}"}}'.encode()
    return (f"HTTP/1.1 {status} No\r\nContent-Type: application/problem+json\r\n{more}"
            f"Content-Length: {len(body)}\r\n\r\n").encode() + body


def body_of(request: bytes) -> bytes:
    """Return the unpacked body of a request."""
    head, _, body = request.partition(b"\r\n\r\n")
    return gzip.decompress(body) if b"content-encoding: gzip" in head.lower() else body


class Proxy:
    """Listens on `port` while the block runs."""

    def __init__(self, to: int, rule: Rule = lambda _n, _request: PASS) -> None:
        self.rule, self._to = rule, to
        self.requests = 0
        self.faults = 0
        self._lock = threading.Lock()
        self._end = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = int(self._listener.getsockname()[1])

    def __enter__(self) -> Proxy:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _accept(self) -> None:
        while not self._end.is_set():
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(client,), daemon=True).start()

    def _talk(self, client: socket.socket) -> None:
        server: socket.socket | None = None
        with client, suppress(OSError):
            while (request := _message(client)) and not self._end.is_set():
                what = self._decide(request)
                if what == RESET:
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    break
                while what == BLACKHOLE and not self._end.wait(0.1):
                    what = self.rule(self.requests, request)  # TCP brings it once the network is back
                if isinstance(what, bytes):
                    client.sendall(what)
                    continue
                try:
                    server = server or socket.create_connection(("127.0.0.1", self._to), timeout=60)
                    server.sendall(request)
                    reply = _message(server)
                except OSError:
                    reply = b""
                if not reply or what == DROP_REPLY:
                    break
                for place in range(0, len(reply), 1 if what == SLOW else len(reply)):
                    client.sendall(reply[place:place + (1 if what == SLOW else len(reply))])
                    self._end.wait(0.002 if what == SLOW else 0)
        if server is not None:
            server.close()

    def _decide(self, request: bytes) -> str | bytes:
        """Only batches are counted and harmed: what the agent asks beside them passes."""
        if not request.startswith(b"POST /ingest/"):
            return PASS
        with self._lock:
            self.requests += 1
            what = self.rule(self.requests, request)
            self.faults += what != PASS
        return what


def _message(peer: socket.socket) -> bytes:
    """Read one request or answer; b"" when the other side is gone."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = peer.recv(65536)
        if not more:
            return b""
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    length = next((int(field.split(b":")[1]) for field in head.split(b"\r\n")
                   if field.lower().startswith(b"content-length:")), 0)
    while len(body) < length:
        more = peer.recv(65536)
        if not more:
            return b""
        body += more
    return head + b"\r\n\r\n" + body
