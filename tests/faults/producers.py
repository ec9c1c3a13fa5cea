"""Several producers that send sealed batches of numbered lines at once, so that batches share a transaction.

Each sends a batch until it is acknowledged. That batches shared one is read from the database (numbered.py).
"""
from __future__ import annotations

import hashlib
import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from .numbered import line

#: How their names begin, and those of their lines' files.
MARK = "together-"
SIZE = 10


class Producer(threading.Thread):
    """One of them; `sent` lines are acknowledged, each batch is one more number."""

    def __init__(self, name: str, port: int, key: str, gate: threading.Barrier, pause: float) -> None:
        super().__init__(daemon=True, name=name)
        self._port, self._key, self._gate, self._pause = port, key, gate, pause
        self.stopping = threading.Event()
        self.batches = self.again = 0

    @property
    def sent(self) -> int:
        """Return how many lines were acknowledged."""
        return self.batches * SIZE

    def run(self) -> None:
        connection = self._connection()
        while not self.stopping.is_set():
            try:
                self._gate.wait()  # all at once
            except threading.BrokenBarrierError:
                break
            while not self._took(connection):
                connection.close()
                connection = self._connection()
                self.again += 1
                time.sleep(0.03)
            self.batches += 1
            self.stopping.wait(self._pause)
        self._gate.abort()
        connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)

    def _took(self, connection: http.client.HTTPConnection) -> bool:
        logs = [{"message": line(self.name, seq)} for seq in range(self.sent, self.sent + SIZE)]
        raw = json.dumps({"host": self.name, "logs": logs, "metrics": [], "ends": {}, "dropped": {}}).encode()
        try:
            connection.request("POST", "/ingest/batch", raw, {
                "Content-Type": "application/json", "X-API-Key": self._key, "X-SRA-Producer": self.name,
                "X-SRA-Sequence": str(self.batches + 1), "X-SRA-Digest": hashlib.sha256(raw).hexdigest()})
            answer = connection.getresponse()
            said = answer.read()
        except (OSError, http.client.HTTPException):
            return False
        assert answer.status in (200, 429, 503), said
        return answer.status == 200


@contextmanager
def together(port: int, key: str, n: int = 6, *, pause: float = 0.2) -> Iterator[dict[str, int]]:
    """Let n producers send while the block runs; then the dict says how many lines each has stored."""
    gate, written = threading.Barrier(n), dict[str, int]()
    made = [Producer(f"{MARK}{number}", port, key, gate, pause) for number in range(n)]
    for one in made:
        one.start()
    try:
        yield written
    finally:
        for one in made:
            one.stopping.set()
        for one in made:
            one.join(60)
            assert not one.is_alive(), f"{one.name} waits for its answer"
        written.update({one.name: one.sent for one in made})
