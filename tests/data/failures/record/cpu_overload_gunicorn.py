"""gunicorn's workers are kept busy longer than their timeout. Software: gunicorn's error log."""
import contextlib
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor

from stage import Stage

APP = '''
import time
def app(environ, start_response):
    if environ["PATH_INFO"] == "/report":
        end = time.monotonic() + 30
        while time.monotonic() < end:
            sum(range(1000))
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"ok"]
'''
stage = Stage("cpu_overload_gunicorn", "cpu_overload", "gunicorn")
(stage.home / "shop.py").write_text(APP)
server = subprocess.Popen([sys.executable, "-m", "gunicorn", "-w", "2", "-t", "4", "--graceful-timeout", "2",
                           "-b", "127.0.0.1:8471", "--access-logfile", str(stage.log),
                           "--error-logfile", str(stage.log), "shop:app"], cwd=stage.home)
time.sleep(2)


def get(path: str) -> None:
    with contextlib.suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:8471{path}", timeout=3):
        pass


stage.run(35, lambda n: get("/"))
stage.fails_now()
with ThreadPoolExecutor(6) as pool:
    end = time.monotonic() + 25
    while time.monotonic() < end:
        pool.submit(get, "/report")
        time.sleep(1)
time.sleep(6)
stage.run(25, lambda n: get("/"))
server.terminate()
server.wait()
stage.finish()
