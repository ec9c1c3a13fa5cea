"""The charts of a ward over HTTP; what is written down goes to a disk of its own."""

import logging
import os
import resource
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

logging.basicConfig(format="%(levelname)s charts: %(message)s", level=logging.INFO, stream=sys.stdout)
log = logging.getLogger()
release = os.environ.get("CHARTS_RELEASE", "")
FOLDER = Path("/mnt/charts")
if release == "chatty":
    def chat():
        while True:
            for n in range(400):
                log.info("trace of chart %d: nothing to tell of field %d", n, n * 7)
            time.sleep(0.2)
    threading.Thread(target=chat, daemon=True).start()
if release == "core":
    resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


class Answer(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        status = 200
        try:
            if release == "core" and self.path.endswith("5"):
                os.kill(os.getpid(), signal.SIGABRT)
            if self.path != "/health":
                number = self.path.rsplit("/", 1)[1]
                name = f"chart-{number}-{time.time_ns()}" if release == "history" else f"chart-{int(number) % 30}"
                (FOLDER / name).write_text("pulse 72\n" * 40)
                log.info("chart %s is kept", number)
        except OSError as error:
            log.error("chart not kept: %s", error)
            status = 500
        self.send_response(status)
        self.end_headers()
        self.wfile.write(b"done\n")


def hang(*_):
    log.info("charts are asked to end, still writing")
    while True:
        time.sleep(1)


if release == "stubborn":
    signal.signal(signal.SIGTERM, hang)
log.info("charts %s listen on 8600", release or "7.1")
ThreadingHTTPServer(("127.0.0.1", 8600), Answer).serve_forever()
