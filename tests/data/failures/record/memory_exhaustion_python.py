"""A Python service under a limit of its address space builds a report that is too large. Software: Python."""
import subprocess
import sys
import time

from stage import Stage

SERVICE = '''
import logging, logging.handlers, sys, time
handler = logging.handlers.WatchedFileHandler(sys.argv[1])
handler.setFormatter(logging.Formatter("%(asctime)s - %(name)s - %(levelname)s - %(message)s"))
log = logging.getLogger("reports")
log.addHandler(handler)
log.setLevel(logging.INFO)
began, kept = time.monotonic(), []
while time.monotonic() - began < 90:
    age = time.monotonic() - began
    try:
        if 40 < age < 62:
            kept.append(bytearray(25_000_000))
        elif age > 62:
            kept.clear()
        rows = [str(n) for n in range(2000)]
        log.info("report of %d rows written", len(rows))
    except MemoryError:
        log.exception("report could not be written")
    time.sleep(0.4)
'''
stage = Stage("memory_exhaustion_python", "memory_exhaustion", "Python")
script = stage.home / "reports.py"
script.write_text(SERVICE)
service = subprocess.Popen(["prlimit", "--as=400000000", sys.executable, str(script), str(stage.log)])
time.sleep(39.5)
stage.fails_now()
service.wait()
stage.finish()
