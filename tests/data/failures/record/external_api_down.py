"""The upstream behind nginx is stopped and started again. Software: nginx, both logs in one file."""
import contextlib
import subprocess
import sys
import time
import urllib.request

from stage import Stage

stage = Stage("external_api_down", "external_api_down", "nginx")
(stage.home / "index.html").write_text("ok\n")
(stage.home / "nginx.conf").write_text(f"""
pid {stage.home}/nginx.pid;
error_log {stage.log} warn;
events {{ worker_connections 64; }}
http {{
  access_log {stage.log} combined;
  server {{ listen 127.0.0.1:8480; server_name shop.example;
    location / {{ proxy_pass http://127.0.0.1:8481; proxy_connect_timeout 2s; }} }}
}}
""")


def upstream() -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-m", "http.server", "8481", "--bind", "127.0.0.1",
                             "--directory", str(stage.home)], stderr=subprocess.DEVNULL)


def get(n: int) -> None:
    path = "/missing.png" if n % 20 == 0 else "/index.html"
    with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:8480{path}", timeout=3):
        pass


backend = upstream()
proxy = subprocess.Popen(["nginx", "-c", str(stage.home / "nginx.conf"), "-g", "daemon off;"])
time.sleep(1)
stage.run(40, get)
stage.fails_now()
backend.terminate()
backend.wait()
stage.run(20, get)
backend = upstream()
stage.run(35, get)
proxy.terminate()
backend.terminate()
proxy.wait()
stage.finish()
