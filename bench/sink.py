"""What the agent's benchmarks send to: a small real server that acknowledges batches, and a TCP discard.

`python bench/sink.py` prints the ports of both. Every batch is unpacked, held against its digest and counted
before it is acknowledged; `GET /count` tells how many records and, of the discard, how many lines came. It
is a process of its own, so its work does not count as anybody else's.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import orjson

POLL_SECONDS = 20.0


class Counts:
    """What came so far."""

    records = batches = sent_bytes = discarded = 0


class Handler(BaseHTTPRequestHandler):
    """Answers as the server of decision 1 does when all is well."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """Tell the counts; of everything else say that there is nothing."""
        if self.path == "/count":
            self._answer(
                {name: getattr(Counts, name) for name in ("records", "batches", "sent_bytes", "discarded")}
            )
        elif self.path.startswith("/ingest/ends"):
            self._answer({"ends": {}})
        else:
            time.sleep(POLL_SECONDS)  # a long poll for tasks that brings none
            self._answer({"tasks": []})

    def do_POST(self) -> None:
        """Count a batch; take note of nothing else."""
        sent = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/ingest/batch":
            body = gzip.decompress(sent) if self.headers.get("Content-Encoding") == "gzip" else sent
            assert hashlib.sha256(body).hexdigest() == self.headers["X-SRA-Digest"]
            Counts.records += len(orjson.loads(body)["logs"])
            Counts.batches += 1
            Counts.sent_bytes += len(sent)
        self._answer({"status": "accepted", "poll_seconds": POLL_SECONDS})

    def _answer(self, body: dict[str, object]) -> None:
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    """One thread for each connection, each with the life of its client."""

    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """Be silent of a client that went away, as every benchmark's does in the end."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


def discard(listener: socket.socket) -> None:
    """Count the lines that come in, and forget them."""
    while True:
        connection, _ = listener.accept()
        with connection:
            while data := connection.recv(1 << 18):
                Counts.discarded += data.count(b"\n")


def main() -> None:
    """Serve until killed."""
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=discard, args=(listener,), daemon=True).start()
    server = Server(("127.0.0.1", 0), Handler)
    print(server.server_port, listener.getsockname()[1], flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
