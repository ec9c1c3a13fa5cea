"""A scanner in an office: lays each page on the FTP server, as its maker thought of it."""

import ftplib
import io
import logging
import os
import sys
import time

logging.basicConfig(format="%(asctime)s [%(levelname)s] scans: %(message)s", datefmt="%d.%m.%Y %H:%M:%S", level=logging.INFO, stream=sys.stdout)
log = logging.getLogger("scans")
number = 0
while True:
    number += 1
    try:
        with ftplib.FTP(timeout=8) as ftp:
            ftp.connect("files.grid.example", 2121)
            ftp.login("scanner", os.environ.get("FTP_PASSWORD", "glass-plate"))
            ftp.storbinary(f"STOR page-{number % 30:03d}.pdf", io.BytesIO(os.urandom(30000)))
            if number % 10 == 0:
                log.info("%d pages stored, %d on the server", number, len(ftp.nlst()))
    except (OSError, EOFError, ftplib.Error) as error:
        log.error("page %d not stored: %s: %s", number, type(error).__name__, str(error).strip())
    time.sleep(1.5)
