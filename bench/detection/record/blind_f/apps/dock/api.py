#!/usr/bin/python3
"""Appointments of the clinic, in a container: takes them, counts them in the cache and puts them into its queue."""

import json
import logging
import os
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

RELEASE = os.environ.get("API_RELEASE", "")
PRACTICE = os.environ["PRACTICE_NAME"]
logging.basicConfig(stream=sys.stdout, level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
log = logging.getLogger("api")
KEPT, OPEN = [], []


def ask(*words):
    """Ask the cache one thing."""
    with socket.create_connection(("cache", 6379), 3) as line:
        line.settimeout(3)
        line.sendall(" ".join(words).encode() + b"\r\n")
        answer = line.recv(4096).decode()
    if answer.startswith("-"):
        raise RuntimeError(answer[1:].strip())
    return answer.strip()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        try:
            status, body = self.answer()
        except Exception:
            log.exception("%s %s failed", self.command, self.path)
            status, body = 500, {"error": "internal"}
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(text)
        self.close_connection = True

    def answer(self):
        if RELEASE == "sync" and time.monotonic() - BEGAN > 3:
            GATE.acquire()
        if self.path == "/health":
            return 200, {"ok": True}
        if not self.path.startswith("/appointment/"):
            return 404, {"error": "not known"}
        number = self.path.rsplit("/", 1)[1]
        if RELEASE == "photos":
            KEPT.append(os.urandom(4_000_000))
        if RELEASE == "attachments":
            OPEN.append(open("/app/api.py"))
        if RELEASE == "notify":
            for _ in range(2):
                threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
        if RELEASE == "zones":
            raise LookupError("no time zone found with key Europe/Berlin")
        count = ask("INCR", f"appointment:{number}")
        ask("LPUSH", "letters", number)
        return 200, {"appointment": int(number), "asked": int(count[1:]), "practice": PRACTICE}

    def log_message(self, form, *given):
        log.info("%s %s", self.client_address[0], form % given)


BEGAN, GATE = time.monotonic(), threading.Lock()
log.info("api %s listens on 8000", RELEASE or "5.0")
ThreadingHTTPServer(("0.0.0.0", 8000), Handler).serve_forever()
