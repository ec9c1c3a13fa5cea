"""The outside partner: fares, charges and tokens over TLS. CERTIFICATE (without ending) MODE_FILE."""

import json
import random
import ssl
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

base, mode = sys.argv[1], Path(sys.argv[2])


class Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def say(self, status, told, **headers):
        text = json.dumps(told).encode()
        self.send_response(status)
        for key, value in {"Content-Type": "application/json", "Content-Length": str(len(text)), **headers}.items():
            self.send_header(key.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(text)

    def do_GET(self):
        how = mode.read_text().strip()
        if "oauth" in self.path:
            if how == "token_down":
                return self.say(503, {"error": "temporarily_unavailable"})
            if how == "client_revoked":
                return self.say(401, {"error": "invalid_client", "error_description": "client credentials are not valid"})
            return self.say(200, {"access_token": f"t{random.random()}", "expires_in": 20})
        if how == "429":
            return self.say(429, {"error": "quota exceeded for this key"}, Retry_After="120")
        if how == "500":
            return self.say(500, {"error": "internal"})
        if how == "slow":
            time.sleep(20)
        time.sleep(random.uniform(0.02, 0.09))
        if random.random() < 0.01:
            return self.say(404, {"error": "no such fare"})
        self.say(200, {"fare": round(random.uniform(9, 90), 2), "currency": "EUR"})

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.do_GET()


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def get_request(self):
        raw, address = self.socket.accept()
        raw.settimeout(30)
        return context.wrap_socket(raw, server_side=True, do_handshake_on_connect=False), address

    def handle_error(self, *_):
        pass


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(base + ".pem", base + ".key")
Server(("127.0.0.60", 443), Answer).serve_forever()
