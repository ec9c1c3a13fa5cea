"""Takes documents over HTTP; tells systemd that it is well."""

import os
import signal
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

release = os.environ.get("INTAKE_RELEASE", "")


def tell(text):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
        out.connect(os.environ["NOTIFY_SOCKET"])
        out.send(text.encode())


class Answer(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        if release == "config":
            raise SystemExit(3)
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"ok\n")
        if self.path != "/health":
            print(f"document {self.path.rsplit('/', 1)[-1]} taken", flush=True)


server = ThreadingHTTPServer(("127.0.0.1", int(os.environ["INTAKE_PORT"])), Answer)
threading.Thread(target=server.serve_forever, daemon=True).start()
signal.signal(signal.SIGTERM, lambda *_: (print("intake ends as asked", flush=True), sys.exit(0)))
tell("READY=1")
print("intake is ready", flush=True)
began = time.monotonic()
while True:
    if release == "stuck" and time.monotonic() - began > 4:
        threading.Event().wait()
    if release == "schema" and time.monotonic() - began > 1:
        raise RuntimeError("schema version 41 of the store is newer than 39, which this release knows")
    tell("WATCHDOG=1")
    time.sleep(2)
