"""Both servers behind HAProxy go away. Needs rsyslog's file format, taken over UDP. Software: HAProxy."""
import contextlib
import socket
import subprocess
import sys
import threading
import time
import urllib.request

from stage import Stage

stage = Stage("external_api_down_haproxy", "external_api_down", "HAProxy")
(stage.home / "index.html").write_text("ok\n")
(stage.home / "haproxy.cfg").write_text("""
global
  log 127.0.0.1:8514 format rfc3164 local0
  log-send-hostname lb-1
defaults
  mode http
  log global
  option httplog
  timeout connect 2s
  timeout client 5s
  timeout server 5s
frontend web
  bind 127.0.0.1:8490
  default_backend catalog
backend catalog
  option httpchk GET /index.html
  server cat1 127.0.0.1:8491 check inter 1s
  server cat2 127.0.0.1:8492 check inter 1s
""")
inbox = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
inbox.bind(("127.0.0.1", 8514))


def receive() -> None:
    with stage.log.open("a") as file:
        while True:
            line = inbox.recv(65536).decode().rstrip("\n")
            file.write(line.partition(">")[2] + "\n")
            file.flush()


threading.Thread(target=receive, daemon=True).start()


def servers() -> list[subprocess.Popen[bytes]]:
    return [subprocess.Popen([sys.executable, "-m", "http.server", str(port), "--bind", "127.0.0.1",
                              "--directory", str(stage.home)], stderr=subprocess.DEVNULL)
            for port in (8491, 8492)]


def get(n: int) -> None:
    with contextlib.suppress(OSError), urllib.request.urlopen("http://127.0.0.1:8490/index.html", timeout=3):
        pass


backends = servers()
time.sleep(1)
proxy = subprocess.Popen(["haproxy", "-f", str(stage.home / "haproxy.cfg")], stderr=subprocess.DEVNULL)
time.sleep(1)
stage.run(35, get)
stage.fails_now()
for each in backends:
    each.kill()
stage.run(20, get)
backends = servers()
stage.run(35, get)
proxy.terminate()
proxy.wait()
for each in backends:
    each.terminate()
stage.finish()
