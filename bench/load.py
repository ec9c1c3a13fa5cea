"""What sends to the server in benchmarks: sealed bodies over plain sockets, one thread a connection.

It prepares everything beforehand, so that it takes as little of the machine as it can.
"""

from __future__ import annotations

import hashlib
import json
import random
import secrets
import socket
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

#: One record in so many is a warning or worse.
LOUD_EVERY = 100
_PATHS = ("/api/v1/orders", "/api/v1/cart", "/api/v1/users/me", "/health", "/api/v1/search")


def records(n: int, seed: int = 1) -> list[dict[str, object]]:
    """Return records as an application sends them: of the last moments, about 290 bytes of JSON each."""
    pick = random.Random(seed)
    made: list[dict[str, object]] = []
    at = datetime.now(UTC)
    for i in range(n):
        at += timedelta(microseconds=pick.randrange(4_000))
        loud = i % LOUD_EVERY == LOUD_EVERY - 1
        path, took = pick.choice(_PATHS), pick.randrange(1, 900)
        text = (
            f"upstream inventory answered slowly for order {pick.randrange(10**6)} after {took} ms"
            if loud
            else f"GET {path}?page={pick.randrange(50)} 200 in {took} ms for client {pick.randrange(10**6)}"
        )
        made.append(
            {
                "timestamp": at.isoformat(timespec="microseconds"),
                "level": "warning" if loud else "info",
                "message": text,
                "service": f"shop-{pick.randrange(4)}",
                "host": f"web-{pick.randrange(3)}",
                "trace_id": f"{pick.getrandbits(128):032x}",
                "metadata": {"path": path, "ms": took, "region": "eu-west-1", "attempt": 1},
            }
        )
    return made


@dataclass
class Result:
    """What came of a run."""

    rows: int = 0
    seconds: float = 0.0
    waits: list[float] = field(default_factory=list)
    refused: int = 0

    @property
    def rate(self) -> float:
        return self.rows / self.seconds if self.seconds else 0.0

    def quantile(self, part: float) -> float:
        """Return a latency in ms."""
        ordered = sorted(self.waits) or [0.0]
        return 1000 * ordered[min(len(ordered) - 1, int(part * len(ordered)))]


class Load:
    """Bodies of `size` records, made once, and the run of some connections that send them."""

    def __init__(self, url: str, key: str, size: int, *, bodies: int = 8) -> None:
        parts = urlsplit(url)
        self.address, self.size = (parts.hostname or "", parts.port or 0), size
        self.bodies = []
        for number in range(bodies):
            body = json.dumps({"logs": records(size, number)}, separators=(",", ":")).encode()
            head = (
                f"POST /ingest/logs HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
                f"X-SRA-Digest: {hashlib.sha256(body).hexdigest()}\r\n"
            )
            self.bodies.append((head.encode(), b"\r\n" + body))

    def run(self, seconds: float, *, connections: int = 4, rate: float | None = None) -> Result:
        """Send for some seconds; at `rate` rows/s, each request at its own time, or as fast as it goes."""
        result, lock = Result(), threading.Lock()
        start = time.perf_counter() + 0.05
        threads = [
            threading.Thread(
                target=self._connection,
                args=(
                    start + (i * self.size / rate if rate else 0.0),
                    start + seconds,
                    connections * self.size / rate if rate else 0.0,
                    result,
                    lock,
                ),
            )
            for i in range(connections)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        result.seconds = time.perf_counter() - start
        return result

    def _connection(
        self, start: float, end: float, every: float, result: Result, lock: threading.Lock
    ) -> None:
        producer, number, waits, rows, refused = secrets.token_hex(16), 0, [], 0, 0
        with socket.create_connection(self.address) as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            time.sleep(max(0.0, start - time.perf_counter()))
            due = start
            while (now := time.perf_counter()) < end:
                if every:
                    if due > now:
                        time.sleep(due - now)
                    begun, due = due, due + every
                else:
                    begun = now
                number += 1
                head, body = self.bodies[number % len(self.bodies)]
                sock.sendall(
                    head + f"X-SRA-Producer: {producer}\r\nX-SRA-Sequence: {number}\r\n".encode() + body
                )
                if _answer(sock).startswith(b"HTTP/1.1 200"):
                    rows += self.size
                else:
                    refused += 1
                waits.append(time.perf_counter() - begun)
        with lock:
            result.rows += rows
            result.refused += refused
            result.waits += waits


def _answer(sock: socket.socket) -> bytes:
    """Read one answer whole."""
    data = b""
    while True:
        more = sock.recv(65536)
        if not more:
            raise ConnectionError("the server closed the connection")
        data += more
        head, found, body = data.partition(b"\r\n\r\n")
        if found:
            length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
            if len(body) >= length:
                return data
