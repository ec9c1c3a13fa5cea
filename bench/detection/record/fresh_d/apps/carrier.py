"""The carrier's API over TLS: CERTIFICATE (without ending) CLIENTS_CA MODE_FILE."""

import json
import random
import ssl
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

base, clients, mode = sys.argv[1], sys.argv[2], Path(sys.argv[3])


class Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_GET(self):
        how, status, told = mode.read_text().strip(), 200, {"surcharge": round(random.uniform(1, 9), 2)}
        if how == "token":
            status, told = 401, {"error": "token_expired", "message": "The access token expired on 2026-11-29"}
        elif how == "quota":
            status, told = 429, {"error": "too many requests", "message": "daily quota of contract 4471 is used up"}
        elif how == "maintenance":
            status, told = 503, {"error": "maintenance"}
        elif how == "html":
            status, told = 200, None
        elif how == "slow":
            time.sleep(25)
        time.sleep(random.uniform(0.02, 0.08))
        text = json.dumps(told).encode() if told else b"<html><body><h1>We will be back soon</h1></body></html>"
        self.send_response(status)
        self.send_header("Content-Type", "application/json" if told else "text/html")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def get_request(self):
        raw, address = self.socket.accept()
        raw.settimeout(40)
        return context.wrap_socket(raw, server_side=True, do_handshake_on_connect=False), address

    def handle_error(self, *_):
        pass


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.maximum_version = ssl.TLSVersion.TLSv1_2
context.load_cert_chain(base + ".pem", base + ".key")
context.load_verify_locations(clients)
context.verify_mode = ssl.CERT_OPTIONAL
Server(("127.0.0.70", 443), Answer).serve_forever()
