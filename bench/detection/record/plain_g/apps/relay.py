"""The mail relay of a provider, whose log we do not have. argv: a file with its mode."""

import socketserver
import sys
from pathlib import Path


class Relay(socketserver.StreamRequestHandler):
    def handle(self):
        mode, text = Path(sys.argv[1]).read_text(), False
        self.wfile.write(b"220 smtp.relay.example ESMTP\r\n")
        for line in self.rfile:
            word = line.strip().upper()
            if text:
                if word != b".":
                    continue
                text = False
                self.wfile.write(b"250 2.0.0 Ok: queued\r\n")
            elif word.startswith(b"RCPT") and mode == "later":
                self.wfile.write(b"451 4.7.1 Try again later\r\n")
            elif word == b"DATA":
                text = True
                self.wfile.write(b"354 End data with <CR><LF>.<CR><LF>\r\n")
            elif word == b"QUIT":
                self.wfile.write(b"221 2.0.0 Bye\r\n")
                return
            else:
                self.wfile.write(b"250 Ok\r\n")


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True


Server(("127.0.0.70", 25), Relay).serve_forever()
