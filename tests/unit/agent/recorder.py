"""A real HTTP server that keeps what an agent sends, by the rules of decision 1, and fails when told to."""

from __future__ import annotations

import gzip
import hashlib
import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

KEY = "sra_test_key"
#: Given the method, the path and how many such requests there were: a status to answer with, "drop" to
#: close without an answer, "lose" to act and then close without an answer, bytes to answer 200 with instead
#: of acting, or None to answer well.
Fault = Callable[[str, str, int], "int | str | bytes | None"]


class Recorder:
    """What was stored. `records` in order of their commit."""

    def __init__(
        self, *, fault: Fault | None = None, poison: Callable[[dict[str, Any]], bool] | None = None
    ) -> None:
        self.records: list[dict[str, Any]] = []
        self.points: list[dict[str, Any]] = []
        self.dropped: dict[str, int] = {}
        self.ends: dict[str, dict[str, Any]] = {}
        self.hellos: list[dict[str, Any]] = []
        self.answers: list[dict[str, Any]] = []
        self.tasks: list[dict[str, Any]] = []
        self.seals: dict[str, dict[int, str]] = {}
        self.requests: list[tuple[str, str]] = []
        self.refused_answers: dict[str, int] = {}
        self.duplicates = self.gaps = 0
        self.fault, self.poison = fault, poison
        self.retry_after: str | None = None
        self.code = "told_to"  # of the answers that a fault makes
        self.poll_seconds = 0.3
        self.lock = threading.Lock()
        self.changed = threading.Condition(self.lock)
        self._server: ThreadingHTTPServer | None = None
        self._port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def __enter__(self) -> Recorder:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        class Server(ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True

            def handle_error(self, *_: object) -> None:
                """A client that was killed is no news."""

        self._server = Server(("127.0.0.1", self._port), _handler(self))
        self._port = self._server.server_address[1]
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        ).start()

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def messages(self) -> list[str]:
        with self.lock:
            return [record["message"] for record in self.records]

    def wait_for(self, holds: Callable[[], bool], seconds: float = 20.0) -> bool:
        """Wait until `holds()`, asked after every request."""
        with self.changed:
            return self.changed.wait_for(holds, seconds)

    def store(self, headers: Any, sent: bytes) -> tuple[int, dict[str, Any]]:
        body = gzip.decompress(sent) if headers.get("Content-Encoding") == "gzip" else sent
        digest, number = headers["X-SRA-Digest"], int(headers["X-SRA-Sequence"])
        assert hashlib.sha256(body).hexdigest() == digest
        known = self.seals.setdefault(headers["X-SRA-Producer"], {})
        last = max(known, default=0)
        if number <= last:
            if known.get(number) != digest:
                return 409, {"code": "sequence_reused", "detail": "another batch has this number"}
            self.duplicates += 1
            return 200, {"status": "accepted", "count": 0, "duplicate": True}
        batch = json.loads(body)
        items = [*batch["logs"], *batch["metrics"]]
        if self.poison and any(self.poison(item) for item in items):
            return 422, {"code": "bad_input", "detail": "an item is bad"}
        self.gaps += number - last - 1
        known[number] = digest
        self.records += batch["logs"]
        self.points += batch["metrics"]
        self.ends.update(batch["ends"])
        for reason, n in batch["dropped"].items():
            self.dropped[reason] = self.dropped.get(reason, 0) + n
        return 200, {"status": "accepted", "count": len(items)}

    def act(
        self, method: str, path: str, query: dict[str, list[str]], headers: Any, sent: bytes
    ) -> tuple[int, dict[str, Any]]:
        if headers.get("X-API-Key") != KEY:
            return 401, {"code": "not_signed_in", "detail": "no valid key"}
        if path == "/ingest/batch":
            return self.store(headers, sent)
        if path == "/ingest/ends":
            return 200, {"host": query["host"][0], "ends": self.ends}
        if path == "/agent/hello":
            self.hellos.append(json.loads(sent))
            return 200, {"account_id": "a", "poll_seconds": 25, "server_version": "test"}
        if path == "/agent/tasks":
            tasks, self.tasks = self.tasks, []
            if not tasks:
                self.changed.wait_for(lambda: bool(self.tasks), self.poll_seconds)
                tasks, self.tasks = self.tasks, []
            return 200, {"tasks": tasks}
        if path == "/agent/answers":
            answer = json.loads(sent)
            status = self.refused_answers.get(answer["kind"], 200)
            self.answers.append({**answer, "answered": status})
            return status, {"status": "accepted"} if status == 200 else {
                "code": "stale_token",
                "detail": "stale",
            }
        return 404, {"code": "not_found", "detail": path}


def _handler(recorder: Recorder) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Stay quiet."""

        def do_POST(self) -> None:
            self._serve(self.rfile.read(int(self.headers["Content-Length"])))

        def do_GET(self) -> None:
            self._serve(b"")

        def _serve(self, sent: bytes) -> None:
            parts = urlsplit(self.path)
            with recorder.changed:
                n = sum(1 for one in recorder.requests if one == (self.command, parts.path))
                recorder.requests.append((self.command, parts.path))
                fault = recorder.fault(self.command, parts.path, n) if recorder.fault else None
                if fault == "drop":
                    self.close_connection = True
                    return
                body: Any
                if isinstance(fault, bytes):
                    status, body = 200, fault
                elif isinstance(fault, int):
                    status, body = fault, {"code": recorder.code, "detail": "told to fail"}
                else:
                    status, body = recorder.act(
                        self.command, parts.path, parse_qs(parts.query), self.headers, sent
                    )
                recorder.changed.notify_all()
                if fault == "lose":
                    self.close_connection = True
                    return
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            if recorder.retry_after and status != 200:
                self.send_header("Retry-After", recorder.retry_after)
            self.end_headers()
            self.wfile.write(data)

    return Handler
