"""A real HTTP server in a thread that records what it is sent and answers as a test tells it to.

From the SDK's tests. It keeps what decision 1 asks of the server: number and digest of each producer.
"""
from __future__ import annotations

import gzip
import hashlib
import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Request:
    """One request as it arrived."""

    def __init__(self, path: str, headers: dict[str, str], raw: bytes) -> None:
        self.path = path
        self.headers = headers
        self.packed = headers.get("content-encoding") == "gzip"
        self.body = gzip.decompress(raw) if self.packed else raw
        self.json: dict[str, Any] = json.loads(self.body)
        self.items: list[dict[str, Any]] = self.json.get("logs") or self.json.get("metrics") or []
        self.producer = headers["x-sra-producer"]
        self.sequence = int(headers["x-sra-sequence"])
        self.digest_right = headers["x-sra-digest"] == hashlib.sha256(self.body).hexdigest()


#: What a test may answer: a status, with headers and a body; None closes the connection without a word.
Reply = tuple[int, dict[str, str], dict[str, Any]] | None
OK: Reply = (200, {}, {"status": "accepted"})


class Receiver:
    """The server. `answer` decides each request; stored items are those of requests answered 200."""

    def __init__(self, answer: Callable[[Request], Reply] = lambda _: OK) -> None:
        self.answer = answer
        self.requests: list[Request] = []
        self.stored: list[dict[str, Any]] = []
        self.seen: dict[str, tuple[int, str]] = {}
        self.lock = threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                request = Request(self.path, {k.lower(): v for k, v in self.headers.items()}, raw)
                with receiver.lock:
                    receiver.requests.append(request)
                    reply = receiver.answer(request)
                    stored = reply is None or reply[0] == 200
                    if stored and receiver.seen.get(request.producer) != (request.sequence, request.body):
                        receiver.seen[request.producer] = (request.sequence,
                                                           request.body)  # type: ignore[assignment]
                        receiver.stored.extend(request.items)
                if reply is None:
                    self.close_connection = True
                    self.connection.close()
                    return
                body = json.dumps(reply[2]).encode()
                self.send_response(reply[0])
                for key, value in reply[1].items():
                    self.send_header(key, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                """Say nothing: tests close connections on purpose."""

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02},
                                       daemon=True)
        self.thread.start()

    def __enter__(self) -> Receiver:
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(5)

    def messages(self) -> list[str]:
        """The messages stored, in order."""
        with self.lock:
            return [str(item["message"]) for item in self.stored if "message" in item]
