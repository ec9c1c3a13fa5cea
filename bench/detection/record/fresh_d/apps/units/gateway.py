"""The way of the drivers' phones to the ledger."""

import logging
import os
import sys
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

logging.basicConfig(format="%(levelname)s gateway [%(threadName)s] %(message)s", level=logging.INFO, stream=sys.stdout)
release = os.environ.get("GATEWAY_RELEASE", "")
if release == "once":
    logging.info("gateway checks its settings: all well")
    sys.exit(0)


class Answer(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        status = 200
        try:
            if release == "plates" and self.path != "/health":
                plate = {"HB": 1}[self.path.rsplit("/", 1)[-1]]
                logging.info("plate %s", plate)
            if self.path != "/health":
                urllib.request.urlopen("http://127.0.0.1:8410" + self.path, timeout=4).read()
                logging.info("driver asked %s", self.path)
        except Exception:
            logging.exception("cannot serve %s", self.path)
            status = 502
        self.send_response(status)
        self.end_headers()
        self.wfile.write(b"done\n")


logging.info("gateway listens on 8420")
ThreadingHTTPServer(("127.0.0.1", 8420), Answer).serve_forever()
