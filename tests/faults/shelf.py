"""A stand-in for the server that can be put back to an earlier moment. To test_power_cut.

It keeps decision 1 to the letter: a number is stored once, and used for other bytes it is refused.
"""
from __future__ import annotations

import gzip
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Kept(NamedTuple):
    """One batch."""

    producer: str
    sequence: int
    digest: str
    body: dict[str, Any]


class Shelf:
    """The batches in the order in which they came."""

    def __init__(self) -> None:
        self.kept: list[Kept] = []
        self.port = 0
        self._lock = threading.Lock()

    def back_to(self, n: int, kept: list[Kept]) -> None:
        """Know no more than the first n of these."""
        with self._lock:
            self.kept = list(kept[:n])

    def messages(self) -> list[str]:
        """Return all messages that are stored."""
        with self._lock:
            return [record["message"] for batch in self.kept for record in batch.body["logs"]]

    def take(self, batch: Kept) -> tuple[int, dict[str, Any]]:
        """Store a batch once."""
        with self._lock:
            for other in self.kept:
                if (other.producer, other.sequence) == (batch.producer, batch.sequence):
                    if other.digest == batch.digest:
                        return 200, {"status": "accepted", "duplicate": True}
                    return 409, {"code": "sequence_reused"}
            self.kept.append(batch)
            return 200, {"status": "accepted"}

    def ends(self) -> dict[str, Any]:
        """Return the latest end of each source."""
        with self._lock:
            return {source: end for batch in self.kept for source, end in batch.body["ends"].items()}


@contextmanager
def shelved() -> Iterator[Shelf]:
    """Give a shelf that listens while the block runs."""
    shelf = Shelf()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def _answer(self, status: int, body: dict[str, Any]) -> None:
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def do_GET(self) -> None:
            if self.path.startswith("/ingest/ends"):
                self._answer(200, {"host": "web-1", "ends": shelf.ends()})
            else:
                self._answer(404, {"code": "not_found"})

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if not self.path.startswith("/ingest/batch"):
                return self._answer(200, {"account_id": "a"})
            body = gzip.decompress(raw) if self.headers.get("Content-Encoding") == "gzip" else raw
            digest = self.headers["X-SRA-Digest"]
            assert hashlib.sha256(body).hexdigest() == digest
            self._answer(*shelf.take(Kept(self.headers["X-SRA-Producer"], int(self.headers["X-SRA-Sequence"]),
                                          digest, json.loads(body))))
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    shelf.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield shelf
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
