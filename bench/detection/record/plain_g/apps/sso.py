"""The sign-on of another department, whose log we do not have: a token for whoever asks."""

import http.server
import time

import jwt


class Sso(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        now = int(time.time())
        token = jwt.encode({"sub": self.path.rsplit("/", 1)[1], "iat": now, "exp": now + 300}, "chalk-and-board-chalk-and-board-", algorithm="HS256").encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(token)))
        self.end_headers()
        self.wfile.write(token)

    def log_message(self, *_):
        pass


http.server.ThreadingHTTPServer(("127.0.0.71", 8700), Sso).serve_forever()
