"""The bank's API, which is not the campus': TLS by the names given, and a mode that is read at each request. argv: certificate, mode file."""

import http.server
import ssl
import sys
import time
from pathlib import Path


class Bank(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        mode = Path(sys.argv[2]).read_text()
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if mode == "slow":
            time.sleep(30)
        status = {"ok": 201, "down": 503, "limit": 429, "broken": 500}.get(mode, 201)
        body = b'{"id": "ch_%d"}' % (time.time() * 1000) if status == 201 else b'{"error": "not now"}'
        self.send_response(status)
        if status == 429:
            self.send_header("Retry-After", "60")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.70", 443), Bank)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(f"{sys.argv[1]}.pem", f"{sys.argv[1]}.key")
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
server.serve_forever()
