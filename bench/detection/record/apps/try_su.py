"""Types a wrong password into su on a terminal of its own, as user www-data."""

import os
import pty
import time

pid, terminal = pty.fork()
if pid == 0:
    os.setgid(33)
    os.setuid(33)
    os.execv("/usr/bin/su", ["su", "root", "-c", "true"])
time.sleep(0.6)
os.write(terminal, b"letmein\n")
try:
    while os.read(terminal, 200):
        pass
except OSError:
    pass
os.waitpid(pid, 0)
