"""Stores an upload twice a second and removes old ones; logs with the standard formatter."""

import logging
import os
import sys
import time

logging.basicConfig(
    level=logging.INFO, stream=sys.stdout, format="%(asctime)s %(levelname)-8s %(name)s %(message)s"
)
log = logging.getLogger("uploads")
began, n, kept = time.monotonic(), 0, []
leak = float(os.environ.get("LEAK_AFTER", "0"))
while True:
    n += 1
    path = f"/srv/shop/uploads/upload-{n}.bin"
    try:
        file = open(path, "wb")
        file.write(os.urandom(60_000))
        file.flush()
        if leak and time.monotonic() - began > leak:
            kept.append(file)
        else:
            file.close()
        if n > 50 and os.path.exists(f"/srv/shop/uploads/upload-{n - 50}.bin"):
            os.remove(f"/srv/shop/uploads/upload-{n - 50}.bin")
        log.info("upload %d stored", n)
        if n % 80 == 79:
            log.warning("upload %d has no file type, taken as binary", n)
    except OSError:
        log.exception("upload %d could not be stored", n)
    time.sleep(0.5)
