"""Carry one sealed batch to the server and say what became of it. From transport; to the server.

One connection, kept open. Every attempt of a batch carries the same bytes, number and digest, so an
attempt whose answer was lost can be repeated without storing anything twice.
"""
from __future__ import annotations

import gzip
import hashlib
import http.client
import json
import secrets
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Optional
from urllib.parse import urlsplit

from .errors import BadInput

#: Smaller bodies travel as they are.
_WORTH_GZIP = 1024
_ANSWER_BYTES = 64 * 1024
_LONGEST_WAIT = 300.0


class Fate(Enum):
    """What the server's answer means for a batch."""

    STORED = "stored"
    LATER = "later"          # 429, 5xx, no answer: the same again, after a while
    RENUMBER = "renumber"    # 409 sequence_reused: the same again under a new producer
    POISON = "poison"        # something in it can never be accepted
    MISTAKE = "mistake"      # key or address are wrong: keep it, try again slowly, tell somebody


@dataclass(frozen=True)
class Answer:
    """The fate of one attempt, the seconds that the server asked us to wait, and a word for people."""

    fate: Fate
    wait: Optional[float] = None
    detail: str = ""


class Batch:
    """Sealed items: the bytes that every attempt sends."""

    def __init__(self, path: str, envelope: str, items: list[str]) -> None:
        self.path = path
        self.envelope = envelope
        self.items = items
        body = f'{{"{envelope}":[{",".join(items)}]}}'.encode()
        self.digest = hashlib.sha256(body).hexdigest()
        self.packed = len(body) >= _WORTH_GZIP
        self.body = gzip.compress(body, 1) if self.packed else body

    def halves(self) -> tuple[Batch, Batch]:
        """Split a batch of at least two, to find the item that the server refuses."""
        middle = len(self.items) // 2
        return (Batch(self.path, self.envelope, self.items[:middle]),
                Batch(self.path, self.envelope, self.items[middle:]))


class Delivery:
    """The way to one server. Used by one thread at a time."""

    def __init__(self, api_key: str, endpoint: str, timeout: float) -> None:
        parts = urlsplit(endpoint if "://" in endpoint else f"http://{endpoint}")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise BadInput(f"endpoint: {endpoint!r} is no address of a server; use one like http://localhost:8000")
        self._secure = parts.scheme == "https"
        self._host = parts.hostname
        try:
            self._port = parts.port
        except ValueError as problem:
            raise BadInput(f"endpoint: the port of {endpoint!r} is not a number from 1 to 65535") from problem
        self._prefix = parts.path.rstrip("/")
        self._timeout = timeout
        self._key = "".join(c for c in api_key if " " < c < "\x7f")
        self._connection: Optional[http.client.HTTPConnection] = None
        self.producer = ""
        self.sequence = 1
        self.renew()

    def renew(self) -> None:
        """Become a new producer, whose numbers begin at 1."""
        self.producer = secrets.token_hex(16)
        self.sequence = 1

    def close(self) -> None:
        """Close the connection; the next batch opens another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def abandon(self) -> None:
        """Forget the connection without a word on it: after a fork it is the parent's."""
        connection, self._connection = self._connection, None
        if connection is not None and connection.sock is not None:
            connection.sock.close()

    def send(self, batch: Batch, timeout: Optional[float] = None) -> Answer:
        """Attempt a batch once (twice if a kept connection turned out to be closed)."""
        kept = self._connection is not None
        try:
            return self._attempt(batch, timeout)
        except (OSError, http.client.HTTPException) as problem:
            self.close()
            if not (kept and isinstance(problem, (http.client.RemoteDisconnected, ConnectionError))):
                return Answer(Fate.LATER, detail=_said(problem))
        try:
            return self._attempt(batch, timeout)
        except (OSError, http.client.HTTPException) as problem:
            self.close()
            return Answer(Fate.LATER, detail=_said(problem))

    def _attempt(self, batch: Batch, timeout: Optional[float]) -> Answer:
        allowed = self._timeout if timeout is None else max(0.05, min(self._timeout, timeout))
        connection = self._connection
        if connection is None:
            kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
            connection = self._connection = kind(self._host, self._port, timeout=allowed)
        elif connection.sock is not None:
            connection.sock.settimeout(allowed)
        headers = {"X-API-Key": self._key, "Content-Type": "application/json", "User-Agent": "sra-sdk",
                   "X-SRA-Producer": self.producer, "X-SRA-Sequence": str(self.sequence),
                   "X-SRA-Digest": batch.digest}
        if batch.packed:
            headers["Content-Encoding"] = "gzip"
        connection.request("POST", self._prefix + batch.path, batch.body, headers)
        response = connection.getresponse()
        body = response.read(_ANSWER_BYTES)
        if response.will_close or not response.isclosed():
            self.close()
        return _judge(response.status, body, response.getheader("Retry-After"))


def _judge(status: int, body: bytes, retry_after: Optional[str]) -> Answer:
    if 200 <= status < 300:
        return Answer(Fate.STORED)
    wait = _seconds(retry_after)
    detail = f"HTTP {status}"
    if status in (408, 425, 429) or status >= 500:
        return Answer(Fate.LATER, wait, detail)
    if status == 409:
        return Answer(Fate.RENUMBER if _code(body) == "sequence_reused" else Fate.LATER, wait, detail)
    if status in (400, 413, 422):
        return Answer(Fate.POISON, wait, detail)
    return Answer(Fate.MISTAKE, wait, detail)


def _code(body: bytes) -> str:
    try:
        problem = json.loads(body)
    except (ValueError, RecursionError):
        return ""
    return str(problem.get("code", "")) if isinstance(problem, dict) else ""


def _seconds(retry_after: Optional[str]) -> Optional[float]:
    if not retry_after:
        return None
    try:
        wait = float(retry_after)
    except ValueError:
        try:
            wait = parsedate_to_datetime(retry_after).timestamp() - time.time()
        except (ValueError, TypeError, OverflowError):
            return None
    return min(max(wait, 0.0), _LONGEST_WAIT) if wait == wait else None


def _said(problem: BaseException) -> str:
    return str(problem) or type(problem).__name__
