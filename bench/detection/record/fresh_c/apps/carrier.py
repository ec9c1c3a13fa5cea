"""The carrier's API. What is in /tmp/carrier tells how it feels: nothing, a status, slow, html or reset."""
import json
import os
import socket
import ssl
import struct
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Carrier(BaseHTTPRequestHandler):
    def do_GET(self):
        mood = open("/tmp/carrier").read().strip() if os.path.exists("/tmp/carrier") else ""
        if mood == "slow":
            time.sleep(20)
        if mood == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            os.close(os.dup(self.connection.fileno()))
            self.connection.close()
            return
        code, kind, text = 200, "application/json", json.dumps({"route": self.path[-6:], "price": 12.5 + len(self.path)})
        if mood.isdigit():
            code, text = int(mood), json.dumps({"error": "quota exceeded" if mood == "429" else "maintenance"})
        if mood == "html":
            kind, text = "text/html", "<html><head><title>Carrier</title></head><body>We are moving house.</body></html>"
        self.send_response(code)
        self.send_header("Content-Type", kind)
        if mood == "429":
            self.send_header("Retry-After", "3600")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 64

    def handle_error(self, *_):
        pass


context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])
server = Server(("127.0.1.50", 8443), Carrier)
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
threading.Thread(target=server.serve_forever).start()
