"""An HTTP API under systemd; its access log goes to the journal as http.server writes it."""

import http.server
import json
import signal
import sys

settings = json.load(open(sys.argv[1]))
signal.signal(signal.SIGHUP, lambda *_: print("configuration read again", flush=True))
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        known = self.path in ("/health", "/basket")
        body = json.dumps({"path": self.path, "currency": settings["currency"]}).encode()
        self.send_response(200 if known else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


print(f"listening on {settings['port']}", flush=True)
http.server.ThreadingHTTPServer(("127.0.0.33", settings["port"]), Handler).serve_forever()
