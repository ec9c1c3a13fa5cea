"""A small service of the standard library's server. Arguments: address, port."""
import json
import os
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

busy = threading.BoundedSemaphore(6)


class Api(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def do_GET(self):
        if self.path.startswith("/health"):
            return self.answer(200, {"status": "ok"})
        with busy:
            # what it depends on may be slow
            time.sleep(5 if os.path.exists("/tmp/slow") else 0.02)
            if self.path.startswith(("/items/", "/rates")):
                return self.answer(200, {"path": self.path, "at": time.time()})
        return self.answer(404, {"error": "not found"})

    do_HEAD = do_GET

    def answer(self, code, body):
        text = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, form, *values):
        if "health" not in getattr(self, "path", ""):
            super().log_message(form, *values)


class Server(ThreadingHTTPServer):
    request_queue_size = 64

    def handle_error(self, request, client_address):
        # checks of health break off
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


Server((sys.argv[1], int(sys.argv[2])), Api).serve_forever()
