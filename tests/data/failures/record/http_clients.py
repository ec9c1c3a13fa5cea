"""An HTTP client meets an expired certificate, a name that does not resolve, or 429. Software: requests."""
import datetime
import http.server
import ssl
import sys
import threading

import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from stage import Stage

KINDS = {"certificate": "certificate_expired", "names": "network_failure", "rate": "rate_limited"}
kind = sys.argv[1]
stage = Stage(KINDS[kind], KINDS[kind], "Python, requests, OpenSSL")
log = stage.logger("payments")
log.parent.handlers.clear()
answer = 200


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(answer)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def certificate(days: int) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
            .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=90))
            .not_valid_after(now + datetime.timedelta(days=days))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), True).sign(key, hashes.SHA256()))
    path = stage.home / f"cert{days}.pem"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
    return str(path)


def serve(port: int, cert: str | None) -> http.server.ThreadingHTTPServer:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
    if cert:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def pay(url: str, verify: str | bool = True) -> None:
    global paid
    paid += 1
    try:
        reply = requests.get(url, timeout=3, verify=verify)
        reply.raise_for_status()
        log.info("payment %d accepted by the bank", paid)
    except requests.RequestException as problem:
        log.error("payment %d failed: %s", paid, problem)


paid = 0
if kind == "certificate":
    good, expired = certificate(30), certificate(-1)
    first = serve(8501, good)
    stage.run(35, lambda n: pay("https://localhost:8501/charge", good))
    stage.fails_now()
    second = serve(8502, expired)
    stage.run(20, lambda n: pay("https://localhost:8502/charge", expired))
    stage.run(25, lambda n: pay("https://localhost:8501/charge", good))
elif kind == "names":
    first = serve(8503, None)
    stage.run(35, lambda n: pay("http://localhost:8503/charge"))
    stage.fails_now()
    stage.run(20, lambda n: pay("http://bank-gateway.invalid:8503/charge"))
    stage.run(25, lambda n: pay("http://localhost:8503/charge"))
else:
    first = serve(8504, None)
    stage.run(35, lambda n: pay("http://localhost:8504/charge"))
    stage.fails_now()
    answer = 429
    stage.run(20, lambda n: pay("http://localhost:8504/charge"))
    answer = 200
    stage.run(25, lambda n: pay("http://localhost:8504/charge"))
stage.finish()
