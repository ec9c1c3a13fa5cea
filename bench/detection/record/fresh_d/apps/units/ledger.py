"""Books of the depot over HTTP, kept in SQLite."""

import json
import logging
import os
import socket
import sqlite3
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

logging.basicConfig(format="%(levelname)s %(name)s: %(message)s", level=logging.INFO, stream=sys.stdout)
log = logging.getLogger("ledger")
release = os.environ.get("LEDGER_RELEASE", "")
base = sqlite3.connect("/srv/freight/books/books.db", check_same_thread=False)
base.execute("create table if not exists entry (id integer primary key, what text)")
base.commit()


def tell(text):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
        out.connect(os.environ["NOTIFY_SOCKET"])
        out.send(text.encode())


class Answer(BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        if self.path != "/health":
            with base:
                base.execute("insert into entry (what) values (?)", (self.path,))
            log.info("entry %s", self.path)
        text = json.dumps({"entries": 1}).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(text)


server = ThreadingHTTPServer((os.environ.get("LEDGER_ADDRESS", "127.0.0.1"), 8410), Answer)
if release != "silent":
    tell("READY=1")
log.info("ledger is ready")
server.serve_forever()
