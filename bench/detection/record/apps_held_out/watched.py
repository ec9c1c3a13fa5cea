"""A service that tells systemd's watchdog that it lives, until it hangs."""

import os
import socket
import time


def tell(text: str) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
        out.connect(os.environ["NOTIFY_SOCKET"].replace("@", "\0", 1))
        out.send(text.encode())


tell("READY=1")
n = 0
while True:
    n += 1
    if os.path.exists("/srv/shop/unit/hang") and n > 4:
        time.sleep(600)
    tell("WATCHDOG=1")
    print(f"turn {n}", flush=True)
    time.sleep(1)
