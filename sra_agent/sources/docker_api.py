"""The Docker Engine API over its unix socket, with the standard library alone. From containers; to dockerd.

HTTP/1.0 is spoken on purpose: what is followed then comes as it is, up to the end of the connection.
"""

from __future__ import annotations

import json
import socket
from typing import Any

TIMEOUT = 10.0
HEAD_BYTES = 64 * 1024
ANSWER_BYTES = 32 * 1024 * 1024
READ_BYTES = 64 * 1024


class Refused(OSError):
    """dockerd answered, but not with what was asked for."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(status, message)
        self.status, self.message = status, message


class Stream:
    """An answer that is read as it comes. `read` never waits once `arrives` was left."""

    def __init__(self, path: str, request: str) -> None:
        self._head: bytes | None = b""
        self._status = 0
        self._refusal = b""
        self._socket = socket.socket(socket.AF_UNIX)
        try:
            self._socket.settimeout(TIMEOUT)
            self._socket.connect(path)
            self._socket.sendall(f"GET {request} HTTP/1.0\r\nHost: docker\r\n\r\n".encode("ascii"))
        except BaseException:
            self._socket.close()
            raise

    def fileno(self) -> int:
        """Return the descriptor, for a selector."""
        return self._socket.fileno()

    def follow(self) -> None:
        """From now on do not wait."""
        self._socket.setblocking(False)

    def read(self) -> bytes | None:
        """Return what came, b"" if nothing came yet, None at the end; raise Refused for a refusal."""
        try:
            data = self._socket.recv(READ_BYTES)
        except BlockingIOError:
            return b""
        if not data:
            if self._head is not None:
                raise ConnectionResetError("the connection ended before an answer")
            if self._status != 200:
                raise self._refused()
            return None
        if self._head is not None:
            data = self._take_head(data)
        if self._head is None and self._status != 200:
            self._refusal = (self._refusal + data)[:4096]
            return b""
        return data

    def _take_head(self, data: bytes) -> bytes:
        self._head = (self._head or b"") + data
        head, end, body = self._head.partition(b"\r\n\r\n")
        if not end:
            if len(self._head) > HEAD_BYTES:
                raise ConnectionResetError("the head of the answer has no end")
            return b""
        words = head.split(b"\r\n", 1)[0].split(b" ", 2)
        if len(words) < 2 or not words[0].startswith(b"HTTP/1.") or not words[1].isdigit():
            raise ConnectionResetError("what answers is not dockerd")
        self._head, self._status = None, int(words[1])
        return body

    def _refused(self) -> Refused:
        try:
            said = str(json.loads(self._refusal)["message"])
        except (ValueError, KeyError, TypeError):
            said = self._refusal.decode("utf-8", "replace")
        return Refused(self._status, said.strip()[:300])

    def close(self) -> None:
        """Let go of the connection."""
        self._socket.close()


def get(path: str, request: str) -> Any:
    """Return the JSON that dockerd at the path answers."""
    stream, body = Stream(path, request), b""
    try:
        while (data := stream.read()) is not None:
            body += data
            if len(body) > ANSWER_BYTES:
                raise ConnectionResetError("the answer is too long")
    finally:
        stream.close()
    try:
        return json.loads(body)
    except ValueError as error:
        raise ConnectionResetError(f"the answer is not JSON: {error}") from error
