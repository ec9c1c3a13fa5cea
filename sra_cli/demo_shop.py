"""The little service that `sra demo` breaks: a shop that asks a second process, the inventory.

From demo, which starts both and kills the inventory; to their log files. Standard library only, because
the host's policy runs this very file to start the inventory again:

    demo_shop.py inventory --port P --pidfile F --log L          be the inventory
    demo_shop.py start --port P --pidfile F --log L              start it detached, after ending an old one
    demo_shop.py shop --port P --inventory 127.0.0.1:Q --log L   be the shop
"""
from __future__ import annotations

import argparse
import itertools
import json
import logging
import os
import signal
import subprocess
import sys
import time
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import FrameType
from typing import Any

HOST = "127.0.0.1"
STARTS_WITHIN = 8.0


def ask(address: str, path: str, timeout: float = 1.0) -> tuple[int, Any]:
    """GET an address of this machine; raises OSError or HTTPException when it does not answer."""
    connection = HTTPConnection(address, timeout=timeout)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read(65536) or b"null")
    finally:
        connection.close()


class Handler(BaseHTTPRequestHandler):
    """Answers JSON; the log is the service's own, not that of the HTTP server."""

    protocol_version = "HTTP/1.0"

    def reply(self, status: int, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing; orders are logged where they are handled."""


def inventory_handler(log: logging.Logger) -> type[Handler]:
    """The inventory: /health and /stock/<item>."""
    class Inventory(Handler):
        def do_GET(self) -> None:
            if self.path == "/health":
                return self.reply(200, {"status": "ok", "pid": os.getpid()})
            item = self.path.rpartition("/")[2]
            log.info("reserved one %s", item)
            self.reply(200, {"item": item, "in_stock": True})
    return Inventory


def shop_handler(log: logging.Logger, inventory: str) -> type[Handler]:
    """The shop: /health and /order/<item>, for which it needs the inventory."""
    numbers = itertools.count(1)

    class Shop(Handler):
        def do_GET(self) -> None:
            if self.path == "/health":
                return self.reply(200, {"status": "ok", "pid": os.getpid()})
            number, item = next(numbers), self.path.rpartition("/")[2]
            try:
                status, _ = ask(inventory, f"/stock/{item}")
                if status != 200:
                    raise HTTPException(f"the inventory answered {status}")
            except (OSError, HTTPException, ValueError) as error:
                log.error("order %d failed: cannot reach inventory at %s: %s", number, inventory, error)
                return self.reply(502, {"order": number, "error": "inventory unavailable"})
            log.info("order %d: one %s sold", number, item)
            self.reply(200, {"order": number, "item": item})
    return Shop


def logger(name: str, path: str) -> logging.Logger:
    """A log as many programs write it: time, level, logger, message."""
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    log = logging.getLogger(name)
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False
    return log


def serve(port: int, handler: type[Handler], log: logging.Logger, pidfile: str | None = None) -> None:
    """Serve until told to end."""
    def leave(number: int, frame: FrameType | None) -> None:
        raise SystemExit(0)
    signal.signal(signal.SIGTERM, leave)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the demo, which ends us in order
    ThreadingHTTPServer.daemon_threads = True
    with ThreadingHTTPServer((HOST, port), handler) as server:
        if pidfile:
            new = Path(f"{pidfile}.{os.getpid()}")
            new.write_text(f"{os.getpid()}\n", "ascii")
            os.replace(new, pidfile)
        log.info("listening on %s:%d, process %d", HOST, port, os.getpid())
        server.serve_forever(poll_interval=0.2)


def running(pidfile: str) -> int | None:
    """The process of the pidfile, if it lives and really is ours: a number may have been given anew."""
    try:
        pid = int(Path(pidfile).read_text("ascii"))
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return None
    return pid if os.fsencode(pidfile) in words else None


def end(pidfile: str, seconds: float = 3.0) -> None:
    """End the process of the pidfile: politely, then surely."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        pid = running(pidfile)
        if pid is None:
            return
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return
        until = time.monotonic() + seconds
        while running(pidfile) == pid and time.monotonic() < until:
            time.sleep(0.05)


def start(port: int, pidfile: str, log: str) -> int:
    """Start the inventory in a session of its own and wait until it answers."""
    end(pidfile)
    argv = [sys.executable, os.path.abspath(__file__), "inventory", "--port", str(port), "--pidfile", pidfile,
            "--log", log]
    with open(f"{log}.out", "ab") as out:
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out, cwd="/",
                                   start_new_session=True)
    until = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < until:
        if process.poll() is not None:
            sys.stderr.write(f"the inventory ended at once with {process.returncode}\n")
            return 1
        try:
            if ask(f"{HOST}:{port}", "/health", 0.5)[0] == 200:
                sys.stdout.write(f"the inventory runs as process {process.pid}\n")
                return 0
        except (OSError, HTTPException, ValueError):
            time.sleep(0.05)
    sys.stderr.write(f"the inventory did not answer within {STARTS_WITHIN:g} s\n")
    return 1


def main() -> int:
    """Be what the first word says."""
    parser = argparse.ArgumentParser(description="the little service of `sra demo`")
    parser.add_argument("role", choices=("shop", "inventory", "start"))
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--log", required=True)
    parser.add_argument("--pidfile", default="")
    parser.add_argument("--inventory", default="")
    given = parser.parse_args()
    if given.role == "start":
        return start(given.port, given.pidfile, given.log)
    log = logger(given.role, given.log)
    if given.role == "inventory":
        serve(given.port, inventory_handler(log), log, given.pidfile)
    else:
        serve(given.port, shop_handler(log, given.inventory), log)
    return 0


if __name__ == "__main__":
    sys.exit(main())
